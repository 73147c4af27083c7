import JSON
import Testing

@Suite("Writing JSON")
struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("containers, members and commas")
    func containers() {
        let written = text {
            $0.beginObject()
            $0.member("type", "signal")
            $0.member("id", -7)
            $0.member("last", true)
            $0.name("list")
            $0.beginArray()
            $0.integer(1)
            $0.beginArray()
            $0.endArray()
            $0.beginObject()
            $0.endObject()
            $0.null()
            $0.bool(false)
            $0.string("x")
            $0.endArray()
            $0.member("data", raw: Array(#"{ "a":1 }"#.utf8))
            $0.name("more")
            $0.raw("[1, 2]".utf8)
            $0.endObject()
        }
        #expect(
            written
                == #"{"type":"signal","id":-7,"last":true,"list":[1,[],{},null,false,"x"],"#
                + #""data":{ "a":1 },"more":[1, 2]}"#
        )
    }

    @Test(
        "§7 quotes, backslashes, control characters and line separators are escaped",
        arguments: [
            ("", #""""#), ("plain", #""plain""#), ("\"", #""\"""#), ("\\", #""\\""#), ("/", #""/""#),
            ("\n\r\t", #""\n\r\t""#), ("\0\u{1}\u{1F}", #""\u0000\u0001\u001f""#), ("\u{7F}", "\"\u{7F}\""),
            ("é€😀", "\"é€😀\""), ("a\u{2028}b\u{2029}c", #""a\u2028b\u2029c""#),
            ("\u{2027}\u{202A}", "\"\u{2027}\u{202A}\""),
            ("\u{E8}\u{A8}", "\"\u{E8}\u{A8}\""),
            ("long enough for a whole word\n", #""long enough for a whole word\n""#),
        ])
    func escapes(plain: String, expected: String) throws {
        #expect(text { $0.string(plain) } == expected)
        #expect(text { $0.string(utf8: Array(plain.utf8)) } == expected)
        #expect(text { $0.string(utf8: Array(("<" + plain + ">").utf8)[1...].dropLast()) } == expected)
        #expect(text { $0.name(plain) } == expected + ":")
        #expect(try JSONDocument(parsing: Array(expected.utf8)).root.string == plain)
    }

    @Test("numbers at the ends of their range")
    func integers() {
        #expect(text { $0.integer(.min) } == "-9223372036854775808")
        #expect(text { $0.integer(.max) } == "9223372036854775807")
    }
}
