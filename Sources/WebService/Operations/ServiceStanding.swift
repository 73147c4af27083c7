package import Signaling

/// What signaling did since the start, and what of it is alive.
package struct ServiceStanding: Sendable {
    package var web = WebCounters()
    package var connections = 0
    package var rooms = 0
    package var participants = 0
    /// Nobody new is served.
    package var isDraining = false
    package var dialects: [DialectStanding] = []

    package init() {}
}

extension WebService {
    /// The standing of this moment.
    package var standing: ServiceStanding {
        var standing = ServiceStanding()
        standing.web = counters
        standing.connections = connectionCount
        standing.isDraining = isDraining
        (standing.rooms, standing.participants) = liveCounts
        standing.dialects = dialects.withRooms.flatMap(\.dialects)
        return standing
    }
}
