import NetworkPrimitives
import STUN
import TestSupport
import Testing

@Suite("RFC 8489 §5 — STUN Message Structure")
struct RFC8489Section5 {
    @Test("a header alone is a message", .requirement("R8489-5-1"))
    func headerAlone() throws {
        let message = try parse(bytes("00010000 2112A442 B7E7A701BC34D686FA87DFAE"))
        #expect(message.type == MessageType(.binding, .request))
        #expect(message.transactionID == transactionID)
        #expect(message.byteCount == 20)
        #expect(message.unknownRequiredCount == 0)
    }

    @Test("fewer than twenty bytes are no message", .requirement("R8489-5-1"), arguments: 0..<20)
    func truncated(count: Int) {
        #expect(throws: STUNParseError.truncatedHeader) { try parse(Array(message().prefix(count))) }
    }

    @Test("the first two bits are zero", .requirement("R8489-5-2"))
    func firstBits() throws {
        for first in UInt8.min...UInt8.max {
            var changed = message()
            changed[0] = first
            if first < 0x40 {
                _ = try parse(changed)
            } else {
                #expect(throws: STUNParseError.notSTUN) { try parse(changed) }
            }
        }
    }

    @Test("the cookie is 0x2112A442, whatever bit is wrong", .requirement("R8489-5-3"), arguments: 32..<64)
    func cookie(bit: Int) {
        var changed = message()
        changed[bit / 8] ^= 1 << (bit % 8)
        #expect(throws: STUNParseError.badMagicCookie) { try parse(changed) }
    }

    @Test("the length is a multiple of four", .requirement("R8489-5-4"), arguments: [1, 2, 3, 5, 6, 7])
    func misaligned(length: Int) {
        var changed = message() + [UInt8](repeating: 0, count: length)
        changed[3] = UInt8(length)
        #expect(throws: STUNParseError.badLength) { try parse(changed) }
    }

    @Test("the length neither exceeds the datagram nor leaves bytes behind", .requirement("R8489-5-5"))
    func lengthFitsDatagram() throws {
        let whole = message(0x0001, attribute(0x8022, Array("abcd".utf8)))
        _ = try parse(whole)
        #expect(throws: STUNParseError.badLength) { try parse(Array(whole.dropLast(4))) }
        #expect(throws: STUNParseError.badLength) { try parse(whole + [0, 0, 0, 0]) }
        #expect(throws: STUNParseError.badLength) { try parse(whole + [0]) }
        var longest = message()
        longest[2] = 0xFF
        longest[3] = 0xFC
        #expect(throws: STUNParseError.badLength) { try parse(longest) }
    }

    @Test("the longest message, 65 532 bytes of attributes, is read in full", .requirement("R8489-5-6"))
    func longest() throws {
        let data = [UInt8](repeating: 0x5A, count: 65_532 - 8 - 4)
        let long = message(0x0016, attribute(0x0013, data), attribute(0x000D, "00000001"))
        #expect(long.count == 65_552)
        let parsed = try parse(long)
        #expect(parsed.range(of: .data) == 24..<24 + data.count)
        #expect(long.withRawSpan { parsed.lifetime(in: $0) } == .value(1))
    }

    @Test("the response repeats the transaction id and the method", .requirement("R8489-6.3.1-1"))
    func responseHeader() throws {
        let request = try parse(message(0x0003))
        let response = write(MessageType(request.type.method, .success), id: request.transactionID) { _ in }
        #expect(response == bytes("01030000 2112A442 B7E7A701BC34D686FA87DFAE"))
    }
}

@Suite("RFC 8489 §5 — Message Type")
struct RFC8489Section5MessageType {
    @Test(
        "types as the RFCs print them", .requirement("R8489-5-7"),
        arguments: [
            (0x0001, Method.binding, MessageClass.request), (0x0011, .binding, .indication),
            (0x0101, .binding, .success), (0x0111, .binding, .error),
            (0x0003, .allocate, .request), (0x0103, .allocate, .success), (0x0113, .allocate, .error),
            (0x0004, .refresh, .request), (0x0016, .send, .indication), (0x0017, .data, .indication),
            (0x0008, .createPermission, .request), (0x0108, .createPermission, .success),
            (0x0009, .channelBind, .request), (0x0119, .channelBind, .error),
            (0x3EEF, Method(rawValue: 0xFFF), .request), (0x3FFF, Method(rawValue: 0xFFF), .error),
        ] as [(UInt16, Method, MessageClass)])
    func printed(wire: UInt16, method: Method, messageClass: MessageClass) {
        #expect(MessageType(wire: wire) == MessageType(method, messageClass))
        #expect(MessageType(method, messageClass).wire == wire)
    }

    @Test("each of 4096 methods and four classes has a wire form of its own", .requirement("R8489-5-7"))
    func roundTrip() {
        var seen = Set<UInt16>()
        for method in UInt16(0)..<0x1000 {
            for messageClass in [MessageClass.request, .indication, .success, .error] {
                let type = MessageType(Method(rawValue: method), messageClass)
                guard type.wire < 0x4000, MessageType(wire: type.wire) == type else {
                    Issue.record("method \(method), class \(messageClass)")
                    continue
                }
                seen.insert(type.wire)
            }
        }
        #expect(seen.count == 0x4000)
    }
}
