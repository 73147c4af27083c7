/// Reads the header fields of a request (RFC 9112 §5), and of those that frame messages what they say.
struct HeadFields {
    /// Content-Length (RFC 9110 §8.6).
    enum Length: Hashable {
        case absent
        /// What the digits say; numbers that do not fit are the largest that does.
        case bytes(Int)
    }

    /// Transfer-Encoding (RFC 9112 §6.1).
    enum TransferCoding: Hashable {
        case absent
        /// `chunked` and nothing else.
        case chunked
        /// Another coding below `chunked`.
        case unknown
        /// Codings of which the last is not `chunked`, so that the end of the body cannot be told.
        case unending
    }

    private(set) var length = Length.absent
    private(set) var transferCoding = TransferCoding.absent
    /// What Host names; nil without one.
    private(set) var host: String?
    private(set) var hasClose = false
    private(set) var hasKeepAlive = false
    private(set) var expectsContinue = false

    /// Reads from `start` to the empty line, and says where each field stands.
    mutating func parse(_ bytes: inout [UInt8], from start: Int) throws(HTTPRefusal) -> [HTTPHeaders.Field] {
        var fields: [HTTPHeaders.Field] = []
        fields.reserveCapacity(16)
        var position = start
        while bytes[position] != 0x0D {
            let name = try Self.parseName(&bytes, from: position)
            let value = Self.parseValue(bytes, from: name.upperBound + 1)
            try note(bytes[name], bytes[value.text])
            fields.append(
                HTTPHeaders.Field(
                    name: UInt32(name.lowerBound)..<UInt32(name.upperBound),
                    value: UInt32(value.text.lowerBound)..<UInt32(value.text.upperBound)))
            position = value.end
        }
        return fields
    }

    /// A name and the colon behind it, without white space between them (RFC 9112 §5.1). A line that begins with a
    /// blank has none, which refuses folded lines (§5.2) too.
    private static func parseName(_ bytes: inout [UInt8], from start: Int) throws(HTTPRefusal) -> Range<Int> {
        var position = start
        // The head ends in CR LF CR LF, so there is always a byte that is not of a name.
        while ASCII.isToken(bytes[position]) {
            bytes[position] = ASCII.lowercased(bytes[position])
            position += 1
        }
        guard position > start, bytes[position] == UInt8(ascii: ":") else { throw .malformedHeader }
        return start..<position
    }

    /// The value without the white space around it, and where the next line begins.
    private static func parseValue(_ bytes: [UInt8], from start: Int) -> (text: Range<Int>, end: Int) {
        var lineEnd = ByteSearch.endOfText(in: bytes.span, from: start)
        while bytes[lineEnd] == 0x09 { lineEnd = ByteSearch.endOfText(in: bytes.span, from: lineEnd + 1) }
        var lower = start
        var upper = lineEnd
        while lower < upper, ASCII.isBlank(bytes[lower]) { lower += 1 }
        while lower < upper, ASCII.isBlank(bytes[upper - 1]) { upper -= 1 }
        return (lower..<upper, lineEnd + 2)
    }

    private mutating func note(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) throws(HTTPRefusal) {
        switch name.count {
        case 4 where name.elementsEqual("host".utf8): try noteHost(value)
        case 6 where name.elementsEqual("expect".utf8): try noteExpectation(value)
        case 10 where name.elementsEqual("connection".utf8): noteConnection(value)
        case 14 where name.elementsEqual("content-length".utf8): try noteLength(value)
        case 17 where name.elementsEqual("transfer-encoding".utf8): try noteTransferCoding(value)
        default: break
        }
    }

    private mutating func noteHost(_ value: ArraySlice<UInt8>) throws(HTTPRefusal) {
        guard host == nil, let name = HostName.parse(value) else { throw .malformedHost }
        host = name
    }

    private mutating func noteExpectation(_ value: ArraySlice<UInt8>) throws(HTTPRefusal) {
        guard !expectsContinue, ASCII.equal(value, "100-continue") else {
            throw .unknownExpectation
        }
        expectsContinue = true
    }

    private mutating func noteConnection(_ value: ArraySlice<UInt8>) {
        for token in value.split(separator: UInt8(ascii: ",")) {
            if ASCII.equal(token.trimmed, "close") { hasClose = true }
            if ASCII.equal(token.trimmed, "keep-alive") { hasKeepAlive = true }
        }
    }

    /// One field of digits. RFC 9112 §6.3 would allow a list of equal numbers; nobody honest sends one.
    private mutating func noteLength(_ value: ArraySlice<UInt8>) throws(HTTPRefusal) {
        guard length == .absent, !value.isEmpty, value.allSatisfy(ASCII.isDigit) else { throw .malformedLength }
        var count = 0
        for byte in value {
            let (product, overflows) = count.multipliedReportingOverflow(by: 10)
            let (sum, overflowsAgain) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflows, !overflowsAgain else {
                length = .bytes(.max)
                return
            }
            count = sum
        }
        length = .bytes(count)
    }

    private mutating func noteTransferCoding(_ value: ArraySlice<UInt8>) throws(HTTPRefusal) {
        guard transferCoding == .absent else { throw .ambiguousLength }
        let codings = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map(\.trimmed)
        let isLastAndOnce = codings.firstIndex { ASCII.equal($0, "chunked") } == codings.count - 1
        transferCoding = !isLastAndOnce ? .unending : codings.count == 1 ? .chunked : .unknown
    }
}
