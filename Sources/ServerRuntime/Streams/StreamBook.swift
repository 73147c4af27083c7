import EventLoop
import NetworkPrimitives

/// How many connections of TURN clients there are, over all workers. Behind a lock that is taken when a connection
/// begins or ends, or an allocation on it, never on a packet.
final class StreamBook: Sendable {
    /// Why a connection is not taken.
    enum Refusal: Error {
        case tooMany
        case tooManyOfSource
    }

    private struct State {
        var total = 0
        /// Connections without an allocation, by who they come from. What has an allocation counts with the quotas.
        var idle: [IPAddress: Int] = [:]
    }

    private let connectionsMax: Int
    private let idlePerSourceMax: Int
    private let state = Locked(State())

    /// `idlePerSourceMax` 0 sets no limit.
    init(connectionsMax: Int, idlePerSourceMax: Int) {
        self.connectionsMax = connectionsMax
        self.idlePerSourceMax = idlePerSourceMax
    }

    /// No other connection is admitted until one ends.
    var isFull: Bool { state.withLock { $0.total >= connectionsMax } }

    /// A connection has come in; it has no allocation yet.
    func admit(_ source: IPAddress) -> Refusal? {
        let (connectionsMax, idlePerSourceMax) = (connectionsMax, idlePerSourceMax)
        return state.withLock { state in
            guard state.total < connectionsMax else { return .tooMany }
            let idle = state.idle[source.subscriber, default: 0]
            guard idlePerSourceMax == 0 || idle < idlePerSourceMax else { return .tooManyOfSource }
            state.total += 1
            state.idle[source.subscriber] = idle + 1
            return nil
        }
    }

    /// A connection without an allocation turns out to be of another source. False when that one has too many.
    func move(_ source: IPAddress, to other: IPAddress) -> Bool {
        let idlePerSourceMax = idlePerSourceMax
        return state.withLock { state in
            let idle = state.idle[other.subscriber, default: 0]
            guard idlePerSourceMax == 0 || idle < idlePerSourceMax else { return false }
            state.idle[other.subscriber] = idle + 1
            Self.forgetIdle(source, &state)
            return true
        }
    }

    /// A connection goes on as the data connection of an allocation (RFC 6062). It was admitted before, so that there
    /// is no limit here.
    func admitDataConnection() { state.withLock { $0.total += 1 } }

    func allocationOpened(_ source: IPAddress) { state.withLock { Self.forgetIdle(source, &$0) } }

    func allocationClosed(_ source: IPAddress) {
        state.withLock { $0.idle[source.subscriber, default: 0] += 1 }
    }

    /// The connection has ended.
    func release(_ source: IPAddress, hadAllocation: Bool) {
        state.withLock { state in
            state.total -= 1
            if !hadAllocation { Self.forgetIdle(source, &state) }
        }
    }

    private static func forgetIdle(_ source: IPAddress, _ state: inout State) {
        let key = source.subscriber
        guard let count = state.idle[key] else { return }
        state.idle[key] = count > 1 ? count - 1 : nil
    }
}
