import LinuxSockets
import NetworkPrimitives

/// A TCP connection of the generator, begun and not waited for.
///
/// A class, because an array has to hold many of them.
final class Stream {
    private let connection: TCPConnection

    init(to server: SocketAddress, from source: IPv4Address) throws(SystemError) {
        connection = try TCPConnection.connect(to: server, from: .v4(source))
    }

    var raw: CInt { connection.raw }

    func read(into room: inout MutableRawSpan) -> ReadResult { connection.read(into: &room) }

    /// Whether the kernel took all of it. A generator whose messages are small and answered has no need of a queue;
    /// where that does not hold, the run says so.
    func write(_ bytes: [UInt8]) -> Bool { unsafe connection.write(bytes.span.bytes) == .wrote(bytes.count) }
}
