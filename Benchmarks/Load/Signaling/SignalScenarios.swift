import EventLoop
import LinuxSockets
import NetworkPrimitives

/// What a run with signaling found out.
struct SignalOutcome {
    var interval: Interval
    var lost = 0
    var sent = 0
    var memory: Memory?

    struct Memory {
        let members: Int
        let before: Int
        /// When the last one had come in.
        let open: Int
        /// After they had been idle.
        let kept: Int
        let idleCPUShare: Double?
    }
}

enum SignalError: Error {
    case system(SystemError)
    case client(SignalFailure)
    /// The server did not do its part within the time.
    case stalled(String)
}

/// The modes of signaling.
struct SignalScenarios {
    let options: SignalOptions

    /// Whoever takes longer than this to let clients in has stopped working.
    static let patienceSeconds: UInt32 = 120

    func run() throws(SignalError) -> SignalOutcome {
        do {
            switch options.mode {
            case .idle: return try idle()
            case .relay: return try SignalTraffic(options).run()
            case .join: return try join()
            case .issue: return try CredentialTraffic(options).run()
            }
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as SignalError {
            throw error
        } catch { preconditionFailure("the modes throw nothing else") }
    }

    // MARK: - Idle

    private func idle() throws -> SignalOutcome {
        let pool = try SignalPool(options)
        // What the first clients cost beyond themselves, pages of the program above all, is not the others' price.
        try pool.fill(rooms: 100_000..<100_020, members: options.members, concurrency: 16)
        try pool.leave()
        let before = residentBytes(options.pid) ?? 0
        let start = Reading(pid: options.pid)
        try pool.fill(rooms: 0..<options.rooms, members: options.members, concurrency: options.window ?? 64)
        let members = options.rooms * options.members
        let opened = Reading(pid: options.pid, delivered: members)
        let open = residentBytes(options.pid) ?? 0
        // Pings are answered meanwhile.
        try pool.attend(forSeconds: options.seconds)
        let kept = Interval(from: opened, to: Reading(pid: options.pid))
        var outcome = SignalOutcome(interval: Interval(from: start, to: opened))
        outcome.memory = SignalOutcome.Memory(
            members: members, before: before, open: open, kept: residentBytes(options.pid) ?? 0,
            idleCPUShare: kept.server.map { $0 / kept.seconds })
        if let failure = pool.failures.first { throw SignalError.client(failure) }
        return outcome
    }

    // MARK: - Join storms

    /// Counts what it takes to get in; leaving is in between.
    private func join() throws -> SignalOutcome {
        let start = Clock.monotonic().nanoseconds
        let measureFrom = start + UInt64(options.warmup * 1e9)
        let end = measureFrom + UInt64(options.seconds * 1e9)
        var storms: [Interval] = []
        var firstRoom = 0
        var clientsMade: UInt32 = 0
        while true {
            // Servers limit how often one address may come.
            let pool = try SignalPool(options, after: clientsMade)
            let isMeasured = Clock.monotonic().nanoseconds >= measureFrom
            let before = Reading(pid: options.pid)
            // Names of their own, because a server may keep what has just been left for a while.
            try pool.fill(
                rooms: firstRoom..<(firstRoom + options.rooms), members: options.members,
                concurrency: options.window ?? 64)
            let after = Reading(pid: options.pid, delivered: options.rooms * options.members)
            if isMeasured { storms.append(Interval(from: before, to: after)) }
            try pool.leave()
            firstRoom += options.rooms
            clientsMade = pool.clientsMade
            if isMeasured, Clock.monotonic().nanoseconds >= end { break }
        }
        return SignalOutcome(interval: Interval(adding: storms))
    }
}

extension SignalPool {
    /// Opens members of all these rooms, in an order that fills the rooms one after the other, and waits until all
    /// are in.
    func fill(rooms: Range<Int>, members: Int, concurrency: Int) throws {
        let total = rooms.count * members
        var begun = 0
        var arrived = 0
        while begun < min(concurrency, total) {
            _ = try open(room: rooms.lowerBound + begun / members)
            begun += 1
        }
        let now = Clock.monotonic()
        let patience = now.advanced(bySeconds: SignalScenarios.patienceSeconds)
        while arrived < total {
            var newcomers = 0
            try round(until: patience) { _, progress in
                if case .arrived = progress { newcomers += 1 }
            }
            arrived += newcomers
            if let failure = failures.first { throw SignalError.client(failure) }
            guard Clock.monotonic() < patience else { throw SignalError.stalled("\(total - arrived) are not in") }
            for _ in 0..<min(newcomers, total - begun) {
                _ = try open(room: rooms.lowerBound + begun / members)
                begun += 1
            }
        }
    }

    /// Says goodbye for all, and waits until the server has closed the connections.
    func leave() throws {
        let frame = SignalClient.frame(#"{"type":"bye"}"#)
        for client in clients { _ = client?.send(frame) }
        var left = clients.count { $0 != nil }
        let patience = Clock.monotonic().advanced(bySeconds: SignalScenarios.patienceSeconds)
        while left > 0 {
            try round(until: patience) { _, progress in
                if case .failed = progress { left -= 1 }
            }
            guard Clock.monotonic() < patience else { throw SignalError.stalled("\(left) are not let go") }
        }
        forgetFailures()
    }

    /// Lets clients do what they owe, such as pongs.
    func attend(forSeconds seconds: Double) throws(SystemError) {
        let end = Instant(nanoseconds: Clock.monotonic().nanoseconds + UInt64(seconds * 1e9))
        while Clock.monotonic() < end { try round(until: end) { _, _ in } }
    }
}

extension Interval {
    /// Several, without what was between them.
    init(adding parts: [Interval]) {
        seconds = parts.reduce(0) { $0 + $1.seconds }
        delivered = parts.reduce(0) { $0 + $1.delivered }
        sent = parts.reduce(0) { $0 + $1.sent }
        server = parts.contains { $0.server == nil } ? nil : parts.reduce(0) { $0 + ($1.server ?? 0) }
        serverUser =
            parts.contains { $0.serverUser == nil } ? nil : parts.reduce(0) { $0 + ($1.serverUser ?? 0) }
        voluntarySwitches = nil
        involuntarySwitches = nil
        own = parts.reduce(0) { $0 + $1.own }
        let foreign = parts.reduce(0) { $0 + $1.foreignShare * $1.seconds }
        foreignShare = parts.isEmpty ? 0 : foreign / parts.reduce(0) { $0 + $1.seconds }
    }
}
