import Foundation
import NetworkPrimitives
import TestSupport
import Testing

/// HAProxy in front of a server, as long as the value lives.
private final class HAProxy {
    static let path = "/usr/sbin/haproxy"
    static let isInstalled = FileManager.default.isExecutableFile(atPath: path)

    private let process = Process()

    /// Listens on 127.0.0.1 at each of the ports, and passes on with these words of a `server` line.
    init(_ fronts: [(port: UInt16, words: String)], to server: SocketAddress, in directory: URL) throws {
        var lines = ["defaults", "  mode tcp", "  timeout connect 5s", "  timeout client 60s", "  timeout server 60s"]
        for front in fronts {
            lines += [
                "listen p\(front.port)", "  bind 127.0.0.1:\(front.port)", "  server tern \(server) \(front.words)",
            ]
        }
        let file = directory.appending(path: "haproxy.cfg")
        try (lines.joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments = ["--foreground", "--kill-after=2", "120", Self.path, "-db", "-f", file.path]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.runWithSignalsUnblocked()
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }
}

extension IntegrationTests {
    @Suite("Behind HAProxy", .requirement("RI-proxy-2"), .enabled(if: HAProxy.isInstalled))
    struct HAProxyTests {
        @Test(
            "clients are themselves: over version 1 and 2, with a checksum, and with TLS that HAProxy does not touch",
            arguments: [
                "send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id check inter 100",
            ])
        func clients(words: String) async throws {
            try await TernServer.run(ProxyTests.plan(trusted: "127.0.0.1")) { server in
                let port = try TernServer.freePort(["127.0.0.1"])
                let front = SocketAddress(ip: server.address.ip, port: port)
                let balancer = try HAProxy([(port, words)], to: server.address, in: server.directory)
                let isListening = try await eventually(seconds: 10) { (try? TCPStream(to: front)) != nil }
                #expect(isListening)
                for isSecure in [false, true] {
                    let stream = try TCPStream(to: front, from: "127.0.0.5")
                    if isSecure { #expect(stream.startTLS(["stun.turn"])) }
                    let client = try TURNClient(over: stream, to: server.address)
                    let mapped = client.ask(.binding)?.address(.xorMappedAddress)
                    #expect(try mapped?.ip == .parsed("127.0.0.5"))
                    #expect(mapped?.port != 0 && mapped?.port != port)
                    try client.allocate()
                    try server.converse(client)
                }
                let page = try TCPStream(to: front)
                #expect(page.startTLS(["http/1.1"]) && page.isServed())
                withExtendedLifetime(balancer) {}
            }
        }
    }
}
