import Crypto
import NetworkPrimitives
import STUN

/// An attribute that a test puts into a message.
struct Attribute {
    enum Value {
        case bytes([UInt8])
        case address(SocketAddress)
    }

    let type: AttributeType
    let value: Value

    init(_ type: AttributeType, _ bytes: [UInt8]) {
        self.type = type
        value = .bytes(bytes)
    }

    init(_ type: AttributeType, _ address: SocketAddress) {
        self.type = type
        value = .address(address)
    }

    static let udpTransport = Attribute(.requestedTransport, [17, 0, 0, 0])
    static let dontFragment = Attribute(.dontFragment, [])
    static func lifetime(_ seconds: UInt32) -> Attribute { Attribute(.lifetime, bigEndian(seconds)) }
    static func peer(_ address: SocketAddress) -> Attribute { Attribute(.xorPeerAddress, address) }
    static func data(_ bytes: [UInt8]) -> Attribute { Attribute(.data, bytes) }
    static func channel(_ number: UInt16) -> Attribute {
        Attribute(.channelNumber, [UInt8(number >> 8), UInt8(number & 0xFF), 0, 0])
    }
    static func family(_ family: AddressFamily) -> Attribute {
        Attribute(.requestedAddressFamily, [family.rawValue, 0, 0, 0])
    }
    static func evenPort(reservingNext: Bool) -> Attribute { Attribute(.evenPort, [reservingNext ? 0x80 : 0]) }
    static func reservation(_ token: [UInt8]) -> Attribute { Attribute(.reservationToken, token) }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) }
    }
}

/// A STUN message on its way to the server.
enum OutgoingMessage {
    /// Ends with MESSAGE-INTEGRITY when there is a key.
    static func bytes(
        _ type: MessageType, _ id: TransactionID, _ attributes: [Attribute], key: HMACSHA1Key? = nil
    ) -> [UInt8] {
        let room = attributes.reduce(20 + 24) { total, attribute in
            guard case .bytes(let bytes) = attribute.value else { return total + 24 }
            return total + 8 + bytes.count
        }
        var buffer = [UInt8](repeating: 0, count: room)
        var count = 0
        do {
            var span = buffer.mutableSpan
            var writer = MessageWriter(into: span.mutableBytes, type: type, transactionID: id)
            for attribute in attributes {
                switch attribute.value {
                case .bytes(let bytes): writer.append(attribute.type, bytes)
                case .address(let address): writer.appendXORAddress(attribute.type, address)
                }
            }
            if let key { writer.appendMessageIntegrity(key) }
            count = writer.finish()
        }
        return Array(buffer[..<count])
    }

    /// ChannelData as it goes over UDP, without padding (RFC 8656 §12.4).
    static func channelData(_ number: UInt16, _ payload: [UInt8]) -> [UInt8] {
        [UInt8(number >> 8), UInt8(number & 0xFF), UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)] + payload
    }
}

/// A STUN message from the server, read by the tests' own eyes.
struct IncomingMessage {
    let type: MessageType
    let transactionID: TransactionID
    let bytes: [UInt8]
    /// In the order of the message, values without padding.
    let attributes: [(type: AttributeType, value: [UInt8])]

    /// Nil when the bytes are no well-formed STUN message.
    init?(_ bytes: [UInt8]) {
        guard let message = bytes.withRawSpan({ try? STUNMessage(parsing: $0) }) else { return nil }
        type = message.type
        transactionID = message.transactionID
        self.bytes = bytes
        var found: [(AttributeType, [UInt8])] = []
        var offset = 20
        while offset < bytes.count {
            let type = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
            let length = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
            found.append((AttributeType(rawValue: type), Array(bytes[offset + 4..<offset + 4 + length])))
            offset += 4 + (length + 3) & ~3
        }
        attributes = found
    }

    /// The first attribute of the type.
    func value(_ type: AttributeType) -> [UInt8]? { attributes.first { $0.type == type }?.value }

    func address(_ type: AttributeType) -> SocketAddress? {
        value(type)?.withRawSpan { XORAddress.decode($0, transactionID: transactionID) }
    }

    /// The code of an error response, nil for others.
    var errorCode: Int? { value(.errorCode).map { Int($0[2]) * 100 + Int($0[3]) } }

    /// LIFETIME in seconds.
    var lifetime: Int? { value(.lifetime).map { $0.reduce(0) { $0 << 8 | Int($1) } } }

    func isAuthentic(_ key: HMACSHA1Key) -> Bool {
        bytes.withRawSpan { span in
            (try? STUNMessage(parsing: span))?.hasValidIntegrity(key, in: span) ?? false
        }
    }
}

extension Array where Element == UInt8 {
    /// Lends the bytes.
    func withRawSpan<Result>(_ body: (RawSpan) -> Result) -> Result { body(span.bytes) }
}
