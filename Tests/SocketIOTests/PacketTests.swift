import JSON
import Testing

@testable import SocketIO

/// The bytes of packets, as they are read.
@Suite("Socket.IO packets")
struct PacketTests {
    private func parse(
        _ text: String, _ revision: SocketProtocol = .five, _ change: (inout SocketPacketLimits) -> Void = { _ in }
    ) throws(SocketPacketError) -> SocketPacket {
        var limits = SocketPacketLimits()
        change(&limits)
        return try SocketPacket(parsing: Array(text.utf8)[...], revision: revision, limits: limits)
    }

    /// A packet in words.
    private func read(_ text: String, _ revision: SocketProtocol = .five) throws -> String {
        let packet = try parse(text, revision)
        let place = packet.query.isEmpty ? packet.namespace : "\(packet.namespace)?\(packet.query)"
        func list(_ arguments: SocketArguments) -> String {
            arguments.raw.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "|")
        }
        switch packet.content {
        case .connect(let auth): return "connect \(place) \(auth.map { String(decoding: $0, as: UTF8.self) } ?? "-")"
        case .disconnect: return "disconnect \(place)"
        case .event(let name, let arguments, let id):
            let number = id.map { "\($0.rawValue)" } ?? "-"
            return "event \(place) \(name) \(number) \(packet.attachmentCount) \(list(arguments))"
        case .acknowledgement(let arguments, let id):
            return "acknowledgement \(place) \(id.rawValue) \(packet.attachmentCount) \(list(arguments))"
        }
    }

    @Test("each form that a client may write")
    func forms() throws {
        let forms = [
            ("0", "connect / -"), ("0{}", "connect / {}"), (#"0{"a" : 1}"#, #"connect / {"a" : 1}"#),
            ("0/ns,", "connect /ns -"), ("0/ns", "connect /ns -"), (#"0/ns,{"a":1}"#, #"connect /ns {"a":1}"#),
            ("1", "disconnect /"), ("1/ns,", "disconnect /ns"), ("1/ns", "disconnect /ns"),
            (#"2["a"]"#, "event / a - 0 "), (#"2["a",1,"2"]"#, #"event / a - 0 1|"2""#),
            (#"27["a"]"#, "event / a 7 0 "), (#"2/ns,007["a",null]"#, "event /ns a 7 0 null"),
            (#"2/,["a"]"#, "event / a - 0 "), (#"2/a/b,["a"]"#, "event /a/b a - 0 "),
            ("312[]", "acknowledgement / 12 0 "), (#"3/ns,0["x"]"#, #"acknowledgement /ns 0 0 "x""#),
            (
                #"51-["a",{"_placeholder":true,"num":0}]"#,
                #"event / a - 1 {"_placeholder":true,"num":0}"#
            ),
            (#"50-["a"]"#, "event / a - 0 "),
            (
                #"61-/ns,9[{"num":0,"_placeholder":true}]"#,
                #"acknowledgement /ns 9 1 {"num":0,"_placeholder":true}"#
            ),
        ]
        for (text, expected) in forms { #expect(try read(text) == expected, "\(text)") }
    }

    @Test("arguments stay as they were written")
    func bytes() throws {
        let text = #"2["a", {"z":1,"a":[ 1.50e+1 , -0 ]},"é\u00e9\/\ud800" ,null,1E400]"#
        let expected = #"event / a - 0 {"z":1,"a":[ 1.50e+1 , -0 ]}|"é\u00e9\/\ud800"|null|1E400"#
        #expect(try read(text) == expected)
    }

    @Test("names are read without their escapes, so that none gets by in disguise")
    func names() throws {
        #expect(try read(#"2["a b"]"#) == "event / a b - 0 ")
        #expect(throws: SocketPacketError.reservedName) { try read(#"2["\u0063onnect"]"#) }
        #expect(throws: SocketPacketError.payload) { try read(#"2["\ud800"]"#) }
    }

    @Test("a query belongs to the namespace in protocol 4 only")
    func query() throws {
        #expect(try read("0/ns?token=a&b=1,", .four) == "connect /ns?token=a&b=1 -")
        #expect(try read("0/ns?token=a", .four) == "connect /ns?token=a -")
        #expect(try read("0/ns?token=a,", .five) == "connect /ns?token=a -")
        #expect(try parse("0/ns?token=a,", .five).query.isEmpty)
    }

    @Test(
        "types that are none, or the server's",
        arguments: ["", "abc", "7", "9[]", "-1", " 2[]", #"4{"message":"x"}"#, "\u{1}"])
    func types(_ text: String) { #expect(throws: SocketPacketError.unknownType) { try parse(text) } }

    @Test(
        "payloads that are none",
        arguments: [
            "2", "2{}", "2[]", #"2"a""#, "2[1]", "2[1,2]", "2[null]", #"2[["a"]]"#, #"2["a""#, #"2["a"]x"#, #"2["a"],"#,
            #"2abc["a"]"#, #"2-1["a"]"#, #"21.5["a"]"#, "3", "31{}", "0[]", #"0"a""#, "0null", "0{",
            "1[]", "1{}", "2 1",
            #"2["a",{"x":1,"x":2}]"#,
        ])
    func payloads(_ text: String) { #expect(throws: SocketPacketError.payload) { try parse(text) } }

    @Test("acknowledgements need a number, and numbers end somewhere")
    func identifiers() throws {
        #expect(throws: SocketPacketError.acknowledgement) { try parse("3[]") }
        #expect(try read(#"2999999999999999["a"]"#) == "event / a 999999999999999 0 ")
        #expect(throws: SocketPacketError.acknowledgement) { try parse(#"21000000000000000["a"]"#) }
    }

    @Test(
        "names that clients use themselves",
        arguments: ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"])
    func reserved(_ name: String) {
        #expect(throws: SocketPacketError.reservedName) { try parse(#"2["\#(name)"]"#) }
        #expect(throws: SocketPacketError.reservedName) {
            try parse(#"51-["\#(name)",{"_placeholder":true,"num":0}]"#)
        }
    }

    @Test("as many attachments as may be, and one more (CVE-2026-33151)")
    func attachments() throws {
        #expect(try parse(#"510-["a"]"#).attachmentCount == 10)
        for text in [
            #"511-["a"]"#, #"5999999999-["a"]"#, #"5-["a"]"#, #"5["a"]"#, #"5-1-["a"]"#, #"51.5-["a"]"#, "5", "51",
            "61",
        ] {
            #expect(throws: SocketPacketError.attachments) { try parse(text) }
        }
    }

    @Test(
        "a placeholder for nothing is refused, however deep (CVE-2022-2421)",
        arguments: [
            #"{"_placeholder":true,"num":1}"#, #"{"_placeholder":true,"num":-1}"#, #"{"_placeholder":true}"#,
            #"{"_placeholder":true,"num":"splice"}"#, #"{"_placeholder":true,"num":0.5}"#,
            #"[{"x":[{"_placeholder":true,"num":9}]}]"#, #"{"num":7,"\u005fplaceholder":true}"#,
        ])
    func placeholders(_ argument: String) throws {
        #expect(throws: SocketPacketError.attachments) { try parse(#"51-["a",\#(argument)]"#) }
        // In a packet without attachments nobody looks for them.
        _ = try parse(#"2["a",\#(argument)]"#)
    }

    @Test("names, namespaces, depth and size: at the limit and beyond")
    func limits() throws {
        let change: (inout SocketPacketLimits) -> Void = {
            $0.nameByteCountMax = 3
            $0.namespaceByteCountMax = 4
            $0.json = JSONLimits(depthMax: 3, valuesMax: 4)
        }
        for text in [#"2["abc"]"#, "0/abc,", #"2["a",[[]]]"#, #"2["a",1,2]"#] { _ = try parse(text, .five, change) }
        #expect(throws: SocketPacketError.payload) { try parse(#"2["abcd"]"#, .five, change) }
        #expect(throws: SocketPacketError.namespace) { try parse("0/abcd,", .five, change) }
        #expect(throws: SocketPacketError.payload) { try parse(#"2["a",[[[]]]]"#, .five, change) }
        #expect(throws: SocketPacketError.payload) { try parse(#"2["a",1,2,3]"#, .five, change) }
        #expect(throws: SocketPacketError.payload) {
            try parse("2" + String(repeating: "[", count: 900_000), .five)
        }
    }

    @Test(
        "namespaces that would not fit into a log or a text",
        arguments: ["0/a\nb,", "0/a\u{7F},", "0/a\"b,", "0/a\\b,", #"2/ns["a"]"#])
    func namespaceBytes(_ text: String) { #expect(throws: SocketPacketError.namespace) { try parse(text) } }
}
