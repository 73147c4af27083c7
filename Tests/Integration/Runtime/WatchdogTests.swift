import Configuration
import EventLoop
import NetworkPrimitives
import TestSupport
import Testing

@testable import ServerRuntime

@Suite("When the service manager is told that the server is alive")
struct WatchdogTests {
    private static let second: UInt64 = 1_000_000_000

    private func time(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * Self.second) }

    @Test("at once, then four times in the interval while all threads answer")
    func alive() {
        var watchdog = Watchdog(intervalNanoseconds: 40 * Self.second, start: time(100))
        #expect(watchdog.nextLook == time(100))
        #expect(watchdog.look(at: [0, 0], now: time(100)) == .alive)
        #expect(watchdog.round == 1)
        #expect(watchdog.nextLook == time(110))
        #expect(watchdog.look(at: [1, 1], now: time(110)) == .alive)
        #expect(watchdog.round == 2)
        #expect(watchdog.nextLook == time(120))
    }

    @Test("never while one thread is silent, and again when it answers")
    func silent() {
        var watchdog = Watchdog(intervalNanoseconds: 40 * Self.second, start: time(0))
        _ = watchdog.look(at: [0, 0, 0], now: time(0))
        #expect(watchdog.look(at: [1, 0, 1], now: time(10)) == .silent([1]))
        #expect(watchdog.look(at: [1, 0, 0], now: time(20)) == .silent([1, 2]))
        #expect(watchdog.round == 1, "a round that is not over is not followed by another")
        #expect(watchdog.look(at: [1, 1, 1], now: time(30)) == .alive)
        #expect(watchdog.round == 2)
    }

    @Test("an answer that is late counts for its own round only")
    func lateAnswers() {
        let pulse = Pulse(threadCount: 2)
        pulse.beat(0, round: 3, load: 5)
        pulse.beat(0, round: 2, load: 4)
        #expect(pulse.rounds == [3, 0])
        #expect(pulse.loads == [4, 0])
    }

    @Test(
        "a worker that hangs keeps the manager without news, until it gets round to its messages",
        .requirement("RI-service-1"))
    func hangingWorker() throws {
        let listener = try NotifySocket()
        let environment = ["NOTIFY_SOCKET": listener.name, "WATCHDOG_USEC": "4"]
        let manager = Supervisor(processID: 1) { environment[$0] }
        let file = ConfigurationFile(name: "test", bytes: Array("relay-threads=2\nno-auth\n".utf8))
        let server = try Server(try #require(ServerConfiguration.load(file: file).configuration))
        // Mailboxes that nobody empties but this test: workers that hang.
        server.mailboxes = [try Mailbox(limit: 8), try Mailbox(limit: 8)]
        func look() {
            Clock.sleep(nanoseconds: 2000)
            server.lookAtThreads(manager)
        }
        func work(_ worker: Int) {
            for case .answer(let answer) in server.mailboxes[worker].drain() { answer(3) }
        }
        server.startWatchdog(manager)
        look()
        work(0)
        // Long enough for the mailbox of the one that hangs to be full.
        for _ in 0..<20 { look() }
        #expect(listener.received() == ["WATCHDOG=1\nSTATUS=serves 0 allocations"])
        #expect(server.silentThreads == [1])
        work(1)
        look()
        #expect(listener.received().last == "WATCHDOG=1\nSTATUS=serves 6 allocations")
        #expect(listener.received().count == 2)
        #expect(server.silentThreads.isEmpty)
    }
}
