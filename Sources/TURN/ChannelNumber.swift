import Containers

/// Which channel numbers a client may bind.
package enum ChannelNumberRange: Sendable {
    /// 0x4000 through 0x4FFF (RFC 8656 §12): larger ones are left to protocols that share the port (RFC 7983).
    case rfc8656
    /// 0x4000 through 0x7FFF (RFC 5766 §11), which old clients draw from.
    case rfc5766

    package var bounds: ClosedRange<UInt16> {
        switch self {
        case .rfc8656: 0x4000...0x4FFF
        case .rfc5766: 0x4000...0x7FFF
        }
    }
}

/// A channel number that the server accepts. Having one is the proof.
package struct ChannelNumber: Hashable, Sendable {
    package let rawValue: UInt16

    package init?(rawValue: UInt16, in range: ChannelNumberRange) {
        guard range.bounds.contains(rawValue) else { return nil }
        self.rawValue = rawValue
    }
}

/// ChannelData: number, length, application data (RFC 8656 §12.4).
package enum ChannelDataHeader {
    package static let byteCount = 4
}
