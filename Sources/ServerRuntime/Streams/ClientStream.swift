import Glibc
import LinuxSockets
import NetworkPrimitives
import ProxyProtocol
import TLS

/// What reading a client's connection brought.
enum StreamRead: Equatable {
    /// So many bytes of what the client means to say, perhaps none. While there is `more`, the connection is to be read
    /// again before any other: what it has sent lies in the workspace.
    case bytes(Int, more: Bool)
    /// The client sends no more, but may still read.
    case endOfStream
    /// The connection is gone, or what came is not to be read.
    case failed
}

/// What a proxy said about a connection.
enum ProxyHeaderRead: Equatable {
    case incomplete
    case client(SocketAddress, server: SocketAddress)
    /// The addresses are those of the connection.
    case local
    case malformed
    /// The connection ended before.
    case ended
}

/// A client's connection, plain or under TLS, and nobody above needs to know which.
///
/// The first byte that comes tells: 22 begins the handshake of TLS (RFC 8446 §5.1), and nothing else that is spoken
/// here (RFC 7983 §7; a method of HTTP is letters).
struct ClientStream: ~Copyable, Sendable {
    private static let handshakeRecord: UInt8 = 22

    /// The layers of the connection.
    enum Protection {
        /// Nothing has come yet.
        case undecided
        case plain
        /// The handshake goes on.
        case greeting
        case encrypted
    }

    /// What the session still has of what has come.
    private enum Rest {
        case none
        /// Plain text, for which there was no room.
        case plaintext
        /// The end, behind the plain text that was read last.
        case end, failure
    }

    /// Answers of TLS itself that wait; a client that makes more of them does not read.
    private static let unsentByteCountMax = 131_072

    private let socket: TCPConnection
    private(set) var protection = Protection.undecided
    private var session: TLSSession?
    /// Encrypted, and not yet the kernel's. What the caller writes is not encrypted meanwhile.
    private var unsent: [UInt8] = []
    private var rest = Rest.none

    init(_ socket: consuming TCPConnection) { self.socket = socket }

    /// The descriptor's number, to be used only while the connection lives.
    var raw: CInt { socket.raw }

    /// Something waits that has nothing to do with what the caller writes: the poller has to look for room.
    var hasUnsent: Bool { !unsent.isEmpty }

    /// What was agreed on by ALPN (RFC 7301).
    private(set) var applicationProtocol: String?

    /// See `TCPConnection.waitForReader`.
    func waitForReader() throws(SystemError) { try socket.waitForReader() }

    // MARK: - Reading

    /// Reads what a proxy says before its client says anything, as far as it has come. `held` keeps the pieces.
    func readProxyHeader(into held: inout [UInt8], _ workspace: inout TLSWorkspace) -> ProxyHeaderRead {
        precondition(protection == .undecided, "a proxy speaks first")
        guard workspace.fill(from: socket) != nil else {
            if case .bytes = workspace.outcome { return .incomplete }
            return .ended
        }
        let before = held.count
        return workspace.use { come in
            held += come.extracting(first: ProxyHeader.byteCountMax).array()
            switch ProxyHeader.read(unsafe held.span.bytes) {
            case .incomplete: return (.incomplete, come.byteCount)
            case .header(let source, let destination, let byteCount):
                return (.client(source, server: destination), byteCount - before)
            case .local(let byteCount): return (.local, byteCount - before)
            case .malformed: return (.malformed, come.byteCount)
            }
        }
    }

    /// Reads once, at most as much as there is room for and the workspace allows. Without a `context` TLS is not
    /// served, and who begins with it has ended.
    mutating func read(
        into room: inout MutableRawSpan, _ workspace: inout TLSWorkspace, _ context: TLSContext?
    ) -> StreamRead {
        switch protection {
        case .plain:
            guard workspace.isEmpty else { return take(&workspace, into: &room) }
            return readPlain(into: &room)
        case .undecided:
            // Behind the header of a proxy the first byte may have come already.
            guard let first = workspace.first ?? workspace.fill(from: socket) else { return workspace.outcome }
            guard first == Self.handshakeRecord else {
                protection = .plain
                return take(&workspace, into: &room)
            }
            guard let context, let session = TLSSession(context) else { return .failed }
            self.session = consume session
            protection = .greeting
        case .greeting, .encrypted:
            if rest == .end { return .endOfStream }
            if rest == .failure { return .failed }
            if rest == .none, workspace.isEmpty, workspace.fill(from: socket) == nil { return workspace.outcome }
        }
        rest = .none
        return decrypt(into: &room, &workspace)
    }

    private func take(_ workspace: inout TLSWorkspace, into room: inout MutableRawSpan) -> StreamRead {
        .bytes(workspace.take(into: &room), more: !workspace.isEmpty)
    }

    private func readPlain(into room: inout MutableRawSpan) -> StreamRead {
        var free = room._mutatingExtracting(0..<min(room.byteCount, TLSWorkspace.readByteCount))
        switch socket.read(into: &free) {
        case .bytes(let count): return .bytes(count, more: false)
        case .wouldBlock: return .bytes(0, more: false)
        case .endOfStream: return .endOfStream
        case .failed: return .failed
        }
    }

