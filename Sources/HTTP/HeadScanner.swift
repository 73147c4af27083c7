/// Finds the end of a head while its bytes arrive. It looks at each byte once, however they are cut, and stops at the
/// first one that no head can have.
struct HeadScanner: Sendable {
    enum Outcome: Sendable {
        case incomplete
        /// The head stands here, its last empty line included.
        case complete(Range<Int>)
        case refused(HTTPRefusal)
    }

    /// Whether the empty line that a client may send before its request was there (RFC 9112 §2.2).
    private(set) var hasSkippedEmptyLine: Bool
    /// Where the head begins: behind such a line.
    private(set) var start = 0
    private var lineStart = 0
    private var position = 0
    /// Lines that have ended, the request line included.
    private var lineCount = 0

    init(hasSkippedEmptyLine: Bool = false) { self.hasSkippedEmptyLine = hasSkippedEmptyLine }

    /// Goes on in the same bytes, of which there may be more than the last time.
    mutating func scan(_ bytes: Span<UInt8>, limits: HTTPLimits) -> Outcome {
        while true {
            position = ByteSearch.endOfText(in: bytes, from: position)
            guard min(position, bytes.count - 1) - start < limits.headByteCountMax else { return .refused(tooLarge) }
            guard position < bytes.count else { return .incomplete }
            switch bytes[position] {
            case 0x09:
                position += 1
            case 0x0D:
                guard position + 1 < bytes.count else { return .incomplete }
                guard bytes[position + 1] == 0x0A else { return .refused(.malformedLine) }
                guard position + 1 - start < limits.headByteCountMax else { return .refused(tooLarge) }
                position += 2
                if let outcome = endLine(limits) { return outcome }
            default:
                // Bare line feeds could be taken for ends of lines, as some do; that is how requests are smuggled.
                return .refused(.malformedLine)
            }
        }
    }

    private var tooLarge: HTTPRefusal { lineCount == 0 ? .targetTooLong : .headTooLarge }

    private mutating func endLine(_ limits: HTTPLimits) -> Outcome? {
        let isEmpty = position - 2 == lineStart
        lineStart = position
        if !isEmpty {
            lineCount += 1
            return lineCount > limits.headerCountMax + 1 ? .refused(.headTooLarge) : nil
        }
        if lineCount > 0 { return .complete(start..<position) }
        guard !hasSkippedEmptyLine else { return .refused(.malformedRequestLine) }
        hasSkippedEmptyLine = true
        start = position
        return nil
    }
}
