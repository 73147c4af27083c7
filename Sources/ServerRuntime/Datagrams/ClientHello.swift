import NetworkPrimitives
import TLS

/// What is looked at of a ClientHello before OpenSSL sees it: whose handshake it belongs to, and whether it brings a
/// cookie (RFC 6347 §4.2.1). Nothing of it is believed.
struct ClientHello {
    /// The client's random number, by which a repeated hello is told from a new one.
    struct Random: Equatable {
        private let words: (UInt64, UInt64, UInt64, UInt64)

        init(_ bytes: RawSpan) {
            words = (
                bytes.bigEndianUInt64(at: 0), bytes.bigEndianUInt64(at: 8), bytes.bigEndianUInt64(at: 16),
                bytes.bigEndianUInt64(at: 24)
            )
        }

        static func == (left: Self, right: Self) -> Bool { left.words == right.words }
    }

    let random: Random
    let hasCookie: Bool

    /// Nil for everything else, and for a hello that does not begin in this datagram.
    init?(_ datagram: RawSpan) {
        // Headers of record and handshake (13 and 12 bytes), version (2), random (32), then session id and cookie, each
        // behind a byte with its length.
        guard DTLSListener.isClientHello(datagram), datagram.byteCount >= 61 else { return nil }
        let fragmentOffset = datagram.bigEndianUInt32(at: 18) & 0xFF_FFFF
        guard fragmentOffset == 0 else { return nil }
        let cookieLength = 60 + Int(datagram.byte(at: 59))
        guard cookieLength < datagram.byteCount else { return nil }
        random = Random(datagram.extracting(27..<59))
        hasCookie = datagram.byte(at: cookieLength) > 0
    }
}
