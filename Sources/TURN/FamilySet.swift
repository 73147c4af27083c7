import NetworkPrimitives

/// Some of the two address families.
struct FamilySet: OptionSet {
    let rawValue: UInt8

    static let ipv4 = FamilySet(.ipv4)
    static let ipv6 = FamilySet(.ipv6)
    static let all: FamilySet = [.ipv4, .ipv6]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    // The numbers of the wire are 1 and 2, one bit each.
    init(_ family: AddressFamily) { rawValue = family.rawValue }

    /// The family of a number on the wire; empty for an unknown one.
    init(wire number: UInt8) { self = AddressFamily(rawValue: number).map { FamilySet($0) } ?? [] }

    func contains(_ family: AddressFamily) -> Bool { contains(FamilySet(family)) }
}
