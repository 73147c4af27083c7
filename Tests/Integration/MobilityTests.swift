import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("RFC 8016: clients that move, over several workers")
    struct MobilityTests {
        /// Everything on 127.0.0.1, with clients from other addresses of the loopback, which the kernel gives to
        /// different workers.
        private static let plan = ServerPlan("relay-threads=4", "mobility", "verbose")

        private static func ticket(_ answer: IncomingMessage) throws -> Attribute {
            Attribute(.mobilityTicket, try #require(answer.value(.mobilityTicket)))
        }

        private static let wantsTicket = Attribute(.mobilityTicket, [])

        @Test(
            "an allocation follows its client over addresses, workers and transports",
            .requirement("RI-mobility-1"), .requirement("R8016-3.2.2-1"),
            .requirement("R8016-3.2.2-3"))
        func follows() async throws {
            try await TernServer.run(Self.plan) { server in
                let peer = try UDPEndpoint()
                var client = try TURNClient(server.address, from: "127.0.0.2")
                var ticket = try Self.ticket(client.allocate([Self.wantsTicket]))
                let relayed = try #require(client.relayed)
                #expect(try client.permit(peer.address) == nil)
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                // Enough addresses that not all are one worker's, and a connection between them.
                for step in 3..<15 {
                    let next =
                        step % 3 == 0
                        ? try TURNClient(over: try TCPStream(to: server.address), to: server.address)
                        : try TURNClient(server.address, from: "127.0.0.\(step)")
                    let answer = try next.request(.refresh, [ticket])
                    #expect(answer.errorCode == nil)
                    ticket = try Self.ticket(answer)
                    // The old five-tuple is good until the client uses the new one.
                    client.send([1, UInt8(step)], onChannel: 0x4000)
                    #expect(peer.receive()?.bytes == [1, UInt8(step)])
                    peer.send([2, UInt8(step)], to: relayed)
                    #expect(client.receiveData(onChannel: 0x4000) == [2, UInt8(step)])
                    next.send([3, UInt8(step)], onChannel: 0x4000)
                    let heard = try #require(peer.receive())
                    #expect(heard.bytes == [3, UInt8(step)] && heard.source == relayed)
                    peer.send([4, UInt8(step)], to: relayed)
                    #expect(next.receiveData(onChannel: 0x4000) == [4, UInt8(step)])
                    client = next
                }
                #expect(try client.refresh(0).errorCode == nil)
                #expect(try await eventually(seconds: 5) { server.output.contains("goes on at another worker") })
            }
        }

        @Test("no datagram is lost on the way to another worker", .requirement("RI-mobility-1"))
        func losesNothing() async throws {
            try await TernServer.run(Self.plan) { server in
                let peer = try UDPEndpoint()
                var client = try TURNClient(server.address, from: "127.0.0.2")
                var ticket = try Self.ticket(client.allocate([Self.wantsTicket]))
                let relayed = try #require(client.relayed)
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                // So many to one peer that there is a connection beside the relay socket, which goes along.
                for count in 0..<100 {
                    client.send([UInt8(count)], onChannel: 0x4000)
                    #expect(peer.receive()?.bytes == [UInt8(count)])
                }
                for step in 3..<12 {
                    let next = try TURNClient(server.address, from: "127.0.0.\(step)")
                    let answer = try next.request(.refresh, [ticket])
                    ticket = try Self.ticket(answer)
                    // Peers go on while the client moves: each datagram reaches one of the two five-tuples.
                    for number in 0..<40 {
                        peer.send([UInt8(step), UInt8(number)], to: relayed)
                        if number == 20 { next.send([0], onChannel: 0x4000) }
                    }
                    #expect(peer.receive()?.bytes == [0])
                    var heard: Set<UInt8> = []
                    for receiver in [client, next] {
                        while heard.count < 40,
                            let bytes = receiver.receiveData(onChannel: 0x4000, within: .milliseconds(300))
                        {
                            #expect(bytes[0] == UInt8(step))
                            heard.insert(bytes[1])
                        }
                    }
                    #expect(heard.count == 40)
                    client = next
                }
                #expect(try await eventually(seconds: 5) { server.output.contains("goes on at another worker") })
            }
        }

        @Test("the connection that was left ends, and the allocation goes on; one that ends first is come back to")
        func connectionsEnd() async throws {
            try await TernServer.run(Self.plan) { server in
                let peer = try UDPEndpoint()
                let udp = try TURNClient(server.address, from: "127.0.0.7")
                var relayed: SocketAddress?
                var ticket = Self.wantsTicket
                do {
                    let first = try TURNClient(over: try TCPStream(to: server.address), to: server.address)
                    ticket = try Self.ticket(first.allocate([Self.wantsTicket]))
                    relayed = first.relayed
                    #expect(try first.bind(0x4000, to: peer.address) == nil)
                }
                // The connection is closed: whatever worker it was, the next one finds the allocation.
                try await Task.sleep(for: .milliseconds(50))
                do {
                    let second = try TURNClient(over: try TCPStream(to: server.address), to: server.address)
                    let answer = try second.request(.refresh, [ticket])
                    #expect(answer.errorCode == nil)
                    ticket = try Self.ticket(answer)
                    #expect(try second.bind(0x4000, to: peer.address) == nil)
                    let moved = try udp.request(.refresh, [ticket])
                    #expect(moved.errorCode == nil)
                    ticket = try Self.ticket(moved)
                    udp.send([5], onChannel: 0x4000)
                    #expect(peer.receive()?.source == relayed)
                }
                try await Task.sleep(for: .milliseconds(50))
                peer.send([6], to: try #require(relayed))
                #expect(udp.receiveData(onChannel: 0x4000) == [6])
                // Once, by whoever it was given to.
                let again = try TURNClient(server.address, from: "127.0.0.8")
                #expect(try again.request(.refresh, [.lifetime(0), ticket]).errorCode == nil)
                #expect(try again.request(.refresh, [ticket]).errorCode == 437)
            }
        }

        @Test("without mobility the answer is 405", .requirement("R8016-3.1.2-2"))
        func forbidden() async throws {
            try await TernServer.run(ServerPlan("relay-threads=2")) { server in
                let client = try TURNClient(server.address)
                #expect(try client.allocateError([Self.wantsTicket]) == 405)
                #expect(try client.allocateError() == nil)
                #expect(try client.request(.refresh, [Attribute(.mobilityTicket, [1])]).errorCode == 405)
            }
        }
    }
}
