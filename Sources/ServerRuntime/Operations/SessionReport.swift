import NetworkPrimitives
import TURN

/// An allocation as operators see it, with what it has relayed so far.
struct SessionReport: Sendable {
    let number: SessionNumber
    let summary: SessionSummary
    let traffic: Traffic
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
