import NetworkPrimitives

/// How a password becomes a key (RFC 8489 §18.5).
package enum PasswordAlgorithm: UInt16, Sendable, CaseIterable {
    /// MD5(username ":" realm ":" password), 16 bytes: what every client before RFC 8489 does.
    case md5 = 0x0001
    /// SHA-256 of the same, 32 bytes.
    case sha256 = 0x0002

    /// The value of PASSWORD-ALGORITHMS that offers `algorithms` in this order: number and parameter length, no
    /// parameters (RFC 8489 §14.11).
    package static func list(_ algorithms: [PasswordAlgorithm]) -> [UInt8] {
        algorithms.flatMap { [UInt8($0.rawValue >> 8), UInt8($0.rawValue & 0xFF), 0, 0] }
    }

    /// Reads PASSWORD-ALGORITHM (RFC 8489 §14.12); nil when unknown, malformed, or with parameters, which neither
    /// registered algorithm has.
    package init?(parsing value: RawSpan) {
        guard value.byteCount == 4, value.bigEndianUInt16(at: 2) == 0 else { return nil }
        self.init(rawValue: value.bigEndianUInt16(at: 0))
    }
}
