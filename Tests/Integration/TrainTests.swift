import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    /// Datagrams that were sent together reach the server together. Nobody at the other end must notice.
    @Suite("Trains of datagrams are relayed one by one")
    struct TrainTests {
        @Test(
            "by channel, both ways",
            arguments: [("127.0.0.1", AddressFamily.ipv4), ("127.0.0.1", .ipv6), ("::1", .ipv6)],
            [(count: 8, size: 1200, last: 1200), (64, 100, 7), (2, 1, 1), (40, 1201, 1199), (54, 1172, 1)])
        func channel(
            between ends: (client: String, relay: AddressFamily), shape: (count: Int, size: Int, last: Int)
        ) async throws {
            try await TernServer.run(FamilyTests.dualStack) { server in
                let client = try TURNClient(SocketAddress(ip: try .parsed(ends.client), port: server.address.port))
                try client.allocate([.family(ends.relay)])
                let peer = try UDPEndpoint(ends.relay == .ipv4 ? "127.0.0.1" : "::1")
                let relayed = try #require(client.relayed)
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                let payloads = Self.payloads(shape.count, of: shape.size, last: shape.last)
                let train = payloads.flatMap { OutgoingMessage.channelData(0x4000, $0) }
                #expect(client.socket.sendTrain(train, of: shape.size + 4, to: client.server))
                for payload in payloads { #expect(peer.receive()?.bytes == payload) }
                #expect(peer.sendTrain(payloads.flatMap { $0 }, of: shape.size, to: relayed))
                for payload in payloads { #expect(client.receiveData(onChannel: 0x4000) == payload) }
            }
        }

        @Test(
            "by indications, both ways, with padding", arguments: [AddressFamily.ipv4, .ipv6],
            [(count: 8, size: 1200, last: 1200), (50, 101, 99), (2, 1, 1), (40, 1203, 2), (10, 1198, 1198)])
        func indications(relay: AddressFamily, shape: (count: Int, size: Int, last: Int)) async throws {
            try await TernServer.run(FamilyTests.dualStack) { server in
                let client = try server.allocatedClient([.family(relay)])
                let peer = try UDPEndpoint(relay == .ipv4 ? "127.0.0.1" : "::1")
                let relayed = try #require(client.relayed)
                #expect(try client.permit(peer.address) == nil)
                let payloads = Self.payloads(shape.count, of: shape.size, last: shape.last)
                let messages = payloads.enumerated().map { number, payload in
                    OutgoingMessage.bytes(
                        MessageType(.send, .indication), TransactionID(high: 1, low: UInt64(number)),
                        [.peer(peer.address), .data(payload)])
                }
                #expect(client.socket.sendTrain(messages.flatMap { $0 }, of: messages[0].count, to: client.server))
                for payload in payloads { #expect(peer.receive()?.bytes == payload) }
                #expect(peer.sendTrain(payloads.flatMap { $0 }, of: shape.size, to: relayed))
                for payload in payloads {
                    let data = try #require(client.receiveData())
                    #expect(data.payload == payload)
                    #expect(data.peer == peer.address)
                }
            }
        }

        @Test(
            "a request inside a train is answered, and what stands around it is relayed",
            .requirement("RI-robustness-5"))
        func requestInside() async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                let peers = [try UDPEndpoint(), try UDPEndpoint()]
                #expect(try client.bind(0x4000, to: peers[0].address) == nil)
                #expect(try client.bind(0x4001, to: peers[1].address) == nil)
                // A Binding request without attributes has 20 bytes; so has ChannelData with a payload of 16.
                let request = OutgoingMessage.bytes(
                    MessageType(.binding, .request), TransactionID(high: 7, low: 7), [])
                let payloads = (0..<6).map { [UInt8](repeating: UInt8($0), count: $0 == 5 ? 3 : 16) }
                var train = payloads.enumerated().map { OutgoingMessage.channelData(0x4000 + UInt16($0 % 2), $1) }
                train.insert(request, at: 3)
                // What is no STUN and what has no channel end nothing either.
                train.insert([UInt8](repeating: 0x80, count: 20), at: 2)
                train.insert(OutgoingMessage.channelData(0x4FFF, [UInt8](repeating: 9, count: 16)), at: 1)
                #expect(client.socket.sendTrain(train.flatMap { $0 }, of: 20, to: client.server))
                for (number, payload) in payloads.enumerated() {
                    #expect(peers[number % 2].receive()?.bytes == payload)
                }
                let answer = try #require(client.receive().flatMap(IncomingMessage.init))
                #expect(answer.type == MessageType(.binding, .success))
                #expect(answer.transactionID == TransactionID(high: 7, low: 7))
                #expect(answer.address(.xorMappedAddress) == client.socket.address)
            }
        }

        @Test("an allocation that ends inside a train relays what stands before, and nothing after")
        func endInside() async throws {
            var plan = ServerPlan()
            plan.access = ["no-auth"]
            try await TernServer.run(plan) { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                let refresh = OutgoingMessage.bytes(
                    MessageType(.refresh, .request), TransactionID(high: 7, low: 7), [.lifetime(0)])
                let before = OutgoingMessage.channelData(0x4000, [UInt8](repeating: 1, count: refresh.count - 4))
                let after = OutgoingMessage.channelData(0x4000, [UInt8](repeating: 2, count: refresh.count - 4))
                let train = before + before + refresh + after + after
                #expect(client.socket.sendTrain(train, of: refresh.count, to: client.server))
                #expect(IncomingMessage(try #require(client.receive()))?.type == MessageType(.refresh, .success))
                let arrived = peer.receiveAll()
                #expect(arrived == Array(repeating: [UInt8](repeating: 1, count: refresh.count - 4), count: 2))
            }
        }

        @Test("many trains at once, more than the batches hold, arrive complete and in order")
        func manyTrains() async throws {
            try await TernServer.run(ServerPlan("relay-threads=1", "user=bob:secret")) { server in
                let clients = try (0..<4).map { _ in try server.allocatedClient() }
                let peers = try clients.map { _ in try UDPEndpoint() }
                for (client, peer) in zip(clients, peers) { #expect(try client.bind(0x4000, to: peer.address) == nil) }
                // 4 × 10 × 64 datagrams, of which one send batch takes 256.
                let payloads = (0..<10).map { Self.payloads(64, of: 200, last: 200 - $0) }
                for train in payloads {
                    for (client, peer) in zip(clients, peers) {
                        let bytes = train.flatMap { OutgoingMessage.channelData(0x4000, $0) }
                        #expect(client.socket.sendTrain(bytes, of: 204, to: client.server))
                        #expect(peer.sendTrain(train.flatMap { $0 }, of: 200, to: try #require(client.relayed)))
                    }
                }
                for (client, peer) in zip(clients, peers) {
                    for payload in payloads.joined() {
                        #expect(peer.receive()?.bytes == payload)
                        #expect(client.receiveData(onChannel: 0x4000) == payload)
                    }
                }
            }
        }

        @Test(
            "a train of datagrams that become too long for the way leaves in fragments",
            .enabled(if: NetworkNamespace.isPossible, "a network with a small MTU needs root and ip(8)"),
            arguments: AddressFamily.allCases)
        func smallMTU(family: AddressFamily) async throws {
            try await NetworkNamespace.with("10.7.0.1/24", "10.7.0.2/24", "fd00:7::1/64", "fd00:7::2/64", mtu: 1300) {
                var plan = DontFragmentTests.plan
                plan.wrapper = $0.wrapper
                let namespace = $0
                try await TernServer.run(plan) { server in
                    let client = try namespace.inside { try server.client(from: "10.7.0.2") }
                    try client.allocate([.family(family)])
                    let peer = try namespace.inside { try UDPEndpoint(family == .ipv4 ? "10.7.0.2" : "fd00:7::2") }
                    let relayed = try #require(client.relayed)
                    #expect(try client.permit(peer.address) == nil)
                    // A Send indication to the peer opens the way, and shows that it is there.
                    client.send([1], to: peer.address)
                    #expect(peer.receive()?.bytes == [1])
                    // It fits as it comes; in a Data indication it does not.
                    let payloads = Self.payloads(10, of: 1250, last: 1250)
                    #expect(peer.sendTrain(payloads.flatMap { $0 }, of: 1250, to: relayed))
                    for payload in payloads { #expect(client.receiveData()?.payload == payload) }
                }
            }
        }

        /// `count` payloads that tell each other apart, the last one of a length of its own.
        private static func payloads(_ count: Int, of size: Int, last: Int) -> [[UInt8]] {
            (0..<count).map { number in
                (0..<(number == count - 1 ? last : size)).map { UInt8(truncatingIfNeeded: number * 31 + $0 * 7) }
            }
        }
    }
}
