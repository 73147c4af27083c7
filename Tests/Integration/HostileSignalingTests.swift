import Foundation
import NetworkPrimitives
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("What strangers send to signaling costs little and changes nothing")
    struct HostileSignalingTests {
        /// A server with open rooms; strangers may come quickly unless the test says otherwise.
        static func run(
            _ options: String..., body: (TernServer, SocketAddress) async throws -> Void
        ) async throws {
            let port = try freeTCPPort()
            var plan = ServerPlan(
                "signaling-port=\(port)", "signaling-anonymous-rooms=*", "signaling-connect-burst=100000",
                "signaling-connect-rate=100000", "verbose")
            plan.options += options
            let address = SocketAddress(ip: try .parsed("127.0.0.1"), port: port)
            try await TernServer.run(plan) { server in
                try await body(server, address)
                // Whatever was tried, the next one is served.
                #expect(try TCPStream(to: address, from: "127.0.0.99").isServed())
            }
        }

        /// A TCP port that is free at this moment, below the range from which the kernel gives ports to clients.
        private static func freeTCPPort() throws -> UInt16 {
            for _ in 0..<100 {
                let port = UInt16.random(in: 16_000..<30_000)
                let address = SocketAddress(ip: try .parsed("127.0.0.1"), port: port)
                let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                defer { close(descriptor) }
                if address.withSockaddr({ Glibc.bind(descriptor, $0, $1) }) == 0 { return port }
            }
            throw TestFailure("no TCP port is free")
        }

        @Test("slow heads, slow bodies and silence end in time, and others are served meanwhile")
        func slowness() async throws {
            try await Self.run("http-head-timeout=1", "http-body-timeout=1", "http-idle-timeout=1") { _, address in
                let head = try TCPStream(to: address)
                let body = try TCPStream(to: address)
                let silent = try TCPStream(to: address)
                let kept = try TCPStream(to: address)
                #expect(kept.isServed())
                head.write("GET /healthz HTTP/1.1\r\nHost: loc")
                body.write("POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
                let start = ContinuousClock.now
                // A byte now and then does not prolong the time.
                while ContinuousClock.now - start < .milliseconds(800) {
                    head.write("a")
                    body.write(" ")
                    try await Task.sleep(for: .milliseconds(50))
                    #expect(try TCPStream(to: address).isServed())
                }
                #expect(head.status(within: .seconds(8)) == 408)
                #expect(body.status(within: .seconds(8)) == 408)
                #expect(head.readToEnd(within: .seconds(8)) == [])
                #expect(body.readToEnd(within: .seconds(8)) == [])
                // Nobody asked for anything here, so nothing is said.
                #expect(silent.readToEnd(within: .seconds(8)) == [])
                #expect(kept.readToEnd(within: .seconds(8)) == [])
                #expect(ContinuousClock.now - start < .seconds(8))
            }
        }

        @Test(
            "a head, a body or a count beyond the limit is refused before it is read",
            .requirement("RI-robustness-1"))
        func oversize() async throws {
            let start = "GET / HTTP/1.1\r\nHost: localhost\r\n"
            let post = "POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\n"
            let cases: [(bytes: String, status: Int)] = [
                (start + "X: " + String(repeating: "a", count: 16_384) + "\r\n\r\n", 431),
                (start + "X: " + String(repeating: "a", count: 16_384), 431),
                (start + String(repeating: "X: a\r\n", count: 100) + "\r\n", 431),
                (start + String(repeating: "X: a\r\n", count: 10_000), 431),
                ("GET /" + String(repeating: "a", count: 8192) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
                (String(repeating: "A", count: 20_000), 414),
                (post + "Content-Length: 65537\r\n\r\n", 413),
                (post + "Content-Length: 99999999999999999999\r\n\r\n", 413),
                (post + "Content-Length: 18446744073709551616\r\n\r\n", 413),
                (post + "Transfer-Encoding: chunked\r\n\r\n10001\r\n", 413),
                (post + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", 413),
                (post + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 413),
            ]
            try await Self.run { _, address in
                for (bytes, status) in cases {
                    let stream = try TCPStream(to: address)
                    stream.write(bytes)
                    let answer = stream.status()
                    #expect(answer == status, "\(bytes.prefix(100).debugDescription)")
                    #expect(stream.readToEnd(within: .seconds(8)) == [], "\(bytes.prefix(100).debugDescription)")
                }
                // What just fits is taken.
                let stream = try TCPStream(to: address)
                stream.write(start + String(repeating: "X: a\r\n", count: 99) + "\r\n")
                #expect(stream.status() == 200)
                stream.write(post + "Content-Length: 65536\r\n\r\n" + String(repeating: "a", count: 65_536))
                #expect(stream.status() == 401)
            }
        }

        @Test("requests whose end two readers could see at different places are refused (RFC 9112 §11.2)")
        func smuggling() async throws {
            let post = "POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\n"
            let get = "GET /healthz HTTP/1.1\r\n"
            let chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
            let cases = [
                post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
                post + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
                post + "Content-Length: 0, 0\r\n\r\n", post + "Content-Length: +0\r\n\r\n",
                post + "Content-Length: -1\r\n\r\n", post + "Content-Length: 0x0\r\n\r\n",
                post + "Content-Length: 0 0\r\n\r\n", post + "Content-Length:\r\n\r\n",
                post + "Content-Length : 0\r\n\r\n", post + "Content-Length\t: 0\r\n\r\n",
                post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", post + " Transfer-Encoding: chunked\r\n\r\n",
                post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
                post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
                post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                post + "Transfer-Encoding: \u{B}chunked\r\n\r\n0\r\n\r\n",
                post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
                "POST /v1/tokens HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                chunked + "0x0\r\n\r\n", chunked + " 0\r\n\r\n", chunked + "-0\r\n\r\n", chunked + "0\n\r\n",
                chunked + "1\r\naX0\r\n\r\n", chunked + "1\r\na\n0\r\n\r\n", chunked + "\r\n0\r\n\r\n",
                get + "Host: localhost\nX: y\r\n\r\n", "GET /healthz HTTP/1.1\nHost: localhost\n\n",
                get + "Host: localhost\rX: y\r\n\r\n", get + "Host: localhost\r\nX: a\r\n b\r\n\r\n",
                get + "Host: localhost\r\nX: a\u{0}b\r\n\r\n", get + "Host: localhost\r\n: y\r\n\r\n",
                get + "Host: localhost\r\nX\r\n\r\n", get + "Host: a\r\nHost: b\r\n\r\n", get + "\r\n",
                get + "Host: localhost\r\nHost: localhost\r\n\r\n", get + "Host: a b\r\n\r\n",
                get + "Host: localhost/x\r\n\r\n", "GET  /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET /healthz\r\n\r\n", "GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n",
                "GET /healthz HTTP/1.1 \r\nHost: localhost\r\n\r\n", "get /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET http://localhost /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET /healthz\u{0} HTTP/1.1\r\nHost: localhost\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            ]
            try await Self.run { _, address in
                for bytes in cases {
                    let stream = try TCPStream(to: address)
                    // The request behind it must not be answered: it may be part of the one before.
                    stream.write(bytes + "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    let answer = stream.readToEnd(within: .seconds(8)).map { String(decoding: $0, as: UTF8.self) }
                    let responses = answer?.components(separatedBy: "HTTP/1.1 ").dropFirst() ?? []
                    #expect(responses.count == 1, "\(bytes.debugDescription): \(answer ?? "no end")")
                    #expect(
                        ["400", "501", "505"].contains { responses.first?.hasPrefix($0) == true },
                        "\(bytes.debugDescription): \(answer ?? "no end")")
                }
            }
        }

        @Test("bytes of other protocols and of dice get an answer in HTTP or none, and few lines of the log")
        func garbage() async throws {
            try await Self.run { server, address in
                var chance = SeededRandom(seed: 20_261_120)
                var greetings: [[UInt8]] = [
                    // TLS, SSH, SOCKS 5, STUN, the PROXY protocol, Redis, SMB.
                    [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03], Array("SSH-2.0-x\r\n".utf8),
                    [5, 1, 0], [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 7, count: 12),
                    Array("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n".utf8), Array("*1\r\n$4\r\nPING\r\n".utf8),
                    [0, 0, 0, 0x2F, 0xFF, 0x53, 0x4D, 0x42],
                ]
                let template = Array(
                    "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nX: y\r\n\r\n".utf8)
                for _ in 0..<500 { greetings.append(chance.bytes(1 + chance.below(300))) }
                for _ in 0..<500 {
                    var bytes = template
                    for _ in 0...chance.below(4) { bytes[chance.below(bytes.count)] = UInt8(chance.below(256)) }
                    greetings.append(bytes)
                }
                let before = server.output.split(separator: "\n").count
                for greeting in greetings {
                    let stream = try TCPStream(to: address)
                    stream.write(greeting)
                    stream.endWrites()
                    let answer = stream.readToEnd(within: .seconds(8))
                    #expect(
                        answer == [] || answer?.starts(with: "HTTP/1.1 ".utf8) == true,
                        "\(greeting): \(answer.map { String(decoding: $0, as: UTF8.self) } ?? "no end")")
                }
                #expect(server.output.split(separator: "\n").count - before < 20)
            }
        }
    }
}
