import EventLoop
import LinuxSockets
import NetworkPrimitives

// Allocations for their own sake.
extension Scenarios {
    func allocate() throws -> Outcome { try cycles([.challenge, .allocate, .permit, .bind, .release]) }

    /// Connections that are opened, asked once, and closed.
    func handshake() throws -> Outcome {
        var outcome = try cycles([.ask])
        outcome.handshakes = links?.handshakes
        return outcome
    }

    /// Clients come, go through the script and leave, a bounded number at a time.
    private func cycles(_ script: [Client.Step]) throws -> Outcome {
        let pool = try ClientPool(options, links)
        let peer = try Socket(on: options.own)
        let sampler = Sampler(pid: options.pid)
        let start = Clock.monotonic().nanoseconds
        let measureFrom = start + UInt64(options.warmup * 1e9)
        let end = measureFrom + UInt64(options.seconds * 1e9)
        var first: Reading?
        var last: Reading?
        var latency = LatencyHistogram()
        try pool.cycle(script, concurrency: options.window ?? 16, peer: peer.localAddress) { finished, durations in
            let now = Clock.monotonic().nanoseconds
            if first == nil, now >= measureFrom {
                first = Reading(pid: options.pid, delivered: finished)
                sampler.begin(at: now, until: end, sent: finished, delivered: finished)
            } else if first != nil {
                for duration in durations { latency.record(duration) }
            }
            if now >= sampler.due { sampler.take(at: now, sent: finished, delivered: finished, latency: latency) }
            guard first != nil, now >= end else { return false }
            last = Reading(pid: options.pid, delivered: finished)
            sampler.finish(at: now, sent: finished, delivered: finished, latency: latency)
            return true
        }
        guard let first, let last, last.delivered > first.delivered else {
            throw refusal(of: pool)
        }
        var outcome = Outcome(interval: Interval(from: first, to: last))
        outcome.refusals = pool.refusals
        outcome.failures = pool.failures
        outcome.loss = pool.loss
        outcome.latency = latency
        outcome.samples = sampler.samples
        return outcome
    }

    /// Costs of having allocations, or mere connections: to open them, to keep them, and whether the memory comes back.
    func idle() throws -> Outcome {
        let pool = try ClientPool(options, links)
        let peer = try Socket(on: options.own)
        pool.addClients(toPeers: Array(repeating: peer.localAddress, count: options.allocations))
        let before = residentBytes(options.pid) ?? 0
        let start = Reading(pid: options.pid)
        try setUp(pool, options.isBare ? [.ask] : [.challenge, .allocate])
        let opened = Reading(pid: options.pid, delivered: options.allocations)
        let open = residentBytes(options.pid) ?? 0
        try sleep(options.seconds)
        let kept = Interval(from: opened, to: Reading(pid: options.pid))
        if !options.isBare { try setUp(pool, [.release]) }
        pool.leave()
        try sleep(0.5)
        var outcome = Outcome(interval: Interval(from: start, to: opened))
        outcome.memory = Outcome.Memory(
            before: before, open: open, afterwards: residentBytes(options.pid) ?? 0,
            idleCPUShare: kept.server.map { $0 / kept.seconds })
        return outcome
    }

    private func sleep(_ seconds: Double) throws(SystemError) {
        var poller = try Poller()
        let now = Clock.monotonic()
        _ = try poller.wait(until: Instant(nanoseconds: now.nanoseconds + UInt64(seconds * 1e9)), now: now)
    }
}
