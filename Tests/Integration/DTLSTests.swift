import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("RFC 7350: TURN over DTLS")
    struct DTLSTests {
        private static var dualStack: ServerPlan {
            var plan = ServerPlan.secure()
            plan.network = ["relay-ip=127.0.0.1", "relay-ip=::1"]
            return plan
        }

        @Test("an allocation relays both ways over channels and indications", arguments: ["127.0.0.1", "::1"])
        func relays(ip: String) async throws {
            try await TernServer.run(Self.dualStack) { server in
                let address = SocketAddress(ip: try .parsed(ip), port: server.address.port)
                let endpoint = try DTLSEndpoint(to: address)
                #expect(endpoint.handshake())
                let client = try TURNClient(over: endpoint)
                let own = client.ask(.binding)?.address(.xorMappedAddress)
                #expect(own == endpoint.socket.address)
                try client.allocate([.family(.ipv4)])
                let relayed = try #require(client.relayed)
                let peer = try UDPEndpoint()
                #expect(try client.permit(peer.address) == nil)
                for count in [0, 1, 2, 3, 4, 1200, 16_000] {
                    let payload = RelayTests.payload(count)
                    client.send(payload, to: peer.address)
                    let (bytes, source) = try #require(peer.receive())
                    #expect(bytes == payload && source == relayed)
                    peer.send(payload, to: source)
                    #expect(client.receiveData()?.payload == payload)
                }
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                for count in [0, 1, 2, 3, 4, 5, 1200, 16_380] {
                    let payload = RelayTests.payload(count)
                    client.send(payload, onChannel: 0x4000)
                    #expect(peer.receive()?.bytes == payload)
                    peer.send(payload, to: relayed)
                    #expect(client.receive() == OutgoingMessage.channelData(0x4000, payload))
                }
                // Longer than a record: dropped, and what comes behind it is not.
                for payload in [RelayTests.payload(16_381), [1]] { peer.send(payload, to: relayed) }
                #expect(client.receiveData(onChannel: 0x4000) == [1])
            }
        }

        @Test("bursts both ways arrive in order, whether in one datagram, in a train, or by themselves")
        func bursts() async throws {
            try await TernServer.run(.secure()) { server in
                let client = try server.secureClient()
                try client.allocate()
                let relayed = try #require(client.relayed)
                let association = try #require(client.association)
                let peer = try UDPEndpoint()
                #expect(try client.permit(peer.address) == nil)
                // By indications, with the padding of DATA between trains.
                peer.sendTrain((0..<40).flatMap { [UInt8](repeating: $0, count: 101) }, of: 101, to: relayed)
                for number in 0..<40 as Range<UInt8> {
                    #expect(client.receiveData()?.payload == [UInt8](repeating: number, count: 101))
                }
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                for number in 0..<200 as Range<UInt8> {
                    peer.send([number] + [UInt8](repeating: 9, count: 1199), to: relayed)
                }
                for number in 0..<200 as Range<UInt8> {
                    #expect(client.receiveData(onChannel: 0x4000)?.first == number)
                }
                peer.sendTrain((0..<40).flatMap { [UInt8](repeating: $0, count: 101) }, of: 101, to: relayed)
                for number in 0..<40 as Range<UInt8> {
                    #expect(client.receiveData(onChannel: 0x4000) == [UInt8](repeating: number, count: 101))
                }
                let messages = (0..<30).map { OutgoingMessage.channelData(0x4000, [$0, $0, $0]) }
                association.write(together: messages)
                for number in 0..<30 as Range<UInt8> { #expect(peer.receive()?.bytes.first == number) }
                association.write(train: messages)
                for number in 0..<30 as Range<UInt8> { #expect(peer.receive()?.bytes.first == number) }
            }
        }

        @Test("each worker serves the clients that come to it")
        func workers() async throws {
            try await TernServer.run(.secure("relay-threads=2")) { server in
                let clients = try (0..<20).map { _ in try server.secureClient() }
                for client in clients { try client.allocate() }
                #expect(Set(clients.compactMap(\.relayed)).count == 20)
                for client in clients { #expect(try client.refresh(600).errorCode == nil) }
            }
        }

        @Test("plain and encrypted messages of one port are of two clients (RFC 7983 §7)", .requirement("R7983-7-2"))
        func onePort() async throws {
            try await TernServer.run(.secure()) { server in
                let plain = try server.client()
                let endpoint = try DTLSEndpoint(to: server.address, from: plain.socket)
                #expect(endpoint.handshake())
                let secure = try TURNClient(over: endpoint)
                try plain.allocate()
                try secure.allocate()
                #expect(plain.relayed != secure.relayed)
                #expect(try plain.refresh(0).errorCode == nil)
                #expect(try secure.refresh(600).errorCode == nil)
            }
        }

        @Test("clients over DTLS and UDP reach each other's relayed addresses")
        func both() async throws {
            try await TernServer.run(.secure()) { server in
                let first = try server.secureClient()
                try first.allocate()
                try RelayTests.converse(first, try server.allocatedClient())
            }
        }

        @Test("close_notify ends the allocation and is answered", .requirement("RI-dtls-4"))
        func close() async throws {
            try await TernServer.run(.secure("verbose", "user-quota=1")) { server in
                let client = try server.secureClient()
                try client.allocate()
                #expect(try server.client().allocateError() == 486)
                let association = try #require(client.association)
                association.close()
                #expect(association.read(within: .seconds(5)) == nil && association.hasEnded)
                #expect(try server.client().allocateError() == nil)
                let isTold = try await eventually(seconds: 5) {
                    server.output.contains("username=<alice>, the connection ended, usage:")
                }
                #expect(isTold, "\(server.output)")
            }
        }

        @Test(
            "a client that was started again on its port gets a new association and a new allocation",
            .requirement("R6347-4.2.8-1"))
        func restart() async throws {
            try await TernServer.run(.secure("user-quota=1")) { server in
                let client = try server.secureClient()
                let association = try #require(client.association)
                for _ in 0..<3 {
                    try client.allocate()
                    association.restart()
                    #expect(association.handshake())
                }
                try client.allocate()
            }
        }

        @Test("Refresh with lifetime 0 leaves the association for another Allocate")
        func again() async throws {
            try await TernServer.run(.secure()) { server in
                let client = try server.secureClient()
                for _ in 0..<3 {
                    try client.allocate()
                    #expect(try client.refresh(0).lifetime == 0)
                }
            }
        }

        @Test("without DTLS nobody is challenged", arguments: [true, false])
        func switches(hasCertificate: Bool) async throws {
            try await TernServer.run(hasCertificate ? .secure("no-dtls") : ServerPlan()) { server in
                let endpoint = try DTLSEndpoint(to: server.address)
                #expect(!endpoint.handshake(within: .milliseconds(300)))
                #expect(try server.client().ask(.binding) != nil)
            }
        }
    }

    @Suite("TURN over DTLS: clients that do not behave")
    struct HostileDTLSTests {
        @Test("handshakes that go nowhere leave calls alone, and others get in", .requirement("RI-dtls-5"))
        func flood() async throws {
            try await TernServer.run(.secure("relay-threads=1")) { server in
                let client = try server.secureClient()
                try client.allocate()
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                let before = server.residentKiB
                // More than a worker has handshakes going on at a time.
                for number in 0..<800 {
                    let source = try UDPEndpoint("127.0.0.\(2 + number % 4)")
                    _ = try DTLSEndpoint(to: server.address, from: source).beginHandshake(within: .milliseconds(50))
                    client.send([UInt8(number & 0xFF)], onChannel: 0x4000)
                    #expect(peer.receive()?.bytes == [UInt8(number & 0xFF)])
                }
                let other = try server.secureClient(from: "127.0.0.9")
                try other.allocate()
                #expect(try client.refresh(600).errorCode == nil)
                // 512 of some seventy KiB each.
                #expect(server.residentKiB - before < 64 * 1024)
            }
        }

        @Test(
            "an association without an allocation ends in its time, one with an allocation does not",
            .requirement("RI-dtls-6"))
        func silent() async throws {
            try await TernServer.run(.secure("max-allocate-timeout=1")) { server in
                let client = try server.secureClient()
                try client.allocate()
                let silent = try DTLSEndpoint(to: server.address)
                #expect(silent.handshake())
                #expect(silent.read(within: .seconds(5)) == nil && silent.hasEnded)
                #expect(try client.refresh(0).errorCode == nil)
                let association = try #require(client.association)
                #expect(association.read(within: .seconds(5)) == nil && association.hasEnded)
            }
        }

        @Test("bytes that look like DTLS are passed over", .requirement("RI-dtls-2"))
        func garbage() async throws {
            try await TernServer.run(.secure()) { server in
                let client = try server.secureClient()
                try client.allocate()
                let association = try #require(client.association)
                var random = SeededRandom(seed: 5)
                let stranger = try UDPEndpoint()
                for _ in 0..<500 {
                    var bytes = random.bytes(random.below(300))
                    if !bytes.isEmpty { bytes[0] = UInt8(20 + random.below(44)) }
                    if bytes.count > 13, random.below(2) == 0 {
                        // A record of the right version and length; some of them are hellos.
                        bytes[1] = 0xFE
                        bytes[2] = 0xFD
                        bytes[3] = 0
                        bytes[4] = UInt8(random.below(2))
                        bytes[11] = UInt8((bytes.count - 13) >> 8)
                        bytes[12] = UInt8((bytes.count - 13) & 0xFF)
                        bytes[13] = UInt8(random.below(3))
                    }
                    stranger.send(bytes, to: server.address)
                    association.socket.send(bytes, to: server.address)
                }
                #expect(try client.refresh(600).errorCode == nil)
                #expect(stranger.receiveAll().allSatisfy { $0.count < 100 })
            }
        }

        @Test("a request without the cookie gets 500", .requirement("R8489-11-2"))
        func noCookie() async throws {
            try await TernServer.run(.secure()) { server in
                let endpoint = try DTLSEndpoint(to: server.address)
                #expect(endpoint.handshake())
                let id = [UInt8](1...16)
                endpoint.write([0, 1, 0, 0] + id)
                #expect(endpoint.read() == [1, 0x11, 0, 8] + id + [0, 9, 0, 4, 0, 0, 5, 0])
            }
        }
    }
}
