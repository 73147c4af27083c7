/// Undoes the chunked coding (RFC 9112 §7.1) while the bytes arrive. Extensions and trailers are looked at and
/// forgotten.
struct ChunkedBody: Sendable {
    enum Outcome: Sendable {
        case incomplete
        case complete
        case refused(HTTPRefusal)
    }

    /// What the next byte may be.
    private enum Expected: Sendable {
        case firstDigit, digitOrEnd, semicolon, chunkExtension, lineFeedOfSize
        case data, carriageReturnOfData, lineFeedOfData
        case trailer, trailerName, trailerValue, lineFeedOfTrailer, lastLineFeed
    }

    /// What the chunks so far carried.
    private(set) var bytes: [UInt8] = []
    private var expected = Expected.firstDigit
    /// Of the chunk's data, what has still to come.
    private var chunkByteCount = 0
    /// Bytes that carry nothing: leading zeros, extensions, trailers. Without a bound on them, a body could go on for
    /// ever.
    private var idleByteCount = 0
    private var trailerCount = 0

    /// Reads from `position` on, and leaves it behind what was taken.
    mutating func consume(_ input: Span<UInt8>, from position: inout Int, limits: HTTPLimits) -> Outcome {
        while position < input.count {
            if case .data = expected {
                let count = min(chunkByteCount, input.count - position)
                let data = input.extracting(position..<position + count)
                unsafe data.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
                position += count
                chunkByteCount -= count
                if chunkByteCount == 0 { expected = .carriageReturnOfData }
                continue
            }
            let byte = input[position]
            position += 1
            if expected == .lastLineFeed, byte == 0x0A { return .complete }
            if let refusal = take(byte, limits) { return .refused(refusal) }
        }
        return .incomplete
    }

    /// One byte that is not data.
    private mutating func take(_ byte: UInt8, _ limits: HTTPLimits) -> HTTPRefusal? {
        switch expected {
        case .firstDigit, .digitOrEnd: return takeSize(byte, limits)
        case .semicolon:
            // RFC 9112 §7.1.1 lets white space stand before an extension, and nowhere else.
            guard ASCII.isBlank(byte) || byte == UInt8(ascii: ";") else { return .malformedChunk }
            if byte == UInt8(ascii: ";") { expected = .chunkExtension }
            return countIdle(limits, .malformedChunk)
        case .chunkExtension:
            if byte == 0x0D { return expect(.lineFeedOfSize) }
            return HTTPFieldValue.isAllowed(byte) ? countIdle(limits, .malformedChunk) : .malformedChunk
        case .lineFeedOfSize: return expect(chunkByteCount == 0 ? .trailer : .data, behind: 0x0A, byte)
        case .carriageReturnOfData: return expect(.lineFeedOfData, behind: 0x0D, byte)
        case .lineFeedOfData: return expect(.firstDigit, behind: 0x0A, byte)
        case .trailer, .trailerName, .trailerValue, .lineFeedOfTrailer, .lastLineFeed:
            return takeTrailer(byte, limits)
        case .data: preconditionFailure("data is taken by the run")
        }
    }

    private mutating func takeSize(_ byte: UInt8, _ limits: HTTPLimits) -> HTTPRefusal? {
        if let digit = ASCII.hexadecimalValue(byte) {
            expected = .digitOrEnd
            if chunkByteCount == 0, digit == 0 { return countIdle(limits, .malformedChunk) }
            // Neither factor exceeds the limit by then, so this cannot overflow.
            chunkByteCount = chunkByteCount * 16 + Int(digit)
            return chunkByteCount <= limits.bodyByteCountMax - bytes.count ? nil : .bodyTooLarge
        }
        guard expected == .digitOrEnd else { return .malformedChunk }
        switch byte {
        case 0x0D: return expect(.lineFeedOfSize)
        case UInt8(ascii: ";"): expected = .chunkExtension
        case 0x20, 0x09: expected = .semicolon
        default: return .malformedChunk
        }
        return countIdle(limits, .malformedChunk)
    }

    private mutating func takeTrailer(_ byte: UInt8, _ limits: HTTPLimits) -> HTTPRefusal? {
        switch expected {
        case .trailer:
            if byte == 0x0D { return expect(.lastLineFeed) }
            guard trailerCount < limits.headerCountMax else { return .headTooLarge }
            trailerCount += 1
            expected = .trailerName
            guard ASCII.isToken(byte) else { return .malformedChunk }
        case .trailerName:
            if byte == UInt8(ascii: ":") { expected = .trailerValue }
            guard byte == UInt8(ascii: ":") || ASCII.isToken(byte) else { return .malformedChunk }
        case .trailerValue:
            if byte == 0x0D { return expect(.lineFeedOfTrailer) }
            guard HTTPFieldValue.isAllowed(byte) else { return .malformedChunk }
        case .lineFeedOfTrailer: return expect(.trailer, behind: 0x0A, byte)
        default: return .malformedChunk
        }
        return countIdle(limits, .headTooLarge)
    }

    private mutating func expect(_ next: Expected) -> HTTPRefusal? {
        expected = next
        return nil
    }

    private mutating func expect(_ next: Expected, behind wanted: UInt8, _ byte: UInt8) -> HTTPRefusal? {
        guard byte == wanted else { return .malformedChunk }
        return expect(next)
    }

    private mutating func countIdle(_ limits: HTTPLimits, _ refusal: HTTPRefusal) -> HTTPRefusal? {
        idleByteCount += 1
        return idleByteCount <= limits.headByteCountMax ? nil : refusal
    }
}
