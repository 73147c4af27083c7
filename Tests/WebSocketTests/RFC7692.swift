import HTTP
import TestSupport
import Testing
import WebSocket

private let agreed = WebSocketDeflate()
/// "Hello" compressed (RFC 7692 §7.2.3.1).
private let hello = bytes("f248cdc9c90700")

@Suite("Agreeing on permessage-deflate, RFC 7692 §7.1")
struct RFC7692Section7_1 {
    @Test("it is off unless the operator turns it on", .requirement("R7692-5-1"))
    func off() throws {
        let request = try handshake(extensions: ["permessage-deflate; client_max_window_bits"])
        let acceptance = try WebSocketHandshake.accept(request)
        #expect(acceptance.deflate == nil)
        #expect(!acceptance.response.headers.has("Sec-WebSocket-Extensions"))
        // What is not looked at cannot be wrong either.
        #expect(refusal(try handshake(extensions: ["=;"])) == nil)
    }

    @Test("nothing that was not offered is answered", .requirement("R7692-5-1"))
    func notOffered() throws {
        for extensions in [[], ["x-webkit-deflate-frame"], ["permessage-bzip2; a=1", "deflate-stream"]] {
            #expect(try answer(extensions) == nil)
        }
    }

    @Test(
        "both sides give up the context, whatever was offered", .requirement("R7692-7.1.1-1"),
        arguments: [
            "permessage-deflate", "permessage-deflate; client_max_window_bits",
            "permessage-deflate;client_max_window_bits=8",
            "permessage-deflate; server_no_context_takeover ; client_no_context_takeover",
            "permessage-deflate; client_max_window_bits=\"10\"", "x-other; a=b, permessage-deflate",
        ])
    func noContextTakeover(offer: String) throws {
        #expect(try answer([offer]) == "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
    }

    @Test("the window that the client asks of us is kept", .requirement("R7692-7.1.2-1"), arguments: 9...15)
    func serverWindow(bits: Int) throws {
        let expected =
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=\(bits)"
        #expect(try answer(["permessage-deflate; server_max_window_bits=\(bits)"]) == expected)
        #expect(try accept(["permessage-deflate; server_max_window_bits=\(bits)"]).deflate?.windowBits == UInt8(bits))
    }

    @Test(
        "offers that cannot be taken are declined, and the next one is looked at", .requirement("R7692-7.1-1"),
        arguments: [
            "server_max_window_bits=8", "server_max_window_bits", "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=010", "server_max_window_bits=1x", "client_max_window_bits=16",
            "client_max_window_bits=0", "client_max_window_bits=256", "server_no_context_takeover=1",
            "client_no_context_takeover=true", "unknown", "client_max_window_bits; client_max_window_bits",
            "server_no_context_takeover; server_no_context_takeover",
        ])
    func declined(parameters: String) throws {
        #expect(try answer(["permessage-deflate; \(parameters)"]) == nil)
        #expect(
            try answer(["permessage-deflate; \(parameters), permessage-deflate"])
                == "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
    }

    @Test(
        "RFC 6455 §9.1: what is no list of extensions fails the handshake", .requirement("R6455-9.1-1"),
        arguments: [
            "=", ";", "permessage-deflate;", "permessage-deflate; =1", "permessage-deflate; a=",
            "permessage-deflate; a=\"",
            "permessage-deflate; a=\"b c\"", "a b", "permessage-deflate; a=\"b,c\"", "permessage-deflate, (x)", "a=b",
        ])
    func malformed(offer: String) throws {
        #expect(refusal(try handshake(extensions: [offer]), .init(allowsDeflate: true)) == .extensionsMalformed)
    }

    private func accept(_ extensions: [String]) throws -> WebSocketAcceptance {
        try WebSocketHandshake.accept(try handshake(extensions: extensions), policy: .init(allowsDeflate: true))
    }

    private func answer(_ extensions: [String]) throws -> String? {
        let acceptance = try accept(extensions)
        #expect((acceptance.deflate != nil) == acceptance.response.headers.has("Sec-WebSocket-Extensions"))
        return acceptance.response.headers["Sec-WebSocket-Extensions"]
    }
}

@Suite("Compressed messages, RFC 7692 §6 and §7.2")
struct RFC7692Section7_2 {
    @Test("§7.2.3.1: the published message, whole and in fragments", .requirement("R7692-7.2.2-1"))
    func published() {
        #expect(events(masked(0xC1, hello), deflate: agreed) == [.text("Hello")])
        let fragments = masked(0x41, Array(hello[..<3])) + masked(0x80, Array(hello[3...]))
        #expect(events(fragments, deflate: agreed) == [.text("Hello")])
        #expect(events(masked(0xC2, hello), deflate: agreed) == [.binary(Array("Hello".utf8))])
    }

