import HTTP
import TestSupport
import Testing

@Suite("RFC 9112 §6: bodies")
struct RFC9112Section6Tests {
    @Test("§6.2 as many bytes as Content-Length says", .requirement("R9112-6.2-1"))
    func length() {
        #expect(outcome(post("Content-Length: 3", then: "abc")).body == "abc")
        #expect(outcome(post("Content-Length: 3", then: "ab")) == .nothing)
        #expect(outcome(post("Content-Length: 0", then: "")).body == "")
        #expect(outcome(post("Content-Length: 003", then: "abc")).body == "abc")
        #expect(outcome("GET / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx").body == "x")
    }

    @Test("§6.3 without a length there is no body", .requirement("R9112-6.3-1"))
    func noLength() {
        #expect(outcome(post(then: "")).body == "")
        #expect(outcome("POST / HTTP/1.0\r\n\r\n").body == "")
    }

    @Test(
        "§6.3 Content-Length is one number of digits", .requirement("R9112-6.3-2"),
        arguments: [
            "", "+5", "-5", "0x5", "5a", "a", "5.0", "5 5", "5,5", "5, 5", "5;q=1", "\u{0665}", "5e0", "\"5\"", "5\t5",
            ",5",
        ])
    func malformedLength(value: String) {
        #expect(outcome(post("Content-Length: \(value)", then: "abcde")) == .refused(400))
    }

    @Test("§6.3 there is one Content-Length, even if all agree", .requirement("R9112-6.3-2"))
    func duplicateLength() {
        #expect(outcome(post("Content-Length: 5", "Content-Length: 5", then: "abcde")) == .refused(400))
        #expect(outcome(post("Content-Length: 5", "Content-Length: 6", then: "abcde")) == .refused(400))
        #expect(outcome(post("Content-Length: 0", "content-length: 0", then: "")) == .refused(400))
    }

    @Test(
        "§6.2 a length that no number holds is too large, not small", .requirement("R9112-6.2-2"),
        arguments: [
            "65537", "4294967296", "4294967301", "9223372036854775807", "9223372036854775808", "18446744073709551616",
            "18446744073709551621", "99999999999999999999999999999999",
        ])
    func largeLength(value: String) {
        #expect(outcome(post("Content-Length: \(value)", then: "")) == .refused(413))
    }

    @Test("§6.1 Content-Length and Transfer-Encoding together are refused", .requirement("R9112-6.1-1"))
    func bothLengths() {
        #expect(outcome(post("Content-Length: 5", "Transfer-Encoding: chunked", then: "0\r\n\r\n")) == .refused(400))
        #expect(outcome(post("Transfer-Encoding: chunked", "Content-Length: 0", then: "0\r\n\r\n")) == .refused(400))
        #expect(outcome(post("Transfer-Encoding: gzip, chunked", "Content-Length: 5", then: "")) == .refused(400))
        #expect(outcome(post("Transfer-Encoding: identity", "Content-Length: 5", then: "")) == .refused(400))
    }

    @Test(
        "§6.1 the coding is chunked, without regard to case", .requirement("R9112-6.1-2"),
        arguments: ["chunked", "Chunked", "CHUNKED", " \tchunked\t "])
    func chunkedCoding(value: String) {
        #expect(outcome(post("Transfer-Encoding:\(value)", then: "1\r\na\r\n0\r\n\r\n")).body == "a")
    }

    @Test(
        "§6.1 codings that are not known below chunked get 501", .requirement("R9112-6.1-3"),
        arguments: ["gzip, chunked", "deflate,chunked", "x, chunked", "identity, chunked", ", chunked"])
    func unknownCoding(value: String) {
        #expect(outcome(post("Transfer-Encoding: \(value)", then: "0\r\n\r\n")) == .refused(501))
    }

    @Test(
        "§6.3 what chunked does not end has no length", .requirement("R9112-6.3-3"),
        arguments: [
            "", "gzip", "identity", "xchunked", "chunkedx", "chunked, gzip", "chunked, chunked", "chunked,",
            "chunked;q=1",
            "\"chunked\"", "chun ked", "chunked chunked", "'chunked'", "ch\u{FC}nked",
        ])
    func unendingCoding(value: String) {
        #expect(outcome(post("Transfer-Encoding: \(value)", then: "0\r\n\r\n")) == .refused(400))
    }

    @Test("§6.1 two fields of Transfer-Encoding are refused", .requirement("R9112-6.3-3"))
    func duplicateCoding() {
        let twice = post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", then: "0\r\n\r\n")
        #expect(outcome(twice) == .refused(400))
        let hidden = post("Transfer-Encoding: identity", "Transfer-Encoding: chunked", then: "0\r\n\r\n")
        #expect(outcome(hidden) == .refused(400))
        #expect(outcome(post("Transfer-Encoding: chunked", "Transfer-Encoding: x", then: "")) == .refused(400))
    }

