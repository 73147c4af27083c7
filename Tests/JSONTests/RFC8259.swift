import JSON
import TestSupport
import Testing

@Suite("RFC 8259: the text")
struct RFC8259Tests {
    private func parse(_ text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue {
        try JSONDocument(parsing: Array(text.utf8), limits: limits).root
    }

    private func error(_ text: String, limits: JSONLimits = JSONLimits()) -> JSONError? {
        error(Array(text.utf8), limits: limits)
    }

    private func error(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) -> JSONError? {
        do {
            _ = try JSONDocument(parsing: bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    // MARK: - §2 and §3

    @Test(
        "§2 any value is a text, with white space around it",
        arguments: [
            ("null", JSONValue.Kind.null), (" \t\r\ntrue\n", .bool), ("false", .bool), ("0", .number),
            ("\"\"", .string),
            ("[]", .array), ("{}", .object), (" [ ] ", .array), ("{ }", .object),
        ])
    func kinds(text: String, kind: JSONValue.Kind) throws {
        #expect(try parse(text).kind == kind)
    }

    @Test(
        "§2 what is no text",
        arguments: [
            ("", JSONError.truncated), ("  ", .truncated), ("\u{FEFF}null", .unexpectedByte(at: 0)),
            ("nul", .truncated), ("nulL", .unexpectedByte(at: 3)), ("nulll", .trailingBytes),
            ("true false", .trailingBytes),
            ("True", .unexpectedByte(at: 0)), ("undefined", .unexpectedByte(at: 0)), ("NaN", .unexpectedByte(at: 0)),
            ("'a'", .unexpectedByte(at: 0)), ("{}}", .trailingBytes), ("// a\n1", .unexpectedByte(at: 0)),
            ("1 // a", .trailingBytes), ("\u{A0}1", .unexpectedByte(at: 0)), ("\u{0C}1", .unexpectedByte(at: 0)),
            ("\0", .unexpectedByte(at: 0)), ("1\0", .trailingBytes),
        ])
    func noText(text: String, expected: JSONError) {
        #expect(error(text) == expected)
    }

    // MARK: - §4 and §5

    @Test(
        "§4 and §5 what is no container",
        arguments: [
            ("[", JSONError.truncated), ("[1", .truncated), ("[1,", .truncated), ("{", .truncated),
            ("{\"a\"", .truncated),
            ("{\"a\":", .truncated), ("{\"a\":1", .truncated), ("{\"a\":1,", .truncated),
            ("[1,]", .unexpectedByte(at: 3)), ("[,1]", .unexpectedByte(at: 1)), ("[1 2]", .unexpectedByte(at: 3)),
            ("[1,,2]", .unexpectedByte(at: 3)), ("]", .unexpectedByte(at: 0)), ("[}", .unexpectedByte(at: 1)),
            ("{]", .unexpectedByte(at: 1)), ("{\"a\":1]", .unexpectedByte(at: 6)), ("[1}", .unexpectedByte(at: 2)),
            ("{a:1}", .unexpectedByte(at: 1)), ("{1:1}", .unexpectedByte(at: 1)), ("{\"a\" 1}", .unexpectedByte(at: 5)),
            ("{\"a\":}", .unexpectedByte(at: 5)), ("{\"a\":1,}", .unexpectedByte(at: 7)),
            ("{,\"a\":1}", .unexpectedByte(at: 1)), ("{\"a\"::1}", .unexpectedByte(at: 5)),
            ("{\"a\",1}", .unexpectedByte(at: 4)),
        ])
    func noContainer(text: String, expected: JSONError) {
        #expect(error(text) == expected)
    }

    @Test("§4 members in their order, and by name")
    func members() throws {
        let value = try parse(" { \"b\" : 1 , \"a\" : [ true , { \"b\" : 2 } ] , \"\" : null } ")
        #expect(value.count == 3)
        #expect(value.members.map { $0.name.string } == ["b", "a", ""])
        #expect(value["b"]?.integer == 1)
        #expect(value["a"]?.count == 2)
        #expect(value["a"]?.elements.map(\.kind) == [.bool, .object])
        #expect(value["a"]?.elements.compactMap { $0["b"]?.integer } == [2])
        #expect(value[""]?.isNull == true)
        #expect(value["c"] == nil)
        #expect(value["b"]?["b"] == nil)
        #expect(value["a"]?["b"] == nil)
    }

    @Test("§4 a name is found by what it stands for")
    func escapedNames() throws {
        let value = try parse(#"{"\u0061":1,"é":2,"\ud83d\ude00":3}"#)
        #expect(value["a"]?.integer == 1)
        #expect(value["é"]?.integer == 2)
        #expect(value["😀"]?.integer == 3)
    }

    @Test(
        "§4 names of an object differ",
        arguments: [
            #"{"a":1,"a":2}"#, #"{"a":1,"b":2,"a":3}"#, #"{"a":1,"\u0061":2}"#, #"{"":1,"":2}"#,
            #"[{"x":{"a":1,"a":1}}]"#,
            #"{"\ud83d\ude00":1,"😀":2}"#, #"{"\ud800":1,"\uD800":2}"#,
            #"{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"\u0033":0}"#,
            #"{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"1":0}"#,
            #"{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"7":0}"#,
        ])
    func duplicates(text: String) {
        #expect(error(text) == .duplicateName)
    }

    @Test(
        "§4 the same name in different objects is another's",
        arguments: [
            #"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#, #"{"a":1,"A":2}"#, #"{"a":1,"aa":2,"ab":3}"#,
            #"{"\ud800":1,"\udc00":2}"#,
            #"{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":{"1":0},"10":{"9":1}}"#,
        ])
    func noDuplicates(text: String) {
        #expect(error(text) == nil)
    }

    // MARK: - §6

    @Test(
        "§6 numbers",
        arguments: [
            ("0", 0, 0.0), ("-0", 0, 0.0), ("1", 1, 1.0), ("-17", -17, -17.0), ("9223372036854775807", Int.max, 0x1p63),
            ("-9223372036854775808", Int.min, -0x1p63), ("9223372036854775808", nil, 0x1p63),
            ("-9223372036854775809", nil, -0x1p63), ("1.0", nil, 1.0), ("0.5", nil, 0.5), ("1e3", nil, 1000.0),
            ("1E+2", nil, 100.0), ("25e-1", nil, 2.5), ("-0.0", nil, 0.0), ("1e308", nil, 1e308), ("1e309", nil, nil),
            ("-1e309", nil, nil), ("1e-400", nil, 0.0), ("123456789012345678901234567890", nil, 1.2345678901234568e29),
        ] as [(String, Int?, Double?)])
    func numbers(text: String, integer: Int?, double: Double?) throws {
        let value = try parse(text)
        #expect(value.integer == integer)
        #expect(value.double == double)
        #expect(value.string == nil)
    }

    @Test(
        "§6 what is no number",
        arguments: [
            ("-", JSONError.truncated), ("1.", .truncated), ("1e", .truncated), ("1e+", .truncated),
            ("01", .malformedNumber),
            ("-01", .malformedNumber), ("00", .malformedNumber), ("-a", .malformedNumber), ("1.a", .malformedNumber),
            ("1ea", .malformedNumber), ("1.e1", .malformedNumber), ("+1", .unexpectedByte(at: 0)),
            (".5", .unexpectedByte(at: 0)), ("0x10", .trailingBytes), ("1_000", .trailingBytes),
            ("1.5.2", .trailingBytes),
            ("Infinity", .unexpectedByte(at: 0)), ("-Infinity", .malformedNumber),
        ])
    func noNumber(text: String, expected: JSONError) {
        #expect(error(text) == expected)
    }

    // MARK: - §7 and §8

    @Test(
        "§7 strings",
        arguments: [
            (#""""#, ""), (#""abc""#, "abc"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (#""\u00e9\u20AC""#, "é€"),
            (#""\ud83d\ude00!""#, "😀!"), (#""\u0000""#, "\0"), ("\"é€😀\u{7F}\"", "é€😀\u{7F}"),
            (#""exactly eight and more bytes \n of text""#, "exactly eight and more bytes \n of text"),
            (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
        ])
    func strings(text: String, expected: String) throws {
        let value = try parse(text)
        #expect(value.string == expected)
        #expect(value.utf8 == Array(expected.utf8))
        #expect(value.equals(expected))
        #expect(!value.equals(expected + "."))
        #expect(value.integer == nil)
        #expect(value.rawBytes.elementsEqual(text.utf8))
    }

    @Test(
        "§7 what is no string",
        arguments: [
            (#"""#, JSONError.truncated), (#""a"#, .truncated), (#""\"#, .truncated), (#""\""#, .truncated),
            (#""\u12"#, .truncated), (#""\u123""#, .malformedString), (#""\u12g4""#, .malformedString),
            (#""\x41""#, .malformedString), (#""\'""#, .malformedString), (#""\U0041""#, .malformedString),
            ("\"\n\"", .malformedString), ("\"\t\"", .malformedString), ("\"\0\"", .malformedString),
            ("\"abcdefg\u{1F}\"", .malformedString), ("\"abcdefgh\u{1F}\"", .malformedString),
        ])
    func noString(text: String, expected: JSONError) {
        #expect(error(text) == expected)
    }

    @Test(
        "§8.2 half of a character is passed on, but is no string",
        arguments: [
            #""\ud800""#, #""\udc00""#, #""\ude00\ud83d""#, #""\ud83d\u0041""#, #""\ud83dx""#, #""\ud83d\n""#,
        ])
    func loneSurrogates(text: String) throws {
        let value = try parse(text)
        #expect(value.kind == .string)
        #expect(value.string == nil)
        #expect(value.utf8 == nil)
        #expect(!value.equals(""))
        #expect(value.rawBytes.elementsEqual(text.utf8))
    }

    @Test(
        "§8.1 strings are UTF-8",
        arguments: [
            ("C2 A9", nil), ("E2 82 AC", nil), ("F0 9F 98 80", nil), ("F4 8F BF BF", nil), ("EF BF BF", nil),
            ("80", JSONError.malformedUTF8), ("C0 80", .malformedUTF8), ("C1 BF", .malformedUTF8),
            ("C2 41", .malformedUTF8),
            ("E0 80 80", .malformedUTF8), ("E0 9F BF", .malformedUTF8), ("ED A0 80", .malformedUTF8),
            ("E2 82 41", .malformedUTF8), ("F0 80 80 80", .malformedUTF8), ("F0 8F BF BF", .malformedUTF8),
            ("F4 90 80 80", .malformedUTF8), ("F5 80 80 80", .malformedUTF8), ("FF", .malformedUTF8),
            ("FE", .malformedUTF8),
        ] as [(String, JSONError?)])
    func utf8(content: String, expected: JSONError?) {
        #expect(error([0x22] + bytes(content) + [0x22]) == expected)
        // The same where eight bytes are looked at together.
        #expect(error([0x22] + Array("1234567".utf8) + bytes(content) + Array("12345678\"".utf8)) == expected)
    }

    @Test("§8.1 a character that the text cuts off")
    func cutCharacter() {
        #expect(error([0x22, 0xE2, 0x82]) == .truncated)
        #expect(error([0x22, 0xF0]) == .truncated)
        #expect(error([0x22, 0xE2, 0x82, 0x22]) == .malformedUTF8)
    }

    @Test("every byte counts wherever it stands in a run", arguments: 0..<24)
    func runs(position: Int) throws {
        for byte in UInt8.min...UInt8.max {
            var content = [UInt8](repeating: 0x61, count: 24)
            content[position] = byte
            let expected: JSONError? =
                switch byte {
                case 0..<0x20: .malformedString
                case 0x22: position == 23 ? .trailingBytes : .trailingBytes
                case 0x5C: position == 23 ? .truncated : .malformedString
                case 0x80...: .malformedUTF8
                default: nil
                }
            #expect(error([0x22] + content + [0x22]) == expected, "byte \(byte)")
        }
    }

    // MARK: - §9

    @Test("§9 depth at its maximum and one more")
    func depth() {
        let limits = JSONLimits(depthMax: 3)
        #expect(error("[[[1]]]", limits: limits) == nil)
        #expect(error("[[[[1]]]]", limits: limits) == .tooDeep)
        #expect(error("{\"a\":[{}]}", limits: limits) == nil)
        #expect(error("{\"a\":[{\"b\":[]}]}", limits: limits) == .tooDeep)
        #expect(error("[[[]],[[]],[[]]]", limits: limits) == nil)
        #expect(error("1", limits: JSONLimits(depthMax: 0)) == nil)
        #expect(error("[]", limits: JSONLimits(depthMax: 0)) == .tooDeep)
        #expect(error(String(repeating: "[", count: 16)) == .truncated)
        #expect(error(String(repeating: "[", count: 17)) == .tooDeep)
        #expect(error(String(repeating: "[", count: 1_000_000)) == .tooDeep)
    }

    @Test("§9 values at their maximum and one more")
    func values() {
        let limits = JSONLimits(valuesMax: 4)
        #expect(error("[1,2,3]", limits: limits) == nil)
        #expect(error("[1,2,3,4]", limits: limits) == .tooManyValues)
        #expect(error("{\"a\":1,\"b\":2,\"c\":3}", limits: limits) == nil)
        #expect(error("{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", limits: limits) == .tooManyValues)
        #expect(error("[[[[]]]]", limits: limits) == nil)
        #expect(error("[[[[1]]]]", limits: limits) == .tooManyValues)
        #expect(error("[" + String(repeating: "1,", count: 4094) + "1]") == nil)
        #expect(error("[" + String(repeating: "1,", count: 4095) + "1]") == .tooManyValues)
    }

    @Test("an object of very many members is read, and its last duplicate is found")
    func manyMembers() throws {
        let members = (0..<4095).map { "\"\($0)\":\($0)" }
        let value = try parse("{" + members.joined(separator: ",") + "}")
        #expect(value.count == 4095)
        #expect(value["4094"]?.integer == 4094)
        let again = "{" + (members.dropLast() + ["\"0\":0"]).joined(separator: ",") + "}"
        #expect(error(again) == .duplicateName)
    }

    // MARK: - Relaying

    @Test("what is passed on is passed on as it was written")
    func rawBytes() throws {
        let data = #"{ "z":1.0e+2,"a" : [ "\u0041\/", -0 ,null ] , "b":"é" }"#
        let value = try parse(#" {"type":"signal","data": \#(data) , "to":"x"}"#)
        #expect(value["data"]?.rawBytes.elementsEqual(data.utf8) == true)
        #expect(value["data"]?["a"]?.rawBytes.elementsEqual(#"[ "\u0041\/", -0 ,null ]"#.utf8) == true)
        #expect(value["to"]?.rawBytes.elementsEqual(#""x""#.utf8) == true)
    }

    @Test("a text that is cut anywhere is an error, and never a trap")
    func cuts() {
        let text = Array(#"{"type":"signal","n":-1.5e+3,"l":[true,false,null,{"a":"\u00e9\n é"}],"t":0}"#.utf8)
        #expect(error(text) == nil)
        for count in 0..<text.count { #expect(error(Array(text[..<count])) != nil) }
    }
}
