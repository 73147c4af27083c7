import Containers
import Crypto
import NetworkPrimitives

/// Names an allocation whose client may move, on whichever worker it is. Random, and shown to nobody: a ticket holds it
/// sealed.
package struct MobilityID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

extension MobilityID: FlatMapKey {
    package func hash(seed: UInt64) -> UInt64 { mix(rawValue ^ seed, 0x9E37_79B9_7F4A_7C15) }
}

/// What MOBILITY-TICKET says to the one who made it (RFC 8016 §3.3).
package struct MobilityTicket: Equatable, Sendable {
    /// Serials and owners have 24 bits.
    package static let serialMask: UInt32 = 0xFF_FFFF

    package let mobility: MobilityID
    /// Counts the tickets of an allocation; the last one counts.
    package let serial: UInt32
    /// Stands for the user name of the owner. Two names may share it: it spares work, and proves nothing.
    package let owner: UInt32

    package init(mobility: MobilityID, serial: UInt32, owner: UInt32) {
        self.mobility = mobility
        self.serial = serial & Self.serialMask
        self.owner = owner & Self.serialMask
    }
}

/// Makes tickets and recognises its own, without keeping any of them.
///
/// ```
///  base64( code, 10 bytes | sealed: mobility id 8, serial 3, owner 3 )                      32 characters
/// ```
/// RFC 8016 §7 wants them authenticated and encrypted. The code is both: HMAC-SHA256 over the plain text, cut to 80
/// bits, from which another HMAC makes the key stream that hides it (the construction of RFC 5297, SIV). Who guessed a
/// code would hold a ticket for a random id of 64 bits, and still need the owner's credentials. Equal tickets look the
/// same and no others do, so that a retransmission is answered by the same bytes.
///
/// They are text of this length because a client in the field keeps them as a string of at most that.
package struct TicketAuthority: Sendable {
    package static let byteCount = 32

    private static let plainByteCount = 24
    private static let codeByteCount = 10
    private let codeKey: HMACSHA256Key
    private let streamKey: HMACSHA256Key
    private let ownerKey: HMACSHA256Key

    /// Servers that share the secret read one another's tickets, which name nothing there.
    package init(secret: [UInt8]) {
        precondition(!secret.isEmpty, "an empty secret would let anybody forge tickets")
        let root = HMACSHA256Key(key: secret)
        codeKey = Self.derive("mobility ticket code", from: root)
        streamKey = Self.derive("mobility ticket stream", from: root)
        ownerKey = Self.derive("mobility ticket owner", from: root)
    }

    private static func derive(_ label: String, from root: HMACSHA256Key) -> HMACSHA256Key {
        Array(label.utf8).withRawSpan { root.authenticate($0) }.withRawSpan { HMACSHA256Key(key: $0) }
    }

    /// Stands for a user name in tickets.
    package func owner(_ username: [UInt8]) -> UInt32 {
        username.withRawSpan { ownerKey.authenticate($0) }.withRawSpan { $0.bigEndianUInt32(at: 0) >> 8 }
    }

    package func seal(_ ticket: MobilityTicket) -> InlineArray<32, UInt8> {
        var bytes = InlineArray<24, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        raw.storeBigEndian(ticket.mobility.rawValue, at: 10)
        raw.storeBigEndian(UInt16(truncatingIfNeeded: ticket.serial >> 8), at: 18)
        raw.storeBigEndian(UInt32(truncatingIfNeeded: ticket.serial) << 24 | ticket.owner, at: 20)
        let code = codeKey.authenticate(raw.bytes.extracting(Self.codeByteCount..<Self.plainByteCount))
        code.withRawSpan { raw.store($0.extracting(0..<Self.codeByteCount), at: 0) }
        applyStream(to: &raw)
        return Self.encode(raw.bytes)
    }

    /// What the ticket says; nil for one that is not ours or was changed.
    package func open(_ shown: RawSpan) -> MobilityTicket? {
        guard shown.byteCount == Self.byteCount, var bytes = Self.decode(shown) else { return nil }
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        applyStream(to: &raw)
        let plain = raw.bytes
        let code = codeKey.authenticate(plain.extracting(Self.codeByteCount..<Self.plainByteCount))
        let isOurs = code.withRawSpan {
            constantTimeEquals($0.extracting(0..<Self.codeByteCount), plain.extracting(0..<Self.codeByteCount))
        }
        guard isOurs else { return nil }
        // Three bytes each, of which the last of the field before is masked away.
        return MobilityTicket(
            mobility: MobilityID(rawValue: plain.bigEndianUInt64(at: 10)), serial: plain.bigEndianUInt32(at: 17),
            owner: plain.bigEndianUInt32(at: 20))
    }

    /// Hides what follows the code, or shows it again.
    private func applyStream(to raw: inout MutableRawSpan) {
        let stream = streamKey.authenticate(raw.bytes.extracting(0..<Self.codeByteCount))
        stream.withRawSpan { stream in
            for offset in Self.codeByteCount..<Self.plainByteCount {
                raw.storeBigEndian(raw.bytes.byte(at: offset) ^ stream.byte(at: offset), at: offset)
            }
        }
    }

    // MARK: - Text, 24 bits at a time

    private static func encode(_ bytes: RawSpan) -> InlineArray<32, UInt8> {
        var text = InlineArray<32, UInt8>(repeating: 0)
        var span = text.mutableSpan
        var raw = unsafe span.mutableBytes
        for group in 0..<8 {
            let high = UInt32(bytes.bigEndianUInt16(at: group * 3)) << 8
            raw.storeBigEndian(Base64.encode24(high | UInt32(bytes.byte(at: group * 3 + 2))), at: group * 4)
        }
        return text
    }

    private static func decode(_ text: RawSpan) -> InlineArray<24, UInt8>? {
        var bytes = InlineArray<24, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        for group in 0..<8 {
            guard let bits = Base64.decode24(text, at: group * 4) else { return nil }
            raw.storeBigEndian(UInt16(truncatingIfNeeded: bits >> 8), at: group * 3)
            raw.storeBigEndian(UInt8(truncatingIfNeeded: bits), at: group * 3 + 2)
        }
        return bytes
    }
}
