import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("One port for all: TURN over UDP, TCP and TLS, and HTTP and WebSocket with TLS and without")
    struct OnePortTests {
        static var plan: ServerPlan {
            var plan = ServerPlan(
                "relay-threads=2", "signaling-port=@PORT@", "signaling-anonymous-rooms=*", "tls-listening-port=@PORT@")
            plan.options += TestCertificate.options
            plan.files = TestCertificate.shared.files
            return plan
        }

        @Test("all of them at the same time, and each goes on while the others come and go")
        func all() async throws {
            try await TernServer.run(Self.plan) { server in
                let plain = try server.streamClient()
                let secure = try server.streamClient(protocols: ["stun.turn"])
                let datagrams = try server.client()
                let room = try server.secureStream(["http/1.1"])
                #expect(room.applicationProtocol == "http/1.1")
                #expect(room.enter("lobby"))
                let second = try TCPStream(to: server.address)
                #expect(second.enter("lobby"))
                for client in [plain, secure, datagrams] { try client.allocate() }
                for _ in 0..<20 {
                    #expect(try TCPStream(to: server.address).isServed())
                    #expect(try server.secureStream(["http/1.1"]).isServed())
                    for client in [plain, secure, datagrams] { try server.converse(client) }
                }
                #expect(room.readText()?.contains("\"lobby\"") == true)
            }
        }

        @Test(
            "without ALPN the first bytes tell, and with it nothing else does", .requirement("RI-tls-1"),
            .requirement("R7443-3-1"), .requirement("R7301-3.2-1"))
        func firstBytes() async throws {
            try await TernServer.run(Self.plan) { server in
                #expect(try server.secureStream([]).isServed())
                #expect(try server.streamClient(protocols: []).ask(.binding) != nil)
                #expect(try server.streamClient(protocols: ["stun.nat-discovery"]).ask(.binding) != nil)
                // Who agreed on TURN is told nothing over HTTP.
                let mistaken = try server.secureStream(["stun.turn"])
                mistaken.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(mistaken.readToEnd() == [])
                #expect(try !TCPStream(to: server.address).startTLS(["spdy/1"]))
            }
        }

        @Test("a request may come byte by byte before anybody knows what it is, also under TLS")
        func slowBeginning() async throws {
            try await TernServer.run(Self.plan) { server in
                for stream in [try TCPStream(to: server.address), try server.secureStream([])] {
                    for byte in "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8 { stream.write([byte]) }
                    #expect(stream.status() == 200)
                }
            }
        }

        @Test(
            "a long page arrives whole over TLS, and so does what stands behind a farewell", arguments: [true, false])
        func longPages(staysOpen: Bool) async throws {
            var plan = Self.plan
            plan.options.append("static-root=@DIRECTORY@")
            let page = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
            plan.files["page.bin"] = page
            try await TernServer.run(plan) { server in
                let stream = try server.secureStream(["http/1.1"], receiveBuffer: 4096)
                let connection = staysOpen ? "keep-alive" : "close"
                stream.write("GET /page.bin HTTP/1.1\r\nHost: localhost\r\nConnection: \(connection)\r\n\r\n")
                #expect(stream.read(through: "\r\n\r\n")?.hasPrefix("HTTP/1.1 200") == true)
                // The client is slow at first, so that the server has to wait for room.
                try await Task.sleep(for: .milliseconds(100))
                #expect(stream.read(page.count, within: .seconds(20)) == page)
                if staysOpen { #expect(stream.isServed()) } else { #expect(stream.readToEnd() == []) }
            }
        }
    }
}

extension TernServer {
    /// A connection under TLS.
    func secureStream(
        _ protocols: [String], from source: String? = nil, receiveBuffer: Int32? = nil
    ) throws -> TCPStream {
        let stream = try TCPStream(to: address, from: source, receiveBuffer: receiveBuffer)
        guard stream.startTLS(protocols) else { throw TestFailure("the server refuses TLS") }
        return stream
    }

    /// A client over TLS.
    func streamClient(protocols: [String], from source: String? = nil) throws -> TURNClient {
        try TURNClient(over: secureStream(protocols, from: source), to: address)
    }

    /// Sends something to a new peer and back, by indications.
    func converse(_ client: TURNClient, _ payload: [UInt8] = [1, 2, 3, 4, 5]) throws {
        let peer = try UDPEndpoint()
        guard try client.permit(peer.address) == nil else { throw TestFailure("no permission") }
        client.send(payload, to: peer.address)
        guard let (bytes, source) = peer.receive(), bytes == payload else {
            throw TestFailure("the peer heard nothing")
        }
        peer.send(payload.reversed(), to: source)
        guard client.receiveData()?.payload == payload.reversed() else { throw TestFailure("the client heard nothing") }
    }
}
