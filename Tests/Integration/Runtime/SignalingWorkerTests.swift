import Configuration
import EventLoop
import Glibc
import LinuxSockets
import NetworkPrimitives
import Testing

@testable import ServerRuntime

@Suite("The thread of signaling")
struct SignalingWorkerTests {
    // In a process of its own: the limit is the whole process's.
    @Test("goes on when several listeners find no descriptor in one round, and accepts when there are some again")
    func outOfFiles() async {
        await #expect(processExitsWith: .success) {
            let listeners = try (0..<2).map { _ in HeldListener(try TCPListener(binding: .loopback(.ipv4))) }
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
                    let worker = try SignalingWorker(context, listeners: listeners)
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

    private static func context(_ mailbox: Mailbox<SignalingMessage>) throws -> SignalingContext {
        let options = [
            "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--signaling-port=8080", "--realm=example.org",
            "--allow-loopback-peers",
        ]
        let configuration = try #require(
            ServerConfiguration.load(file: nil, commandLine: CommandLineOptions(parsing: options)).configuration)
        let signaling = try #require(configuration.signaling)
        let facts = SignalingFacts(sharedSecret: [1, 2, 3], externalAddresses: [], isForThisHostOnly: true)
        return SignalingContext(
            settings: try SignalingSettings(signaling, configuration, facts), members: nil, mailbox: mailbox,
            log: try Log(minimum: .error))
    }

    private static func waitForReport(_ mailbox: Mailbox<SignalingMessage>) {
        let hasCome = Locked(false)
        mailbox.post(.report { _ in hasCome.withLock { $0 = true } })
        while !hasCome.withLock({ $0 }) { usleep(1000) }
    }
}
