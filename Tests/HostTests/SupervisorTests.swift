import EventLoop
import Foundation
import NetworkPrimitives
import TestSupport
import Testing

@Suite("What the service manager is told")
struct SupervisorTests {
    private func manager(_ environment: [String: String], processID: Int32 = 7) -> Supervisor {
        Supervisor(processID: processID) { environment[$0] }
    }

    @Test("an assignment a line, as sd_notify(3) has it")
    func text() {
        let now = Instant(nanoseconds: 12_345_678_999)
        #expect(Supervisor.text(of: [.ready, .status("serves")], at: now) == "READY=1\nSTATUS=serves")
        #expect(Supervisor.text(of: [.reloading], at: now) == "RELOADING=1\nMONOTONIC_USEC=12345678")
        #expect(Supervisor.text(of: [.stopping], at: now) == "STOPPING=1")
        #expect(Supervisor.text(of: [.alive], at: now) == "WATCHDOG=1")
        #expect(Supervisor.text(of: [.mainProcess(42)], at: now) == "MAINPID=42")
    }

    @Test("no words begin another assignment")
    func lineFeeds() {
        let text = Supervisor.text(of: [.status("a\nMAINPID=1\r\nb")], at: .zero)
        #expect(text == "STATUS=a MAINPID=1 b")
    }

    @Test("a path and an abstract name are reached")
    func names() throws {
        let path = NSTemporaryDirectory() + "/notify-\(UUID().uuidString.prefix(8))"
        for name in [path, "@tern-test-\(UUID().uuidString)"] {
            let listener = try NotifySocket(name)
            #expect(manager(["NOTIFY_SOCKET": name]).notify([.ready]))
            #expect(listener.received() == ["READY=1"])
        }
    }

    @Test(
        "names that lead nowhere are no harm",
        arguments: [
            nil, "", "/", "@", "relative", "vsock:2:1234", "/nonexistent/notify", String(repeating: "/a", count: 200),
        ])
    func nowhere(name: String?) {
        #expect(!manager(name.map { ["NOTIFY_SOCKET": $0] } ?? [:]).notify([.ready]))
    }

    @Test("a manager that does not read is waited for half a second, and the server goes on")
    func deafManager() throws {
        let listener = try NotifySocket()
        let deaf = manager(["NOTIFY_SOCKET": listener.name])
        let start = ContinuousClock.now
        var count = 0
        // How many datagrams wait is net.unix.max_dgram_qlen, 10 to 512 in the field.
        while count < 100_000, deaf.notify([.alive]) { count += 1 }
        #expect(count > 0)
        #expect(count < 100_000)
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test("the watchdog is meant for us, and its time makes sense")
    func watchdog() {
        let socket = ["NOTIFY_SOCKET": "@x"]
        func interval(_ more: [String: String]) -> UInt64? {
            manager(socket.merging(more) { $1 }).watchdogNanoseconds
        }
        #expect(interval([:]) == nil)
        #expect(interval(["WATCHDOG_USEC": "30000000"]) == 30_000_000_000)
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"]) == 30_000_000_000)
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "0"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "soon"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "18446744073709551615"]) == 86_400_000_000_000)
        #expect(manager(["WATCHDOG_USEC": "30000000"]).watchdogNanoseconds == nil)
    }
}
