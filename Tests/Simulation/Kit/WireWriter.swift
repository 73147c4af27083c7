import Crypto
import NetworkPrimitives

/// Writes STUN messages for the clients of the simulation, without the code under test.
package struct WireWriter {
    package private(set) var bytes: [UInt8]
    private let transactionID: [UInt8]

    package init(_ method: UInt16, _ messageClass: WireMessage.Class, transactionID: [UInt8]) {
        let type = (method & 0xF) | (method & 0x70) << 1 | (method & 0xF80) << 2 | messageClass.rawValue
        bytes = [UInt8(type >> 8), UInt8(type & 0xFF), 0, 0] + WireMessage.cookie + transactionID
        self.transactionID = transactionID
    }

    package mutating func append(_ type: UInt16, _ value: [UInt8]) {
        bytes += [UInt8(type >> 8), UInt8(type & 0xFF), UInt8(value.count >> 8), UInt8(value.count & 0xFF)] + value
        while bytes.count % 4 != 0 { bytes.append(0) }
        setLength(bytes.count - 20)
    }

    package mutating func append(_ type: UInt16, number: UInt32) { append(type, Self.bytes(number)) }

    package mutating func append(_ type: UInt16, address: SocketAddress) {
        var plain = [UInt8(address.port >> 8), UInt8(address.port & 0xFF)]
        let family: UInt8
        var mask = Array(WireMessage.cookie.prefix(2)) + WireMessage.cookie
        switch address.ip {
        case .v4(let ip):
            family = 1
            plain += Self.bytes(ip.rawValue)
        case .v6(let ip):
            family = 2
            for word in [ip.high, ip.low] {
                plain += Self.bytes(UInt32(word >> 32)) + Self.bytes(UInt32(truncatingIfNeeded: word))
            }
            mask += transactionID
        }
        append(type, [0, family] + zip(plain, mask).map { $0 ^ $1 })
    }

    package mutating func appendIntegrity(key: [UInt8]) {
        setLength(bytes.count - 20 + 24)
        append(WireMessage.integrity, bytes.withRawSpan { HMACSHA1Key(key: key).authenticate($0).array })
    }

    package mutating func appendIntegritySHA256(key: [UInt8]) {
        setLength(bytes.count - 20 + 36)
        append(WireMessage.integritySHA256, bytes.withRawSpan { HMACSHA256Key(key: key).authenticate($0).array })
    }

    package mutating func appendFingerprint() {
        setLength(bytes.count - 20 + 8)
        append(WireMessage.fingerprint, WireMessage.fingerprint(of: bytes[...]))
    }

    private mutating func setLength(_ length: Int) {
        bytes[2] = UInt8(length >> 8)
        bytes[3] = UInt8(length & 0xFF)
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }

    /// ChannelData over UDP (RFC 8656 §12.4).
    package static func channelData(_ number: UInt16, _ payload: [UInt8]) -> [UInt8] {
        [UInt8(number >> 8), UInt8(number & 0xFF), UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)] + payload
    }
}
