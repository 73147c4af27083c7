import Crypto
import TestSupport
import Testing

@Suite("Secrets")
struct SecretTests {
    /// The macro cannot take spans apart, so the comparison is made outside of it.
    private func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        constantTimeEquals(left.span.bytes, right.span.bytes)
    }

    @Test("compares contents and lengths", .requirement("RI-integrity-1"))
    func constantTimeEquality() {
        let code: [UInt8] = [1, 2, 3, 4]
        #expect(equal(code, [1, 2, 3, 4]))
        #expect(!equal(code, [1, 2, 3, 5]))
        #expect(!equal(code, [0, 2, 3, 4]))
        #expect(!equal(code, [1, 2, 3]))
        #expect(!equal(code, [1, 2, 3, 4, 0]))
        #expect(!equal(code, []))
        #expect(equal([], []))
    }

    @Test("a wiped secret is zeros of the same length")
    func wiping() {
        var secret = Array("correct horse".utf8)
        wipe(&secret)
        #expect(secret == [UInt8](repeating: 0, count: 13))
        var nothing: [UInt8] = []
        wipe(&nothing)
        #expect(nothing.isEmpty)
    }

    @Test("wiping one copy leaves the other")
    func wipingACopy() {
        let kept: [UInt8] = [7, 8, 9]
        var wiped = kept
        wipe(&wiped)
        #expect(wiped == [0, 0, 0])
        #expect(kept == [7, 8, 9])
    }
}
