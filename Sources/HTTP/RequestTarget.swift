/// What a request is about: a path and a query (RFC 9112 §3.2, RFC 3986 §3.3). It is checked when it is made, so what
/// it is decoded to holds no `.` and `..`, no separators that were hidden by percent-encoding, and no control
/// characters.
package struct RequestTarget: Hashable, Sendable {
    /// How deep a path may be.
    package static let segmentsMax = 64

    /// As it was sent, or `*`.
    package let path: String
    /// As it was sent, without the question mark; nil when there is none.
    package let rawQuery: String?
    /// What stands between the slashes, decoded. `/` has none, `/a/` has `a` and an empty one.
    package let segments: [String]

    /// Reads `/path?query`, or the asterisk.
    package init?(_ text: String) { self.init(Array(text.utf8)[...]) }

    init?(_ bytes: ArraySlice<UInt8>) {
        let path = bytes.prefix { $0 != UInt8(ascii: "?") }
        let query = path.count < bytes.count ? bytes[(path.endIndex + 1)...] : nil
        guard bytes.allSatisfy(Self.isAllowed) else { return nil }
        if let query, !PercentEncoding.isValid(query) { return nil }
        self.path = String(decoding: path, as: UTF8.self)
        rawQuery = query.map { String(decoding: $0, as: UTF8.self) }
        if path.elementsEqual("*".utf8), query == nil {
            segments = []
        } else {
            guard path.first == UInt8(ascii: "/"), let segments = Self.segments(of: path.dropFirst()) else {
                return nil
            }
            self.segments = segments
        }
    }

    /// Visible ASCII without the characters that no client leaves as they are, and without the fragment, which is not
    /// sent. Backslashes are slashes to some, so they are refused. RFC 3986 forbids more, but browsers send those.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"): false
        default: byte > 0x20 && byte < 0x7F
        }
    }

    private static func segments(of path: ArraySlice<UInt8>) -> [String]? {
        guard !path.isEmpty else { return [] }
        var segments: [String] = []
        for part in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard segments.count < segmentsMax, let segment = segment(part) else { return nil }
            segments.append(segment)
        }
        return segments
    }

    private static func segment(_ part: ArraySlice<UInt8>) -> String? {
        if !part.contains(UInt8(ascii: "%")) {
            guard !part.elementsEqual(".".utf8), !part.elementsEqual("..".utf8) else { return nil }
            return String(decoding: part, as: UTF8.self)
        }
        guard PercentEncoding.isValid(part) else { return nil }
        let bytes = PercentEncoding.decode(part, plus: UInt8(ascii: "+"))
        let isClean = bytes.allSatisfy {
            $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\")
        }
        guard isClean, let text = String(validating: bytes, as: UTF8.self), text != ".", text != ".." else {
            return nil
        }
        return text
    }

    // MARK: - Query

    /// The pairs of the query, decoded as forms are: `+` is a space, and what is not UTF-8 is replaced.
    package var query: [(name: String, value: String)] {
        pairs.map { (Self.text($0.name), Self.text($0.value)) }
    }

    /// The first value of this name; empty for a name without `=`.
    package func query(_ name: String) -> String? {
        pairs.first { Self.text($0.name).utf8.elementsEqual(name.utf8) }.map { Self.text($0.value) }
    }

    private var pairs: [(name: Substring.UTF8View, value: Substring.UTF8View)] {
        (rawQuery ?? "")[...].utf8.split(separator: UInt8(ascii: "&")).map { pair in
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            return (name, pair.dropFirst(name.count + 1))
        }
    }

    private static func text(_ bytes: Substring.UTF8View) -> String {
        String(decoding: PercentEncoding.decode(bytes, plus: 0x20), as: UTF8.self)
    }
}
