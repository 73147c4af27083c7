import Crypto
import NetworkPrimitives
import STUN
import TestSupport
import Testing

/// The vectors of RFC 5769. Their padding is made of blanks (0x20), to show that it may hold anything; ours is zero.
/// MESSAGE-INTEGRITY and FINGERPRINT cover the padding, so a message that we write agrees with its vector everywhere
/// but in the padding, the integrity and the CRC; for those the test holds values computed by an independent program.
private enum Vector {
    static let request = bytes(
        """
        00010058 2112A442 B7E7A701 BC34D686 FA87DFAE
        80220010 5354554E 20746573 7420636C 69656E74
        00240004 6E0001FF
        80290008 932FF9B1 51263B36
        00060009 6576746A 3A683676 59202020
        00080014 9AEAA70C BFD8CB56 781EF2B5 B2D3F249 C1B571A2
        80280004 E57A3BCF
        """)

    static let ipv4Response = bytes(
        """
        0101003C 2112A442 B7E7A701 BC34D686 FA87DFAE
        8022000B 74657374 20766563 746F7220
        00200008 0001A147 E112A643
        00080014 2B91F599 FD9E90C3 8C7489F9 2AF9BA53 F06BE7D7
        80280004 C07D4C96
        """)

    static let ipv6Response = bytes(
        """
        01010048 2112A442 B7E7A701 BC34D686 FA87DFAE
        8022000B 74657374 20766563 746F7220
        00200014 0002A147 0113A9FA A5D3F179 BC25F4B5 BED2B9D9
        00080014 A382954E 4BE67BF1 1784C97C 8292C275 BFE3ED41
        80280004 C8FB0B4C
        """)

    static let longTermRequest = bytes(
        """
        00010060 2112A442 78AD3433 C6AD72C0 29DA412E
        00060012 E3839EE3 8388E383 AAE38383 E382AFE3 82B90000
        0015001C 662F2F34 39396B39 35346436 4F4C3334 6F4C3946 53547679 36347341
        0014000B 6578616D 706C652E 6F726700
        00080014 F6702465 6DD64A3E 02B8E071 2E85C9A2 8CA89666
        """)

    /// The short-term password of the first three, which is the key itself (RFC 8489 §9.1.1).
    static let password = HMACSHA1Key(key: Array("VOkJxbRl1RmTxUk/WvJxBt".utf8))
}

@Suite("RFC 5769 §2.1 — Sample Request", .requirement("R5769-2.1-1"))
struct RFC5769Section2_1 {
    @Test("is read, with FINGERPRINT and MESSAGE-INTEGRITY verified")
    func read() throws {
        let message = try parse(Vector.request)

        #expect(message.type == MessageType(.binding, .request))
        #expect(message.transactionID == TransactionID(high: 0xB7E7_A701, low: 0xBC34_D686_FA87_DFAE))
        #expect(message.bytes(of: .username, in: Vector.request) == Array("evtj:h6vY".utf8))
        // PRIORITY belongs to ICE; a TURN server must say that it does not know it. ICE-CONTROLLED it may ignore.
        #expect(message.unknownRequiredTypes == [0x0024])
        #expect(message.range(of: .fingerprint) == 104..<108)
        #expect(Vector.request.withRawSpan { message.hasValidIntegrity(Vector.password, in: $0) })
    }

    @Test("is written alike, but for the padding and what covers it")
    func written() throws {
        let written = write(MessageType(.binding, .request)) { writer in
            writer.append(.software, Array("STUN test client".utf8))
            writer.append(AttributeType(rawValue: 0x0024), UInt32(0x6E00_01FF))
            writer.append(AttributeType(rawValue: 0x8029), UInt64(0x932F_F9B1_5126_3B36))
            writer.append(.username, Array("evtj:h6vY".utf8))
            writer.appendMessageIntegrity(Vector.password)
            writer.appendFingerprint()
        }

        #expect(written.count == 108)
        #expect(written[..<73] == Vector.request[..<73])
        #expect(written[73..<76] == [0, 0, 0])
        #expect(written[76..<80] == bytes("00080014")[...])
        #expect(Array(written[80..<100]) == bytes("7907C2D2 EDBFEA48 0E4C76D8 2962D5C3 742AF9E3"))
        #expect(Array(written[100...]) == bytes("80280004 E352928D"))
    }

    @Test("a flipped bit is noticed, unless it hides FINGERPRINT itself", arguments: 0..<108)
    func everyBitCounts(index: Int) {
        for bit in 0..<8 {
            var changed = Vector.request
            changed[index] ^= 1 << bit
            guard let message = try? parse(changed) else { continue }
            // A FINGERPRINT that changed its type is no FINGERPRINT; nothing covers it.
            #expect(!message.has(.fingerprint), "byte \(index), bit \(bit)")
        }
    }
}

