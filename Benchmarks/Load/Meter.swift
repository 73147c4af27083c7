import CLoad
import EventLoop
import NetworkPrimitives

/// The clocks and counters at one moment.
struct Reading {
    var instant: Instant
    var serverCPU: Int64?
    /// Outside the kernel, in ticks of the clock: a hundredth of a second.
    var serverUserTicks: Int64?
    var ownCPU: Int64
    var machine: cload_ticks
    var delivered = 0
    var sent = 0

    init(pid: Int32?, delivered: Int = 0, sent: Int = 0) {
        var ticks = cload_ticks()
        _ = unsafe cload_machine_ticks(&ticks)
        machine = ticks
        ownCPU = cload_own_cpu()
        serverCPU = pid.map { cload_process_cpu($0) }.flatMap { $0 < 0 ? nil : $0 }
        serverUserTicks = pid.map { cload_process_user_ticks($0) }.flatMap { $0 < 0 ? nil : $0 }
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
    let own: Double
    /// The part of the whole machine that others used, from 0 to 1.
    let foreignShare: Double

    init(from start: Reading, to end: Reading) {
        seconds = Double(end.instant.nanoseconds(since: start.instant)) / 1e9
        delivered = end.delivered - start.delivered
        sent = end.sent - start.sent
        own = Double(end.ownCPU - start.ownCPU) / 1e9
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
        let busy = Double(end.machine.busy - start.machine.busy)
        let all = busy + Double(end.machine.idle - start.machine.idle)
        let ours = (own + (server ?? 0)) * Double(cload_ticks_per_second())
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

    var generatorShare: Double { own / seconds }
    /// A generator at its limit leaves the server waiting: the figures then say little about the server. When both are
    /// busy all the time, they wait for each other in turn, and the figures hold.
    var isSaturated: Bool { generatorShare > 0.9 && (server ?? 0) < 0.9 * seconds }
}

/// Bytes of memory of a process, nil when it cannot be read.
func residentBytes(_ pid: Int32?) -> Int? {
    pid.map { cload_resident_bytes($0) }.flatMap { $0 < 0 ? nil : Int($0) }
}
