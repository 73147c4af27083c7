import Containers
import NetworkPrimitives
import SimulationKit

@testable import TURN

/// Compares the data plane's table with the truth of the control plane: every route that should be there is, and the
/// counts say that no other is.
enum TableAudit {
    static func check(_ worker: ServerNode.Worker) -> String? {
        var handles: [SlabHandle] = []
        worker.server.allocations.forEachHandle { handles.append($0) }
        var active = 0
        var permissions = 0
        var channels = 0
        for handle in handles {
            let allocation = worker.server.allocations[handle]
            guard case .active = allocation.phase else { return "an allocation is still opening after the drain" }
            active += 1
            permissions += allocation.permissions.count
            if let defect = checkRelays(of: allocation, handle.index, worker) { return defect }
            for permission in allocation.permissions
            where !worker.forwarder.table.isPermitted(permission.peer, allocation: handle.index) {
                return "\(permission.peer) is permitted and has no route"
            }
            // A channel relays only while its binding and the permission of its peer both live (RFC 8656 §9, §12).
            for channel in allocation.channels where allocation.permission(for: channel.peer.ip) != nil {
                channels += 1
                if let defect = check(channel, handle.index, worker) { return defect }
            }
        }
        let counts = worker.forwarder.table.liveCounts
        guard counts == (active, permissions, channels) else {
            return "the data plane has \(counts), the control plane \((active, permissions, channels))"
        }
        return nil
    }

    private static func checkRelays(
        of allocation: Allocation, _ index: UInt32, _ worker: ServerNode.Worker
    ) -> String? {
        guard worker.forwarder.table.allocation(of: allocation.fiveTuple) == index else {
            return "the five-tuple of allocation \(index) leads elsewhere"
        }
        for family in AddressFamily.allCases {
            let route = worker.forwarder.table[index].relay(family)
            guard route == allocation.relay(family)?.socket else { return "another relay socket, \(family)" }
        }
        return nil
    }

    private static func check(_ channel: ChannelBinding, _ index: UInt32, _ worker: ServerNode.Worker) -> String? {
        let number = channel.number.rawValue
        guard worker.forwarder.table.peer(ofChannel: number, allocation: index) == channel.peer,
            worker.forwarder.table.channel(toPeer: channel.peer, allocation: index) == number
        else { return "channel \(number) has another route" }
        return nil
    }
}
