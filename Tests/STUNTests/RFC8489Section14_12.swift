import NetworkPrimitives
import STUN
import TestSupport
import Testing

@Suite("RFC 8489 §14.11, §14.12 — PASSWORD-ALGORITHMS and PASSWORD-ALGORITHM")
struct RFC8489Section14_12 {
    private func read(_ text: String) -> PasswordAlgorithm? {
        bytes(text).withRawSpan { PasswordAlgorithm(parsing: $0) }
    }

    @Test("the registered algorithms are read", .requirement("R8489-14.12-1"))
    func registered() {
        #expect(read("00010000") == .md5)
        #expect(read("00020000") == .sha256)
    }

    @Test(
        "unknown numbers, parameters and wrong lengths are refused", .requirement("R8489-14.12-2"),
        arguments: [
            "", "0001", "000100", "00000000", "00030000", "01020000", "FFFF0000", "00010001", "00010004 00000000",
            "00020000 00",
        ])
    func refused(text: String) { #expect(read(text) == nil) }

    @Test("a list keeps its order", .requirement("R8489-14.11-1"))
    func list() {
        #expect(PasswordAlgorithm.list([.md5, .sha256]) == bytes("00010000 00020000"))
        #expect(PasswordAlgorithm.list([.sha256, .md5]) == bytes("00020000 00010000"))
        #expect(PasswordAlgorithm.list([]) == [])
    }
}
