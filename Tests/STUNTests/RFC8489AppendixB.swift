import Crypto
import NetworkPrimitives
import STUN
import TestSupport
import Testing

@Suite("RFC 8489 App. B.1 — Sample Request with MESSAGE-INTEGRITY-SHA256 and USERHASH", .requirement("R8489-B.1-1"))
struct RFC8489AppendixB_1 {
    /// With erratum 6268 applied: the RFC prints a length field of 0x9C over 0x88 bytes, and leaves PASSWORD-ALGORITHM
    /// out.
    private let vector = bytes(
        """
        00010090 2112A442 78AD3433 C6AD72C0 29DA412E
        001E0020 4A3CF38F EF6992BD A952C678 0417DA0F 24819415 569E60B2 05C46E41 407F1704
        00150029 6F624D61 744A6F73 32414141 43662F2F 3439396B 39353464 364F4C33 346F4C39 46535476 79363473 41000000
        0014000B 6578616D 706C652E 6F726700
        001D0004 00020000
        001C0020 B5C7BF00 5B6C52A2 1C51C5E8 92F81924 136296CB 927C4314 9309278C C6518E65
        """)

    /// SHA-256 of "マトリックス:example.org:TheMatrIX" (RFC 8489 §18.5.1.2).
    private let key = HMACSHA256Key(
        key: bytes("DD295A61 3B9058C3 C23D6DC7 165BDA07 2304D989 C9D0AF3A 8C7E184B 4F9BB4A1"))

    @Test("is read, with MESSAGE-INTEGRITY-SHA256 verified")
    func read() throws {
        let message = try parse(vector)

        #expect(message.type == MessageType(.binding, .request))
        let hash = SHA256.hash(Array("マトリックス:example.org".utf8).span.bytes)
        #expect(message.bytes(of: .userhash, in: vector) == hash.array)
        #expect(message.bytes(of: .nonce, in: vector) == Array("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA".utf8))
        #expect(message.bytes(of: .realm, in: vector) == Array("example.org".utf8))
        let algorithm = vector.withRawSpan { span in
            message.range(of: .passwordAlgorithm).flatMap { PasswordAlgorithm(parsing: span.extracting($0)) }
        }
        #expect(algorithm == .sha256)
        #expect(vector.withRawSpan { message.hasValidIntegritySHA256(key, in: $0) })
    }

    @Test("is written byte for byte")
    func written() {
        let id = TransactionID(high: 0x78AD_3433, low: 0xC6AD_72C0_29DA_412E)
        let written = write(MessageType(.binding, .request), id: id) { writer in
            writer.append(.userhash, bytes("4A3CF38F EF6992BD A952C678 0417DA0F 24819415 569E60B2 05C46E41 407F1704"))
            writer.append(.nonce, Array("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA".utf8))
            writer.append(.realm, Array("example.org".utf8))
            writer.append(.passwordAlgorithm, bytes("00020000"))
            writer.appendMessageIntegritySHA256(key)
        }

        #expect(written == vector)
    }
}
