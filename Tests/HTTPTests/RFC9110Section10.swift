import HTTP
import TestSupport
import Testing

@Suite("RFC 9110 §10.1.1: Expect")
struct RFC9110Section10Tests {
    @Test("the client is told to go on, and then its body is read", .requirement("R9110-10.1.1-1"))
    func goOn() {
        var dialogue = Dialogue()
        #expect(dialogue.send(post("Content-Length: 2", "Expect: 100-Continue", then: "")) == .goOn)
        #expect(dialogue.next() == .nothing)
        #expect(dialogue.send("ab").body == "ab")
    }

    @Test("also before chunks, and also when the body is already there", .requirement("R9110-10.1.1-1"))
    func goOnChunked() {
        var dialogue = Dialogue()
        #expect(
            dialogue.send(post("Transfer-Encoding: chunked", "Expect: 100-continue", then: "1\r\na\r\n0\r\n\r\n"))
                == .goOn)
        #expect(dialogue.next().body == "a")
    }

    @Test("without a body nothing is waited for", .requirement("R9110-10.1.1-2"))
    func noBody() {
        #expect(outcome(get("Expect: 100-continue")).isRequest)
        #expect(outcome(post("Content-Length: 0", "Expect: 100-continue", then: "")).isRequest)
    }

    @Test("HTTP/1.0 does not know it", .requirement("R9110-10.1.1-3"))
    func oldVersion() {
        var dialogue = Dialogue()
        #expect(dialogue.send("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n") == .nothing)
        #expect(dialogue.send("a").body == "a")
    }

    @Test(
        "other expectations get 417", .requirement("R9110-10.1.1-4"),
        arguments: [
            "", "x", "100-continue, x", "100-continue;a=b", "200-ok", "100",
        ])
    func unknown(value: String) {
        #expect(outcome(post("Content-Length: 1", "Expect: \(value)", then: "")) == .refused(417))
    }

    @Test("a body that is too large is refused before it is asked for", .requirement("R9110-10.1.1-5"))
    func tooLarge() {
        #expect(outcome(post("Content-Length: 65537", "Expect: 100-continue", then: "")) == .refused(413))
    }
}
