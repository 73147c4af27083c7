import Crypto
import NetworkPrimitives

/// A STUN message read and written without the code under test: slow, simple, and after RFC 8489 §5 and §14 alone.
package struct WireMessage {
    package enum Class: UInt16, Sendable { case request = 0x000, indication = 0x010, success = 0x100, error = 0x110 }

    package struct Attribute: Equatable, Sendable {
        package let type: UInt16
        package let value: [UInt8]
    }

    package typealias ID = [UInt8]

    package let method: UInt16
    package let messageClass: Class
    package let transactionID: ID
    /// What counts: before the integrity everything, after it only what §14.5 and §14.6 let through.
    package private(set) var attributes: [Attribute] = []
    /// A receiver ignores padding; a sender makes it zero (§14), or it tells what the buffer held before.
    package private(set) var hasZeroPadding = true
    /// Where each integrity attribute begins in the bytes.
    private var integrityOffsets: [UInt16: Int] = [:]
    private let bytes: [UInt8]

    package init?(parsing bytes: [UInt8]) {
        guard bytes.count >= 20, bytes[0] & 0xC0 == 0, Array(bytes[4..<8]) == Self.cookie else { return nil }
        let length = Int(bytes[2]) << 8 | Int(bytes[3])
        guard length % 4 == 0, length == bytes.count - 20 else { return nil }
        let type = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        // §5: class bits lie between the method's bits.
        guard let messageClass = Class(rawValue: type & 0x110) else { return nil }
        self.messageClass = messageClass
        method = (type & 0xF) | (type >> 1 & 0x70) | (type >> 2 & 0xF80)
        transactionID = Array(bytes[8..<20])
        self.bytes = bytes
        guard readAttributes() else { return nil }
    }

    private mutating func readAttributes() -> Bool {
        var offset = 20
        while offset < bytes.count {
            guard offset + 4 <= bytes.count else { return false }
            let type = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
            let length = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
            let next = offset + 4 + (length + 3) / 4 * 4
            guard next <= bytes.count else { return false }
            let value = Array(bytes[(offset + 4)..<(offset + 4 + length)])
            if bytes[(offset + 4 + length)..<next].contains(where: { $0 != 0 }) { hasZeroPadding = false }
            if type == Self.fingerprint {
                // §14.7: the last attribute, or the message is none of ours.
                guard next == bytes.count, value == Self.fingerprint(of: bytes[..<offset]) else { return false }
            }
            if counts(type) {
                attributes.append(Attribute(type: type, value: value))
                if type == Self.integrity || type == Self.integritySHA256 { integrityOffsets[type] = offset }
            }
            offset = next
        }
        return true
    }

    private func counts(_ type: UInt16) -> Bool {
        if type == Self.fingerprint { return true }
        if integrityOffsets[Self.integritySHA256] != nil { return false }
        if integrityOffsets[Self.integrity] != nil { return type == Self.integritySHA256 }
        return true
    }

    // MARK: - Reading

    /// The first attribute of the type; later ones mean nothing (§14).
    package func value(_ type: UInt16) -> [UInt8]? { attributes.first { $0.type == type }?.value }

    package func has(_ type: UInt16) -> Bool { value(type) != nil }

    package func number(_ type: UInt16) -> UInt32? {
        guard let value = value(type), value.count == 4 else { return nil }
        return value.reduce(0) { $0 << 8 | UInt32($1) }
    }

    package func address(_ type: UInt16) -> SocketAddress? { value(type).flatMap { decode($0) } }

    /// All addresses of the type, nil when one of them is malformed.
    package func addresses(_ type: UInt16) -> [SocketAddress]? {
        var result: [SocketAddress] = []
        for attribute in attributes where attribute.type == type {
            guard let address = decode(attribute.value) else { return nil }
            result.append(address)
        }
        return result
    }

    package var errorCode: Int? {
        guard messageClass == .error, let value = value(Self.errorCodeType), value.count >= 4 else { return nil }
        return Int(value[2] & 7) * 100 + Int(value[3])
    }

    /// Whether a comprehension-required attribute is none of RFC 8489 or RFC 8656.
    package var hasUnknownRequired: Bool {
        attributes.contains { $0.type < 0x8000 && !Self.understood.contains($0.type) }
    }

    package var isAuthenticated: Bool { has(Self.integrity) || has(Self.integritySHA256) }

    /// Whether the integrity that decides (§9.2.4: the stronger) was made with the key of `algorithm`.
    package func isMade(with keys: WireKeys) -> Bool {
        let key = value(Self.passwordAlgorithm)?.starts(with: [0, 2]) == true ? keys.sha256 : keys.md5
        if let shown = value(Self.integritySHA256), let offset = integrityOffsets[Self.integritySHA256] {
            guard shown.count >= 16, shown.count % 4 == 0, shown.count <= 32 else { return false }
            let covered = covered(upTo: offset, integrityByteCount: shown.count)
            let digest = covered.withRawSpan { HMACSHA256Key(key: key).authenticate($0).array }
            return shown == Array(digest.prefix(shown.count))
        }
        guard let shown = value(Self.integrity), let offset = integrityOffsets[Self.integrity] else { return false }
        let covered = covered(upTo: offset, integrityByteCount: 20)
        return shown == covered.withRawSpan { HMACSHA1Key(key: key).authenticate($0).array }
    }

    private func covered(upTo offset: Int, integrityByteCount: Int) -> [UInt8] {
        var covered = Array(bytes[..<offset])
        let length = offset - 20 + 4 + integrityByteCount
        covered[2] = UInt8(length >> 8)
        covered[3] = UInt8(length & 0xFF)
        return covered
    }

    private func decode(_ value: [UInt8]) -> SocketAddress? {
        guard value.count == 8 && value[1] == 1 || value.count == 20 && value[1] == 2 else { return nil }
        let mask = Self.cookie + transactionID
        let port = UInt16(value[2] ^ mask[0]) << 8 | UInt16(value[3] ^ mask[1])
        let address = zip(value.dropFirst(4), mask).map { $0 ^ $1 }
        func word(_ range: Range<Int>) -> UInt64 { address[range].reduce(0) { $0 << 8 | UInt64($1) } }
        if address.count == 4 { return SocketAddress(ip: .v4(IPv4Address(rawValue: UInt32(word(0..<4)))), port: port) }
        return SocketAddress(ip: .v6(IPv6Address(high: word(0..<8), low: word(8..<16))), port: port)
    }

    // MARK: - Numbers (RFC 8489 §18, RFC 8656 §18)

    package static let cookie: [UInt8] = [0x21, 0x12, 0xA4, 0x42]
    package static let binding: UInt16 = 1
    package static let allocate: UInt16 = 3
    package static let refresh: UInt16 = 4
    package static let send: UInt16 = 6
    package static let data: UInt16 = 7
    package static let createPermission: UInt16 = 8
    package static let channelBind: UInt16 = 9

    package static let username: UInt16 = 0x0006
    package static let integrity: UInt16 = 0x0008
    package static let errorCodeType: UInt16 = 0x0009
    package static let channelNumber: UInt16 = 0x000C
    package static let lifetime: UInt16 = 0x000D
    package static let peerAddress: UInt16 = 0x0012
    package static let dataType: UInt16 = 0x0013
    package static let realm: UInt16 = 0x0014
    package static let nonce: UInt16 = 0x0015
    package static let relayedAddress: UInt16 = 0x0016
    package static let requestedFamily: UInt16 = 0x0017
    package static let evenPort: UInt16 = 0x0018
    package static let requestedTransport: UInt16 = 0x0019
    package static let dontFragment: UInt16 = 0x001A
    package static let integritySHA256: UInt16 = 0x001C
    package static let passwordAlgorithm: UInt16 = 0x001D
    package static let userhash: UInt16 = 0x001E
    package static let mappedAddress: UInt16 = 0x0020
    package static let reservationToken: UInt16 = 0x0022
    package static let additionalFamily: UInt16 = 0x8000
    package static let passwordAlgorithms: UInt16 = 0x8002
    package static let icmp: UInt16 = 0x8004
    package static let fingerprint: UInt16 = 0x8028

    private static let understood: Set<UInt16> = [
        0x0001, 0x0006, 0x0008, 0x0009, 0x000A, 0x000C, 0x000D, 0x0012, 0x0013, 0x0014, 0x0015, 0x0016, 0x0017, 0x0018,
        0x0019, 0x001A, 0x001C, 0x001D, 0x001E, 0x0020, 0x0022,
    ]

    static func fingerprint(of bytes: ArraySlice<UInt8>) -> [UInt8] {
        var crc = UInt32.max
        for byte in bytes { crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
        let value = ~crc ^ 0x5354_554E
        return [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
    }
}

/// What a user's password comes to under either algorithm (RFC 8489 §9.2.2, §18.5).
package struct WireKeys: Sendable {
    package let md5: [UInt8]
    package let sha256: [UInt8]

    package init(username: String, realm: String, password: String) {
        let text = Array("\(username):\(realm):\(password)".utf8)
        md5 = text.withRawSpan { MD5.hash($0).array }
        sha256 = text.withRawSpan { SHA256.hash($0).array }
    }
}
