import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

/// What a balancer says of a client at 198.51.100.7 that called 203.0.113.1, port 443.
private enum Introduction {
    static let client = "198.51.100.7"

    static func line(port: UInt16) -> [UInt8] { Array("PROXY TCP4 \(client) 203.0.113.1 \(port) 443\r\n".utf8) }

    static func binary(port: UInt16) -> [UInt8] {
        signature + [0x21, 0x11, 0, 12, 198, 51, 100, 7, 203, 0, 113, 1, UInt8(port >> 8), UInt8(port & 255), 1, 0xBB]
    }

    /// A balancer that looks whether the server lives.
    static let local = signature + [0x20, 0, 0, 0]

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]
}

extension IntegrationTests {
    @Suite("Balancers that say for whom they come (PROXY protocol)")
    struct ProxyTests {
        static func plan(trusted: String = "127.0.0.0/30", _ options: String...) -> ServerPlan {
            var plan = OnePortTests.plan
            plan.options += ["proxy-protocol=listening-port", "proxy-protocol-trusted=\(trusted)"] + options
            return plan
        }

        private func address(_ port: UInt16) throws -> SocketAddress {
            SocketAddress(ip: try .parsed(Introduction.client), port: port)
        }

        @Test(
            "a client is who the balancer says, plain and over TLS, however the bytes are cut",
            .requirement("RI-proxy-2"), arguments: [1, 7, 1000])
        func clients(piece: Int) async throws {
            try await TernServer.run(Self.plan()) { server in
                let introductions = [
                    Introduction.line(port: 4711), Introduction.line(port: 4712), Introduction.binary(port: 4713),
                    Introduction.binary(port: 4714),
                ]
                for (number, introduction) in introductions.enumerated() {
                    let stream = try TCPStream(to: server.address)
                    for start in stride(from: 0, to: introduction.count, by: piece) {
                        stream.write(Array(introduction[start..<min(start + piece, introduction.count)]))
                    }
                    if number % 2 == 1 { #expect(stream.startTLS(["stun.turn"])) }
                    let client = try TURNClient(over: stream, to: server.address)
                    let mapped = client.ask(.binding)?.address(.xorMappedAddress)
                    #expect(try mapped == address(4711 + UInt16(number)))
                    try client.allocate()
                    try server.converse(client)
                }
            }
        }

        @Test("what the client says right behind the header is not lost")
        func together() async throws {
            try await TernServer.run(Self.plan()) { server in
                let stream = try TCPStream(to: server.address)
                stream.write(Introduction.binary(port: 4713) + Array("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
                #expect(stream.status() == 200)
            }
        }

        @Test("a balancer that speaks for itself keeps its own address")
        func health() async throws {
            try await TernServer.run(Self.plan()) { server in
                for introduction in [Introduction.local, Array("PROXY UNKNOWN\r\n".utf8)] {
                    let stream = try TCPStream(to: server.address)
                    stream.write(introduction)
                    let client = try TURNClient(over: stream, to: server.address)
                    let mapped = client.ask(.binding)?.address(.xorMappedAddress)
                    #expect(try mapped?.ip == .parsed("127.0.0.1"))
                }
            }
        }

        @Test("limits count the client, not the balancer", .requirement("RI-proxy-2"))
        func limits() async throws {
            try await TernServer.run(Self.plan("allocations-per-address=1")) { server in
                let clients = try [UInt16(4720), 4721].map { port in
                    let stream = try TCPStream(to: server.address)
                    stream.write(Introduction.line(port: port))
                    return try TURNClient(over: stream, to: server.address)
                }
                try clients[0].allocate()
                #expect(try clients[1].allocateError() == 486)
                let own = try TCPStream(to: server.address)
                own.write(Introduction.local)
                try TURNClient(over: own, to: server.address).allocate()
            }
        }

        @Test("who is no balancer is not heard at all, and UDP needs none", .requirement("RI-proxy-3"))
        func strangers() async throws {
            try await TernServer.run(Self.plan(trusted: "127.0.0.9")) { server in
                let stream = try TCPStream(to: server.address)
                stream.write(Introduction.line(port: 4730))
                #expect(stream.readToEnd() == [])
                let datagrams = try server.client()
                #expect(datagrams.ask(.binding) != nil)
                let balancer = try TCPStream(to: server.address, from: "127.0.0.9")
                balancer.write(Introduction.line(port: 4730))
                let client = try TURNClient(over: balancer, to: server.address)
                #expect(client.ask(.binding) != nil)
            }
        }

        @Test("a balancer that does not say for whom it comes is not heard", .requirement("RI-proxy-4"))
        func malformed() async throws {
            try await TernServer.run(Self.plan()) { server in
                let introductions: [[UInt8]] = [
                    Array("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".utf8), Array("PROXY TCP4 nonsense\r\n".utf8),
                    [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 1, count: 12),
                    Array(repeating: UInt8(ascii: "P"), count: 200),
                ]
                for introduction in introductions {
                    let stream = try TCPStream(to: server.address)
                    stream.write(introduction)
                    #expect(stream.readToEnd() == [])
                }
                let stream = try TCPStream(to: server.address)
                #expect(!stream.startTLS())
            }
        }
    }
}
