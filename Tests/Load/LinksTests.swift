import LinuxSockets
import NetworkPrimitives
import Testing

@testable import tern_bench

/// Connections of the generator's clients, against a listener of the test's own.
///
/// A class, because connections have one owner.
@Suite("Links of tern-bench")
final class LinksTests {
    private let listener: TCPListener
    private let links: Links
    private let number: Int32
    private let server: TCPConnection

    init() throws {
        listener = try TCPListener(binding: SocketAddress(ip: .v4(.loopback), port: 0))
        links = try #require(Links(Options.parse(["channel", "--transport", "tcp"]).get()))
        number = try links.open(from: .loopback, to: listener.localAddress)
        guard case .connection(let accepted) = listener.accept() else { throw NobodyCame() }
        server = accepted.take()
    }

    private struct NobodyCame: Error {}

    /// ChannelData with three bytes and one of padding, and a Binding request without attributes.
    private static let channelData: [UInt8] = [0x40, 0x00, 0x00, 0x03, 1, 2, 3, 0]
    private static let binding: [UInt8] =
        [0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xA4, 0x42] + Array(repeating: 7, count: 12)

    private func send(_ bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        #expect(bytes.withRawSpan { server.write($0) } == .wrote(bytes.count))
    }

    private func receive() -> [[UInt8]] {
        var messages: [[UInt8]] = []
        _ = links.receive(from: number) { messages.append(Array($0)) }
        return messages
    }

    @Test("messages are cut wherever the stream is", arguments: 1..<28)
    func cutting(at place: Int) {
        let bytes = Self.channelData + Self.binding
        send(bytes[..<place])
        var messages = receive()
        send(bytes[place...])
        messages += receive()
        #expect(messages == [Self.channelData, Self.binding])
        #expect(!links.hasEnded(number))
    }

    @Test("what is put leaves together, with the next flush")
    func gathering() throws {
        for _ in 0..<2 {
            let result = Self.channelData.withUnsafeBytes { bytes in
                bytes.baseAddress.map { links.put($0, count: 8, segment: 8, on: number) }
            }
            #expect(result == 0)
        }
        var room = [UInt8](repeating: 0, count: 64)
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        #expect(server.read(into: &bytes) == .wouldBlock)
        #expect(links.flush() == 0)
        #expect(server.read(into: &bytes) == .bytes(16))
    }

    @Test("what is no message ends the link, and its descriptor is closed")
    func strangers() {
        send([0xFF, 0xFF, 0xFF, 0xFF])
        #expect(receive().isEmpty)
        #expect(links.hasEnded(number))
        #expect(links.raw(number) == -1)
        #expect(links.failure(number)?.errno == 71)
    }

    @Test("the end that the server makes is no failure, and the number is given again")
    func ending() throws {
        try server.shutdownWrites()
        #expect(receive().isEmpty)
        #expect(links.hasEnded(number))
        #expect(links.failure(number) == nil)
        links.close(number)
        #expect(try links.open(from: .loopback, to: listener.localAddress) == number)
        #expect(!links.hasEnded(number))
    }
}
