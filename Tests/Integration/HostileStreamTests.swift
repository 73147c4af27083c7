import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("TURN over TCP: clients that do not behave")
    struct HostileStreamTests {
        @Test("what is no message ends the connection, and nobody else's", .requirement("RI-stream-2"))
        func garbage() async throws {
            try await TernServer.run { server in
                let good = try server.streamClient()
                try good.allocate()
                let bad: [[UInt8]] = [
                    Array("GET / HTTP/1.1\r\n\r\n".utf8), [0xFF], [0x16, 3, 1, 2, 0], [0, 1, 0, 3],
                    // Longer than anybody without an allocation needs.
                    [0, 1, 0x80, 0], [0x40, 0, 0xFF, 0xFF],
                ]
                for bytes in bad {
                    let stream = try TCPStream(to: server.address)
                    stream.write(bytes)
                    #expect(stream.readToEnd() == [], "\(bytes)")
                }
                #expect(try good.refresh(600).errorCode == nil)
            }
        }

        @Test("STUN that cannot be read is passed over, and the stream goes on")
        func malformed() async throws {
            try await TernServer.run { server in
                let client = try server.streamClient()
                // Attributes that overrun their message, a wrong cookie, ChannelData without an allocation.
                client.stream?.write([0, 1, 0, 4, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 0, count: 12))
                client.stream?.write([0x80, 0x22, 0xFF, 0xFF])
                client.stream?.write([0, 1, 0, 0] + [UInt8](repeating: 7, count: 16))
                client.stream?.write([0x40, 0, 0, 1, 1, 0, 0, 0])
                #expect(client.ask(.binding) != nil)
                try client.allocate()
            }
        }

        @Test("random bytes on many connections never end the server")
        func fuzz() async throws {
            try await TernServer.run { server in
                var random = SeededRandom(seed: 3)
                for _ in 0..<200 {
                    let stream = try TCPStream(to: server.address)
                    var bytes = random.bytes(random.below(600) + 1)
                    bytes[0] &= 0x43
                    stream.write(bytes)
                }
                #expect(try server.streamClient().ask(.binding) != nil)
            }
        }

        @Test(
            "a connection without an allocation is closed in its time, one with an allocation is not",
            .requirement("RI-stream-11"))
        func silent() async throws {
            try await TernServer.run(ServerPlan("max-allocate-timeout=1")) { server in
                let client = try server.streamClient()
                try client.allocate()
                let silent = try TCPStream(to: server.address)
                // Asking for an address is no reason to stay, and half a message none either.
                let asking = try server.streamClient()
                #expect(asking.ask(.binding) != nil)
                asking.stream?.write([0, 1, 0])
                #expect(silent.readToEnd(within: .seconds(5)) == [])
                #expect(asking.stream?.readToEnd(within: .seconds(5)) == [])
                #expect(try client.refresh(0).errorCode == nil)
                #expect(client.stream?.readToEnd(within: .seconds(5)) == [])
            }
        }

        @Test("a client that does not read loses old data, never an answer, and slows nobody down")
        func slowReader() async throws {
            try await TernServer.run(ServerPlan("relay-threads=1")) { server in
                let slow = try server.streamClient(receiveBuffer: 4096)
                try slow.allocate()
                let relayed = try #require(slow.relayed)
                let peer = try UDPEndpoint()
                #expect(try slow.bind(0x4000, to: peer.address) == nil)
                let payload = [UInt8](repeating: 7, count: 1000)
                let quick = try server.streamClient()
                try quick.allocate()
                #expect(try quick.permit(peer.address) == nil)
                for _ in 0..<40 {
                    for _ in 0..<50 { peer.send(payload, to: relayed) }
                    quick.send([1], to: peer.address)
                    #expect(peer.receive()?.bytes == [1])
                }
                // Two megabytes wait at most in part; the answer comes among what is left, and all frames are whole.
                #expect(try slow.request(.refresh, [.lifetime(600)]).errorCode == nil)
                #expect(slow.inbox.allSatisfy { $0.count == 1004 && $0[4...].allSatisfy { $0 == 7 } })
                #expect(slow.inbox.count < 1900)
                peer.send([1, 2], to: relayed)
                var last: [UInt8]?
                while let data = slow.receive(within: .milliseconds(300)) { last = data }
                #expect(last == [0x40, 0, 0, 2, 1, 2, 0, 0])
            }
        }

        @Test("a client that asks and never reads the answers loses its connection, not its neighbours'")
        func unreadAnswers() async throws {
            try await TernServer.run { server in
                let greedy = try TCPStream(to: server.address, receiveBuffer: 4096)
                let request = OutgoingMessage.bytes(
                    MessageType(.binding, .request), TransactionID(high: 1, low: 2), [])
                let requests = Array(repeatElement(request, count: 1000).joined())
                var isOpen = true
                for _ in 0..<2000 where isOpen { isOpen = greedy.write(requests) }
                #expect(!isOpen)
                #expect(try server.streamClient().ask(.binding) != nil)
            }
        }

        @Test("thousands of small messages at once are all relayed, in order, and others are heard in between")
        func crowdOfMessages() async throws {
            try await TernServer.run { server in
                let client = try server.streamClient()
                let stream = try #require(client.stream)
                try client.allocate()
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                // Empty ones are four bytes, of which a read brings eight thousand.
                let empty = [UInt8](repeatElement([0x40, 0, 0, 0], count: 20_000).joined())
                #expect(stream.write(empty + [0x40, 0, 0, 1, 7, 0, 0, 0]))
                #expect(try server.streamClient().ask(.binding) != nil)
                var count = 0
                while let (bytes, _) = peer.receive(), bytes.isEmpty { count += 1 }
                // The peer's own queue may be too short for all of them; the last one and the order are ours.
                #expect(count > 100)
                #expect(client.ask(.binding) != nil)
            }
        }

        @Test("a thousand connections at once, each with an allocation of its own")
        func many() async throws {
            CapacityTests.raiseOpenFiles()
            try await TernServer.run { server in
                let clients = try (0..<1000).map { _ in try server.streamClient() }
                for client in clients { try client.allocate() }
                for client in clients { #expect(try client.refresh(600).errorCode == nil) }
                #expect(server.openFiles > 2000)
            }
        }

        @Test("silent connections of one source have a limit, other sources are served", .requirement("RI-stream-8"))
        func perSource() async throws {
            CapacityTests.raiseOpenFiles()
            try await TernServer.run { server in
                let established = try server.streamClient(from: "127.0.0.5")
                try established.allocate()
                var silent = try (0..<1024).map { _ in try server.streamClient(from: "127.0.0.5") }
                // Who is answered has been counted; each worker takes its own connections, in its own time.
                for client in silent { #expect(client.ask(.binding) != nil) }
                let refused = try TCPStream(to: server.address, from: "127.0.0.5")
                #expect(refused.readToEnd() == [])
                #expect(try server.streamClient(from: "127.0.0.6").ask(.binding) != nil)
                #expect(try established.refresh(600).errorCode == nil)
                silent.removeLast()
                let isServed = try await eventually(seconds: 5) {
                    (try? server.streamClient(from: "127.0.0.5"))?.ask(.binding) != nil
                }
                #expect(isServed)
            }
        }
    }
}
