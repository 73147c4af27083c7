/// One entry of the tape that a text is parsed to: a value, or the name in front of a member's value.
///
/// A container is followed by its contents, and `next` leads past them:
/// ```
///   {"a":[1,2],"b":3}   ->   object  "a"  array  1  2  "b"  3
///                              0      1     2    3  4   5   6      next of 0 is 7, of 2 is 5
/// ```
struct JSONNode: Sendable {
    /// The most children that a node counts.
    static let countMax = 0xFF_FFFF

    /// Where the text of the value begins and where it ends, quotes and brackets included.
    var start: UInt32
    var end: UInt32
    /// The entry behind this value and its contents. While a container is open, the entry of the one around it.
    var next: UInt32
    /// The kind in the high byte, the number of children in the others.
    private var kindAndCount: UInt32

    init(_ kind: Kind, start: Int, end: Int, next: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
        self.next = UInt32(truncatingIfNeeded: next)
        kindAndCount = UInt32(kind.rawValue) << 24
    }

    enum Kind: UInt8 {
        case null, no, yes, number, array, object
        /// A string whose text is its content.
        case plainString
        /// A string that has escapes.
        case escapedString
    }

    var kind: Kind {
        guard let kind = Kind(rawValue: UInt8(kindAndCount >> 24)) else {
            preconditionFailure("a kind is only ever written whole")
        }
        return kind
    }

    /// Elements of an array, members of an object.
    var count: Int { Int(kindAndCount & 0xFF_FFFF) }

    mutating func addChild() { kindAndCount += 1 }
}
