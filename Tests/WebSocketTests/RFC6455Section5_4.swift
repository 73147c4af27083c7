import TestSupport
import Testing
import WebSocket

@Suite("Fragmentation, RFC 6455 §5.4")
struct RFC6455Section5_4 {
    @Test("fragments are put together, empty ones too", .requirement("R6455-5.4-1"))
    func fragments() {
        #expect(events(masked(0x01, "one") + masked(0x80, "two")) == [.text("onetwo")])
        #expect(
            events(masked(0x02, "one") + masked(0x00, "two") + masked(0x80, "three")) == [
                .binary(Array("onetwothree".utf8))
            ])
        #expect(events(masked(0x01, "") + masked(0x00, "") + masked(0x80, "")) == [.text("")])
        #expect(events(masked(0x01, "") + masked(0x00, "x") + masked(0x80, "")) == [.text("x")])
    }

    @Test("control frames stand between fragments, and change nothing about them", .requirement("R6455-5.4-2"))
    func interleaved() {
        let frames =
            masked(0x01, "one") + masked(0x89, "ping") + masked(0x00, "two") + masked(0x8A, "") + masked(0x80, "!")
        #expect(events(frames) == [.ping(Array("ping".utf8)), .pong([]), .text("onetwo!")])
    }

    @Test("a Close in the middle of a message ends it", .requirement("R6455-5.4-2"))
    func closeBetweenFragments() {
        let frames = masked(0x01, "one") + masked(0x88, [0x03, 0xE8]) + masked(0x80, "two")
        #expect(events(frames) == [.close(code: 1000, reason: [])])
    }

    @Test("control frames are not fragmented", .requirement("R6455-5.4-3"), arguments: [0x08, 0x09, 0x0A] as [UInt8])
    func fragmentedControlFrames(opcode: UInt8) {
        #expect(events(masked(opcode, "x") + masked(0x80, "y")) == [.failed(.controlFrameFragmented)])
        #expect(events(masked(0x01, "one") + masked(opcode, "x")) == [.failed(.controlFrameFragmented)])
    }

    @Test("a continuation needs something to continue", .requirement("R6455-5.4-4"))
    func continuationWithoutStart() {
        #expect(events(masked(0x80, "x")) == [.failed(.continuationWithoutStart)])
        #expect(events(masked(0x00, "x") + masked(0x81, "y")) == [.failed(.continuationWithoutStart)])
        #expect(events(masked(0x81, "a") + masked(0x80, "x")) == [.text("a"), .failed(.continuationWithoutStart)])
        let afterEnd = masked(0x01, "a") + masked(0x80, "b") + masked(0x00, "c")
        #expect(events(afterEnd) == [.text("ab"), .failed(.continuationWithoutStart)])
    }

    @Test(
        "no message begins within another", .requirement("R6455-5.4-5"), arguments: [0x81, 0x01, 0x82, 0x02] as [UInt8])
    func interrupted(firstByte: UInt8) {
        #expect(events(masked(0x01, "one") + masked(firstByte, "two")) == [.failed(.messageInterrupted)])
        let later = masked(0x02, "one") + masked(0x00, "two") + masked(firstByte, "three")
        #expect(events(later) == [.failed(.messageInterrupted)])
    }

    @Test("a message after a fragmented one stands for itself")
    func nextMessage() {
        let frames = masked(0x01, "one") + masked(0x80, "two") + masked(0x82, "three")
        #expect(events(frames) == [.text("onetwo"), .binary(Array("three".utf8))])
    }
}

@Suite("Control frames, RFC 6455 §5.5")
struct RFC6455Section5_5 {
    @Test("125 bytes are carried, 126 are refused", .requirement("R6455-5.5-1"), arguments: [0x89, 0x8A] as [UInt8])
    func payloadLength(firstByte: UInt8) {
        let payload = [UInt8](repeating: 0xFE, count: 125)
        #expect(events(masked(firstByte, payload)) == [firstByte == 0x89 ? .ping(payload) : .pong(payload)])
        #expect(events(masked(firstByte, payload + [0])) == [.failed(.controlFrameTooLong)])
        #expect(events([firstByte, 0xFF]) == [.failed(.controlFrameTooLong)])
    }

    @Test("§5.5.1: a Close of 125 bytes is read, one of 126 is refused", .requirement("R6455-5.5-1"))
    func closeLength() {
        let reason = [UInt8](repeating: 0x2A, count: 123)
        #expect(events(masked(0x88, [0x03, 0xE8] + reason)) == [.close(code: 1000, reason: reason)])
        #expect(events(masked(0x88, [0x03, 0xE8] + reason + [0x2A])) == [.failed(.controlFrameTooLong)])
    }

    @Test("§5.5.1: the body is nothing, or a code and perhaps a reason", .requirement("R6455-5.5.1-3"))
    func closeBody() {
        #expect(events(masked(0x88, "")) == [.close(code: nil, reason: [])])
        #expect(events(masked(0x88, [0x03])) == [.failed(.closePayloadTooShort)])
        #expect(events(masked(0x88, [0x03, 0xE8])) == [.close(code: 1000, reason: [])])
        #expect(
            events(masked(0x88, [0x03, 0xE8] + Array("Hello".utf8))) == [
                .close(code: 1000, reason: Array("Hello".utf8))
            ])
    }

    @Test("§5.5.1: the reason is UTF-8", .requirement("R6455-5.5.1-4"))
    func closeReason() {
        #expect(events(masked(0x88, [0x03, 0xE8, 0xC3, 0xA9])) == [.close(code: 1000, reason: [0xC3, 0xA9])])
        #expect(events(masked(0x88, [0x03, 0xE8, 0xC3])) == [.failed(.invalidUTF8)])
        #expect(events(masked(0x88, [0x03, 0xE8, 0xCE, 0xBA, 0xED, 0xA0, 0x80])) == [.failed(.invalidUTF8)])
    }

    @Test("§5.5.1: nothing counts after a Close", .requirement("R6455-5.5.1-2"))
    func afterClose() {
        let frames = masked(0x88, [0x03, 0xE8]) + masked(0x89, "ping") + masked(0x81, "text") + [0xFF, 0x00]
        #expect(events(frames) == [.close(code: 1000, reason: [])])
    }

    @Test("§5.5.2: a ping is answered with its payload", .requirement("R6455-5.5.2-1"), .requirement("R6455-5.5.3-1"))
    func pings() {
        var connection = WebSocketConnection()
        #expect(connection.answer(to: .ping([]), at: .zero) == bytes("8a00"))
        #expect(connection.answer(to: .ping([0x00, 0xFF]), at: .zero) == bytes("8a0200ff"))
        let ten = Array([[UInt8]](repeating: masked(0x89, "x"), count: 10).joined())
        #expect(events(ten) == [WebSocketEvent](repeating: .ping([0x78]), count: 10))
    }

    @Test("§5.5.3: a pong that nobody asked for is told, and not answered", .requirement("R6455-5.5.3-2"))
    func unsolicitedPong() {
        var connection = WebSocketConnection()
        #expect(receive(masked(0x8A, "x"), &connection) == [.pong([0x78])])
        #expect(connection.answer(to: .pong([0x78]), at: .zero) == nil)
        #expect(!connection.isClosing)
    }
}
