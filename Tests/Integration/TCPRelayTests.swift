import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("RFC 6062: TCP allocations")
    struct TCPRelayTests {
        /// Several workers, so that a ConnectionBind comes to another one than its Connect in half of the cases.
        static let plan = ServerPlan("relay-threads=2")

        @Test(
            "what either side says after ConnectionBind reaches the other as it is, and so does the end of it",
            .requirement("R6062-5.4-6"), arguments: ["127.0.0.1", "::1"])
        func relays(ip: String) async throws {
            try await TernServer.run(FamilyTests.dualStack) { server in
                let address = SocketAddress(ip: try .parsed(ip), port: server.address.port)
                let control = try TURNClient(over: try TCPStream(to: address), to: address)
                try control.allocateTCP([.family(address.family)])
                let listener = try TCPPeerListener(ip)
                let (data, peer) = try control.splice(with: listener)
                let up = RelayTests.payload(300_000)
                let down = RelayTests.payload(200_001)
                #expect(data.write(Array(up.prefix(150_000))))
                #expect(peer.read(150_000) == Array(up.prefix(150_000)))
                #expect(peer.write(Array(down.prefix(100_000))))
                #expect(data.read(100_000) == Array(down.prefix(100_000)))
                #expect(data.write(Array(up.dropFirst(150_000))))
                data.endWrites()
                // The client has said all, and the peer has not.
                #expect(peer.readToEnd() == Array(up.dropFirst(150_000)))
                #expect(peer.write(Array(down.dropFirst(100_000))))
                peer.endWrites()
                #expect(data.readToEnd() == Array(down.dropFirst(100_000)))
                #expect(try control.refresh(600).errorCode == nil)
            }
        }

        @Test("ConnectionBind may come to any worker", .requirement("RI-tcp-5"))
        func workers() async throws {
            try await TernServer.run(Self.plan) { server in
                let control = try server.streamClient()
                try control.allocateTCP()
                var pairs: [(TCPStream, TCPStream)] = []
                for _ in 0..<20 { pairs.append(try control.splice(with: try TCPPeerListener())) }
                for (index, (data, peer)) in pairs.enumerated() {
                    #expect(data.write([UInt8(index), 1]))
                    #expect(peer.read(2) == [UInt8(index), 1])
                    #expect(peer.write([UInt8(index), 2]))
                    #expect(data.read(2) == [UInt8(index), 2])
                }
            }
        }

        @Test(
            "what comes behind a ConnectionBind in one segment is the peer's, and what the peer sent before it waits",
            .requirement("R6062-5.4-7"))
        func early() async throws {
            try await TernServer.run(Self.plan) { server in
                let control = try server.streamClient()
                try control.allocateTCP()
                for number in 0..<8 {
                    let listener = try TCPPeerListener()
                    let id = try control.connect(to: listener.address)
                    let peer = try listener.accept()
                    #expect(peer.write("before"))
                    let client = try server.streamClient()
                    client.learnChallenge()
                    let behind = RelayTests.payload(number * 9_000)
                    client.stream?.write(client.signed(.connectionBind, [.connection(id)]) + behind)
                    let answer = client.stream?.readMessage().flatMap { IncomingMessage($0) }
                    #expect(answer?.type == MessageType(.connectionBind, .success))
                    #expect(client.stream?.read(6) == Array("before".utf8))
                    #expect(peer.read(behind.count) == behind)
                }
            }
        }

        @Test("a peer that connects is told of, and others are not let in", .requirement("R6062-5.3-4"))
        func inbound() async throws {
            try await TernServer.run(Self.plan) { server in
                let control = try server.streamClient()
                try control.allocateTCP()
                let relayed = try #require(control.relayed)
                let stranger = try TCPStream(to: relayed, from: "127.0.0.9")
                #expect(stranger.readToEnd() == [])
                #expect(try control.permit(SocketAddress(ip: try .parsed("127.0.0.8"), port: 0)) == nil)
                let peer = try TCPStream(to: relayed, from: "127.0.0.8")
                let attempt = try #require(control.receive().flatMap { IncomingMessage($0) })
                #expect(attempt.type == MessageType(.connectionAttempt, .indication))
                #expect(attempt.address(.xorPeerAddress)?.ip == (try .parsed("127.0.0.8")))
                #expect(peer.write("hello"))
                let id = try #require(attempt.value(.connectionID))
                let data = try server.streamClient()
                #expect(try data.request(.connectionBind, [.connection(id)]).errorCode == nil)
                #expect(data.stream?.read(5) == Array("hello".utf8))
                #expect(data.stream?.write("there") == true)
                #expect(peer.read(5) == Array("there".utf8))
            }
        }

        @Test("nobody but the owner binds a connection, and nothing that is unknown is bound", .requirement("RI-tcp-6"))
        func owners() async throws {
            var plan = Self.plan
            plan.access.append("user=bob:secret")
            try await TernServer.run(plan) { server in
                let control = try server.streamClient()
                try control.allocateTCP()
                let listener = try TCPPeerListener()
                let id = try control.connect(to: listener.address)
                // Enough of them to come to either worker.
                for _ in 0..<6 {
                    let thief = try server.streamClient()
                    thief.become("bob")
                    #expect(try thief.request(.connectionBind, [.connection(id)]).errorCode == 441)
                    let guess = id.reversed().map { $0 ^ 0x55 }
                    #expect(try thief.request(.connectionBind, [.connection(guess)]).errorCode == 400)
                    // The connection is of use all the same.
                    #expect(try thief.request(.refresh).errorCode == 437)
                }
                let data = try server.streamClient()
                #expect(try data.request(.connectionBind, [.connection(id)]).errorCode == nil)
                let second = try server.streamClient()
                #expect(try second.request(.connectionBind, [.connection(id)]).errorCode == 400)
            }
        }

        @Test("a peer that refuses gets 447, one that the operator refuses 403, a known one 446")
        func refusals() async throws {
            try await TernServer.run(ServerPlan("denied-peer-ip=127.0.0.66")) { server in
                let control = try server.streamClient()
                try control.allocateTCP()
                let gone = try TCPPeerListener().address
                #expect(try control.request(.connect, [.peer(gone)]).errorCode == 447)
                let denied = SocketAddress(ip: try .parsed("127.0.0.66"), port: 80)
                #expect(try control.request(.connect, [.peer(denied)]).errorCode == 403)
                #expect(try control.request(.connect, [.peer(server.address)]).errorCode == 403)
                let listener = try TCPPeerListener()
                #expect(try control.request(.connect, [.peer(listener.address)]).errorCode == nil)
                #expect(try control.request(.connect, [.peer(listener.address)]).errorCode == 446)
            }
        }

        @Test("Connect calls from the relayed address, port included", .requirement("R6062-5.2-9"))
        func source() async throws {
            try await TernServer.run { server in
                let control = try server.streamClient()
                try control.allocateTCP()
                for _ in 0..<3 {
                    let listener = try TCPPeerListener()
                    _ = try control.connect(to: listener.address)
                    #expect(try listener.acceptWithSource().source == control.relayed)
                }
            }
        }

        @Test("who does not read is waited for, and takes no memory of the server", .requirement("RI-tcp-7"))
        func backpressure() async throws {
            try await TernServer.run(Self.plan) { server in
                let control = try server.streamClient()
                try control.allocateTCP()
                let listener = try TCPPeerListener()
                let (data, peer) = try control.splice(with: listener)
                let before = server.residentKiB
                var sent = 0
                let block = RelayTests.payload(65_536)
                // Whole blocks until nothing more is taken; what was taken of the last one is not known.
                var taken = true
                while taken, sent < 64 << 20 {
                    taken = data.write(block)
                    if taken { sent += block.count }
                }
                #expect(!taken, "64 MB were taken although nobody reads")
                #expect(server.residentKiB - before < 8192)
                // The other direction goes on meanwhile, and so do other connections.
                #expect(peer.write("still here"))
                #expect(data.read(10) == Array("still here".utf8))
                #expect(try control.refresh(600).errorCode == nil)
                for _ in 0..<sent / block.count { #expect(peer.read(block.count) == block) }
            }
        }

        @Test(
            "the end of the allocation, of the client or of the peer ends what belongs to it",
            .requirement("R6062-5.5-2")
        )
        func ends() async throws {
            try await TernServer.run(Self.plan) { server in
                let files = server.openFiles
                for end in 0..<4 {
                    let control = try server.streamClient()
                    try control.allocateTCP()
                    let listener = try TCPPeerListener()
                    var (data, peer): (TCPStream?, TCPStream?) = try control.splice(with: listener)
                    let waiting = try TCPPeerListener()
                    _ = try control.connect(to: waiting.address)
                    let unbound = try waiting.accept()
                    switch end {
                    case 0: #expect(try control.refresh(0).errorCode == nil)
                    case 1: control.closeStream()
                    case 2:
                        // A reset, so that it is no half close.
                        data?.resetOnClose()
                        data = nil
                    default:
                        peer?.resetOnClose()
                        peer = nil
                    }
                    if let data { #expect(data.readToEnd() != nil) }
                    if let peer { #expect(peer.readToEnd() != nil) }
                    if end < 2 {
                        #expect(unbound.readToEnd() == [])
                    } else {
                        #expect(try control.refresh(0).errorCode == nil)
                    }
                }
                #expect(try await eventually(seconds: 5) { server.openFiles <= files })
            }
        }

        @Test("a server without TCP relays says so, one without UDP relays has the others")
        func switches() async throws {
            try await TernServer.run(ServerPlan("no-tcp-relay")) { server in
                let client = try server.streamClient()
                #expect(try client.request(.allocate, [.tcpTransport]).errorCode == 442)
                #expect(try client.allocateError() == nil)
            }
            try await TernServer.run(ServerPlan("no-udp-relay")) { server in
                let client = try server.streamClient()
                #expect(try client.allocateError() == 442)
                try client.allocateTCP()
            }
        }

        @Test("max-bps holds for streams, which are slowed down and lose nothing")
        func bandwidth() async throws {
            try await TernServer.run(ServerPlan("max-bps=200000")) { server in
                let control = try server.streamClient()
                try control.allocateTCP()
                let (data, peer) = try control.splice(with: try TCPPeerListener())
                let payload = RelayTests.payload(400_000)
                let start = ContinuousClock.now
                data.write(payload)
                #expect(peer.read(payload.count, within: .seconds(10)) == payload)
                // What comes beyond the burst takes its time.
                #expect(ContinuousClock.now - start > .milliseconds(300))
            }
        }
    }
}
