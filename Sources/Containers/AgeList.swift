/// Small ids in the order in which they were appended; any of them leaves at once. For finding who makes room.
package struct AgeList {
    private struct Node {
        var older = AgeList.none
        var newer = AgeList.none
        var isIn = false
    }

    private static let none = UInt32.max

    private var nodes: [Node] = []
    private var newest = AgeList.none
    private var first = AgeList.none
    package private(set) var count = 0

    package init() {}

    /// Nil when nothing is in it.
    package var oldest: UInt32? { first == Self.none ? nil : first }

    /// As the newest.
    package mutating func append(_ id: UInt32) {
        precondition(id < Self.none, "ids are the small indices of a slab")
        while nodes.count <= Int(id) { nodes.append(Node()) }
        precondition(!nodes[Int(id)].isIn, "an id is in the list once")
        nodes[Int(id)] = Node(older: newest, newer: Self.none, isIn: true)
        if newest == Self.none { first = id } else { nodes[Int(newest)].newer = id }
        newest = id
        count += 1
    }

    /// Does nothing for an id that is not in the list.
    package mutating func remove(_ id: UInt32) {
        guard Int(id) < nodes.count, nodes[Int(id)].isIn else { return }
        let node = nodes[Int(id)]
        if node.older == Self.none { first = node.newer } else { nodes[Int(node.older)].newer = node.newer }
        if node.newer == Self.none { newest = node.older } else { nodes[Int(node.newer)].older = node.older }
        nodes[Int(id)] = Node()
        count -= 1
        // Memory follows what is in it.
        if count == 0 { nodes = [] }
    }
}
