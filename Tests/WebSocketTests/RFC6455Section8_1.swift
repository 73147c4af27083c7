import NetworkPrimitives
import TestSupport
import Testing
import WebSocket

@Suite("Errors in UTF-8, RFC 6455 §8.1", .requirement("R6455-8.1-1"))
struct RFC6455Section8_1 {
    /// First and last scalars of each length and around the surrogates, and texts with all lengths.
    static let valid: [[UInt8]] = [
        "", "00", "7f", "c280", "dfbf", "e0a080", "ecbfbf", "ed8080", "ed9fbf", "ee8080", "efbfbd", "efbfbe", "efbfbf",
        "f0908080", "f3bfbfbf", "f48fbfbf", "cebae1bdb9cf83cebcceb5",
        "48656c6c6f2dc2b540c39fc3b6c3a4c3bcc3a0c3a12d5554462d382121",
        "6161616161616161c3a96161616161616161", "61616161616161f09f9880",
    ].map(bytes)

    /// Lone continuations, impossible bytes, longer spellings than necessary, surrogates, and scalars that do not
    /// exist.
    static let invalid: [[UInt8]] = [
        "80", "bf", "8080", "c0", "c080", "c1bf", "c1", "f5808080", "f4908080", "f7bfbfbf", "f8888080 80",
        "fc8480808080",
        "fe", "ff", "feff", "e08080", "e09fbf", "f0808080", "f08fbfbf", "eda080", "edafbf", "edb080", "edbfbf",
        "eda080edb080", "c220", "e08020", "e1bf20", "f09f9820", "c2c2", "e1bd61", "6161616161616161ff",
        "cebae1bdb9cf83cebcceb5eda080656469746564", "cebae1bdb9cf83cebcceb5f4908080656469746564",
    ].map(bytes)

    /// Beginnings of scalars.
    static let truncated: [[UInt8]] = [
        "c2", "df", "e0", "e0a0", "e1", "e180", "ed", "ed9f", "f0", "f090", "f09080", "f4", "f48f", "f48fbf", "61c3",
        "cebae1bdb9cf83cebcce",
    ].map(bytes)

    @Test("valid text, whole and a byte a fragment", arguments: valid)
    func validText(text: [UInt8]) {
        #expect(events(masked(0x81, text)) == [.text(text)])
        #expect(events(bytewise(text), limits: .init(messageByteCountMax: 1000, fragmentsMax: 1000)) == [.text(text)])
        #expect(String(validating: text, as: UTF8.self) != nil)
    }

    @Test("invalid text, whole and a byte a fragment", arguments: invalid)
    func invalidText(text: [UInt8]) {
        #expect(events(masked(0x81, text)) == [.failed(.invalidUTF8)])
        #expect(
            events(bytewise(text), limits: .init(messageByteCountMax: 1000, fragmentsMax: 1000)) == [
                .failed(.invalidUTF8)
            ])
        #expect(String(validating: text, as: UTF8.self) == nil)
    }

    @Test("text that ends within a scalar is invalid when the message ends, and not before", arguments: truncated)
    func truncatedText(text: [UInt8]) {
        #expect(events(masked(0x81, text)) == [.failed(.invalidUTF8)])
        #expect(events(masked(0x01, text)) == [])
        #expect(events(masked(0x01, text) + masked(0x80, "")) == [.failed(.invalidUTF8)])
        #expect(events(masked(0x01, text) + masked(0x80, "a")) == [.failed(.invalidUTF8)])
    }

    @Test("the first bad byte fails the connection, though its frame has not ended")
    func failsFast() {
        let frame = masked(0x81, bytes("ceba cf8c cf83 cebc ceb5 f490") + [UInt8](repeating: 0x61, count: 100))
        var connection = WebSocketConnection()
        // The head has 6 bytes and the word 10. F4 may begin a scalar; 90 cannot go on from it.
        let goodEnd = 6 + 10 + 1
        #expect(receive(Array(frame[..<goodEnd]), &connection) == [])
        #expect(receive(Array(frame[goodEnd..<(goodEnd + 1)]), &connection) == [.failed(.invalidUTF8)])
        #expect(connection.heldByteCount == 0)
    }

    @Test("a scalar may be cut by the end of a fragment, and by a ping there")
    func acrossFragments() {
        let frames = masked(0x01, [0xF0, 0x9F]) + masked(0x89, "") + masked(0x00, [0x98]) + masked(0x80, [0x80])
        #expect(events(frames) == [.ping([]), .text("😀")])
    }

    @Test("binary messages and pings carry what they like", arguments: invalid)
    func otherFrames(payload: [UInt8]) {
        #expect(events(masked(0x82, payload)) == [.binary(payload)])
        #expect(events(masked(0x89, payload)) == [.ping(payload)])
    }

    @Test("every first byte with what bounds the second: as the standard library says")
    func boundaries() {
        for first: UInt8 in 0xBF...0xF5 {
            for second: UInt8 in [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF] {
                for tail in [[], [0x80], [0xBF], [0x80, 0x80], [0x41]] as [[UInt8]] {
                    let text = [first, second] + tail
                    var validator = UTF8Validator()
                    let isValid = validator.accepts(text.span.bytes) && validator.isBetweenScalars
                    #expect(isValid == (String(validating: text, as: UTF8.self) != nil))
                }
            }
        }
    }

    /// A message whose every byte is a fragment.
    private func bytewise(_ text: [UInt8]) -> [UInt8] {
        var frames = masked(0x01, "")
        for byte in text { frames += masked(0x00, [byte]) }
        return frames + masked(0x80, "")
    }
}
