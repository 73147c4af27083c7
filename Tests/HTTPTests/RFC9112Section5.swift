import HTTP
import TestSupport
import Testing

@Suite("RFC 9112 §5: fields")
struct RFC9112Section5Tests {
    @Test(
        "§5.1 no white space stands before the colon", .requirement("R9112-5.1-1"),
        arguments: ["X : a", "X\t: a", "Content-Length : 5", "Transfer-Encoding : chunked", "X Y: a"])
    func blankBeforeColon(line: String) {
        #expect(outcome(get(line)) == .refused(400))
    }

    @Test(
        "§5.1 a name is a token", .requirement("R9112-5.1-2"),
        arguments: [
            ": a", "X", "a", "X(: a", "X/Y: a", "\"X\": a", "\u{E4}: a", "X\u{200B}: a", "[X]: a", "X,Y: a", "X=1",
        ])
    func names(line: String) {
        #expect(outcome(get(line)) == .refused(400))
    }

    @Test("§5.1 every character of a token is taken", .requirement("R9112-5.1-2"))
    func tokens() {
        #expect(outcome(get("!#$%&'*+-.^_`|~09azAZ: a")).request?.headers["!#$%&'*+-.^_`|~09azaz"] == "a")
    }

    @Test(
        "§5.1 white space around a value does not belong to it", .requirement("R9112-5.1-3"),
        arguments: [
            ("X:a", "a"), ("X: a", "a"), ("X: \t a b\t \t", "a b"), ("X:", ""), ("X: \t ", ""), ("X: a\tb", "a\tb"),
        ])
    func blanks(line: String, value: String) {
        #expect(outcome(get(line)).request?.headers["x"] == value)
    }

    @Test(
        "§5.2 folded lines are refused", .requirement("R9112-5.2-1"),
        arguments: ["X: a\r\n b", "X: a\r\n\tb", "X:\r\n a", "X: a\r\n ", "Transfer-Encoding:\r\n chunked"])
    func folded(lines: String) {
        #expect(outcome(get(lines)) == .refused(400))
    }

    @Test("bytes beyond ASCII in a value are kept, and what is not UTF-8 is replaced", .requirement("RI-http-1"))
    func highBytes() {
        let head = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8)
        #expect(outcome(head + [0xC3, 0xA4] + Array("\r\n\r\n".utf8)).request?.headers["x"] == "ä")
        #expect(outcome(head + [0x80, 0xFF] + Array("\r\n\r\n".utf8)).request?.headers["x"] == "\u{FFFD}\u{FFFD}")
        #expect(outcome(head + [0xC2, 0xA0] + Array("\r\n\r\n".utf8)).request?.headers["x"] == "\u{A0}")
    }
}

@Suite("Headers")
struct HTTPHeadersTests {
    private func headers(_ lines: String) throws -> HTTPHeaders {
        try #require(outcome("GET / HTTP/1.0\r\n\(lines)\r\n").request).headers
    }

    @Test("the first value, every value, and case of names")
    func lookup() throws {
        let headers = try headers("A: 1\r\nb: 2\r\nA: 3\r\n")
        #expect(headers["a"] == "1")
        #expect(headers.values(of: "A") == ["1", "3"])
        #expect(headers.values(of: "c") == [])
        #expect(headers["c"] == nil)
        #expect(headers.has("B"))
        #expect(!headers.has("bb"))
        #expect(headers.count == 3)
    }

    @Test("lists are cut at commas, over all fields of the name", .requirement("RI-http-4"))
    func lists() throws {
        let headers = try headers("Connection: Keep-Alive , Upgrade\r\nConnection:,, HTTP2-Settings ,\r\n")
        #expect(headers.list("connection") == ["Keep-Alive", "Upgrade", "HTTP2-Settings"])
        #expect(headers.tokens(of: "connection") == ["keep-alive", "upgrade", "http2-settings"])
        #expect(headers.contains(token: "UPGRADE", in: "Connection"))
        #expect(!headers.contains(token: "up", in: "connection"))
        #expect(!headers.contains(token: "upgrade", in: "upgrade"))
    }

    @Test(
        "a value cannot end its line", .requirement("R9110-5.5-1"),
        arguments: ["\r\n", "\n", "\r", "\0", "\u{7F}", "\u{1}"])
    func splitting(control: String) {
        let text = "a\(control)b"
        #expect(HTTPFieldValue(text) == nil)
        #expect(HTTPFieldValue(cleaning: text).text == "a" + String(repeating: " ", count: control.utf8.count) + "b")
    }

    @Test("values that are good stay as they are", .requirement("R9110-5.5-1"))
    func values() {
        let text = "tab\tand ünicode"
        #expect(HTTPFieldValue(text)?.text == text)
        #expect(HTTPFieldValue(cleaning: text).text == text)
        #expect(HTTPFieldValue(17).text == "17")
    }

    @Test("headers are equal when names but for case and values are")
    func equality() {
        var left = HTTPHeaders()
        var right = HTTPHeaders()
        left.append("A-B", "c")
        #expect(left != right)
        right.append("a-b", "c")
        #expect(left == right)
        right.append("d", "e")
        #expect(left != right)
    }
}