@Suite("RFC 5769 §2.2 — Sample IPv4 Response", .requirement("R5769-2.2-1"))
struct RFC5769Section2_2 {
    @Test("is read, with FINGERPRINT and MESSAGE-INTEGRITY verified")
    func read() throws {
        let message = try parse(Vector.ipv4Response)

        #expect(message.type == MessageType(.binding, .success))
        #expect(message.unknownRequiredCount == 0)
        let address = XORAddress.decode(
            Vector.ipv4Response.span.bytes.extracting(40..<48), transactionID: message.transactionID)
        #expect(address == v4("192.0.2.1", 32853))
        #expect(Vector.ipv4Response.withRawSpan { message.hasValidIntegrity(Vector.password, in: $0) })
    }

    @Test("is written alike, but for the padding and what covers it")
    func written() throws {
        let written = write(MessageType(.binding, .success)) { writer in
            writer.append(.software, Array("test vector".utf8))
            writer.appendXORAddress(.xorMappedAddress, v4("192.0.2.1", 32853))
            writer.appendMessageIntegrity(Vector.password)
            writer.appendFingerprint()
        }

        #expect(written[..<35] == Vector.ipv4Response[..<35])
        #expect(written[35] == 0)
        #expect(written[36..<52] == Vector.ipv4Response[36..<52])
        #expect(Array(written[52..<72]) == bytes("5D6B58BE AD94E07E EF0DFC12 82A2BD08 43141028"))
        #expect(Array(written[72...]) == bytes("80280004 25167A15"))
    }
}

@Suite("RFC 5769 §2.3 — Sample IPv6 Response", .requirement("R5769-2.3-1"))
struct RFC5769Section2_3 {
    @Test("is read, with FINGERPRINT and MESSAGE-INTEGRITY verified")
    func read() throws {
        let message = try parse(Vector.ipv6Response)

        let address = XORAddress.decode(
            Vector.ipv6Response.span.bytes.extracting(40..<60), transactionID: message.transactionID)
        #expect(address == v6("2001:db8:1234:5678:11:2233:4455:6677", 32853))
        #expect(Vector.ipv6Response.withRawSpan { message.hasValidIntegrity(Vector.password, in: $0) })
    }

    @Test("is written alike, but for the padding and what covers it")
    func written() throws {
        let written = write(MessageType(.binding, .success)) { writer in
            writer.append(.software, Array("test vector".utf8))
            writer.appendXORAddress(.xorMappedAddress, v6("2001:db8:1234:5678:11:2233:4455:6677", 32853))
            writer.appendMessageIntegrity(Vector.password)
            writer.appendFingerprint()
        }

        #expect(written[..<35] == Vector.ipv6Response[..<35])
        #expect(written[35] == 0)
        #expect(written[36..<64] == Vector.ipv6Response[36..<64])
        #expect(Array(written[64..<84]) == bytes("BD036D6A 331750DF E2EDC58E 643455CF F5C8E264"))
        #expect(Array(written[84...]) == bytes("80280004 4F260293"))
    }
}

@Suite("RFC 5769 §2.4 — Sample Request with Long-Term Authentication", .requirement("R5769-2.4-1"))
struct RFC5769Section2_4 {
    /// MD5 of "マトリックス:example.org:TheMatrIX"; SASLprep has made the password plain.
    private let key = HMACSHA1Key(key: bytes("E8CA7AD5 9D5EB051 8E312911 D2DAB2A9"))

    @Test("is read, with MESSAGE-INTEGRITY verified")
    func read() throws {
        let message = try parse(Vector.longTermRequest)

        #expect(message.bytes(of: .username, in: Vector.longTermRequest) == Array("マトリックス".utf8))
        #expect(message.bytes(of: .nonce, in: Vector.longTermRequest) == Array("f//499k954d6OL34oL9FSTvy64sA".utf8))
        #expect(message.bytes(of: .realm, in: Vector.longTermRequest) == Array("example.org".utf8))
        #expect(Vector.longTermRequest.withRawSpan { message.hasValidIntegrity(key, in: $0) })
        #expect(!Vector.longTermRequest.withRawSpan { message.hasValidIntegrity(Vector.password, in: $0) })
    }

    @Test("is written byte for byte, since its padding is zero")
    func written() throws {
        let id = TransactionID(high: 0x78AD_3433, low: 0xC6AD_72C0_29DA_412E)
        let written = write(MessageType(.binding, .request), id: id) { writer in
            writer.append(.username, Array("マトリックス".utf8))
            writer.append(.nonce, Array("f//499k954d6OL34oL9FSTvy64sA".utf8))
            writer.append(.realm, Array("example.org".utf8))
            writer.appendMessageIntegrity(key)
        }

        #expect(written == Vector.longTermRequest)
    }
}
