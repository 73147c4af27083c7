import CLoad
import EventLoop
import NetworkPrimitives

/// The clocks and counters at one moment.
struct Reading {
    var instant: Instant
    var serverCPU: Int64?
    /// Outside the kernel, in ticks of the clock: a hundredth of a second.
    var serverUserTicks: Int64?
    var switches: cload_switches?
    var ownCPU: Int64
    /// What of our own CPU went into looking whether there is something to do.
    var ownIdle: UInt64
    var machine: cload_ticks
    var delivered = 0
    var sent = 0

    init(pid: Int32?, delivered: Int = 0, sent: Int = 0, ownIdle: UInt64 = 0) {
        var ticks = cload_ticks()
        _ = unsafe cload_machine_ticks(&ticks)
        machine = ticks
        ownCPU = cload_own_cpu()
        self.ownIdle = ownIdle
        switches = pid.flatMap { pid in
            var switches = cload_switches()
            return unsafe cload_context_switches(pid, &switches) == 0 ? switches : nil
        }
        serverUserTicks = pid.map { cload_process_user_ticks($0) }.flatMap { $0 < 0 ? nil : $0 }
        serverCPU = pid.flatMap(processCPU)
        instant = Clock.monotonic()
        self.delivered = delivered
        self.sent = sent
    }
}

/// What happened between two readings.
struct Interval {
    let seconds: Double
    let delivered: Int
    let sent: Int
    /// Seconds of CPU.
    let server: Double?
    /// The part of it that was spent outside the kernel; coarse, because ticks are.
    let serverUser: Double?
    /// How often the server's threads gave up their processor, and how often it was taken from them.
    let voluntarySwitches: Int?
    let involuntarySwitches: Int?
    /// Our own, without what was spent waiting.
    let own: Double
    /// The part of the whole machine that others used, from 0 to 1.
    let foreignShare: Double

    init(from start: Reading, to end: Reading) {
        seconds = Double(end.instant.nanoseconds(since: start.instant)) / 1e9
        delivered = end.delivered - start.delivered
        sent = end.sent - start.sent
        let spent = Double(end.ownCPU - start.ownCPU) / 1e9
        own = max(0, spent - Double(end.ownIdle - start.ownIdle) / 1e9)
        if let after = end.serverCPU, let before = start.serverCPU {
            server = Double(after - before) / 1e9
        } else {
            server = nil
        }
        if let after = end.serverUserTicks, let before = start.serverUserTicks {
            serverUser = Double(after - before) / Double(cload_ticks_per_second())
        } else {
            serverUser = nil
        }
        // A thread that has ended takes its numbers along.
        if let after = end.switches, let before = start.switches, after.voluntary >= before.voluntary,
            after.involuntary >= before.involuntary
        {
            voluntarySwitches = Int(after.voluntary - before.voluntary)
            involuntarySwitches = Int(after.involuntary - before.involuntary)
        } else {
            voluntarySwitches = nil
            involuntarySwitches = nil
        }
        let busy = Double(end.machine.busy - start.machine.busy)
        let all = busy + Double(end.machine.idle - start.machine.idle)
        let ours = (spent + (server ?? 0)) * Double(cload_ticks_per_second())
        foreignShare = all > 0 ? max(0, busy - ours) / all : 0
    }

    /// The server's CPU for each thing done.
    var microsecondsPerOperation: Double? {
        guard let server, delivered > 0 else { return nil }
        return server * 1e6 / Double(delivered)
    }

    /// Of this, outside the kernel.
    var userMicrosecondsPerOperation: Double? {
        guard let serverUser, delivered > 0 else { return nil }
        return serverUser * 1e6 / Double(delivered)
    }

    /// Of the server's CPU, from 0 to 1; ticks and clock are not of one mind about short runs.
    var userShare: Double? {
        guard let serverUser, let server, server > 0 else { return nil }
        return min(1, serverUser / server)
    }

    var serverShare: Double { seconds > 0 ? (server ?? 0) / seconds : 0 }
    var generatorShare: Double { seconds > 0 ? own / seconds : 0 }
    /// A generator at its limit leaves the server waiting: the figures then say little about the server. When both are
    /// busy all the time, they wait for each other in turn, and the figures hold.
    var isSaturated: Bool { generatorShare > 0.9 && (server ?? 0) < 0.9 * seconds }
}

/// Nanoseconds of CPU that a process has used, nil when there is none.
func processCPU(_ pid: Int32) -> Int64? {
    let result = cload_process_cpu(pid)
    return result < 0 ? nil : result
}

/// Bytes of memory of a process, nil when it cannot be read.
func residentBytes(_ pid: Int32?) -> Int? {
    pid.map { cload_resident_bytes($0) }.flatMap { $0 < 0 ? nil : Int($0) }
}
