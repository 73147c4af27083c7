import NetworkPrimitives
import STUN
import TestSupport
import Testing

@Suite("RFC 8489 §14 — STUN Attributes")
struct RFC8489Section14 {
    @Test("an attribute that runs past the end spoils the message", .requirement("R8489-14-1"))
    func overrun() {
        // One byte of value too many; a length that wraps 16 bits when rounded up; an attribute header at the very end.
        for tail in ["0006 0005 61626364", "0006 FFFF 61626364", "0006 FFFD 61626364", "8022 0001", "0006 FFFF"] {
            #expect(throws: STUNParseError.attributeOverrun) { try parse(message(0x0001, bytes(tail))) }
        }
    }

    @Test("an empty attribute at the very end is there and empty", .requirement("R8489-14-1"))
    func emptyAtEnd() throws {
        let parsed = try parse(message(0x0003, attribute(0x001A, "")))
        #expect(parsed.has(.dontFragment))
        #expect(parsed.range(of: .dontFragment) == 24..<24)
    }

    @Test("padding holds anything and is no part of the value", .requirement("R8489-14-2"), arguments: 1...8)
    func paddingRead(count: Int) throws {
        let name = [UInt8](repeating: 0x61, count: count)
        let wire = message(0x0001, attribute(0x0006, name, filler: 0xA5), attribute(0x000D, "00000258"))
        let parsed = try parse(wire)
        #expect(parsed.bytes(of: .username, in: wire) == name)
        #expect(wire.withRawSpan { parsed.lifetime(in: $0) } == .value(600))
    }

    @Test("padding is written as zeros, and not counted in the attribute's length", .requirement("R8489-14-3"))
    func paddingWritten() {
        let written = write(MessageType(.binding, .success)) { writer in
            writer.append(.software, [UInt8]())
            writer.append(.software, Array("a".utf8))
            writer.append(.software, Array("ab".utf8))
            writer.append(.software, Array("abc".utf8))
            writer.append(.software, Array("abcd".utf8))
        }
        #expect(
            hexadecimal(written.dropFirst(20))
                == "80220000" + "8022000161000000" + "8022000261620000" + "8022000361626300" + "8022000461626364")
        #expect(hexadecimal(written.prefix(4)) == "01010024")
    }

    @Test("a message fills its buffer to the last byte", .requirement("R8489-14-3"))
    func exactBuffer() {
        let written = write(MessageType(.binding, .success), capacity: 28) { $0.append(.software, Array("abc".utf8)) }
        #expect(written.count == 28)
        #expect(written.last == 0)
    }

    @Test("of duplicates the first counts", .requirement("R8489-14-4"))
    func duplicates() throws {
        let wire = message(
            0x0003, attribute(0x000D, "00000001"), attribute(0x0006, Array("first".utf8)),
            attribute(0x000D, "00000002"), attribute(0x0006, Array("second".utf8)))
        let parsed = try parse(wire)
        #expect(wire.withRawSpan { parsed.lifetime(in: $0) } == .value(1))
        #expect(parsed.bytes(of: .username, in: wire) == Array("first".utf8))
    }

    @Test("a malformed first is not rescued by a duplicate", .requirement("R8489-14-4"))
    func malformedFirst() throws {
        let wire = message(0x0003, attribute(0x000D, ""), attribute(0x000D, "00000002"))
        let parsed = try parse(wire)
        #expect(wire.withRawSpan { parsed.lifetime(in: $0) } == .malformed)
    }

    @Test("types from 0x8000 on may be ignored, those below may not", .requirement("R8489-14-5"))
    func comprehension() throws {
        #expect(AttributeType(rawValue: 0x7FFF).isComprehensionRequired)
        #expect(!AttributeType(rawValue: 0x8000).isComprehensionRequired)
        let wire = message(0x0001, attribute(0x8001, "01"), attribute(0xFFFF, "02"), attribute(0x8022, "03"))
        #expect(try parse(wire).unknownRequiredCount == 0)
    }

    @Test("attributes of responses are understood in a request, and mean nothing", .requirement("R8489-14-5"))
    func responseOnly() throws {
        let types: [UInt16] = [0x0001, 0x0009, 0x000A, 0x0016, 0x0020]
        let parsed = try parse(message(0x0003, types.flatMap { attribute($0, "") }))
        #expect(parsed.unknownRequiredCount == 0)
        #expect(parsed.has(.responseOnly))
    }
}

