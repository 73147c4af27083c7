import JSON
import NetworkPrimitives
import Testing

@testable import OperatorClient

@Suite("What the commands of operators are made of")
struct OperatorClientTests {
    @Test("bytes in powers of ten, with a tenth where that tells something")
    func bytes() {
        let cases: [(Int, String)] = [
            (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1234, "1.2 kB"), (9_949, "9.9 kB"), (9_950, "10 kB"),
            (999_499, "999 kB"), (999_500, "1.0 MB"), (1_234_567, "1.2 MB"), (34_000_000_000, "34 GB"),
            (Int.max, "9.2 EB"),
        ]
        for (count, text) in cases { #expect(Units.bytes(count) == text) }
    }

    @Test("durations in the units that people use")
    func durations() {
        let cases: [(Int, String)] = [
            (0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (18_720, "5 h 12 min"),
            (172_800, "2 d"), (1_047_600, "12 d 3 h"),
        ]
        for (seconds, text) in cases { #expect(Units.duration(seconds: seconds) == text) }
    }

    @Test("counts with a comma at each thousand")
    func counts() {
        #expect(Units.count(999) == "999")
        #expect(Units.count(1000) == "1,000")
        #expect(Units.count(-1_234_567) == "-1,234,567")
        #expect(Units.counted(1, "room") == "1 room")
        #expect(Units.counted(0, "room") == "0 rooms")
    }

    @Test("a table is aligned, and shows no control character of a stranger")
    func table() {
        var table = TextTable([("USER", .left), ("BYTES", .right)])
        table.add(["alice", "7"])
        table.add(["b\u{1B}[31m\u{202E}ob", "1000000"])
        #expect(
            table.text == """
                USER         BYTES
                alice            7
                b\u{FFFD}[31m\u{FFFD}ob  1000000
                """)
    }

    @Test("any object is shown as lines")
    func outline() throws {
        let text = #"{"a":1,"long":[],"deep":{"x":true,"y":null},"list":[{"p":"q","r":2},"s"]}"#
        let document = try JSONDocument(parsing: Array(text.utf8))
        #expect(
            Outline.text(document.root) == """
                a     1
                long  none
                deep
                  x  yes
                  y  -
                list
                  - p  q
                    r  2
                  s
                """)
    }

    // MARK: - URLs and requests

    @Test("an address of a service")
    func urls() throws {
        #expect(try ServiceURL(parsing: "http://turn.example:8080/") == ServiceURL(host: "turn.example", port: 8080))
        #expect(try ServiceURL(parsing: "HTTP://turn.example") == ServiceURL(host: "turn.example", port: 80))
        #expect(try ServiceURL(parsing: "http://[2001:db8::1]:81") == ServiceURL(host: "2001:db8::1", port: 81))
        #expect(try ServiceURL(parsing: "http://[2001:db8::1]") == ServiceURL(host: "2001:db8::1", port: 80))
        #expect(try "\(ServiceURL(parsing: "http://[2001:db8::1]:81"))" == "http://[2001:db8::1]:81")
        #expect(throws: ServiceURL.ParseError.encrypted) { try ServiceURL(parsing: "https://turn.example") }
        for text in [
            "", "turn.example", "http://", "http://a:0", "http://a:65536", "http://a/b", "http://u@a", "http://:1",
        ] {
            #expect(throws: ServiceURL.ParseError.malformed, "\(text)") { try ServiceURL(parsing: text) }
        }
    }

    @Test("what is chosen by strangers is escaped in a request")
    func requests() {
        let request = OperatorRequest(.delete, "v1", "rooms", "a/b ?é", query: [("user", "x&y=\r\n")])
        #expect(request.path == "/v1/rooms/a%2Fb%20%3F%C3%A9?user=x%26y%3D%0D%0A")
        let text = String(decoding: request.bytes(for: .socket(path: "/s")), as: UTF8.self)
        #expect(
            text == "DELETE /v1/rooms/a%2Fb%20%3F%C3%A9?user=x%26y%3D%0D%0A HTTP/1.1\r\nConnection: close\r\n"
                + "Accept: application/json\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    }

    // MARK: - Answers

    private func answer(_ pieces: String..., atEnd: Bool = false) throws -> HTTPAnswer? {
        var reader = HTTPAnswerReader()
        var answer: HTTPAnswer?
        for piece in pieces { answer = try reader.take(Array(piece.utf8)) }
        return atEnd ? try reader.finish() : answer
    }

    @Test("an answer with a length, however it is cut")
    func answerWithLength() throws {
        let whole = "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\nX: y\r\n\r\nhello"
        let expected = HTTPAnswer(status: 404, body: Array("hello".utf8))
        #expect(try answer(whole) == expected)
        var reader = HTTPAnswerReader()
        for byte in whole.utf8.dropLast() { #expect(try reader.take([byte]) == nil) }
        #expect(try reader.take([UInt8(ascii: "o")]) == expected)
        #expect(try answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello")?.body == Array("he".utf8))
    }

    @Test("an answer without a length ends with the connection; one without a body at once")
    func answerWithoutLength() throws {
        #expect(try answer("HTTP/1.0 200 OK\r\n\r\nabc") == nil)
        #expect(try answer("HTTP/1.0 200 OK\r\n\r\nabc", atEnd: true)?.body == Array("abc".utf8))
        #expect(try answer("HTTP/1.1 204 No Content\r\n\r\n") == HTTPAnswer(status: 204, body: []))
    }

    @Test("what is no answer, and what is not complete")
    func badAnswers() {
        for text in [
            "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
        ] {
            #expect(throws: HTTPAnswerError.notHTTP, "\(text)") { try answer(text) }
        }
        #expect(throws: HTTPAnswerError.cutShort) { try answer("HTTP/1.1 200", atEnd: true) }
        #expect(throws: HTTPAnswerError.cutShort) {
            try answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", atEnd: true)
        }
    }

    @Test("a head of the greatest length is taken, a longer one is not; nor is a longer body")
    func limits() throws {
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: "
        let filling = HTTPAnswerReader.headByteCountMax - start.utf8.count - 4
        #expect(try answer(start + String(repeating: "x", count: filling) + "\r\n\r\n")?.status == 200)
        #expect(throws: HTTPAnswerError.tooLong) {
            try answer(start + String(repeating: "x", count: filling + 1) + "\r\n\r\n")
        }
        #expect(throws: HTTPAnswerError.tooLong) { try answer(start + String(repeating: "x", count: filling + 5)) }
        let most = HTTPAnswerReader.bodyByteCountMax
        #expect(try answer("HTTP/1.1 200 OK\r\nContent-Length: \(most)\r\n\r\n") == nil)
        #expect(throws: HTTPAnswerError.tooLong) {
            try answer("HTTP/1.1 200 OK\r\nContent-Length: \(most + 1)\r\n\r\n")
        }
    }
}
