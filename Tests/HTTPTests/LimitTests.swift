import HTTP
import NetworkPrimitives
import TestSupport
import Testing

@Suite("Limits of a connection")
struct LimitTests {
    private func limits(_ change: (inout HTTPLimits) -> Void) -> HTTPLimits {
        var limits = HTTPLimits()
        change(&limits)
        return limits
    }

    /// A head of exactly `byteCount` bytes.
    private func head(_ byteCount: Int) -> String {
        let rest = get("X: ")
        return get("X: " + String(repeating: "x", count: byteCount - rest.utf8.count))
    }

    @Test("bytes of a head", .requirement("RI-http-limits-1"))
    func headBytes() {
        let limits = limits { $0.headByteCountMax = 100 }
        #expect(head(100).utf8.count == 100)
        #expect(outcome(head(100), limits).isRequest)
        #expect(outcome(head(101), limits) == .refused(431))
        #expect(outcome(head(102), limits) == .refused(431))
        #expect(outcome(head(103), limits) == .refused(431))
        #expect(outcome(head(104), limits) == .refused(431))
        #expect(outcome(head(5000), limits) == .refused(431))
        #expect(outcome("\r\n" + head(100), limits).isRequest)
        #expect(outcome(head(16_384)).isRequest)
        #expect(outcome(head(16_385)) == .refused(431))
    }

    @Test("a head without an end is refused when it is as long as one may be", .requirement("RI-http-limits-1"))
    func endlessHead() {
        let limits = limits { $0.headByteCountMax = 100 }
        let text = "GET / HTTP/1.1\r\n" + String(repeating: "x", count: 200)
        #expect(outcome(Array(text.utf8.prefix(100)), limits) == .nothing)
        #expect(outcome(Array(text.utf8.prefix(101)), limits) == .refused(431))
    }

    @Test("a request line without an end gets 414", .requirement("RI-http-limits-2"))
    func endlessLine() {
        let limits = limits { $0.headByteCountMax = 100 }
        #expect(outcome("GET /" + String(repeating: "x", count: 95), limits) == .nothing)
        #expect(outcome("GET /" + String(repeating: "x", count: 96), limits) == .refused(414))
    }

    @Test(
        "bytes of a target", .requirement("RI-http-limits-2"), .requirement("R9112-3-2"), .requirement("R9112-3-3"))
    func target() {
        #expect(outcome("GET /\(String(repeating: "x", count: 8191)) HTTP/1.1\r\nHost: a\r\n\r\n").isRequest)
        #expect(outcome("GET /\(String(repeating: "x", count: 8192)) HTTP/1.1\r\nHost: a\r\n\r\n") == .refused(414))
    }

    @Test("header fields", .requirement("RI-http-limits-3"))
    func headerCount() {
        let lines = { (count: Int) in "GET / HTTP/1.0\r\n" + String(repeating: "X:\r\n", count: count) + "\r\n" }
        #expect(outcome(lines(100)).request?.headers.count == 100)
        #expect(outcome(lines(101)) == .refused(431))
        #expect(outcome(lines(3), limits { $0.headerCountMax = 3 }).isRequest)
        #expect(outcome(lines(4), limits { $0.headerCountMax = 3 }) == .refused(431))
    }

    @Test("bytes of a body whose length is told", .requirement("RI-http-limits-4"))
    func body() {
        let limits = limits { $0.bodyByteCountMax = 10 }
        #expect(outcome(post("Content-Length: 10", then: "0123456789"), limits).body == "0123456789")
        // Refused before any of it is read.
        #expect(outcome(post("Content-Length: 11", then: ""), limits) == .refused(413))
    }

    @Test("bytes of a chunked body", .requirement("RI-http-limits-4"))
    func chunkedBody() {
        let limits = limits { $0.bodyByteCountMax = 10 }
        #expect(outcome(chunked("A\r\n0123456789\r\n0\r\n\r\n"), limits).body == "0123456789")
        #expect(outcome(chunked("B"), limits) == .refused(413))
        #expect(outcome(chunked("5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"), limits).body == "0123456789")
        #expect(outcome(chunked("5\r\n01234\r\n6"), limits) == .refused(413))
        #expect(outcome(chunked("A\r\n0123456789\r\n1"), limits) == .refused(413))
    }

    @Test("bytes of chunk extensions and leading zeros", .requirement("RI-http-limits-5"))
    func extensions() {
        let limits = limits { $0.headByteCountMax = 100 }
        // The zero of the last chunk is one of them.
        let body = { (count: Int) in "1;\(String(repeating: "x", count: count))\r\na\r\n0\r\n\r\n" }
        #expect(outcome(chunked(body(98)), limits).body == "a")
        #expect(outcome(chunked(body(99)), limits) == .refused(400))
        #expect(outcome(chunked(body(100)), limits) == .refused(400))
        let zeros = { (count: Int) in String(repeating: "0", count: count) + "\r\n\r\n" }
        #expect(outcome(chunked(zeros(100)), limits).body == "")
        #expect(outcome(chunked(zeros(101)), limits) == .refused(400))
        // However they are spread over chunks.
        let spread = String(repeating: "1;x\r\na\r\n", count: 49)
        #expect(outcome(chunked(spread + "0;\r\n\r\n"), limits).isRequest)
        #expect(outcome(chunked(spread + "0;x\r\n\r\n"), limits) == .refused(400))
    }

