import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("What strangers send costs little and changes nothing")
    struct HostileTrafficTests {
        @Test(
            "50,000 random and mutated datagrams: alive, memory flat, few log lines, and the next client is served",
            .requirement("RI-robustness-1"))
        func random() async throws {
            var plan = ServerPlan("verbose", "log-file=stdout")
            plan.isRateLimited = true
            try await TernServer.run(plan) { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                // Of the stranger and of the client itself, so that the code behind an allocation is met too.
                let stranger = try UDPEndpoint("127.0.0.77")
                var chance = SeededRandom(seed: 20_261_120)
                let templates = Self.templates(of: client, peer: peer.address)
                func flood(_ count: Int) {
                    for number in 0..<count {
                        let datagram = Self.datagram(number, templates, &chance)
                        if number % 4 == 0 {
                            client.socket.send(datagram, to: server.address)
                        } else {
                            stranger.send(datagram, to: server.address)
                        }
                        // So that the kernel's queue holds what comes.
                        if number % 200 == 199 { Self.settle(client) }
                    }
                }
                flood(5000)
                let residentBefore = server.residentKiB
                let linesBefore = server.output.split(separator: "\n").count
                let start = ContinuousClock.now
                flood(50_000)
                let seconds = Int((ContinuousClock.now - start).components.seconds) + 1
                #expect(server.residentKiB - residentBefore < 4096)
                let lines = server.output.split(separator: "\n").count - linesBefore
                #expect(lines <= 20 * seconds, "\(lines) lines in \(seconds) s")

                _ = client.socket.receiveAll(pause: .milliseconds(20))
                let next = try server.allocatedClient(from: "127.0.0.78")
                #expect(try next.permit(peer.address) == nil)
                next.send([1], to: peer.address)
                while let (bytes, source) = peer.receive(within: .milliseconds(500)) {
                    if source == next.relayed { return #expect(bytes == [1]) }
                }
                Issue.record("the new client's datagram did not arrive")
            }
        }

        /// Waits until the server has read what was sent before: a Binding request comes back.
        static func settle(_ client: TURNClient) {
            let id = TransactionID(high: 1, low: .random(in: 0 ... .max))
            let probe = OutgoingMessage.bytes(MessageType(.binding, .request), id, [])
            client.socket.send(probe, to: client.server)
            while let (bytes, _) = client.socket.receive(within: .milliseconds(5)) {
                if IncomingMessage(bytes)?.transactionID == id { return }
            }
        }

        /// Well-formed messages of every method, to be damaged.
        private static func templates(of client: TURNClient, peer: SocketAddress) -> [[UInt8]] {
            let id = TransactionID(high: 0x0102_0304, low: 0x0506_0708_090A_0B0C)
            let attributes: [Attribute] = [
                .udpTransport, .lifetime(600), .peer(peer), .channel(0x4001), .data([1, 2, 3]),
                .evenPort(reservingNext: true), Attribute(.username, Array("alice".utf8)),
                Attribute(.realm, Array("example.org".utf8)),
                Attribute(.nonce, Array("obMatJos2AAAAabcdefghijklmnop".utf8)),
            ]
            let methods: [STUN.Method] = [
                .binding, .allocate, .refresh, .send, .createPermission, .channelBind, .data,
            ]
            let messages = methods.flatMap { method in
                [MessageClass.request, .indication, .success, .error].flatMap { kind in
                    [nil, client.key].map { key in
                        OutgoingMessage.bytes(MessageType(method, kind), id, attributes, key: key)
                    }
                }
            }
            return messages + [OutgoingMessage.channelData(0x4000, [1, 2, 3, 4])]
        }

        /// Every first byte in turn, then every template with some bytes changed or cut.
        private static func datagram(_ number: Int, _ templates: [[UInt8]], _ chance: inout SeededRandom) -> [UInt8] {
            if number % 2 == 0 {
                return [UInt8(truncatingIfNeeded: number / 2)] + chance.bytes(chance.below(200))
            }
            var bytes = templates[chance.below(templates.count)]
            for _ in 0..<chance.below(4) { bytes[chance.below(bytes.count)] = UInt8(chance.below(256)) }
            if chance.below(4) == 0 { bytes.removeLast(chance.below(bytes.count)) }
            return bytes
        }

        @Test("10,000 sources without credentials leave no state behind (RFC 8489 §16)")
        func stateless() async throws {
            try await TernServer.run { server in
                func visit(_ sources: Range<Int>) throws -> Int {
                    var answers = 0
                    for number in sources {
                        let ip = "127.\(10 + number / 50_000).\(number / 250 % 200 + 1).\(number % 250 + 1)"
                        let client = try server.client(from: ip)
                        if client.ask(.allocate, [.udpTransport])?.errorCode == 401 { answers += 1 }
                    }
                    return answers
                }
                _ = try visit(0..<500)
                let before = server.residentKiB
                let files = server.openFiles
                #expect(try visit(500..<10_500) == 10_000)
                #expect(server.residentKiB - before < 1024)
                #expect(server.openFiles == files)
            }
        }

        @Test("10,000 sources are metered in a table that does not grow")
        func metered() async throws {
            var plan = ServerPlan()
            plan.isRateLimited = true
            try await TernServer.run(plan) { server in
                let before = server.residentKiB
                for number in 0..<10_000 {
                    let client = try server.client(from: "127.20.\(number / 250 + 1).\(number % 250 + 1)")
                    #expect(client.ask(.allocate, [.udpTransport])?.errorCode == 401)
                    #expect(client.ask(.binding) != nil)
                }
                // The two tables of the meters are touched as sources come: a page at a time, up to their size.
                #expect(server.residentKiB - before < 2048)
            }
        }

        @Test("a source that is not authenticated gets a few answers a second; others are served meanwhile")
        func rateLimit() async throws {
            var plan = ServerPlan("unauthorized-ratelimit-rps=20")
            plan.isRateLimited = true
            try await TernServer.run(plan) { server in
                let flooder = try UDPEndpoint("127.0.0.66")
                let start = ContinuousClock.now
                for number in 0..<2000 {
                    let id = TransactionID(high: 7, low: UInt64(number))
                    let request = OutgoingMessage.bytes(MessageType(.allocate, .request), id, [.udpTransport])
                    flooder.send(request, to: server.address)
                }
                let other = try server.client(from: "127.0.0.67")
                try other.allocate()
                let answers = flooder.receiveAll().count
                let seconds = (ContinuousClock.now - start).components.seconds + 1
                // A burst of five seconds' worth, then the rate.
                #expect(answers >= 100)
                #expect(answers <= 100 + 20 * Int(seconds), "\(answers) answers")
                // Who is held back is served again a moment later.
                try await Task.sleep(for: .milliseconds(200))
                let late = try server.client(from: "127.0.0.66")
                #expect(try late.allocateError() == nil)
            }
        }

        @Test("Binding answers are metered too, at a higher rate")
        func bindingRateLimit() async throws {
            var plan = ServerPlan()
            plan.isRateLimited = true
            try await TernServer.run(plan) { server in
                let flooder = try UDPEndpoint("127.0.0.68")
                for number in 0..<2000 {
                    let id = TransactionID(high: 8, low: UInt64(number))
                    flooder.send(OutgoingMessage.bytes(MessageType(.binding, .request), id, []), to: server.address)
                }
                let answers = flooder.receiveAll().count
                // A burst of five seconds' worth of 100, then the rate, and a second for a slow machine.
                #expect((500...600).contains(answers), "\(answers) answers")
                let other = try server.client(from: "127.0.0.69")
                #expect(other.ask(.binding) != nil)
            }
        }

        @Test("answers to strangers are short, so that the server amplifies little (RFC 8656 §21.3)")
        func sizes() async throws {
            try await TernServer.run(FamilyTests.dualStack) { server in
                let client = try server.client()
                let allocate = OutgoingMessage.bytes(
                    MessageType(.allocate, .request), TransactionID(high: 1, low: 2), [.udpTransport])
                #expect(allocate.count == 28)
                // Header 20, ERROR-CODE 8, REALM "example.org" 16, NONCE 36, PASSWORD-ALGORITHMS 12.
                #expect(try #require(client.ask(.allocate, [.udpTransport])).bytes.count == 92)
                // Header 20, XOR-MAPPED-ADDRESS 12; with IPv6 24.
                #expect(try #require(client.ask(.binding)).bytes.count == 32)
                let client6 = try TURNClient(SocketAddress(ip: try .parsed("::1"), port: server.address.port))
                #expect(try #require(client6.ask(.binding)).bytes.count == 44)
                // The other methods say the same.
                for method in [STUN.Method.refresh, .createPermission, .channelBind] {
                    #expect(try #require(client.ask(method)).bytes.count == 92)
                }
            }
        }

        @Test("indications, answers and junk from strangers are not answered")
        func silence() async throws {
            try await TernServer.run { server in
                let client = try server.client()
                let id = TransactionID(high: 3, low: 4)
                for kind in [MessageClass.indication, .success, .error] {
                    for method in [STUN.Method.binding, .allocate, .refresh, .send, .data] {
                        let bytes = OutgoingMessage.bytes(MessageType(method, kind), id, [])
                        client.socket.send(bytes, to: server.address)
                    }
                }
                client.socket.send([], to: server.address)
                client.socket.send(OutgoingMessage.channelData(0x4000, [1]), to: server.address)
                client.socket.send(Array("GET / HTTP/1.1\r\n\r\n".utf8), to: server.address)
                let unknown = MessageType(STUN.Method(rawValue: 0x123), .request)
                client.socket.send(OutgoingMessage.bytes(unknown, id, []), to: server.address)
                #expect(client.socket.receive(within: .milliseconds(100)) == nil)
                #expect(client.ask(.binding) != nil)
            }
        }
    }
}