@Suite("RFC 8489 §6.3.1, §14.13 — UNKNOWN-ATTRIBUTES")
struct RFC8489Section14_13 {
    @Test("each unknown required type is listed once, in order", .requirement("R8489-14.13-1"))
    func listed() throws {
        let wire = message(
            0x0003, attribute(0x0024, "6E0001FF"), attribute(0x8029, "01"), attribute(0x7FFF, ""),
            attribute(0x0024, ""), attribute(0x0003, "00000006"), attribute(0x0000, ""))
        #expect(try parse(wire).unknownRequiredTypes == [0x0024, 0x7FFF, 0x0003, 0x0000])
    }

    @Test("sixteen are listed in full; of seventeen the first sixteen", .requirement("R8489-14.13-2"))
    func limit() throws {
        let types = (0x7000..<0x7011).map { UInt16($0) }
        let full = try parse(message(0x0003, types.prefix(16).flatMap { attribute($0, "") }))
        #expect(full.unknownRequiredTypes == Array(types.prefix(16)))
        let over = try parse(message(0x0003, types.flatMap { attribute($0, "") }))
        #expect(over.unknownRequiredTypes == Array(types.prefix(16)))
    }

    @Test("the answer lists them, two bytes each, padded", .requirement("R8489-14.13-1"))
    func written() throws {
        let request = try parse(message(0x0003, attribute(0x0024, ""), attribute(0x0003, ""), attribute(0x7FFF, "")))
        let response = write(MessageType(.allocate, .error)) { writer in
            writer.appendErrorCode(.unknownAttribute, reason: nil)
            writer.appendUnknownAttributes(of: request)
        }
        #expect(hexadecimal(response.dropFirst(20)) == "0009000400000414" + "000a0006" + "002400037fff0000")
    }

    @Test("what stands behind the integrity is not even unknown", .requirement("R8489-14.5-3"))
    func behindIntegrity() throws {
        let mac = [UInt8](repeating: 0, count: 20)
        let parsed = try parse(
            message(0x0003, attribute(0x7001, ""), attribute(0x0008, mac), attribute(0x7002, "")))
        #expect(parsed.unknownRequiredTypes == [0x7001])
    }

    @Test("an indication lists them too, for the caller to discard it", .requirement("R8489-6.3.2-1"))
    func indication() throws {
        let parsed = try parse(message(0x0016, attribute(0x7001, "")))
        #expect(parsed.type.messageClass == .indication)
        #expect(parsed.unknownRequiredCount == 1)
    }
}

@Suite("RFC 8489 §14.8 — ERROR-CODE")
struct RFC8489Section14_8 {
    @Test(
        "21 zero bits, class 3 to 6, number 0 to 99", .requirement("R8489-14.8-1"), arguments: ErrorCode.allCases)
    func wire(code: ErrorCode) {
        #expect(code.wire >> 11 == 0)
        #expect((3...6).contains(code.wire >> 8))
        #expect(code.wire & 0xFF < 100)
        #expect((code.wire >> 8) * 100 + (code.wire & 0xFF) == UInt32(code.rawValue))
    }

    @Test(
        "the phrase is the RFC's, and shorter than 128 characters", .requirement("R8489-14.8-2"),
        arguments: [
            (ErrorCode.badRequest, 400, "Bad Request"), (.unauthenticated, 401, "Unauthenticated"),
            (.forbidden, 403, "Forbidden"), (.unknownAttribute, 420, "Unknown Attribute"),
            (.allocationMismatch, 437, "Allocation Mismatch"), (.staleNonce, 438, "Stale Nonce"),
            (.addressFamilyNotSupported, 440, "Address Family not Supported"),
            (.wrongCredentials, 441, "Wrong Credentials"),
            (.unsupportedTransportProtocol, 442, "Unsupported Transport Protocol"),
            (.peerAddressFamilyMismatch, 443, "Peer Address Family Mismatch"),
            (.allocationQuotaReached, 486, "Allocation Quota Reached"), (.serverError, 500, "Server Error"),
            (.insufficientCapacity, 508, "Insufficient Capacity"),
        ] as [(ErrorCode, UInt16, String)])
    func phrases(code: ErrorCode, number: UInt16, phrase: String) {
        #expect(code.rawValue == number)
        #expect(code.reason.description == phrase)
        #expect(phrase.count < 128)
    }

    @Test("is written with its phrase, padded, or without one", .requirement("R8489-14.8-1"))
    func written() {
        let spoken = write(MessageType(.allocate, .error)) { $0.appendErrorCode(.forbidden, reason: "Forbidden") }
        #expect(
            hexadecimal(spoken)
                == "01130014" + "2112a442" + "b7e7a701bc34d686fa87dfae" + "0009000d" + "00000403"
                + "466f7262696464656e000000")
        let silent = write(MessageType(.allocate, .error)) { $0.appendErrorCode(.staleNonce, reason: nil) }
        #expect(hexadecimal(silent.dropFirst(20)) == "0009000400000426")
    }
}
