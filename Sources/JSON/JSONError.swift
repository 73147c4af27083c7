/// How much one JSON text may make us hold (RFC 8259 §9 lets a parser set such limits).
package struct JSONLimits: Hashable, Sendable {
    /// Arrays and objects within each other.
    package var depthMax: Int
    /// Values of the whole text: scalars, arrays and objects. Names are not counted.
    package var valuesMax: Int

    package init(depthMax: Int = 16, valuesMax: Int = 4096) {
        precondition(depthMax >= 0, "a depth is not negative")
        precondition((1...JSONNode.countMax).contains(valuesMax), "a node counts its children in 24 bits")
        self.depthMax = depthMax
        self.valuesMax = valuesMax
    }
}

/// Why bytes are not a JSON text that we take (RFC 8259).
package enum JSONError: Error, Hashable, Sendable {
    /// The text ends within a value.
    case truncated
    /// A byte that the grammar has no place for, at this offset.
    case unexpectedByte(at: Int)
    /// A control byte or an unknown escape in a string (§7).
    case malformedString
    /// A number with leading zeros, without digits, or the like (§6).
    case malformedNumber
    /// A string that is not UTF-8 (§8.1).
    case malformedUTF8
    /// More arrays and objects within each other than `JSONLimits.depthMax`.
    case tooDeep
    /// More values than `JSONLimits.valuesMax`, or more bytes than an offset of 32 bits reaches.
    case tooManyValues
    /// Something other than white space stands behind the value.
    case trailingBytes
    /// Two members of one object have the same name. §4 leaves open which of them counts, and readers that choose
    /// differently can be played against each other.
    case duplicateName
}
