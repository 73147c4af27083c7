import HTTP
import TestSupport
import Testing

@Suite("RFC 9112 §2: messages")
struct RFC9112Section2Tests {
    @Test("§2.1 a request of a browser", .requirement("R9112-2.1-1"))
    func browser() throws {
        let request = try #require(
            outcome(
                """
                GET /v1/rooms/lobby?token=a%20b&x HTTP/1.1\r
                Host: Example.COM:8443\r
                User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r
                Accept: text/html, */*;q=0.8\r
                Cookie: a=1; b=2\r
                \r\n
                """
            ).request)
        #expect(request.method == .get)
        #expect(request.target.path == "/v1/rooms/lobby")
        #expect(request.target.segments == ["v1", "rooms", "lobby"])
        #expect(request.query("token") == "a b")
        #expect(request.query("x") == "")
        #expect(request.query("y") == nil)
        #expect(request.minorVersion == 1)
        #expect(request.host == "example.com")
        #expect(request.headers["user-agent"] == "Mozilla/5.0 (X11; Linux x86_64)")
        #expect(request.headers["COOKIE"] == "a=1; b=2")
        #expect(request.headers.all.map(\.name) == ["host", "user-agent", "accept", "cookie"])
        #expect(request.body.isEmpty)
    }

    @Test(
        "§2.2 lines end in CR LF and nothing else", .requirement("R9112-2.2-1"),
        arguments: [
            "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n", "GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n", "\nGET /",
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\nTransfer-Encoding: chunked\r\n\r\n",
        ])
    func bareLineFeed(text: String) {
        #expect(outcome(text) == .refused(400))
    }

    @Test(
        "§2.2 a carriage return alone is refused", .requirement("R9112-2.2-2"),
        arguments: [
            "GET / HTTP/1.1\rHost: a\r\n\r\n", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "\rGET / HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\r\n\r\n",
        ])
    func bareCarriageReturn(text: String) {
        #expect(outcome(text) == .refused(400))
    }

    @Test("§2.2 one empty line before a request is ignored", .requirement("R9112-2.2-3"))
    func emptyLine() {
        #expect(outcome("\r\n" + get()).isRequest)
        #expect(outcome("\r\n\r\n" + get()) == .refused(400))
        var dialogue = Dialogue()
        #expect(dialogue.send(post("Content-Length: 2", then: "ab")).body == "ab")
        _ = dialogue.respond()
        // What old browsers sent behind the body of a POST.
        #expect(dialogue.send("\r\n") == .nothing)
        #expect(dialogue.connection.isIdle)
        #expect(dialogue.connection.heldByteCount == 0)
        #expect(dialogue.send(get()).isRequest)
    }

    @Test("§2.2 an empty line that comes alone, again and again, is refused", .requirement("R9112-2.2-3"))
    func emptyLines() {
        var dialogue = Dialogue()
        #expect(dialogue.send("\r\n") == .nothing)
        #expect(dialogue.send("\r") == .nothing)
        #expect(dialogue.send("\n") == .refused(400))
    }

    @Test(
        "§2.2 white space between the request line and the first field is refused", .requirement("R9112-2.2-4"),
        arguments: [" ", "\t", " X: b\r\n", "\tTransfer-Encoding: chunked\r\n"])
    func blankBehindRequestLine(blank: String) {
        #expect(outcome("GET / HTTP/1.1\r\n\(blank)Host: a\r\n\r\n") == .refused(400))
    }

    @Test("control bytes stand nowhere in a head", .requirement("RI-http-1"))
    func controlBytes() {
        for byte in (0..<0x20).map(UInt8.init) + [0x7F] where byte != 0x09 {
            for prefix in ["", "GET /", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nX", "GET / HTTP/1.1\r\nX: a"] {
                #expect(outcome(Array(prefix.utf8) + [byte] + Array("b\r\n\r\n".utf8)) == .refused(400), "\(byte)")
            }
        }
    }

    @Test("what is not HTTP is refused at its first odd byte", .requirement("RI-http-1"))
    func otherProtocols() {
        // A TLS client hello, a STUN request and a SOCKS greeting.
        #expect(outcome([0x16, 0x03, 0x01]) == .refused(400))
        #expect(outcome([0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xA4, 0x42]) == .refused(400))
        #expect(outcome([0x05, 0x01, 0x00]) == .refused(400))
    }

    @Test(
        "§2.3 versions", .requirement("R9112-2.3-1"),
        arguments: [
            ("HTTP/1.1", nil), ("HTTP/1.0", nil), ("HTTP/1.2", 505), ("HTTP/1.9", 505), ("HTTP/2.0", 505),
            ("HTTP/0.9", 505), ("HTTP/3.0", 505), ("http/1.1", 400), ("HTTP/1.10", 400), ("HTTP/11", 400),
            ("HTTP/1,1", 400), ("HTTP/1.", 400), ("HTTP/01.1", 400), ("HTTP/a.1", 400), ("HTTP/1.a", 400),
            ("HTTPS/1.1", 400), ("1.1", 400), ("HTTP/1.1 ", 400), ("", 400),
        ] as [(String, UInt16?)])
    func versions(version: String, code: UInt16?) {
        let outcome = outcome("GET / \(version)\r\nHost: a\r\n\r\n")
        if let code { #expect(outcome == .refused(code)) } else { #expect(outcome.isRequest) }
    }

    @Test("§2.3 the preface of HTTP/2 is a version that is not served", .requirement("R9112-2.3-1"))
    func preface() {
        #expect(outcome("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == .refused(505))
    }
}
