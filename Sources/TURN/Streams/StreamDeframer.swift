import NetworkPrimitives
import STUN

/// What a stream holds at some place.
package enum StreamStep: Equatable, Sendable {
    /// A whole message, and of ChannelData the padding behind it too.
    case frame(Range<Int>)
    /// The beginning of one, perhaps nothing of it yet.
    case incomplete
    /// Nothing that belongs here, or a message longer than it may be. Where the next one would begin cannot be known,
    /// so that the connection is of no more use.
    case unframable
}

/// Finds messages in a stream: STUN tells its own length (RFC 8489 §6.2.2), and so does ChannelData, which is padded to
/// four bytes here (RFC 8656 §12.5).
///
/// The bytes belong to the caller, who reads into a buffer and asks for one frame after the other; nothing is copied
/// that has come whole. What is left over is kept here, and goes before what is read next.
package struct StreamDeframer: Sendable {
    /// The longest frame: a STUN header, and attributes as long as its field can tell in steps of four.
    package static let frameByteCountMax = STUNMessage.headerByteCount + 65_532

    private let channelNumbers: ChannelNumberRange
    private var rest: [UInt8] = []

    package init(channelNumbers: ChannelNumberRange) { self.channelNumbers = channelNumbers }

    /// Bytes that are kept.
    package var heldByteCount: Int { rest.count }

    /// Puts what is left of earlier reads to the start of `room`, and says how many bytes that are; it is not kept any
    /// more. The room has to hold the longest frame.
    package mutating func resume(in room: inout MutableRawSpan) -> Int {
        let count = rest.count
        guard count > 0 else { return 0 }
        rest.withRawSpan { room.store($0, at: 0) }
        rest = []
        return count
    }

    /// Keeps what lies behind the last frame.
    package mutating func keep(_ bytes: RawSpan) {
        precondition(rest.isEmpty, "what was kept has gone before what was read")
        if bytes.byteCount > 0 { rest = bytes.array() }
    }

    /// The frame that begins at `start`. One longer than `byteCountMax` is refused when its header is there.
    package func step(in bytes: RawSpan, from start: Int, byteCountMax: Int) -> StreamStep {
        precondition(start >= 0 && start <= bytes.byteCount, "the caller goes on behind the last frame")
        let available = bytes.byteCount - start
        guard available > 0 else { return .incomplete }
        let first = bytes.byte(at: start)
        let isChannelData: Bool
        switch first {
        // RFC 7983 §7, as for datagrams.
        case 0...3: isChannelData = false
        case 64...79: isChannelData = true
        case 80...127 where channelNumbers == .rfc5766: isChannelData = true
        default: return .unframable
        }
        guard available >= ChannelDataHeader.byteCount else { return .incomplete }
        let length = Int(bytes.bigEndianUInt16(at: start + 2))
        // RFC 8489 §5: the attributes of a STUN message end at a multiple of four.
        guard isChannelData || length & 0b11 == 0 else { return .unframable }
        let byteCount =
            isChannelData
            ? ChannelDataHeader.byteCount + (length + 3) & ~0b11 : STUNMessage.headerByteCount + length
        guard byteCount <= byteCountMax else { return .unframable }
        return byteCount <= available ? .frame(start..<start + byteCount) : .incomplete
    }
}