    @Test("bytes and fields of trailers", .requirement("RI-http-limits-6"))
    func trailers() {
        let limits = limits {
            $0.headByteCountMax = 100
            $0.headerCountMax = 3
        }
        let long = { (count: Int) in "0\r\nX:\(String(repeating: "x", count: count))\r\n\r\n" }
        #expect(outcome(chunked(long(97)), limits).isRequest)
        #expect(outcome(chunked(long(98)), limits) == .refused(431))
        let many = { (count: Int) in "0\r\n" + String(repeating: "X:\r\n", count: count) + "\r\n" }
        #expect(outcome(chunked(many(3)), limits).isRequest)
        #expect(outcome(chunked(many(4)), limits) == .refused(431))
    }

    @Test("requests on one connection", .requirement("RI-http-limits-7"))
    func requests() {
        var dialogue = Dialogue(limits { $0.requestsPerConnectionMax = 2 })
        #expect(dialogue.send(get()).isRequest)
        #expect(!dialogue.respond().contains("Connection: close"))
        #expect(dialogue.send(get()).isRequest)
        #expect(dialogue.respond().contains("Connection: close"))
        #expect(dialogue.connection.isClosed)
    }

    @Test("bytes that wait behind a request", .requirement("RI-http-limits-8"))
    func pipelined() {
        let limits = limits { $0.pipelinedByteCountMax = get().utf8.count }
        var atMost = Dialogue(limits)
        #expect(atMost.send(get() + get()).isRequest)
        #expect(!atMost.connection.wantsInput)
        #expect(!atMost.respond().contains("Connection: close"))
        #expect(atMost.next().isRequest)

        var oneMore = Dialogue(limits)
        #expect(oneMore.send(get() + get() + "G").isRequest)
        #expect(oneMore.connection.heldByteCount == 0)
        // The request in hand is still answered.
        #expect(oneMore.respond().contains("Connection: close"))
        #expect(oneMore.connection.isClosed)

        var later = Dialogue(limits)
        #expect(later.send(get()).isRequest)
        #expect(later.connection.wantsInput)
        #expect(later.send(get()) == .nothing)
        #expect(later.send("G") == .nothing)
        #expect(later.connection.heldByteCount == 0)
        let upgrade = later.connection.upgrade(.empty(.switchingProtocols))
        #expect(upgrade == nil)
        #expect(later.respond().contains("Connection: close"))
    }

    // MARK: - Time

    @Test("a head takes ten seconds from its first byte", .requirement("RI-http-limits-9"))
    func headTime() {
        var dialogue = Dialogue()
        dialogue.wait(seconds: 50)
        #expect(dialogue.send("G") == .nothing)
        #expect(dialogue.connection.deadline == dialogue.now.advanced(bySeconds: 10))
        dialogue.wait(seconds: 9)
        // A byte now and then wins no time.
        #expect(dialogue.send("E") == .nothing)
        #expect(dialogue.deadline() == .nothing)
        dialogue.wait(seconds: 1)
        #expect(dialogue.deadline() == .refused(408))
        #expect(dialogue.respond(HTTPRefusal.tooSlow.response).hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        #expect(dialogue.connection.isClosed)
    }

    @Test(
        "a body takes ten seconds from the end of the head", .requirement("RI-http-limits-10"),
        arguments: [
            "Content-Length: 9", "Transfer-Encoding: chunked",
        ])
    func bodyTime(line: String) {
        var dialogue = Dialogue()
        #expect(dialogue.send("P") == .nothing)
        dialogue.wait(seconds: 9)
        #expect(dialogue.send(String(post(line, then: "5").dropFirst())) == .nothing)
        #expect(dialogue.connection.deadline == dialogue.now.advanced(bySeconds: 10))
        dialogue.wait(seconds: 9)
        #expect(dialogue.send(";") == .nothing)
        #expect(dialogue.deadline() == .nothing)
        dialogue.wait(seconds: 1)
        #expect(dialogue.deadline() == .refused(408))
    }

    @Test("an idle connection ends in silence after a minute", .requirement("RI-http-limits-11"))
    func idleTime() {
        var dialogue = Dialogue()
        #expect(dialogue.connection.deadline == Dialogue.start.advanced(bySeconds: 60))
        #expect(dialogue.send(get()).isRequest)
        #expect(dialogue.connection.deadline == nil)
        dialogue.wait(seconds: 1000)
        #expect(dialogue.deadline() == .nothing)
        _ = dialogue.respond()
        #expect(dialogue.connection.deadline == dialogue.now.advanced(bySeconds: 60))
        dialogue.wait(seconds: 59)
        #expect(dialogue.send("\r\n") == .nothing)
        #expect(dialogue.deadline() == .nothing)
        #expect(!dialogue.connection.isClosed)
        dialogue.wait(seconds: 1)
        #expect(dialogue.deadline() == .nothing)
        #expect(dialogue.connection.isClosed)
    }

    @Test("the time of a request that waited begins when its turn comes", .requirement("RI-http-limits-9"))
    func pipelinedTime() {
        var dialogue = Dialogue()
        #expect(dialogue.send(get() + "GET").isRequest)
        dialogue.wait(seconds: 1000)
        _ = dialogue.respond()
        #expect(dialogue.next() == .nothing)
        #expect(dialogue.connection.deadline == dialogue.now.advanced(bySeconds: 10))
    }

    @Test("a connection that waits for its next request holds no bytes", .requirement("RI-http-limits-12"))
    func idleMemory() {
        var dialogue = Dialogue()
        #expect(dialogue.connection.isIdle)
        #expect(dialogue.send(chunked("5\r\nhello\r\n0\r\n\r\n")).isRequest)
        #expect(!dialogue.connection.isIdle)
        #expect(dialogue.connection.heldByteCount == 0)
        _ = dialogue.respond()
        #expect(dialogue.connection.isIdle)
        #expect(dialogue.connection.heldByteCount == 0)
    }
}
