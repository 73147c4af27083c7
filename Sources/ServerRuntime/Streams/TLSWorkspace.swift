import LinuxSockets
import NetworkPrimitives
import TLS

/// Memory that a thread lends to one connection after the other: what came and is not decrypted yet, and what is
/// encrypted and not sent yet. Between two turns it is empty.
struct TLSWorkspace: ~Copyable {
    /// Bytes read from one connection before the others get their turn.
    static let readByteCount = 32_768
    /// What is encrypted at once: three full records and what TLS adds to them.
    private static let outboxByteCount = 65_536

    private var storage = [UInt8](repeating: 0, count: TLSWorkspace.readByteCount)
    private var start = 0
    private var end = 0
    /// How the last `fill` went that brought nothing.
    private(set) var outcome = StreamRead.bytes(0, more: false)
    var outbox = TLSOutbox(byteCountMax: TLSWorkspace.outboxByteCount)
    /// Flights of handshakes that were answered since somebody has set this to zero.
    var flights = 0

    var isEmpty: Bool { start == end }

    /// Lets a session use what has come.
    fileprivate mutating func decrypt(_ session: inout TLSSession, into plaintext: inout MutableRawSpan) -> TLSReceipt {
        let receipt = Self.decrypt(storage, start..<end, by: &session, into: &plaintext, &outbox)
        start += receipt.takenByteCount
        return receipt
    }

    // The memory and the outbox are parts of one value, and each is named by itself here.
    private static func decrypt(
        _ storage: borrowing [UInt8], _ range: Range<Int>, by session: inout TLSSession,
        into plaintext: inout MutableRawSpan, _ outbox: inout TLSOutbox
    ) -> TLSReceipt {
        session.receive(unsafe storage.span.bytes.extracting(range), plaintext: &plaintext, outbox: &outbox)
    }

    /// Forgets what a connection has left that is not read on.
    mutating func removeAll() { (start, end) = (0, 0) }

    /// Reads once; the first byte, nil when nothing came.
    mutating func fill(from socket: borrowing TCPConnection) -> UInt8? {
        precondition(isEmpty, "a connection is read to the end of what it sent before the next one")
        removeAll()
        var span = storage.mutableSpan
        var room = unsafe span.mutableBytes
        switch socket.read(into: &room) {
        case .bytes(let count):
            end = count
            return storage[0]
        case .wouldBlock: outcome = .bytes(0, more: false)
        case .endOfStream: outcome = .endOfStream
        case .failed: outcome = .failed
        }
        return nil
    }

    /// Of what has come and is not used yet.
    var first: UInt8? { isEmpty ? nil : storage[start] }

    /// Shows what has come and is not used yet, of which the result says how much is used then.
    mutating func use<Result>(_ body: (RawSpan) -> (Result, byteCount: Int)) -> Result {
        let (result, count) = body(unsafe storage.span.bytes.extracting(start..<end))
        start += count
        return result
    }

    mutating func take(into room: inout MutableRawSpan) -> Int {
        let count = min(room.byteCount, end - start)
        room.store(unsafe storage.span.bytes.extracting(start..<start + count), at: 0)
        start += count
        return count
    }
}

extension TLSSession {
    /// Takes what came for it, and writes what that says.
    mutating func receive(from workspace: inout TLSWorkspace, plaintext: inout MutableRawSpan) -> TLSReceipt {
        workspace.decrypt(&self, into: &plaintext)
    }
}
