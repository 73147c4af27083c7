/// A request line and its headers, and what they say about the rest of the message.
struct RequestHead: Sendable {
    /// How the end of the body is found (RFC 9112 §6.3).
    enum BodyLength: Hashable, Sendable {
        case none
        case bytes(Int)
        case chunked
    }

    let method: HTTPMethod
    let target: RequestTarget
    let minorVersion: UInt8
    let headers: HTTPHeaders
    let host: String?
    let bodyLength: BodyLength
    /// The client waits for 100 before it sends the body.
    let expectsContinue: Bool
    /// The client wants to send more requests (RFC 9112 §9.3).
    let keepsAlive: Bool

    /// Reads a head that `HeadScanner` has found: lines end in CR LF, and but for those and tabs there are no control
    /// bytes. Names of fields become lower-case in place.
    init(parsing bytes: consuming [UInt8], limits: HTTPLimits) throws(HTTPRefusal) {
        let line = try RequestLine(parsing: bytes, limits: limits)
        var fields = HeadFields()
        let list = try fields.parse(&bytes, from: line.end)
        method = line.method
        target = line.target
        minorVersion = line.minorVersion
        host = try Self.host(line, fields)
        bodyLength = try Self.bodyLength(line, fields, limits)
        keepsAlive = !fields.hasClose && (line.minorVersion == 1 || fields.hasKeepAlive)
        // RFC 9110 §10.1.1: an HTTP/1.0 client would take 100 for the final response.
        expectsContinue = fields.expectsContinue && line.minorVersion == 1 && bodyLength != .none
        headers = HTTPHeaders(bytes: bytes, fields: list)
    }

    private static func host(_ line: RequestLine, _ fields: HeadFields) throws(HTTPRefusal) -> String? {
        guard fields.host != nil || line.minorVersion == 0 else { throw .malformedHost }
        // RFC 9112 §3.2.2: a target that names the host outweighs the header.
        let name = line.host ?? fields.host
        return name?.isEmpty == true ? nil : name
    }

    private static func bodyLength(
        _ line: RequestLine, _ fields: HeadFields, _ limits: HTTPLimits
    ) throws(HTTPRefusal) -> BodyLength {
        switch (fields.transferCoding, fields.length) {
        case (.absent, .absent): return .none
        case (.absent, .bytes(let count)):
            guard count <= limits.bodyByteCountMax else { throw .bodyTooLarge }
            return count == 0 ? .none : .bytes(count)
        case (.chunked, .absent) where line.minorVersion == 1: return .chunked
        case (.unknown, .absent) where line.minorVersion == 1: throw .unknownTransferCoding
        // Two lengths are how requests are smuggled past a proxy, and HTTP/1.0 has no codings (RFC 9112 §6.1).
        case (.unending, _), (.chunked, _), (.unknown, _): throw .ambiguousLength
        }
    }
}

/// `GET /path HTTP/1.1` (RFC 9112 §3).
struct RequestLine {
    let method: HTTPMethod
    let target: RequestTarget
    /// The host that an absolute-form target names.
    let host: String?
    let minorVersion: UInt8
    /// Where the line behind it begins.
    let end: Int

    init(parsing bytes: borrowing [UInt8], limits: HTTPLimits) throws(HTTPRefusal) {
        let lineEnd = ByteSearch.endOfText(in: bytes.span, from: 0)
        let parts = bytes[..<lineEnd].split(
            separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, bytes[lineEnd] == 0x0D else { throw .malformedRequestLine }
        guard !parts[0].isEmpty, parts[0].allSatisfy(ASCII.isToken), !parts[1].isEmpty else {
            throw .malformedRequestLine
        }
        minorVersion = try Self.minorVersion(parts[2])
        guard let method = HTTPMethod.allCases.first(where: { parts[0].elementsEqual($0.rawValue.utf8) }) else {
            throw .unknownMethod
        }
        guard parts[1].count <= limits.targetByteCountMax else { throw .targetTooLong }
        self.method = method
        (target, host) = try Self.target(parts[1], method)
        end = lineEnd + 2
    }

    private static func minorVersion(_ text: ArraySlice<UInt8>) throws(HTTPRefusal) -> UInt8 {
        let digits = text.suffix(3)
        guard text.count == 8, text.starts(with: "HTTP/".utf8), digits[digits.startIndex + 1] == UInt8(ascii: "."),
            let major = digits.first, let minor = digits.last, ASCII.isDigit(major), ASCII.isDigit(minor)
        else { throw .malformedRequestLine }
        guard major == UInt8(ascii: "1"), minor <= UInt8(ascii: "1") else { throw .unknownVersion }
        return minor - UInt8(ascii: "0")
    }

    private static func target(
        _ text: ArraySlice<UInt8>, _ method: HTTPMethod
    ) throws(HTTPRefusal) -> (RequestTarget, String?) {
        if text.first == UInt8(ascii: "/") || text.first == UInt8(ascii: "*") {
            guard let target = RequestTarget(text) else { throw .malformedTarget }
            // RFC 9112 §3.2.4: the asterisk is the server as a whole, and only OPTIONS asks about that.
            guard target.path != "*" || method == .options else { throw .malformedTarget }
            return (target, nil)
        }
        // RFC 9112 §3.2.2: absolute-form must be taken, though only proxies are sent it.
        let scheme = text.prefix { $0 != UInt8(ascii: ":") }
        let rest = text.dropFirst(scheme.count)
        guard ASCII.equal(scheme, "http") || ASCII.equal(scheme, "https"), rest.starts(with: "://".utf8)
        else { throw .malformedTarget }
        let authority = rest.dropFirst(3).prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard let host = HostName.parse(authority), !host.isEmpty else { throw .malformedTarget }
        var path = text[authority.endIndex...]
        if path.first != UInt8(ascii: "/") { path = [UInt8(ascii: "/")] + path }
        guard let target = RequestTarget(path) else { throw .malformedTarget }
        return (target, host)
    }
}
