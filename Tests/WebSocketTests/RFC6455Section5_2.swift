import TestSupport
import Testing
import WebSocket

@Suite("The framing, RFC 6455 §5.1 to §5.3")
struct RFC6455Section5_2 {
    @Test("§5.1: a client's frame without a mask fails the connection", .requirement("R6455-5.1-1"))
    func unmasked() {
        #expect(events(bytes("8105 48656c6c6f")) == [.failed(.maskMissing)])
        #expect(events(bytes("8900")) == [.failed(.maskMissing)])
        #expect(WebSocketFailure.maskMissing.closeCode == 1002)
    }

    @Test("§5.1: a server's frame with a mask fails the connection", .requirement("R6455-5.1-3"))
    func maskedByServer() {
        #expect(events(bytes("8185 37fa213d 7f9f4d5158"), role: .client(maskingKey: 0)) == [.failed(.maskForbidden)])
        #expect(events(bytes("8105 48656c6c6f"), role: .client(maskingKey: 0)) == [.text("Hello")])
    }

    @Test(
        "§5.2: reserved bits fail the connection, on any frame and in any company", .requirement("R6455-5.2-1"),
        arguments: [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70] as [UInt8])
    func reservedBits(bits: UInt8) {
        for opcode: UInt8 in [0x01, 0x02, 0x08, 0x09, 0x0A, 0x00] {
            #expect(events(masked(0x80 | bits | opcode, "")) == [.failed(.reservedBitSet)])
        }
        let between = masked(0x81, "one") + masked(0x81 | bits, "two") + masked(0x81, "three")
        #expect(events(between) == [.text("one"), .failed(.reservedBitSet)])
        let fragments = masked(0x01, "one") + masked(0x80 | bits, "two")
        #expect(events(fragments) == [.failed(.reservedBitSet)])
    }

    @Test(
        "§5.2: reserved opcodes fail the connection", .requirement("R6455-5.2-2"),
        arguments: [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF] as [UInt8])
    func reservedOpcodes(opcode: UInt8) {
        #expect(events(masked(0x80 | opcode, "")) == [.failed(.reservedOpcode)])
        #expect(events(masked(0x00 | opcode, "x")) == [.failed(.reservedOpcode)])
        #expect(events(masked(0x81, "one") + masked(0x80 | opcode, "x")) == [.text("one"), .failed(.reservedOpcode)])
    }

    @Test(
        "§5.2: the length takes as few bytes as it can", .requirement("R6455-5.2-3"),
        arguments: [
            "81fe 0000 37fa213d", "81fe 007d 37fa213d", "81ff 0000000000000000 37fa213d",
            "81ff 000000000000ffff 37fa213d",
        ])
    func minimalLength(frame: String) {
        #expect(events(bytes(frame)) == [.failed(.lengthNotMinimal)])
    }

    @Test("§5.2: the first bit of a 64-bit length is zero", .requirement("R6455-5.2-4"))
    func lengthOutOfRange() {
        #expect(events(bytes("81ff 8000000000000000 37fa213d")) == [.failed(.lengthOutOfRange)])
        #expect(events(bytes("81ff ffffffffffffffff 37fa213d")) == [.failed(.lengthOutOfRange)])
        #expect(events(bytes("81ff 7fffffffffffffff 37fa213d")) == [.failed(.messageTooBig)])
    }

    @Test(
        "§5.2: each form of the length, at both of its ends", .requirement("R6455-5.2-5"),
        arguments: [0, 1, 7, 8, 9, 124, 125, 126, 127, 128, 65_535, 65_536])
    func lengths(count: Int) {
        let text = [UInt8](repeating: 0x2A, count: count)
        #expect(events(masked(0x81, text)) == [.text(text)])
        #expect(events(masked(0x82, text)) == [.binary(text)])
    }

    @Test("§5.3: the mask goes round every four bytes, wherever a read ends", .requirement("R6455-5.3-1"))
    func masking() {
        let payload = (0..<100).map { UInt8($0) }
        for count in 0...payload.count {
            #expect(events(masked(0x82, Array(payload[..<count]))) == [.binary(Array(payload[..<count]))])
        }
    }

    @Test("§5.3: all keys are keys, zero among them", .requirement("R6455-5.3-1"))
    func anyKey() {
        #expect(events(bytes("8283 00000000 010203")) == [.binary([1, 2, 3])])
        #expect(events(bytes("8283 ffffffff 010203")) == [.binary([0xFE, 0xFD, 0xFC])])
        #expect(events(bytes("8285 01020304 0000000000")) == [.binary([1, 2, 3, 4, 1])])
    }

    @Test("several frames in one read")
    func severalFrames() {
        let bytes = masked(0x81, "a") + masked(0x89, "b") + masked(0x82, [3]) + masked(0x8A, "") + masked(0x81, "")
        #expect(events(bytes) == [.text("a"), .ping([0x62]), .binary([3]), .pong([]), .text("")])
    }

    @Test("no bytes are no event, and a frame that has not ended is none")
    func nothing() {
        #expect(events([]) == [])
        let frame = masked(0x81, [UInt8](repeating: 0x61, count: 126))
        for end in 0..<frame.count { #expect(events(Array(frame[..<end]), limits: .init()) == []) }
    }
}