    private mutating func decrypt(into room: inout MutableRawSpan, _ workspace: inout TLSWorkspace) -> StreamRead {
        while true {
            guard let receipt = session?.receive(from: &workspace, plaintext: &room) else {
                preconditionFailure("there is a session")
            }
            if protection == .greeting, !workspace.outbox.isEmpty { workspace.flights += 1 }
            guard writeOutbox(&workspace) else { return .failed }
            if protection == .greeting, let agreement = session?.agreement {
                protection = .encrypted
                applicationProtocol = agreement.applicationProtocol
            }
            switch receipt.progress {
            case .needsInput: return .bytes(receipt.plaintextByteCount, more: false)
            case .outboxFull where receipt.plaintextByteCount == 0: continue
            case .hasMore, .outboxFull: rest = .plaintext
            case .closed: rest = .end
            case .failed: rest = .failure
            }
            if receipt.plaintextByteCount == 0, rest == .end { return .endOfStream }
            if receipt.plaintextByteCount == 0, rest == .failure { return .failed }
            return .bytes(receipt.plaintextByteCount, more: true)
        }
    }

    // MARK: - Writing

    /// Takes as many bytes as have room, in the kernel or, once encrypted, here: then `hasUnsent`.
    ///
    /// Under TLS each piece that ends at one of `ends` becomes a record of its own: there are clients, coturn's among
    /// them, that take a record for a message and lose what comes behind the first one.
    mutating func write(_ bytes: RawSpan, ends: [Int], _ workspace: inout TLSWorkspace) -> WriteResult {
        guard isEncrypted else { return socket.write(bytes) }
        if let obstacle = obstacle() { return obstacle }
        var taken = 0
        for end in ends {
            taken += encrypt(bytes.extracting(taken..<end), &workspace)
            guard taken == end else { break }
        }
        return finish(taken, of: bytes.byteCount, &workspace)
    }

    /// The same for several arrays in order, with records that do not matter.
    mutating func write(gathering pieces: [ArraySlice<UInt8>], _ workspace: inout TLSWorkspace) -> WriteResult {
        guard isEncrypted else { return socket.write(gathering: pieces) }
        if let obstacle = obstacle() { return obstacle }
        var taken = 0
        var offered = 0
        for piece in pieces {
            offered += piece.count
            taken += unsafe encrypt(piece.span.bytes, &workspace)
            guard taken == offered else { break }
        }
        return finish(taken, of: offered, &workspace)
    }

    /// Whether what is written becomes records of TLS.
    var isEncrypted: Bool { protection == .encrypted || protection == .greeting }

    /// Nothing new is encrypted while something encrypted waits.
    private mutating func obstacle() -> WriteResult? {
        switch flush() {
        case .wrote: nil
        case .wouldBlock: .wouldBlock
        case .failed(let error): .failed(error)
        }
    }

    /// Puts as much into the outbox as there is room for, here and in the kernel.
    private mutating func encrypt(_ bytes: RawSpan, _ workspace: inout TLSWorkspace) -> Int {
        var taken = 0
        while taken < bytes.byteCount {
            taken += session?.send(bytes.extracting(taken..<bytes.byteCount), outbox: &workspace.outbox) ?? 0
            guard taken < bytes.byteCount else { break }
            // The outbox is full, or nothing may be said yet.
            guard !workspace.outbox.isEmpty, writeOutbox(&workspace), unsent.isEmpty else { break }
        }
        return taken
    }

    private mutating func finish(_ taken: Int, of offered: Int, _ workspace: inout TLSWorkspace) -> WriteResult {
        // Of a connection that is gone, the next read tells.
        _ = writeOutbox(&workspace)
        guard taken == 0, offered > 0 else { return .wrote(taken) }
        // A session that takes nothing although nothing waits says no more, or not yet: there is no room to wait for,
        // and a poller that looks for it would find it at once, again and again.
        return hasUnsent ? .wouldBlock : .failed(SystemError(operation: "TLS", errno: EPIPE))
    }

    /// Gives the kernel what is encrypted already; `.wrote` when nothing is left of it.
    mutating func flush() -> WriteResult {
        guard !unsent.isEmpty else { return .wrote(0) }
        switch socket.write(unsafe unsent.span.bytes) {
        case .wrote(let count):
            unsent = Array(unsent.dropFirst(count))
            return unsent.isEmpty ? .wrote(0) : .wouldBlock
        case .wouldBlock: return .wouldBlock
        case .failed(let error): return .failed(error)
        }
    }

    /// Ends our direction; the other one stays open.
    mutating func shutdownWrites(_ workspace: inout TLSWorkspace) {
        session?.close(outbox: &workspace.outbox)
        // Who does not read gets no farewell; the connection is closed soon in any case.
        _ = writeOutbox(&workspace)
        try? socket.shutdownWrites()
    }

    /// Says the last word of TLS, so that the client knows that nothing was cut off (RFC 8446 §6.1).
    mutating func close(_ workspace: inout TLSWorkspace) {
        guard session != nil, unsent.isEmpty else { return }
        session?.close(outbox: &workspace.outbox)
        _ = writeOutbox(&workspace)
    }

    /// Hands what was encrypted to the kernel, and keeps what it does not take. False when the connection is gone.
    private mutating func writeOutbox(_ workspace: inout TLSWorkspace) -> Bool {
        guard !workspace.outbox.isEmpty else { return true }
        var written = 0
        var isOpen = true
        if unsent.isEmpty {
            switch socket.write(workspace.outbox.bytes) {
            case .wrote(let count): written = count
            case .wouldBlock: break
            case .failed: isOpen = false
            }
        }
        if isOpen, written < workspace.outbox.byteCount {
            unsent += workspace.outbox.bytes.extracting(written..<workspace.outbox.byteCount).array()
        }
        workspace.outbox.removeAll()
        return isOpen && unsent.count <= Self.unsentByteCountMax
    }
}
