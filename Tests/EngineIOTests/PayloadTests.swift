import Testing

@testable import EngineIO

/// The bytes of packets and payloads, both ways.
@Suite("Engine.IO payloads")
struct PayloadTests {
    private func read(_ text: String, _ version: EngineVersion, max: Int = 8) -> [EnginePacket]? {
        EnginePayload.decode(text: Array(text.utf8)[...], version: version, packetsMax: max)
    }

    private func text(_ text: String) -> EnginePacket { .message(.text(Array(text.utf8)[...])) }

    private func frame(_ text: String) -> EngineFrame { .text(Array(text.utf8)) }

    @Test("each type has its digit")
    func types() {
        let packets: [(String, EnginePacket)] = [
            ("0{}", .open), ("1", .close), ("2", .ping([])), ("2probe", .ping(Array("probe".utf8)[...])), ("3", .pong),
            ("4", text("")), ("4a", text("a")), ("5", .upgrade), ("6", .noop),
        ]
        for (bytes, packet) in packets {
            #expect(EnginePacket(text: Array(bytes.utf8)[...], version: .four) == packet)
        }
        for bytes in ["", "7", "abc", "-", "\u{0}", "b4=", "bA", "bAQIDBA"] {
            #expect(EnginePacket(text: Array(bytes.utf8)[...], version: .four) == nil, "\(bytes)")
        }
    }

    @Test("bytes: revision 4 has the message alone, 3 its type before it, both can do without")
    func binary() {
        #expect(EnginePacket(binary: [1, 2][...], version: .four) == .message(.binary([1, 2])))
        #expect(EnginePacket(binary: [][...], version: .four) == .message(.binary([])))
        #expect(EnginePacket(binary: [4, 1, 2][...], version: .three) == .message(.binary([1, 2])))
        #expect(EnginePacket(binary: [2, 1][...], version: .three) == nil)
        #expect(EnginePacket(binary: [][...], version: .three) == nil)
        #expect(EnginePacket(text: Array("bAQI=".utf8)[...], version: .four) == .message(.binary([1, 2])))
        #expect(EnginePacket(text: Array("b4AQI=".utf8)[...], version: .three) == .message(.binary([1, 2])))
        #expect(EnginePacket(text: Array("b2AQI=".utf8)[...], version: .three) == nil)
    }

    @Test("revision 4: 0x1E between packets, and nothing else is one")
    func separated() {
        #expect(read("4a\u{1E}4b\u{1E}2", .four) == [text("a"), text("b"), .ping([])])
        for bytes in ["", "\u{1E}", "4a\u{1E}", "\u{1E}4a", "4a\u{1E}\u{1E}4b", "4a\u{1E}x"] {
            #expect(read(bytes, .four) == nil, "\(bytes)")
        }
    }

    @Test("revision 3: lengths are units of UTF-16")
    func measured() {
        #expect(read("6:4hello2:4€3:4😀1:2", .three) == [text("hello"), text("€"), text("😀"), .ping([])])
        for bytes in [
            "", "abc", "6", "6:", ":4a", "2:4", "1:4a", "0:", "0:1:2", "-1:2", "+1:2", "2:4😀", "4:4😀", " 1:2",
            "1000000000:4", "99999999999999999999:4",
        ] {
            #expect(read(bytes, .three) == nil, "\(bytes)")
        }
    }

