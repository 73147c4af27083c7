import EventLoop
import LinuxSockets
import NetworkPrimitives

/// Allocations that come and go at a rate while others relay.
final class Churn: Companion {
    private static let retransmitAfter: UInt64 = 500_000_000
    private static let retransmissionsMax = 7
    private static let lookEvery: UInt64 = 5_000_000
    /// Those that are there at a time, at most: the descriptors are the process's, and the live clients need some.
    private static let seatsMax = 4000

    private enum Phase { case opening, held(until: UInt64), releasing }

    private struct Seat {
        let client: Client
        var phase: Phase
    }

    private(set) var findings = Outcome.Churn()
    private let pool: ClientPool
    private let peer: SocketAddress
    private var hold: UInt64
    private let perSecond: Int
    private var pacer: Pacer
    private let inbox = Inbox()
    private var seats: [Seat?] = []
    private var free: [Int] = []
    private var nextLook: UInt64 = 0
    private unowned let traffic: Traffic

    init(_ options: Options, pool: ClientPool, peer: SocketAddress, traffic: Traffic) {
        self.pool = pool
        self.peer = peer
        self.traffic = traffic
        perSecond = options.churnRate
        hold = UInt64(options.hold * 1e9)
        pacer = Pacer(start: 0, perSecond: perSecond, burst: 1)
    }

    func begin(in traffic: Traffic, at now: UInt64) {
        pacer = Pacer(start: now, perSecond: perSecond, burst: 1)
        nextLook = now
    }

    var due: UInt64 { min(pacer.due, nextLook) }

    func attend(at now: UInt64) throws(SystemError) {
        pacer.skipHopeless(at: now)
        while pacer.due <= now {
            try open()
            pacer.advance()
        }
        if nextLook <= now { try look(at: now) }
    }

    func receive(from number: Int, at now: UInt64) {
        guard let seat = seats[number] else { return }
        seat.client.link.receive(inbox) {
            guard let client = seats[number]?.client else { return }
            take(client.receive($0), of: number, at: now)
        }
        if seat.client.link.hasEnded, seats[number]?.client === seat.client { take(.lost, of: number, at: now) }
    }

    /// Gives back what is still there.
    func finish() throws(SystemError) {
        hold = 0
        let end = Clock.monotonic().advanced(byMilliseconds: 1000)
        for index in seats.indices {
            guard let seat = seats[index], case .held = seat.phase else { continue }
            try release(index)
        }
        while seats.contains(where: { $0 != nil }) {
            let now = Clock.monotonic()
            guard now < end else { return }
            try look(at: now.nanoseconds)
            _ = try traffic.receive(until: now.advanced(byMilliseconds: 10).nanoseconds, now: now.nanoseconds)
        }
    }

    private func open() throws(SystemError) {
        guard free.isEmpty ? seats.count < Self.seatsMax : true else {
            // So many wait for the server, or are held, that there is no room for more.
            findings.failures += 1
            return
        }
        let client = pool.makeClient(to: peer)
        let index = free.popLast() ?? seats.count
        if index == seats.count { seats.append(nil) }
        seats[index] = Seat(client: client, phase: .opening)
        try client.begin([.challenge, .allocate, .permit, .bind])
        if client.link.raw >= 0 { try traffic.watch(client.link.raw, for: self, number: index) }
    }

    private func release(_ index: Int) throws(SystemError) {
        seats[index]?.phase = .releasing
        try seats[index]?.client.begin([.release])
    }

    private func leave(_ index: Int) {
        seats[index] = nil
        free.append(index)
    }

    private func take(_ progress: Client.Progress, of index: Int, at now: UInt64) {
        switch progress {
        case .waiting, .advanced: return
        case .failed(let code):
            findings.failures += 1
            if findings.refusals.count < 8 { findings.refusals.append(code) }
            leave(index)
        case .lost:
            findings.failures += 1
            leave(index)
        case .finished:
            guard let seat = seats[index] else { return }
            if case .opening = seat.phase {
                findings.opened += 1
                findings.setUp.record(now - min(now, seat.client.beganAt))
                seats[index]?.phase = .held(until: now + hold)
            } else {
                findings.released += 1
                leave(index)
            }
        }
    }

    /// Who has stayed long enough goes; who is not answered asks again, and gives up in the end.
    private func look(at now: UInt64) throws(SystemError) {
        nextLook = now + Self.lookEvery
        for index in seats.indices {
            guard let seat = seats[index] else { continue }
            if case .held(let end) = seat.phase {
                if now >= end { try release(index) }
            } else if now > seat.client.sentAt + Self.retransmitAfter {
                guard seat.client.retransmissions < Self.retransmissionsMax else {
                    findings.failures += 1
                    leave(index)
                    continue
                }
                findings.retransmissions += 1
                seat.client.retransmit()
            }
        }
    }
}
