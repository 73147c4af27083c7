import Deflate
import NetworkPrimitives

/// What a handshake agreed on for permessage-deflate (RFC 7692): always without context takeover, so that nothing is
/// kept between messages and none can tell about another.
package struct WebSocketDeflate: Hashable, Sendable {
    /// The largest window that we may compress with, as a power of two.
    package let windowBits: UInt8

    /// Messages below this are sent as they are: compressing them costs more than it saves.
    package static let thresholdByteCount = 1024

    /// Nil for windows that zlib cannot write.
    package init?(windowBits: UInt8 = 15) {
        guard Deflater.windowBitsRange.contains(windowBits) else { return nil }
        self.windowBits = windowBits
    }

    /// The compressed payload, or nil when the message is better sent as it is.
    package func compress(_ payload: [UInt8]) -> [UInt8]? {
        guard payload.count >= Self.thresholdByteCount else { return nil }
        return payload.withRawSpan { Deflater.compress($0, windowBitsMax: windowBits) }
    }
}
