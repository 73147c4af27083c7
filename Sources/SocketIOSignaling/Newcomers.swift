import Containers
import NetworkPrimitives
import Signaling
import SocketIO

/// Somebody whose dialect is not known yet, or only guessed.
struct Newcomer {
    let socket: SocketID
    let opening: Opening
    /// What others may call it.
    let name: String
}

/// Those who have not said anything yet and about whom nothing is known, and which of them wait in a namespace. As many
/// can wait in one as there are sockets, so they are found and taken out without looking at the others.
struct NewcomerTable: ~Copyable {
    private var nodes: Slab<Node>
    /// The one that came last to each namespace.
    private var lastInRoom: FlatMap<RoomName, SlabHandle>

    private struct Node {
        let newcomer: Newcomer
        /// Those of the same namespace who came before and after.
        var previous: SlabHandle?
        var next: SlabHandle?
    }

    init(limit: Int, seed: UInt64) {
        nodes = Slab(limit: limit)
        lastInRoom = FlatMap(seed: seed, limit: limit)
    }

    var count: Int { nodes.count }

    subscript(handle: SlabHandle) -> Newcomer { nodes[handle].newcomer }

    func firstHandle(from index: UInt32) -> SlabHandle? { nodes.firstHandle(from: index) }

    /// Somebody who waits in a namespace; nil when nobody does.
    func last(in room: RoomName) -> SlabHandle? { lastInRoom[room] }

    /// Nil when there is no place.
    mutating func insert(_ newcomer: Newcomer) -> SlabHandle? {
        let previous = newcomer.opening.room.flatMap { lastInRoom[$0] }
        guard let handle = nodes.insert(Node(newcomer: newcomer, previous: previous)) else { return nil }
        guard let room = newcomer.opening.room else { return handle }
        if let previous {
            nodes[previous].next = handle
            lastInRoom.update(handle, for: room)
        } else {
            lastInRoom.insert(handle, for: room)
        }
        return handle
    }

    @discardableResult
    mutating func remove(_ handle: SlabHandle) -> Newcomer? {
        guard let node = nodes.remove(handle) else { return nil }
        if let previous = node.previous { nodes[previous].next = node.next }
        if let next = node.next {
            nodes[next].previous = node.previous
        } else if let room = node.newcomer.opening.room {
            if let previous = node.previous {
                lastInRoom.update(previous, for: room)
            } else {
                lastInRoom.remove(room)
            }
        }
        return node.newcomer
    }
}
