import NetworkPrimitives
import TURN

/// An allocation as operators see it, with what it has relayed so far.
struct SessionReport: Sendable {
    let number: SessionNumber
    let summary: SessionSummary
    let traffic: Traffic
}

/// Those of the allocations that relayed most, and how many there are in all.
struct SessionList: Sendable {
    private(set) var count = 0
    private(set) var reports: [SessionReport] = []

    init() {}

    /// The first `limit` of these.
    init(_ reports: [SessionReport], limit: Int) {
        count = reports.count
        self.reports = reports
        sort(limit: limit)
    }

    mutating func add(_ other: SessionList) {
        count += other.count
        reports += other.reports
    }

    /// Those that relayed most come first, as they are what is looked for.
    mutating func sort(limit: Int) {
        reports.sort { $0.traffic.byteCount > $1.traffic.byteCount }
        if reports.count > limit { reports.removeLast(reports.count - limit) }
    }
}

/// Which allocations are meant: all that fulfil each condition that is there.
struct SessionFilter: Hashable, Sendable {
    var number: SessionNumber?
    var user: [UInt8]?
    /// The client's address, with any port.
    var client: IPAddress?

    func means(_ session: SessionSummary, worker: Int) -> Bool {
        if let number, number != SessionNumber(session, worker: worker) { return false }
        if let user, user != session.username { return false }
        if let client, client != session.fiveTuple.client.socketAddress.ip { return false }
        return true
    }
}

/// What the allocations of clients of one transport are doing, and what all of them ever relayed.
struct TransportReport: Sendable {
    var allocations = 0
    var traffic = Traffic()
}

extension Traffic {
    fileprivate var byteCount: UInt64 { toPeerBytes + toClientBytes }

    mutating func add(_ other: Traffic) {
        toPeerPackets += other.toPeerPackets
        toPeerBytes += other.toPeerBytes
        toClientPackets += other.toClientPackets
        toClientBytes += other.toClientBytes
    }
}

/// A figure for each transport that clients come by.
struct ByTransport<Value: Sendable>: Sendable {
    private var values: [Value]

    init(_ value: Value) { values = [Value](repeating: value, count: ClientTransport.allCases.count) }

    subscript(transport: ClientTransport) -> Value {
        get { values[Int(transport.rawValue)] }
        set { values[Int(transport.rawValue)] = newValue }
    }
}
