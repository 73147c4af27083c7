/// What a frame, or the frames of a message, mean to the caller.
package enum WebSocketEvent: Equatable, Sendable {
    /// A whole message. It is valid UTF-8.
    case text([UInt8])
    /// A whole message.
    case binary([UInt8])
    /// At most 125 bytes that want to come back as a pong (RFC 6455 §5.5.2).
    case ping([UInt8])
    case pong([UInt8])
    /// The other side ends the connection. Nothing comes after it. The reason is valid UTF-8, and a stranger's.
    case close(code: UInt16?, reason: [UInt8])
    /// The bytes break a rule or a limit, and nothing behind them can be trusted. Nothing comes after it.
    case failed(WebSocketFailure)
}

/// Which rule or limit a connection broke. Each is worth a counter.
package enum WebSocketFailure: UInt8, Error, CaseIterable, Sendable {
    case reservedBitSet
    case reservedOpcode
    case maskMissing
    /// A server masked its frame.
    case maskForbidden
    case lengthNotMinimal
    /// The first bit of a 64-bit length is set.
    case lengthOutOfRange
    case controlFrameTooLong
    case controlFrameFragmented
    case continuationWithoutStart
    /// A new message began before the last one had ended.
    case messageInterrupted
    case closePayloadTooShort
    case closeCodeInvalid
    case invalidUTF8
    /// What calls itself compressed is not.
    case malformedDeflate
    case binaryUnsupported
    case messageTooBig
    case tooManyFragments
    case tooManyControlFrames
    /// There was no memory to inflate a message.
    case outOfMemory

    /// The code to close with (RFC 6455 §7.4.1).
    package var closeCode: UInt16 {
        switch self {
        case .reservedBitSet, .reservedOpcode, .maskMissing, .maskForbidden, .lengthNotMinimal, .lengthOutOfRange,
            .controlFrameTooLong, .controlFrameFragmented, .continuationWithoutStart, .messageInterrupted,
            .closePayloadTooShort, .closeCodeInvalid:
            WebSocketCloseCode.protocolError
        case .invalidUTF8, .malformedDeflate: WebSocketCloseCode.invalidPayload
        case .binaryUnsupported: WebSocketCloseCode.unsupportedData
        case .messageTooBig, .tooManyFragments: WebSocketCloseCode.messageTooBig
        case .tooManyControlFrames: WebSocketCloseCode.policyViolation
        case .outOfMemory: WebSocketCloseCode.internalError
        }
    }
}

/// Names for the close codes that a server sends, and which codes may be sent at all.
package enum WebSocketCloseCode {
    package static let normal: UInt16 = 1000
    package static let goingAway: UInt16 = 1001
    package static let protocolError: UInt16 = 1002
    package static let unsupportedData: UInt16 = 1003
    package static let invalidPayload: UInt16 = 1007
    package static let policyViolation: UInt16 = 1008
    package static let messageTooBig: UInt16 = 1009
    package static let internalError: UInt16 = 1011
    package static let serviceRestart: UInt16 = 1012
    package static let tryAgainLater: UInt16 = 1013

    /// RFC 6455 §7.4: 1004 is reserved; 1005, 1006 and 1015 are for use within a program and never sent. 1012 to 1014
    /// were registered with IANA later, and 3000 to 4999 belong to libraries and applications.
    package static func mayBeSent(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