    @Test("§6.1 HTTP/1.0 has no transfer codings", .requirement("R9112-6.1-4"))
    func codingOfOldVersion() {
        #expect(outcome("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == .refused(400))
        #expect(outcome("POST / HTTP/1.0\r\nTransfer-Encoding: gzip, chunked\r\n\r\n") == .refused(400))
    }

    @Test("§6 any method may have a body, and it is not the next request", .requirement("R9112-6-1"))
    func bodyOfGet() {
        var dialogue = Dialogue()
        let smuggled = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
        let first = dialogue.send(get("Content-Length: \(smuggled.utf8.count)") + smuggled)
        #expect(first.body == smuggled)
        _ = dialogue.respond()
        #expect(dialogue.next() == .nothing)
        #expect(dialogue.connection.isIdle)
    }
}

@Suite("RFC 9112 §7: the chunked coding")
struct RFC9112Section7Tests {
    @Test(
        "§7.1 chunks are joined", .requirement("R9112-7.1-1"),
        arguments: [
            ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "hello"),
            ("00005\r\nhello\r\n000\r\n\r\n", "hello"), ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
            ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"), ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
            ("10\r\n0123456789abcdef\r\n0\r\n\r\n", "0123456789abcdef"),
        ])
    func chunks(body: String, expected: String) {
        #expect(outcome(chunked(body)).body == expected)
    }

    @Test(
        "§7.1 what is no chunk", .requirement("R9112-7.1-2"),
        arguments: [
            "\r\n", ";a\r\n", "g\r\n", "0x5\r\nhello\r\n", "-1\r\n", "+5\r\nhello\r\n", "5 \r\nhello\r\n",
            " 5\r\nhello\r\n",
            "5\nhello\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello\r0",
            "5\rhello", "5;a\nhello", "5;a\rb", "5;a\0\r\n", "5,\r\nhello", "5 a\r\nhello", "0\r\n\n", "0\r\n\r0",
            "5\r\n\nhello\r\n\r",
            "5_\r\n", "5h\r\n", "5:a\r\n", "\t5\r\n", "5\u{B}\r\n", "5 ", "5\t\r\nhello\r\n",
        ])
    func noChunks(body: String) {
        // A size with a blank behind it waits for what follows the blank.
        let expected: Outcome = body == "5 " ? .nothing : .refused(400)
        #expect(outcome(chunked(body)) == expected)
    }

    @Test("§7.1.1 extensions are ignored", .requirement("R9112-7.1.1-1"))
    func extensions() {
        #expect(outcome(chunked("5;a=b\r\nhello\r\n0;c\r\n\r\n")).body == "hello")
        #expect(outcome(chunked("5 \t;a = \"\\\"0;\" ; d\r\nhello\r\n0\r\n\r\n")).body == "hello")
        #expect(outcome(chunked("5;\r\nhello\r\n0\r\n\r\n")).body == "hello")
    }

    @Test("§7.1.2 trailers are read and dropped", .requirement("R9112-7.1.2-1"))
    func trailers() throws {
        let request = try #require(
            outcome(chunked("1\r\na\r\n0\r\nX: b\r\nContent-Length: 9\r\nHost: evil\r\nTransfer-Encoding: x\r\n\r\n"))
                .request)
        #expect(request.body == [0x61])
        #expect(request.host == "a")
        #expect(!request.headers.has("x"))
        #expect(!request.headers.has("content-length"))
    }

    @Test(
        "§7.1.2 trailers are fields", .requirement("R9112-7.1.2-2"),
        arguments: [
            "X\r\n\r\n", " X: a\r\n\r\n", "X : a\r\n\r\n", ": a\r\n\r\n", "X: a\n\r\n", "X: \0\r\n\r\n",
            "X: a\r\n b\r\n\r\n", "X: a\rY",
        ])
    func noTrailers(lines: String) {
        #expect(outcome(chunked("0\r\n" + lines)) == .refused(400))
    }

    @Test(
        "§7.1 sizes that no number holds are too large, not small", .requirement("R9112-7.1-3"),
        arguments: [
            "10001", "FFFFFFFF", "100000000", "100000005", "7fffffffffffffff", "ffffffffffffffff", "10000000000000000",
            "10000000000000005", "fffffffffffffffffffffffffff",
        ])
    func largeSizes(size: String) {
        #expect(outcome(chunked("\(size)\r\nhello\r\n0\r\n\r\n")) == .refused(413))
    }

    @Test("the request behind a chunked body begins where the body ends", .requirement("R9112-7.1-1"))
    func behindChunks() {
        var dialogue = Dialogue()
        #expect(dialogue.send(chunked("1\r\na\r\n0\r\nX: y\r\n\r\n") + get("X: second")).body == "a")
        _ = dialogue.respond()
        #expect(dialogue.next().request?.headers["x"] == "second")
    }
}
