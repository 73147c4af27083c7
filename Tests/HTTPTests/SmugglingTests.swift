import HTTP
import TestSupport
import Testing

/// Forms that published collections of request smuggling found servers to read differently. Each would, on some server,
/// end the first request early or late, so that the `GPOST` behind it were a request of its own.
@Suite("RFC 9112 §11.2: request smuggling", .requirement("R9112-11.2-1"))
struct SmugglingTests {
    private func post(_ lines: String) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n0\r\n\r\nGPOST / HTTP/1.1\r\nHost: a\r\n\r\n"
    }

    @Test(
        "two lengths",
        arguments: [
            "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: 5\r\nContent-Length: 0", "Content-Length: 5,0", "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5\r\nTransfer-Encoding: x", "Content-Length: 5\r\ntransfer-encoding:\tchunked",
        ])
    func twoLengths(lines: String) {
        #expect(outcome(post(lines)) == .refused(400))
    }

    @Test(
        "a Transfer-Encoding that only some see",
        arguments: [
            "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", " Transfer-Encoding: chunked",
            "\tTransfer-Encoding: chunked", "X: y\r\n Transfer-Encoding: chunked", "X: y\nTransfer-Encoding: chunked",
            "X: y\rTransfer-Encoding: chunked", "\rTransfer-Encoding: chunked", "\u{0}Transfer-Encoding: chunked",
            "Transfer-Encoding\r\n : chunked", "Transfer-Encoding:\r\n chunked", "Transfer\u{0}-Encoding: chunked",
            "Transfer-Encoding\u{0}: chunked", "Transfer-Encoding: \u{0B}chunked", "Transfer-Encoding: chunked\u{0C}",
            "Transfer-Encoding: \u{0}chunked", "Transfer-Encoding: chunked\u{0}", "Transfer-Encoding: \u{8}chunked",
            "Transfer-Encoding\u{A0}: chunked", "Transfer\u{AD}-Encoding: chunked", "\u{FF}Transfer-Encoding: chunked",
            "\"Transfer-Encoding\": chunked", "Transfer-Encoding\\: chunked", "[Transfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r", "Transfer-Encoding chunked", "Transfer-Encoding;: chunked",
        ])
    func hiddenCoding(lines: String) {
        #expect(outcome(post(lines)) == .refused(400))
        // What cannot be read is refused, whatever else there is.
        #expect(outcome(post("Content-Length: 5\r\n" + lines)) == .refused(400))
    }

    @Test(
        "a coding that only some take for chunked",
        arguments: [
            "xchunked", "chunkedx", "chunked, identity", "identity, chunked, identity", "chunked, chunked", "'chunked'",
            "\"chunked\"", "chunk", "chunked;", "chunked; q=1", "chunked x", "x chunked", "=chunked", "(chunked)",
            "ch\\unked",
            "\u{A0}chunked", "chunked\u{A0}", "\u{2028}chunked", "chun\tked", "%63hunked", "c\u{212A}unked",
            "chun\u{212A}ed",
        ])
    func strangeCoding(value: String) {
        #expect(outcome(post("Transfer-Encoding: \(value)")) == .refused(400))
        #expect(outcome(post("Transfer-Encoding: \(value)\r\nTransfer-Encoding: chunked")) == .refused(400))
        #expect(outcome(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: \(value)")) == .refused(400))
    }

    @Test(
        "names that are only like the ones that count frame nothing",
        arguments: [
            "Transfer_Encoding: chunked", "Transfer-Encoding-: chunked", "X-Transfer-Encoding: chunked", "TE: chunked",
            "Transfer.Encoding: chunked", "Content_Length: 5", "Content-Lengt\u{68}s: 5", "Content.Length: 5",
        ])
    func likeNames(lines: String) {
        var dialogue = Dialogue()
        #expect(dialogue.send(post(lines)).body == "")
        _ = dialogue.respond()
        // There was no body, so what follows is the next request, and none.
        #expect(dialogue.next() == .refused(400))
    }

    @Test(
        "a Content-Length that only some can read",
        arguments: [
            "+5", "-5", " 5 5", "5 0", "0x5", "05h", "5\u{0}", "5\u{0B}", "\u{0B}5", "5_0", "5e1", "5.", "\u{FF15}",
            "5;", "'5'",
        ])
    func strangeLength(value: String) {
        #expect(outcome(post("Content-Length: \(value)")) == .refused(400))
    }

    @Test(
        "a request line that only some read alike",
        arguments: [
            "POST / HTTP/1.1\r\n", "POST /\tHTTP/1.1", "POST / HTTP/1.1 GET", "POST\u{0B}/ HTTP/1.1",
            "POST /\u{0} HTTP/1.1",
            "POST /a b HTTP/1.1", "POST / HTTP/1.1\u{0}", "POST /\u{85} HTTP/1.1", "POST / HTTP/1.1\n",
        ])
    func requestLines(line: String) {
        #expect(outcome(line + "\r\nHost: a\r\nContent-Length: 5\r\n\r\n").isRequest == false)
    }

    @Test(
        "a chunk that only some read alike",
        arguments: [
            "5\nhello\r\n0\r\n\r\n", "5;\nhello\r\n0\r\n\r\n", "5;x\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
            "5\r\nhelloXX0\r\n\r\n", "5\r\nhello\r\r0\r\n\r\n", "0x5\r\nhello\r\n", "5\u{0}\r\nhello\r\n",
            "5 x\r\nhello\r\n",
            "0\r\n\rX", "0\n\r\n", "0\r\n\nGET", "-0\r\n\r\n", "5\r\r\nhello", "5;a\r\r\nhello",
            "0\r\nX:y\nZ: w\r\n\r\n",
            "0\r\n : y\r\n\r\n", "5\r\nhello\r\n\r\n0\r\n\r\n", "\u{FF15}\r\nhello", "5L\r\nhello",
        ])
    func chunks(body: String) {
        #expect(outcome(chunked(body)) == .refused(400))
    }

    @Test(
        "two hosts",
        arguments: [
            "Host: a\r\nHost: b", "Host: a\r\nhost:b", "Host: a, b", "Host: a b", "Host: a@b", "Host: a\u{0}.b",
            "Host: a\r\n b",
            "Host : a", "Host:", "Host: a#b", "Host: a/?b",
        ])
    func hosts(lines: String) {
        let outcome = outcome("GET / HTTP/1.1\r\n\(lines)\r\n\r\n")
        if lines == "Host:" {
            // Allowed, for a target without authority; it names nobody.
            #expect(outcome.request?.host == .some(nil))
        } else {
            #expect(outcome == .refused(400))
        }
    }
}