    @Test("revision 3 as bytes: a kind, digits, 0xFF")
    func bytesOfVersion3() {
        let body: [UInt8] = [0, 6, 255, 0x34, 0x68, 0x65, 0x6C, 0x6C, 0x6F, 1, 5, 255, 4, 1, 2, 3, 4]
        let packets = [text("hello"), EnginePacket.message(.binary([1, 2, 3, 4]))]
        #expect(EnginePayload.decode(binary: body[...], packetsMax: 2) == packets)
        #expect(EnginePayload.decode(binary: body[...], packetsMax: 1) == nil)
        // Twelve bytes of UTF-8: the length is of bytes here.
        let long: [UInt8] = [0, 1, 0, 255, 0x34] + Array("€€€".utf8)
        #expect(EnginePayload.decode(binary: long[...], packetsMax: 1) == [text("€€€")])
        let broken: [[UInt8]] = [
            [], [0], [0, 255], [0, 1], [0, 1, 255], [2, 1, 255, 0x32], [0, 0, 255], [0, 10, 255, 0x32],
            [0, 2, 255, 0x34, 0xFF], [1, 1, 255, 9], Array("1:2".utf8),
            [0] + [UInt8](repeating: 9, count: 10) + [255, 0x32],
        ]
        for bytes in broken { #expect(EnginePayload.decode(binary: bytes[...], packetsMax: 8) == nil, "\(bytes)") }
    }

    @Test("text is UTF-8, or nothing")
    func encoding() {
        for version in [EngineVersion.three, .four] {
            let body: [UInt8] = version == .three ? Array("2:4".utf8) + [0xC3] : [0x34, 0xC3]
            #expect(EnginePayload.decode(text: body[...], version: version, packetsMax: 8) == nil)
        }
    }

    @Test("as many packets as may be, and one more")
    func packetsMax() {
        #expect(read("2\u{1E}2", .four, max: 2)?.count == 2)
        #expect(read("2\u{1E}2\u{1E}2", .four, max: 2) == nil)
        #expect(read("1:21:2", .three, max: 2)?.count == 2)
        #expect(read("1:21:21:2", .three, max: 2) == nil)
    }

    @Test("what is written")
    func writing() {
        let frames = [frame("4hé"), .binary([1, 2, 3, 4]), frame("4😀")]
        #expect(
            EnginePayload.encode(text: frames, version: .four) == Array("4hé\u{1E}bAQIDBA==\u{1E}4😀".utf8))
        #expect(EnginePayload.encode(text: frames, version: .three) == Array("3:4hé10:b4AQIDBA==3:4😀".utf8))
        #expect(
            EnginePayload.encode(binary: frames)
                == [
                    0, 4, 255, 0x34, 0x68, 0xC3, 0xA9, 1, 5, 255, 4, 1, 2, 3, 4, 0, 5, 255, 0x34, 0xF0, 0x9F, 0x98,
                    0x80,
                ])
        #expect(
            EnginePayload.encode(binary: [frame("4" + String(repeating: "a", count: 11))]).prefix(4) == [0, 1, 2, 255])
    }

    @Test("many small packets and long digits are read in one pass")
    func linear() {
        let many = String(repeating: "1:2", count: 60_000)
        #expect(read(many, .three, max: 60_000)?.count == 60_000)
        #expect(read(String(repeating: "1", count: 1_000_000), .three, max: 60_000) == nil)
        #expect(read(String(repeating: "2\u{1E}", count: 60_000) + "2", .four, max: 60_001)?.count == 60_001)
    }

    @Test("scripts quote what would end them")
    func script() {
        let payload = Array("4:4\"\\\n\r\t\u{1}\u{2028}\u{2029}\u{20AC}</".utf8)
        #expect(
            JSONPolling.script(payload, index: 7)
                == Array(#"___eio[7]("4:4\"\\\n\r\t\u0001\u2028\u2029€\u003c/");"#.utf8))
    }

    @Test("forms give their field back, with the line feeds that it was spared")
    func form() {
        func read(_ text: String) -> String? {
            JSONPolling.payload(ofForm: Array(text.utf8)[...]).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(read("d=6%3A4hello") == "6:4hello")
        #expect(read("x=1&d=3%3A4+%C3%A9&d=2") == "3:4 é")
        #expect(read("d=4a%5Cnb") == "4a\nb")
        #expect(read("d=4a%5C%5Cnb") == "4a\\nb")
        #expect(read("d=4a%5Cb") == "4a\\b")
        #expect(read("d=") == "")
        for broken in ["", "x=1", "d=%", "d=%4", "d=%zz", "dd=1"] { #expect(read(broken) == nil, "\(broken)") }
    }
}
