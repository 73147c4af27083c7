/// Whether the names of one object differ from each other.
enum JSONNames {
    /// Up to this many names each is compared with each, which needs no memory.
    private static let pairwiseMax = 8

    static func areDistinct(in nodes: Span<JSONNode>, ofObjectAt index: Int, _ text: Span<UInt8>) -> Bool {
        let count = nodes[index].count
        guard count > 1 else { return true }
        if count <= pairwiseMax { return areDistinctPairwise(in: nodes, from: index + 1, count, text) }
        // Sorting bounds the work whatever the names are. Names could be chosen so that they collide in a hash table.
        var names: [[UInt8]] = []
        names.reserveCapacity(count)
        var name = index + 1
        for _ in 0..<count {
            names.append(content(of: nodes[name], text))
            name = Int(nodes[name + 1].next)
        }
        names.sort { $0.lexicographicallyPrecedes($1) }
        return zip(names, names.dropFirst()).allSatisfy { $0 != $1 }
    }

    private static func areDistinctPairwise(
        in nodes: Span<JSONNode>, from first: Int, _ count: Int, _ text: Span<UInt8>
    ) -> Bool {
        var left = first
        for index in 0..<count {
            var right = Int(nodes[left + 1].next)
            for _ in (index + 1)..<max(count, index + 1) {
                if areEqual(nodes[left], nodes[right], text) { return false }
                right = Int(nodes[right + 1].next)
            }
            left = Int(nodes[left + 1].next)
        }
        return true
    }

    private static func areEqual(_ left: JSONNode, _ right: JSONNode, _ text: Span<UInt8>) -> Bool {
        guard left.kind == .plainString, right.kind == .plainString else {
            return content(of: left, text) == content(of: right, text)
        }
        guard left.end - left.start == right.end - right.start else { return false }
        let shift = Int(right.start) - Int(left.start)
        for position in Int(left.start) + 1..<Int(left.end) where text[position] != text[position + shift] {
            return false
        }
        return true
    }

    private static func content(of name: JSONNode, _ text: Span<UInt8>) -> [UInt8] {
        let inside = text.extracting(Int(name.start) + 1..<Int(name.end) - 1)
        if name.kind == .escapedString { return JSONText.unescape(inside).bytes }
        return unsafe inside.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
