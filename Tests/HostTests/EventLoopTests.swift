import EventLoop
import Foundation
import LinuxSockets
import NetworkPrimitives
import Testing

@Suite("Poller and clock")
struct PollerTests {
    @Test("a deadline in the past does not wait; one ahead is waited for")
    func deadlines() throws {
        var poller = try Poller()
        let now = Clock.monotonic()
        #expect(try poller.wait(until: .zero, now: now) == 0)
        let deadline = Clock.monotonic().advanced(byMilliseconds: 2)
        #expect(try poller.wait(until: deadline, now: Clock.monotonic()) == 0)
        #expect(Clock.monotonic() >= deadline, "waking early would be a busy loop")
    }

    @Test("events carry token and kind, and come again until dealt with")
    func levelTriggered() throws {
        let socket = try UDPSocket(binding: .loopback(.ipv4))
        var poller = try Poller()
        try poller.add(socket.raw, token: .max, interest: [.readable, .writable])
        #expect(try poller.wait(until: .zero, now: .zero) == 1)
        #expect(poller.event(at: 0) == (.max, false, true, false))
        try poller.modify(socket.raw, token: 3, interest: .readable)
        #expect(try poller.wait(until: .zero, now: .zero) == 0)
        let unused = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: unused)
        outgoing.send([1], by: socket.raw, to: socket.localAddress)
        for _ in 0..<2 {
            #expect(try poller.wait(until: nil, now: .zero) == 1)
            #expect(poller.event(at: 0) == (3, true, false, false))
        }
        try poller.remove(socket.raw)
        #expect(try poller.wait(until: .zero, now: .zero) == 0)
    }

    @Test("watching a descriptor twice is a typed error")
    func twice() throws {
        let socket = try UDPSocket(binding: .loopback(.ipv4))
        let poller = try Poller()
        try poller.add(socket.raw, token: 1, interest: .readable)
        do throws(SystemError) {
            try poller.add(socket.raw, token: 1, interest: .readable)
            Issue.record("added twice")
        } catch {
            #expect(error == SystemError(operation: "epoll_ctl(ADD)", errno: EEXIST))
        }
    }

    @Test("a round holds at most 256 events; the rest follow")
    func capacity() throws {
        var poller = try Poller()
        var sinks: [Sink] = []
        for token in 0..<257 {
            let sink = try Sink()
            try poller.add(sink.socket.raw, token: UInt64(token), interest: .writable)
            sinks.append(sink)
        }
        #expect(try poller.wait(until: .zero, now: .zero) == 256)
        var seen = Set((0..<256).map { poller.event(at: $0).token })
        #expect(try poller.wait(until: .zero, now: .zero) == 256)
        seen.formUnion((0..<256).map { poller.event(at: $0).token })
        #expect(seen.count == 257)
        withExtendedLifetime(sinks) {}
    }

    @Test("the clocks tell plausible times")
    func clocks() {
        let first = Clock.monotonic()
        #expect(first > .zero)
        #expect(Clock.monotonic() >= first)
        #expect(Clock.wall().seconds > 1_700_000_000)
    }
}

@Suite("Threads")
struct ThreadTests {
    @Test("Locked keeps four threads apart")
    func locked() throws {
        let counter = Locked(0)
        let threads = try (0..<4).map { number in
            try WorkerThread.spawn(name: "count \(number)") {
                for _ in 0..<10_000 { counter.withLock { $0 += 1 } }
            }
        }
        for thread in threads { thread.join() }
        #expect(counter.withLock { $0 } == 40_000)
    }

    @Test("Locked passes errors on, and is free again")
    func lockedThrows() {
        let locked = Locked([1])
        #expect(throws: SystemError.self) {
            try locked.withLock { _ throws(SystemError) in throw SystemError(operation: "x", errno: 1) }
        }
        #expect(locked.withLock { $0 } == [1])
    }

    @Test("a mailbox signals the first message, not the second, and again after draining")
    func edge() throws {
        let mailbox = try Mailbox<Int>(limit: 10)
        var poller = try Poller()
        try poller.add(mailbox.raw, token: 0, interest: .readable)
        #expect(try poller.wait(until: .zero, now: .zero) == 0)
        mailbox.post(1)
        #expect(try poller.wait(until: .zero, now: .zero) == 1)
        mailbox.post(2)
        var signals: UInt64 = 0
        #expect(read(mailbox.raw, &signals, 8) == 8)
        #expect(signals == 1)
        #expect(mailbox.drain() == [1, 2])
        #expect(mailbox.drain() == [])
        mailbox.post(3)
        #expect(try poller.wait(until: .zero, now: .zero) == 1)
        #expect(mailbox.drain() == [3])
        #expect(try poller.wait(until: .zero, now: .zero) == 0)
    }

    @Test("a full mailbox refuses, and takes again after draining")
    func bounded() throws {
        let mailbox = try Mailbox<Int>(limit: 2)
        #expect(mailbox.post(1))
        #expect(mailbox.post(2))
        #expect(!mailbox.post(3))
        #expect(mailbox.drain() == [1, 2])
        #expect(mailbox.post(4))
        #expect(mailbox.drain() == [4])
    }

    @Test("messages of two threads reach a polling one, each thread's in order")
    func acrossThreads() throws {
        let mailbox = try Mailbox<Int>(limit: 10_000)
        let threads = try (0..<2).map { thread in
            try WorkerThread.spawn(name: "post") {
                for number in 0..<500 { mailbox.post(thread * 1000 + number) }
            }
        }
        var poller = try Poller()
        try poller.add(mailbox.raw, token: 0, interest: .readable)
        var received: [Int] = []
        while received.count < 1000 {
            let now = Clock.monotonic()
            // A lost signal would show as the time-out.
            let events = try poller.wait(until: now.advanced(bySeconds: 5), now: now)
            try #require(events == 1)
            received += mailbox.drain()
        }
        for thread in threads { thread.join() }
        #expect(received.filter { $0 < 1000 } == Array(0..<500))
        #expect(received.filter { $0 >= 1000 } == Array(1000..<1500))
    }

    @Test("a thread has its name and its processor, and may be joined twice")
    func nameAndPlacement() throws {
        let seen = Locked([String]())
        let thread = try WorkerThread.spawn(name: "a name that is too long", cpu: 0) {
            let status = (try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)) ?? ""
            let lines = status.split(separator: "\n").map(String.init)
            seen.withLock { $0 = lines }
        }
        thread.join()
        thread.join()
        let lines = seen.withLock { $0 }
        #expect(lines.contains("Name:\ta name that is "))
        #expect(lines.contains("Cpus_allowed_list:\t0"))
    }

    @Test("a thread on a processor that does not exist is a typed error")
    func noSuchProcessor() {
        #expect(throws: SystemError.self) { try WorkerThread.spawn(name: "x", cpu: 100_000) {} }
    }

    @Test("a blocked signal is read from the source")
    func signals() throws {
        // In a thread of its own, because the mask stays. SIGWINCH is ignored by whoever else should get it.
        let seen = Locked<[Int32?]>([])
        let thread = try WorkerThread.spawn(name: "signals") {
            guard let source = try? SignalSource([SIGWINCH]) else { return }
            let before = source.read()
            raise(SIGWINCH)
            let after = [before, source.read(), source.read()]
            seen.withLock { $0 = after }
        }
        thread.join()
        #expect(seen.withLock { $0 } == [nil, 28, nil])
    }
}
