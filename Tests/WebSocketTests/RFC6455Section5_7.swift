import TestSupport
import Testing
import WebSocket

/// The frames that RFC 6455 §5.7 prints, read and written.
@Suite("The published frames, RFC 6455 §5.7")
struct RFC6455Section5_7 {
    private let hello = Array("Hello".utf8)
    private let key: UInt32 = 0x37FA_213D

    @Test("a single-frame unmasked text message", .requirement("R6455-5.1-2"))
    func unmaskedText() {
        #expect(events(bytes("810548656c6c6f"), role: .client(maskingKey: 0)) == [.text("Hello")])
        #expect(WebSocketFrame.text(hello) == bytes("810548656c6c6f"))
    }

    @Test("a single-frame masked text message", .requirement("R6455-5.3-1"))
    func maskedText() {
        #expect(events(bytes("818537fa213d7f9f4d5158")) == [.text("Hello")])
        #expect(WebSocketFrame.text(hello, maskingKey: key) == bytes("818537fa213d7f9f4d5158"))
    }

    @Test("a fragmented unmasked text message", .requirement("R6455-5.4-1"))
    func fragments() {
        let frames = bytes("010348656c 80026c6f")
        #expect(events(frames, role: .client(maskingKey: 0)) == [.text("Hello")])
        let first = WebSocketFrame.frame(.text, Array("Hel".utf8), isFinal: false)
        #expect(first + WebSocketFrame.frame(.continuation, Array("lo".utf8)) == frames)
    }

    @Test("an unmasked ping and its masked pong", .requirement("R6455-5.5.3-1"))
    func pingAndPong() {
        #expect(WebSocketFrame.ping(hello) == bytes("890548656c6c6f"))
        #expect(events(bytes("890548656c6c6f"), role: .client(maskingKey: 0)) == [.ping(hello)])
        #expect(WebSocketFrame.pong(hello, maskingKey: key) == bytes("8a8537fa213d7f9f4d5158"))
        #expect(events(bytes("8a8537fa213d7f9f4d5158")) == [.pong(hello)])
    }

    @Test("256 bytes of binary in one unmasked frame", .requirement("R6455-5.2-5"))
    func binary256() {
        let payload = [UInt8](repeating: 0xA5, count: 256)
        #expect(WebSocketFrame.binary(payload) == bytes("827e0100") + payload)
        #expect(events(bytes("827e0100") + payload, role: .client(maskingKey: 0)) == [.binary(payload)])
    }

    @Test("64 KiB of binary in one unmasked frame", .requirement("R6455-5.2-5"))
    func binary65536() {
        let payload = [UInt8](repeating: 0xA5, count: 65_536)
        #expect(WebSocketFrame.binary(payload) == bytes("827f0000000000010000") + payload)
        #expect(events(bytes("827f0000000000010000") + payload, role: .client(maskingKey: 0)) == [.binary(payload)])
    }
}

@Suite("Writing frames, RFC 6455 §5.2 and §5.6")
struct WritingFrames {
    @Test("a header alone, so that many connections share a payload")
    func sharedPayload() {
        #expect(WebSocketFrame.header(.text, payloadByteCount: 0) == bytes("8100"))
        #expect(WebSocketFrame.header(.text, payloadByteCount: 125) == bytes("817d"))
        #expect(WebSocketFrame.header(.text, payloadByteCount: 126) == bytes("817e007e"))
        #expect(WebSocketFrame.header(.binary, payloadByteCount: 65_535) == bytes("827effff"))
        #expect(WebSocketFrame.header(.binary, payloadByteCount: 65_536) == bytes("827f0000000000010000"))
        #expect(WebSocketFrame.header(.text, payloadByteCount: 5, isFinal: false) == bytes("0105"))
        #expect(WebSocketFrame.header(.text, payloadByteCount: 5, isCompressed: true) == bytes("c105"))
        #expect(WebSocketFrame.header(.continuation, payloadByteCount: 5) == bytes("8005"))
    }

    @Test(
        "what a client writes, a server reads, and the other way round",
        arguments: [0, 1, 5, 7, 8, 9, 125, 126, 127, 1000, 65_535, 65_536])
    func roundTrip(count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        let payload = random.bytes(count)
        let fromClient = WebSocketFrame.binary(payload, maskingKey: 0x0102_0304)
        #expect(events(fromClient) == [.binary(payload)])
        #expect(fromClient.count == WebSocketFrame.binary(payload).count + 4)
        #expect(events(WebSocketFrame.binary(payload), role: .client(maskingKey: 7)) == [.binary(payload)])
    }

    @Test("a close with and without a code", .requirement("R6455-5.5.1-3"))
    func close() {
        #expect(WebSocketFrame.close(code: nil) == bytes("8800"))
        #expect(WebSocketFrame.close(code: 1000) == bytes("880203e8"))
        #expect(WebSocketFrame.close(code: 1001, reason: Array("bye".utf8)) == bytes("880503e9627965"))
        #expect(WebSocketFrame.close(code: 1000, maskingKey: 0x37FA_213D) == bytes("888237fa213d3412"))
    }

    @Test("a reason that is too long is cut between two characters", .requirement("R6455-5.5-1"))
    func longReason() {
        let longest = [UInt8](repeating: 0x61, count: 123)
        #expect(WebSocketFrame.close(code: 1000, reason: longest) == bytes("887d03e8") + longest)
        #expect(WebSocketFrame.close(code: 1000, reason: longest + [0x61]) == bytes("887d03e8") + longest)
        // 122 bytes, and then a euro sign of three.
        let euro = Array((String(repeating: "a", count: 122) + "€").utf8)
        #expect(WebSocketFrame.close(code: 1000, reason: euro) == bytes("887c03e8") + euro[..<122])
    }
}
