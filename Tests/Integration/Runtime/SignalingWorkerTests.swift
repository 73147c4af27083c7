import Configuration
import EventLoop
import Glibc
import LinuxSockets
import NetworkPrimitives
import SocketSupport
import Testing

@testable import ServerRuntime

@Suite("The thread of signaling")
struct SignalingWorkerTests {
    // In a process of its own: the limit is the whole process's.
    @Test("goes on when several listeners find no descriptor in one round, and accepts when there are some again")
    func outOfFiles() async {
        await #expect(processExitsWith: .success) {
            let listeners = try (0..<2).map { _ in
                HeldListener(try TCPListener(binding: SocketAddress(ip: .loopback(.ipv4), port: 0)))
            }
            let clients = try listeners.map { try TCPClient(to: $0.listener.localAddress) }
            for client in clients { client.send(Array("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".utf8)) }
            for held in listeners { try wait(for: .readable, on: held.listener.raw) }

            var limit = rlimit()
            getrlimit(__rlimit_resource_t(7), &limit)  // RLIMIT_NOFILE
            let none = rlimit(rlim_cur: 3, rlim_max: limit.rlim_max)
            let mailbox = try Mailbox<SignalingMessage>(limit: 4)
            let context = try Self.context(mailbox)
            let thread = try WorkerThread.spawn(name: "signaling") {
                do {
                    var worker = try SignalingWorker(context, listeners: listeners)
                    var none = none
                    setrlimit(__rlimit_resource_t(7), &none)
                    try worker.run()
                } catch { exit(1) }
            }
            // The second answer comes from a round behind the one that found no descriptor.
            for _ in 0..<2 { Self.waitForReport(mailbox) }
            setrlimit(__rlimit_resource_t(7), &limit)
            for client in clients { #expect(client.receive(12) == Array("HTTP/1.1 200".utf8)) }
            mailbox.post(.stop)
            thread.join()
        }
    }

    @Test("says goodbye to WebSockets when it stops")
    func stop() throws {
        let held = HeldListener(try TCPListener(binding: SocketAddress(ip: .loopback(.ipv4), port: 0)))
        let client = try TCPClient(to: held.listener.localAddress)
        let mailbox = try Mailbox<SignalingMessage>(limit: 4)
        let context = try Self.context(mailbox)
        let thread = try WorkerThread.spawn(name: "signaling") {
            do {
                var worker = try SignalingWorker(context, listeners: [held])
                try worker.run()
            } catch { preconditionFailure("\(error)") }
        }
        let request =
            "GET /v1/signal HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        client.send(Array(request.utf8))
        #expect(client.receive(12) == Array("HTTP/1.1 101".utf8))
        mailbox.post(.stop)
        thread.join()
        let rest = client.receive(4096)
        // A close frame with 1001 (RFC 6455 §7.4.1).
        #expect(rest.split(separator: [0x88]).last?.dropFirst().prefix(2) == [0x03, 0xE9])
    }

    private static func context(_ mailbox: Mailbox<SignalingMessage>) throws -> SignalingContext {
        let options = [
            "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--signaling-port=8080", "--realm=example.org",
            "--allow-loopback-peers",
        ]
        let configuration = try #require(
            ServerConfiguration.load(file: nil, commandLine: CommandLineOptions(parsing: options)).configuration)
        let signaling = try #require(configuration.signaling)
        let facts = SignalingFacts(
            sharedSecret: [1, 2, 3], externalAddresses: [], isForThisHostOnly: true, connectionsMax: 100)
        return SignalingContext(
            settings: try SignalingSettings(signaling, configuration, facts), members: nil, mailbox: mailbox,
            log: try Log(minimum: .error),
            operators: OperatorContext(
                configuration: configuration, workers: [], server: try Mailbox(limit: 1), start: Clock.monotonic(),
                hasCoturnNames: false))
    }

    private static func waitForReport(_ mailbox: Mailbox<SignalingMessage>) {
        let hasCome = Locked(false)
        mailbox.post(.report { _ in hasCome.withLock { $0 = true } })
        while !hasCome.withLock({ $0 }) { usleep(1000) }
    }
}
