/// The class of a STUN message (RFC 8489 §5).
package enum MessageClass: UInt8, Sendable {
    case request = 0b00
    case indication = 0b01
    case success = 0b10
    case error = 0b11
}

/// A STUN method: twelve bits (RFC 8489 §18.2, RFC 8656 §18.1, RFC 6062 §6.1). Methods that Tern does not know keep
/// their number.
package struct Method: Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        precondition(rawValue < 0x1000, "a method has twelve bits")
        self.rawValue = rawValue
    }

    package static let binding = Method(rawValue: 0x001)
    package static let allocate = Method(rawValue: 0x003)
    package static let refresh = Method(rawValue: 0x004)
    package static let send = Method(rawValue: 0x006)
    package static let data = Method(rawValue: 0x007)
    package static let createPermission = Method(rawValue: 0x008)
    package static let channelBind = Method(rawValue: 0x009)
    package static let connect = Method(rawValue: 0x00A)
    package static let connectionBind = Method(rawValue: 0x00B)
    package static let connectionAttempt = Method(rawValue: 0x00C)
}

/// Method and class as they share the first two bytes of a message.
///
/// ```
///  0 0 | M11 M10 M9 M8 M7 | C1 | M6 M5 M4 | C0 | M3 M2 M1 M0        (RFC 8489 §5, figure 3)
/// ```
package struct MessageType: Hashable, Sendable {
    package let method: Method
    package let messageClass: MessageClass

    package init(_ method: Method, _ messageClass: MessageClass) {
        self.method = method
        self.messageClass = messageClass
    }

    /// `wire` has its two top bits clear; the caller has told STUN from the other protocols of the port by them.
    package init(wire: UInt16) {
        precondition(wire < 0x4000, "the first two bits tell STUN apart before a type is read")
        let classBits = UInt8(truncatingIfNeeded: (wire >> 7 & 0b10) | (wire >> 4 & 0b01))
        method = Method(rawValue: (wire & 0x000F) | (wire >> 1 & 0x0070) | (wire >> 2 & 0x0F80))
        messageClass =
            switch classBits {
            case 0b00: .request
            case 0b01: .indication
            case 0b10: .success
            default: .error
            }
    }

    package var wire: UInt16 {
        let bits = method.rawValue
        let classBits = UInt16(messageClass.rawValue)
        return (bits & 0x000F) | (bits & 0x0070) << 1 | (bits & 0x0F80) << 2 | (classBits & 0b10) << 7
            | (classBits & 0b01) << 4
    }
}

/// The 96 bits that tie a response to its request (RFC 8489 §5).
package struct TransactionID: Hashable, Sendable {
    package let high: UInt32
    package let low: UInt64

    package init(high: UInt32, low: UInt64) {
        self.high = high
        self.low = low
    }
}
