import Crypto
import NetworkPrimitives
import STUN
import TestSupport
import Testing

private let key = HMACSHA1Key(key: Array("secret".utf8))
private let key256 = HMACSHA256Key(key: Array("secret".utf8))

/// A message that carries what `body` writes.
private func signed(_ body: (inout MessageWriter) -> Void) -> [UInt8] {
    write(MessageType(.refresh, .request)) { writer in
        writer.append(.lifetime, UInt32(600))
        body(&writer)
    }
}

/// `wire` with more bytes behind, counted in the length field.
private func extended(_ wire: [UInt8], _ more: [UInt8]) -> [UInt8] {
    var result = wire + more
    result.replaceSubrange(2..<4, with: bigEndian(UInt16(result.count - 20)))
    return result
}

private func isValid(_ wire: [UInt8], _ key: HMACSHA1Key = key) throws -> Bool {
    let message = try parse(wire)
    return wire.withRawSpan { message.hasValidIntegrity(key, in: $0) }
}

private func isValid256(_ wire: [UInt8], _ key: HMACSHA256Key = key256) throws -> Bool {
    let message = try parse(wire)
    return wire.withRawSpan { message.hasValidIntegritySHA256(key, in: $0) }
}

@Suite("RFC 8489 §14.5 — MESSAGE-INTEGRITY")
struct RFC8489Section14_5 {
    @Test("covers all before it, with a length that ends with it", .requirement("R8489-14.5-1"))
    func covered() throws {
        let wire = signed { $0.appendMessageIntegrity(key) }
        // HMAC-SHA1 of the 28 bytes before the attribute, computed by an independent program.
        #expect(
            hexadecimal(wire)
                == "000400202112a442b7e7a701bc34d686fa87dfae000d0004"
                + "00000258000800146876d134bee23d422380afa464bea36051bc24a2"
        )
        #expect(try isValid(wire))
        #expect(try isValid(wire, HMACSHA1Key(key: Array("Secret".utf8))) == false)
    }

    @Test("verifies with FINGERPRINT or MESSAGE-INTEGRITY-SHA256 behind it", .requirement("R8489-14.5-2"))
    func withMoreBehind() throws {
        let both = signed { writer in
            writer.appendMessageIntegrity(key)
            writer.appendMessageIntegritySHA256(key256)
            writer.appendFingerprint()
        }
        #expect(try isValid(both))
        #expect(try isValid256(both))
        #expect(try parse(both).has(.fingerprint))
    }

    @Test("notices each changed bit before it and in it", .requirement("R8489-14.5-1"))
    func changedBits() throws {
        let wire = signed { $0.appendMessageIntegrity(key) }
        for index in [0, 1, 8, 19, 24, 25, 27, 32, 51] {
            for bit in 0..<8 {
                var changed = wire
                changed[index] ^= 1 << bit
                guard let message = try? parse(changed) else { continue }
                #expect(!changed.withRawSpan { message.hasValidIntegrity(key, in: $0) }, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test("is twenty bytes long", .requirement("R8489-14.5-4"), arguments: [0, 4, 16, 19, 21, 24, 32])
    func length(count: Int) throws {
        let whole = signed { $0.appendMessageIntegrity(key) }
        let code = whole.suffix(20) + [UInt8](repeating: 0, count: 12)
        #expect(try isValid(extended(Array(whole.prefix(28)), attribute(0x0008, Array(code.prefix(count))))) == false)
    }

    @Test("is not valid when it is absent", .requirement("R8489-14.5-4"))
    func absent() throws {
        #expect(try isValid(signed { _ in }) == false)
        #expect(try isValid256(signed { _ in }) == false)
    }

    @Test("nothing behind it counts but the two that may follow", .requirement("R8489-14.5-3"))
    func ignoredBehind() throws {
        let whole = signed { $0.appendMessageIntegrity(key) }
        let wire = extended(
            whole,
            attribute(0x0006, Array("eve".utf8)) + attribute(0x000C, "40000000") + attribute(0x000D, "00000000")
                + attribute(0x0012, "0001 A147 E112A643"))
        let message = try parse(wire)
        #expect(!message.has(.username))
        #expect(!message.has(.channelNumber))
        #expect(wire.withRawSpan { message.lifetime(in: $0) } == .value(600))
        #expect(wire.withRawSpan { message.xorPeerAddress(in: $0) } == .absent)
        wire.withRawSpan { span in
            message.forEachXORPeerAddress(in: span) { _ in
                Issue.record("a peer behind the integrity was visited")
                return true
            }
        }
        #expect(try isValid(wire))
    }

    @Test("a second one does not count", .requirement("R8489-14-4"))
    func second() throws {
        let whole = signed { $0.appendMessageIntegrity(key) }
        let wire = extended(whole, attribute(0x0008, [UInt8](repeating: 0, count: 20)))
        #expect(try parse(wire).range(of: .messageIntegrity) == 32..<52)
        #expect(try isValid(wire))
    }
}

@Suite("RFC 8489 §14.6 — MESSAGE-INTEGRITY-SHA256")
struct RFC8489Section14_6 {
    @Test("covers all before it, MESSAGE-INTEGRITY included", .requirement("R8489-14.6-1"))
    func covered() throws {
        let wire = signed { $0.appendMessageIntegritySHA256(key256) }
        #expect(
            hexadecimal(wire)
                == "0004002c2112a442b7e7a701bc34d686fa87dfae000d000400000258001c0020"
                + "4023abf9b167d7ec665bfa1b90e42f22cd1ea6f9e8b2aa15d61d563c854b881e"
        )
        #expect(try isValid256(wire))
        #expect(try isValid256(wire, HMACSHA256Key(key: [])) == false)

        var both = signed { writer in
            writer.appendMessageIntegrity(key)
            writer.appendMessageIntegritySHA256(key256)
        }
        #expect(try isValid256(both))
        both[40] ^= 1
        #expect(try isValid(both) == false)
        #expect(try isValid256(both) == false)
    }

    @Test(
        "may be cut to a multiple of four of at least sixteen", .requirement("R8489-14.6-2"),
        arguments: [
            (0, false), (4, false), (12, false), (15, false), (16, true), (18, false), (20, true), (24, true),
            (28, true), (30, false), (31, false), (32, true), (33, false), (36, false),
        ])
    func truncated(count: Int, valid: Bool) throws {
        // The length field is covered, so each length has its own code.
        let head = message(0x0004, attribute(0x000D, "00000258"))
        var covered = head
        let padded = (count + 3) / 4 * 4
        covered.replaceSubrange(2..<4, with: bigEndian(UInt16(8 + 4 + padded)))
        let code = key256.authenticate(covered.span.bytes).array + [0, 0, 0, 0]
        #expect(try isValid256(extended(head, attribute(0x001C, Array(code.prefix(count))))) == valid)
    }

    @Test("the last byte of a cut code counts", .requirement("R8489-14.6-2"))
    func lastByteOfTruncated() throws {
        let head = message(0x0004)
        var covered = head
        covered[3] = 20
        var code = Array(key256.authenticate(covered.span.bytes).array.prefix(16))
        #expect(try isValid256(extended(head, attribute(0x001C, code))))
        code[15] ^= 1
        #expect(try isValid256(extended(head, attribute(0x001C, code))) == false)
    }

    @Test("nothing behind it counts but FINGERPRINT, not even MESSAGE-INTEGRITY", .requirement("R8489-14.6-3"))
    func ignoredBehind() throws {
        let wire = signed { writer in
            writer.appendMessageIntegritySHA256(key256)
            writer.appendMessageIntegrity(key)
            writer.append(.username, Array("eve".utf8))
            writer.appendXORAddress(.xorPeerAddress, v4("192.0.2.1", 1))
            writer.append(AttributeType(rawValue: 0x7001), [UInt8]())
            writer.appendFingerprint()
        }
        let message = try parse(wire)
        #expect(!message.has(.messageIntegrity))
        #expect(!message.has(.username))
        #expect(message.unknownRequiredCount == 0)
        #expect(message.has(.fingerprint))
        var visited = 0
        wire.withRawSpan { span in
            message.forEachXORPeerAddress(in: span) { _ in
                visited += 1
                return true
            }
        }
        #expect(visited == 0)
        #expect(try isValid256(wire))
    }

    @Test("of both, what stands between them does not count", .requirement("R8489-14.5-3"))
    func between() throws {
        let wire = signed { writer in
            writer.appendMessageIntegrity(key)
            writer.append(.username, Array("eve".utf8))
            writer.appendMessageIntegritySHA256(key256)
        }
        #expect(try !parse(wire).has(.username))
        #expect(try isValid256(wire))
    }
}