    @Test("§7.2.3.2: no window is shared between messages", .requirement("R7692-7.1.1-1"))
    func noSharedWindow() {
        let again = masked(0xC1, hello) + masked(0xC1, bytes("f200110000"))
        #expect(events(again, deflate: agreed) == [.text("Hello"), .failed(.malformedDeflate)])
    }

    @Test("messages that are not compressed may stand beside those that are")
    func mixed() {
        let frames = masked(0xC1, hello) + masked(0x81, "plain") + masked(0x89, "") + masked(0xC1, bytes("00"))
        #expect(events(frames, deflate: agreed) == [.text("Hello"), .text("plain"), .ping([]), .text("")])
    }

    @Test(
        "§6.1: RSV1 stands on the first frame of a message, and only where it was agreed on",
        .requirement("R7692-6.1-1"))
    func reservedBit() {
        #expect(events(masked(0xC1, hello)) == [.failed(.reservedBitSet)])
        #expect(events(masked(0x41, hello) + masked(0xC0, ""), deflate: agreed) == [.failed(.reservedBitSet)])
        for firstByte: UInt8 in [0xC8, 0xC9, 0xCA, 0xA1, 0x91, 0xE1, 0xD1] {
            #expect(events(masked(firstByte, ""), deflate: agreed) == [.failed(.reservedBitSet)])
        }
    }

    @Test("the limit counts what comes out, while it comes out", .requirement("RI-websocket-6"))
    func bomb() throws {
        let zeros = try #require(agreed?.compress([UInt8](repeating: 0x30, count: 65_537)))
        #expect(zeros.count < 200)
        #expect(events(masked(0xC1, zeros), deflate: agreed) == [.failed(.messageTooBig)])
        let fits = try #require(agreed?.compress([UInt8](repeating: 0x30, count: 65_536)))
        #expect(events(masked(0xC1, fits), deflate: agreed) == [.text([UInt8](repeating: 0x30, count: 65_536))])
    }

    @Test("what is inflated is UTF-8 too", .requirement("R6455-8.1-1"))
    func utf8() {
        // A stored block of one byte, and the beginning of the empty block.
        #expect(events(masked(0xC1, bytes("000100feff ff 00")), deflate: agreed) == [.failed(.invalidUTF8)])
        #expect(events(masked(0xC1, bytes("000100feff c3 00")), deflate: agreed) == [.failed(.invalidUTF8)])
        #expect(events(masked(0xC2, bytes("000100feff ff 00")), deflate: agreed) == [.binary([0xFF])])
        #expect(events(masked(0xC1, "junk"), deflate: agreed) == [.failed(.malformedDeflate)])
        #expect(WebSocketFailure.malformedDeflate.closeCode == 1007)
    }

    @Test("messages below 1 KiB are sent as they are, and so is what does not shrink", .requirement("RI-websocket-7"))
    func threshold() {
        let short = [UInt8](repeating: 0x61, count: 1023)
        #expect(WebSocketFrame.text(short, deflate: agreed) == bytes("817e03ff") + short)
        let long = short + [0x61]
        let frame = WebSocketFrame.text(long, deflate: agreed)
        #expect(frame[0] == 0xC1 && frame.count < 30)
        #expect(events(frame, role: .client(maskingKey: 0), deflate: agreed) == [.text(long)])
        #expect(WebSocketFrame.text(long) == bytes("817e0400") + long)
        var random = SeededRandom(seed: 1)
        let noise = random.bytes(2000)
        #expect(WebSocketFrame.binary(noise, deflate: agreed) == bytes("827e07d0") + noise)
    }

    @Test("§7.2.1: the end of the flush is left away, and the byte before it stays", .requirement("R7692-7.2.1-1"))
    func flush() throws {
        // What stays are the three zero bits of an empty stored block and the zeros that fill up their byte.
        let compressed = try #require(agreed?.compress([UInt8](repeating: 0x61, count: 1024)))
        #expect(compressed.last == 0x00)
        #expect(!compressed.suffix(4).elementsEqual([0x00, 0x00, 0xFF, 0xFF]))
        #expect(events(masked(0xC1, compressed), deflate: agreed) == [.text([UInt8](repeating: 0x61, count: 1024))])
        #expect(events(masked(0xC1, compressed.dropLast()), deflate: agreed) == [.failed(.malformedDeflate)])
    }

    @Test("a client compresses as well")
    func client() {
        let long = [UInt8](repeating: 0x61, count: 5000)
        let frame = WebSocketFrame.text(long, deflate: agreed, maskingKey: 0xDEAD_BEEF)
        #expect(frame[0] == 0xC1 && frame[1] & 0x80 != 0)
        #expect(events(frame, deflate: agreed) == [.text(long)])
    }

    @Test("no window that zlib cannot write")
    func windows() {
        #expect(WebSocketDeflate(windowBits: 8) == nil)
        #expect(WebSocketDeflate(windowBits: 16) == nil)
        #expect(WebSocketDeflate(windowBits: 9)?.windowBits == 9)
    }
}
