import Crypto
import NetworkPrimitives
import STUN
import TURN
import Testing

/// A response taken apart by hand, so that the parser under test does not check the writer under test.
struct TestResponse {
    let bytes: [UInt8]
    let path: FiveTuple
    let attributes: [Attribute]

    /// Records an issue when the bytes are not a well-formed STUN message.
    init(_ bytes: [UInt8], path: FiveTuple) {
        self.bytes = bytes
        self.path = path
        #expect(bytes.count >= 20 && bytes.count % 4 == 0)
        #expect(bytes[2..<4].number == UInt64(bytes.count - 20))
        #expect(Array(bytes[4..<8]) == [0x21, 0x12, 0xA4, 0x42])
        var attributes: [Attribute] = []
        var offset = 20
        while offset + 4 <= bytes.count {
            let length = Int(bytes[offset + 2..<offset + 4].number)
            let end = offset + 4 + length
            let next = (end + 3) & ~3
            guard next <= bytes.count else {
                Issue.record("an attribute runs past the end of a response")
                break
            }
            // CVE-2020-4067: what pads an attribute must not be somebody else's bytes.
            #expect(bytes[end..<next].allSatisfy { $0 == 0 })
            let type = UInt16(bytes[offset..<offset + 2].number)
            attributes.append(Attribute(type: type, Array(bytes[offset + 4..<end])))
            offset = next
        }
        self.attributes = attributes
    }

    /// The sixteen bits that method and class share.
    var type: UInt16 { UInt16(bytes[0..<2].number) }
    var messageClass: MessageClass { MessageType(wire: type).messageClass }
    var method: STUN.Method { MessageType(wire: type).method }
    var isSuccess: Bool { messageClass == .success }
    var id: TransactionID { TransactionID(high: UInt32(bytes[8..<12].number), low: bytes[12..<20].number) }

    func has(_ type: AttributeType) -> Bool { self[type] != nil }

    subscript(type: AttributeType) -> [UInt8]? { attributes.first { $0.type == type.rawValue }?.value }

    func all(_ type: AttributeType) -> [[UInt8]] { attributes.filter { $0.type == type.rawValue }.map(\.value) }

    /// 401, 437 and so on; nil for a success.
    var errorCode: Int? {
        guard let value = self[.errorCode], value.count >= 4 else { return nil }
        return Int(value[2] & 7) * 100 + Int(value[3])
    }

    var lifetime: UInt32? { self[.lifetime].map { UInt32($0.number) } }
    var nonce: [UInt8]? { self[.nonce] }
    var token: [UInt8]? { self[.reservationToken] }
    var relayed: [SocketAddress] { all(.xorRelayedAddress).compactMap(decode) }
    var mapped: SocketAddress? { self[.xorMappedAddress].flatMap(decode) }
    var connection: PeerConnectionID? { self[.connectionID].map { PeerConnectionID(rawValue: UInt32($0.number)) } }
    var peer: SocketAddress? { self[.xorPeerAddress].flatMap(decode) }

    /// Family and code of ADDRESS-ERROR-CODE (RFC 8656 §18.12).
    var addressError: (family: UInt8, code: Int)? {
        guard let value = self[.addressErrorCode], value.count >= 4 else { return nil }
        return (value[0], Int(value[2] & 7) * 100 + Int(value[3]))
    }

    /// An address in the form of MAPPED-ADDRESS.
    func plain(_ type: AttributeType) -> SocketAddress? {
        guard let value = self[type], value.count >= 8, let host = IPAddress(wire: Array(value[4...])),
            [0, host.family.rawValue] == Array(value[..<2])
        else { return nil }
        return SocketAddress(ip: host, port: UInt16(value[2..<4].number))
    }

    private func decode(_ value: [UInt8]) -> SocketAddress? {
        let mask = Array(bytes[4..<20])
        guard value.count >= 8, let host = IPAddress(wire: zip(value[4...], mask).map { $0 ^ $1 }),
            host.family.rawValue == value[1]
        else { return nil }
        return SocketAddress(ip: host, port: UInt16(value[2..<4].number) ^ 0x2112)
    }

    /// Whether the response carries MESSAGE-INTEGRITY made with the key.
    func isProtected(sha1 key: [UInt8]) -> Bool {
        isProtected(by: .messageIntegrity) { HMACSHA1Key(key: key).authenticate($0.span.bytes).array }
    }

    /// Whether the response carries MESSAGE-INTEGRITY-SHA256 made with the key.
    func isProtected(sha256 key: [UInt8]) -> Bool {
        isProtected(by: .messageIntegritySHA256) { HMACSHA256Key(key: key).authenticate($0.span.bytes).array }
    }

    var isProtected: Bool { has(.messageIntegrity) || has(.messageIntegritySHA256) }

    private func isProtected(by type: AttributeType, _ code: ([UInt8]) -> [UInt8]) -> Bool {
        guard let position = attributes.firstIndex(where: { $0.type == type.rawValue }) else { return false }
        let start = attributes[..<position].reduce(20) { $0 + 4 + ($1.value.count + 3) & ~3 }
        var covered = Array(bytes[..<start])
        covered.replaceSubrange(2..<4, with: UInt16(start - 20 + 4 + attributes[position].value.count).wire)
        return code(covered) == attributes[position].value
    }

    /// Whether FINGERPRINT is there, last and right.
    var hasFingerprint: Bool {
        guard let last = attributes.last, last.type == 0x8028, last.value.count == 4 else { return false }
        var crc = UInt32.max
        for byte in bytes.dropLast(8) {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
        }
        return UInt32(last.value.number) == ~crc ^ 0x5354_554E
    }
}
