import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("RFC 5780: answers come from four addresses")
    struct NATDiscoveryTests {
        private static func plan(_ options: String...) -> ServerPlan {
            var plan = ServerPlan()
            plan.addresses = ["127.0.0.1", "127.0.0.2"]
            plan.options = options
            return plan
        }

        /// What `socket` gets when it asks `server`, and where from.
        private func ask(
            _ socket: UDPEndpoint, _ server: SocketAddress, _ attributes: [Attribute] = []
        ) -> (answer: IncomingMessage, source: SocketAddress)? {
            let id = TransactionID(high: 1, low: .random(in: 0 ... .max))
            socket.send(OutgoingMessage.bytes(MessageType(.binding, .request), id, attributes), to: server)
            guard let (bytes, source) = socket.receive(), let answer = IncomingMessage(bytes),
                answer.transactionID == id
            else { return nil }
            return (answer, source)
        }

        private func plain(_ value: [UInt8]?) -> SocketAddress? {
            guard let value, value.count == 8, value[1] == 1 else { return nil }
            let ip = value[4...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return SocketAddress(
                ip: .v4(IPv4Address(rawValue: ip)), port: UInt16(value[2]) << 8 | UInt16(value[3]))
        }

        @Test(
            "CHANGE-REQUEST chooses among the four, with any number of workers", .requirement("R5780-6.1-3"),
            arguments: [1, 3])
        func fourAddresses(workers: Int) async throws {
            let alternate = try TernServer.freePort(["127.0.0.1", "127.0.0.2"])
            let plan = Self.plan("rfc5780", "alt-listening-port=\(alternate)", "relay-threads=\(workers)")
            try await TernServer.run(plan) { server in
                let ports = [server.address.port, alternate]
                for ip in 0..<2 {
                    for port in 0..<2 {
                        // A new socket each time, so that each worker has its turn.
                        let socket = try UDPEndpoint("127.0.0.1")
                        let asked = SocketAddress(ip: try .parsed(plan.addresses[ip]), port: ports[port])
                        for flags in [0, 2, 4, 6] as [UInt8] {
                            let (changesIP, changesPort) = (Int(flags >> 2 & 1), Int(flags >> 1 & 1))
                            let source = SocketAddress(
                                ip: try .parsed(plan.addresses[ip ^ changesIP]), port: ports[port ^ changesPort])
                            let other = SocketAddress(
                                ip: try .parsed(plan.addresses[1 - ip]), port: ports[1 - port])
                            let got = try #require(ask(socket, asked, [Attribute(.changeRequest, [0, 0, 0, flags])]))
                            #expect(got.source == source)
                            #expect(plain(got.answer.value(.responseOrigin)) == source)
                            #expect(plain(got.answer.value(.otherAddress)) == other)
                            #expect(got.answer.address(.xorMappedAddress) == socket.address)
                        }
                    }
                }
            }
        }

        @Test("RESPONSE-PORT reaches another socket of the same host", .requirement("R5780-7.5-1"))
        func responsePort() async throws {
            try await TernServer.run(Self.plan("rfc5780")) { server in
                let (asking, waiting) = (try UDPEndpoint("127.0.0.1"), try UDPEndpoint("127.0.0.1"))
                let port = waiting.address.port
                let value = [UInt8(port >> 8), UInt8(port & 0xFF), 0, 0]
                let request = OutgoingMessage.bytes(
                    MessageType(.binding, .request), TransactionID(high: 7, low: 7), [Attribute(.responsePort, value)])
                asking.send(request, to: server.address)
                let (bytes, source) = try #require(waiting.receive())
                #expect(source == server.address)
                #expect(IncomingMessage(bytes)?.address(.xorMappedAddress) == asking.address)
            }
        }

        @Test("a padded answer is as long as its request", .requirement("R5780-6.1-6"))
        func padding() async throws {
            try await TernServer.run(Self.plan("rfc5780")) { server in
                let socket = try UDPEndpoint("127.0.0.1")
                let padding = Attribute(.padding, [UInt8](repeating: 0, count: 1500))
                let got = try #require(ask(socket, server.address, [padding]))
                #expect(got.answer.bytes.count == 1524)
            }
        }

        @Test("over TCP the other address is told and heard, and CHANGE-REQUEST is 420", .requirement("R5780-6-1"))
        func overTCP() async throws {
            let alternate = try TernServer.freePort(["127.0.0.1", "127.0.0.2"])
            try await TernServer.run(Self.plan("rfc5780", "alt-listening-port=\(alternate)")) { server in
                let client = try server.streamClient()
                let change = Attribute(.changeRequest, [0, 0, 0, 4])
                #expect(client.ask(.binding, [change])?.errorCode == 420)
                let answer = try #require(client.ask(.binding))
                let other = try #require(plain(answer.value(.otherAddress)))
                #expect(other == SocketAddress(ip: try .parsed("127.0.0.2"), port: alternate))
                let second = try TURNClient(over: try TCPStream(to: other), to: other)
                #expect(second.ask(.binding) != nil)
            }
        }

        @Test("without two addresses, or unasked, there is none of it", .requirement("R5780-7.4-1"))
        func off() async throws {
            for plan in [ServerPlan("rfc5780"), Self.plan()] {
                try await TernServer.run(plan) { server in
                    let client = try server.client()
                    #expect(client.ask(.binding)?.value(.otherAddress) == nil)
                    #expect(client.ask(.binding, [Attribute(.changeRequest, [0, 0, 0, 2])])?.errorCode == 420)
                }
            }
        }
    }
}
