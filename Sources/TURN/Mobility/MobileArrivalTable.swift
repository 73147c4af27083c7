import Containers
import NetworkPrimitives
import STUN

/// Somebody who has shown a ticket and has not used the allocation from the new five-tuple yet.
struct MobileArrival {
    enum Phase {
        /// Another worker has the allocation and is asked. The answer follows.
        case asked(Exchange)
        /// This worker has the allocation.
        case here
        /// Another worker has it, and gives it away when the client shows itself here.
        case elsewhere(MobilityGrant)
        /// The client has shown itself, and the allocation is on its way.
        case fetching(MobilityGrant)
    }

    let path: FiveTuple
    let mobility: MobilityID
    let transactionID: TransactionID
    let username: [UInt8]
    var phase: Phase

    /// Whether the shell knows of it.
    var isExpected: Bool {
        switch phase {
        case .asked: false
        case .here, .elsewhere, .fetching: true
        }
    }
}

/// The arrivals of one worker. Each costs somebody an authenticated request, and their number is bounded by that of the
/// allocations.
struct MobileArrivalTable: ~Copyable {
    private var arrivals: Slab<MobileArrival>
    private var handleByPath: FlatMap<FiveTuple, SlabHandle>
    private var timers: TimerWheel
    /// Those whose allocation is not here: room is kept for it.
    private(set) var incomingCount = 0

    init(limit: Int, seed: UInt64, start: Instant) {
        arrivals = Slab(limit: limit)
        handleByPath = FlatMap(seed: seed, limit: limit)
        timers = TimerWheel(start: start)
    }

    var count: Int { arrivals.count }

    var hasRoom: Bool { arrivals.count < arrivals.limit }

    var nextDeadline: Instant? { timers.nextDeadline }

    subscript(path: FiveTuple) -> MobileArrival? { handleByPath[path].map { arrivals[$0] } }

    /// The path must not have one, and there must be room.
    mutating func insert(_ arrival: MobileArrival, until deadline: Instant) {
        let isIncoming = Self.isIncoming(arrival)
        guard let handle = arrivals.insert(arrival) else { preconditionFailure("room was looked for before") }
        let isNew = handleByPath.insert(handle, for: arrival.path)
        precondition(isNew, "an earlier arrival on the path was removed")
        timers.schedule(handle.index, at: deadline)
        if isIncoming { incomingCount += 1 }
    }

    mutating func update(_ path: FiveTuple, _ phase: MobileArrival.Phase, until deadline: Instant) {
        guard let handle = handleByPath[path] else { preconditionFailure("only what is there changes") }
        arrivals[handle].phase = phase
        timers.schedule(handle.index, at: deadline)
    }

    mutating func remove(_ path: FiveTuple) -> MobileArrival? {
        guard let handle = handleByPath.remove(path) else { return nil }
        timers.cancel(handle.index)
        guard let arrival = arrivals.remove(handle) else { preconditionFailure("both tables hold the same") }
        if Self.isIncoming(arrival) { incomingCount -= 1 }
        return arrival
    }

    /// The path of one that has waited long enough.
    mutating func popExpired(at now: Instant) -> FiveTuple? {
        guard let index = timers.popExpired(at: now), let handle = arrivals.handle(at: index) else { return nil }
        return arrivals[handle].path
    }

    private static func isIncoming(_ arrival: MobileArrival) -> Bool {
        if case .here = arrival.phase { false } else { true }
    }
}
