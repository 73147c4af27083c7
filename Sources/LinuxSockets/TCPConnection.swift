import CLinux
import Glibc
package import NetworkPrimitives

/// What `TCPConnection.read` gives.
package enum ReadResult: Equatable, Sendable {
    /// At least one.
    case bytes(Int)
    /// Nothing has come; wait until the poller says readable.
    case wouldBlock
    /// The peer sends no more, but may still read (half close).
    case endOfStream
    /// The connection is gone.
    case failed(SystemError)
}

/// What `TCPConnection.write` gives.
package enum WriteResult: Equatable, Sendable {
    /// So many bytes from the start are the kernel's; often fewer than there were.
    case wrote(Int)
    /// Not one byte fits; wait until the poller says writable.
    case wouldBlock
    /// The connection is gone.
    case failed(SystemError)
}

/// A TCP connection: a descriptor and nothing else, four bytes, so that ten thousand of them cost nothing here. The end
/// of the owner closes it. It lives in a noncopyable struct of the caller, for example the element of a `Slab`.
///
/// The poller reports an error on a connection that was reset, and when both directions are closed, whatever the
/// interest is: then read to learn which, and close.
package struct TCPConnection: ~Copyable, Sendable {
    /// Arrays that one `write(gathering:)` looks at.
    package static let piecesMax = Int(TERN_PIECES_MAX)

    private let descriptor: FileDescriptor

    /// Begins to connect, without waiting: the poller says writable when there is a connection, and writable with an
    /// error when there is none, which the first read or write then names. `source` is the address of ours to call
    /// from.
    package static func connect(
        to remote: SocketAddress, from source: IPAddress? = nil
    ) throws(SystemError) -> TCPConnection {
        try begin(to: remote, from: tern_address(source))
    }

    /// The same from the address and port of a listener that lends them.
    package static func connect(
        to remote: SocketAddress, lentBy listener: SocketAddress
    ) throws(SystemError) -> TCPConnection {
        try begin(to: remote, from: tern_address(listener))
    }

    private static func begin(
        to remote: SocketAddress, from source: tern_address
    ) throws(SystemError) -> TCPConnection {
        var failure = unsafe tern_failure()
        var name = tern_address(remote)
        var local = source
        let raw = unsafe tern_tcp_connect(&name, &local, &failure)
        guard raw >= 0 else {
            let operation = unsafe failure.operation.map { unsafe String(cString: $0) } ?? "connect"
            throw unsafe SystemError(operation: operation, errno: failure.error)
        }
        return TCPConnection(adopting: FileDescriptor(adopting: raw))
    }

    init(adopting descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// The descriptor's number, to be used only while the connection lives.
    package var raw: CInt { descriptor.raw }

    /// Whether connecting has succeeded, once the poller says writable; the error is told once.
    package func finishConnecting() throws(SystemError) {
        try SystemError.check("connect", tern_tcp_connect_result(raw))
    }

    /// Lets what is sent wait as long as the other end says that it is there and does not read. Otherwise the limit on
    /// what is not acknowledged would end a connection whose reader takes its time.
    package func waitForReader() throws(SystemError) {
        try SystemError.check("setsockopt(TCP_USER_TIMEOUT)", tern_tcp_wait_for_reader(raw))
    }

    /// Reads what has come, at most as much as there is room, which must not be empty.
    package func read(into room: inout MutableRawSpan) -> ReadResult {
        precondition(room.byteCount > 0, "a read without room could not be told from the end of the stream")
        let count = unsafe room.withUnsafeMutableBytes { buffer -> Int64 in
            guard let start = buffer.baseAddress else { return 0 }
            return unsafe tern_tcp_read(raw, start, buffer.count)
        }
        switch count {
        case 0: return .endOfStream
        case 1...: return .bytes(Int(count))
        case Int64(-EAGAIN): return .wouldBlock
        default: return .failed(SystemError(operation: "recv", errno: Int32(-count)))
        }
    }

    /// Writes as much as the kernel takes.
    package func write(_ bytes: RawSpan) -> WriteResult {
        let count = unsafe bytes.withUnsafeBytes { buffer -> Int64 in
            var piece = unsafe tern_piece(start: buffer.baseAddress, count: buffer.count)
            return unsafe tern_tcp_write(raw, &piece, 1)
        }
        return Self.writeResult(count)
    }

    /// Writes several arrays in order by one system call, as much as the kernel takes. Of more than `piecesMax` the
    /// first ones are written. Allocates nothing.
    package func write(gathering pieces: [ArraySlice<UInt8>]) -> WriteResult {
        write(gathering: pieces.count) { pieces[$0] }
    }

    /// The same for pieces that lie in no array; `piece` is asked once for each index, in order.
    package func write(gathering count: Int, _ piece: (Int) -> ArraySlice<UInt8>) -> WriteResult {
        let count = min(count, Self.piecesMax)
        let written = unsafe withUnsafeTemporaryAllocation(of: tern_piece.self, capacity: max(count, 1)) { parts in
            unsafe gather(piece, from: 0, to: count, into: parts)
        }
        return Self.writeResult(written)
    }

    /// Ends our direction behind what was written; the peer reads the end of the stream. The other one stays open.
    package func shutdownWrites() throws(SystemError) {
        try SystemError.check("shutdown", tern_tcp_shutdown_writes(raw))
    }

    /// Closes the connection by a reset. What the kernel has not sent is thrown away, and with it the memory that a
    /// peer who does not read would hold on to for minutes.
    package consuming func reset() { _ = tern_tcp_reset_on_close(raw) }

    /// Bytes in the kernel that the peer has not acknowledged; nil when the kernel does not say.
    package var unsentByteCount: Int? {
        let count = tern_tcp_unsent(raw)
        return count >= 0 ? Int(count) : nil
    }

    /// An array's bytes stay where they are only within the closure that lends them, so the closures nest, and the
    /// innermost one writes.
    private func gather(
        _ piece: (Int) -> ArraySlice<UInt8>, from index: Int, to end: Int,
        into parts: UnsafeMutableBufferPointer<tern_piece>
    ) -> Int64 {
        guard index < end else {
            guard let start = parts.baseAddress else { return 0 }
            return unsafe tern_tcp_write(raw, start, end)
        }
        return unsafe piece(index).withUnsafeBytes { buffer in
            unsafe parts[index] = tern_piece(start: buffer.baseAddress, count: buffer.count)
            return unsafe gather(piece, from: index + 1, to: end, into: parts)
        }
    }

    private static func writeResult(_ count: Int64) -> WriteResult {
        switch count {
        case 0...: .wrote(Int(count))
        case Int64(-EAGAIN): .wouldBlock
        default: .failed(SystemError(operation: "sendmsg", errno: Int32(-count)))
        }
    }
}
