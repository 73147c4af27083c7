import TestSupport
import Testing
import WebSocket

@Suite("Limits, RFC 6455 §10.4", .requirement("R6455-10.4-1"))
struct RFC6455Section10_4 {
    private let small = WebSocketLimits(messageByteCountMax: 200, fragmentsMax: 3, controlFramesPerMessageMax: 2)

    @Test("a message at the limit, and one byte above it")
    func messageInOneFrame() {
        let longest = [UInt8](repeating: 0x61, count: 200)
        #expect(events(masked(0x81, longest), limits: small) == [.text(longest)])
        #expect(events(masked(0x81, longest + [0x61]), limits: small) == [.failed(.messageTooBig)])
    }

    @Test("the fragments count together")
    func messageInFragments() {
        let half = [UInt8](repeating: 0x61, count: 100)
        #expect(events(masked(0x01, half) + masked(0x80, half), limits: small) == [.text(half + half)])
        #expect(events(masked(0x01, half) + masked(0x80, half + [0x61]), limits: small) == [.failed(.messageTooBig)])
        #expect(
            events(masked(0x81, half) + masked(0x81, half + half), limits: small) == [.text(half), .text(half + half)])
    }

    @Test("what is too big fails at its head, before any of it has arrived")
    func headAlone() {
        #expect(events(bytes("82fe00c9 00000000"), limits: small) == [.failed(.messageTooBig)])
        #expect(events(bytes("82ff0000000100000000 00000000")) == [.failed(.messageTooBig)])
        #expect(events(bytes("82fe00c8 00000000"), limits: small) == [])
    }

    @Test("so many fragments and no more, empty ones included", .requirement("RI-websocket-1"))
    func fragments() {
        let three = masked(0x01, "") + masked(0x00, "") + masked(0x80, "")
        #expect(events(three + three, limits: small) == [.text(""), .text("")])
        let four = masked(0x01, "") + masked(0x00, "") + masked(0x00, "") + masked(0x80, "")
        #expect(events(four, limits: small) == [.failed(.tooManyFragments)])
        let flood = masked(0x01, "") + Array([[UInt8]](repeating: masked(0x00, ""), count: 63).joined())
        #expect(events(flood) == [])
        #expect(events(flood + masked(0x80, "")) == [.failed(.tooManyFragments)])
    }

    @Test("so many control frames within a message, and no more", .requirement("RI-websocket-2"))
    func controlFrames() {
        let ping = masked(0x89, "")
        let legal = masked(0x01, "a") + ping + ping + masked(0x80, "b")
        #expect(
            events(legal + legal, limits: small) == [
                .ping([]), .ping([]), .text("ab"), .ping([]), .ping([]), .text("ab"),
            ])
        let flood = masked(0x01, "a") + ping + ping + ping
        #expect(events(flood, limits: small) == [.ping([]), .ping([]), .failed(.tooManyControlFrames)])
        #expect(WebSocketFailure.tooManyControlFrames.closeCode == 1008)
        // Between messages they are the heartbeat of a quiet connection.
        let quiet = Array([[UInt8]](repeating: ping, count: 100).joined())
        #expect(events(quiet, limits: small).count == 100)
    }

    @Test("binary messages are refused where nobody wants them", .requirement("R6455-7.4.1-2"))
    func textOnly() {
        let limits = WebSocketLimits(messageByteCountMax: 200, acceptsBinary: false)
        #expect(
            events(masked(0x81, "a") + masked(0x82, "b"), limits: limits) == [.text("a"), .failed(.binaryUnsupported)])
        #expect(events(bytes("0285 00000000"), limits: limits) == [.failed(.binaryUnsupported)])
    }

    @Test("no more is held than has arrived, doubled, and never more than the limit", .requirement("RI-websocket-4"))
    func heldMemory() {
        var connection = WebSocketConnection()
        let frame = masked(0x82, [UInt8](repeating: 0xAA, count: 65_536))
        _ = receive(Array(frame[..<14]), &connection)
        #expect(connection.heldByteCount == 0)
        for index in 14..<(frame.count - 1) {
            _ = receive([frame[index]], &connection)
            let arrived = index - 13
            // Memory comes in steps, so that what is asked for may be a little less than what is got.
            #expect(connection.heldByteCount <= max(2 * arrived + 64, 64) && connection.heldByteCount <= 65_536 + 8192)
        }
        #expect(receive([frame[frame.count - 1]], &connection).count == 1)
        #expect(connection.heldByteCount == 0)
    }

    @Test("a quiet connection holds nothing on the heap, and is small", .requirement("RI-websocket-4"))
    func idle() {
        #expect(MemoryLayout<WebSocketConnection>.stride <= 128)
        var connection = WebSocketConnection()
        #expect(connection.heldByteCount == 0)
        #expect(
            receive(masked(0x81, "a") + masked(0x89, "b") + masked(0x01, "c") + masked(0x80, "d"), &connection).count
                == 3)
        #expect(connection.heldByteCount == 0)
    }
}
