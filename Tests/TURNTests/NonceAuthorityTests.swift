import Crypto
import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8489 §9.2, §14.10 — NONCE")
struct NonceAuthorityTests {
    private let client = ClientAddress(socket("198.51.100.7:40000"))
    private let authority = NonceAuthority(secret: [1, 2, 3], lifetimeSeconds: 600)
    private let issuedAt: Int64 = 1_750_000_000
    private let features: SecurityFeatures = [.passwordAlgorithms, .usernameAnonymity]

    private var nonce: [UInt8] { authority.issue(to: client, features: features, at: UnixTime(seconds: issuedAt)) }

    private func isFresh(
        _ nonce: [UInt8], after seconds: Int64 = 0, from client: ClientAddress? = nil,
        _ authority: NonceAuthority? = nil
    ) -> Bool {
        let verdict = (authority ?? self.authority).check(
            nonce.span.bytes, from: client ?? self.client, at: UnixTime(seconds: issuedAt + seconds))
        return verdict == .fresh(features)
    }

    @Test("a nonce is quoted-string text of less than 128 characters", .requirement("R8489-14.10-1"))
    func form() {
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        #expect(nonce.count == 29)
        #expect(nonce.allSatisfy { alphabet.contains($0) })
        #expect(nonce.starts(with: "obMatJos2".utf8))
    }

    @Test(
        "the four characters behind the cookie spell the features", .requirement("R8489-9.2-2"),
        arguments: [
            ([], "AAAA"), ([.passwordAlgorithms], "gAAA"), ([.usernameAnonymity], "QAAA"),
            ([.passwordAlgorithms, .usernameAnonymity], "wAAA"),
        ] as [(SecurityFeatures, String)])
    func featureText(features: SecurityFeatures, text: String) {
        let nonce = authority.issue(to: client, features: features, at: UnixTime(seconds: issuedAt))
        #expect(String(decoding: nonce[9..<13], as: UTF8.self) == text)
        #expect(NonceAuthority.features(of: nonce.span.bytes) == features)
    }

    @Test("a nonce is fresh for its lifetime, the last second included", .requirement("R8489-9.2.4-20"))
    func lifetime() {
        #expect(isFresh(nonce))
        #expect(isFresh(nonce, after: 600))
        #expect(!isFresh(nonce, after: 601))
        #expect(!isFresh(nonce, after: 1 << 24))
        #expect(!isFresh(nonce, after: 1 << 24 | 300))
    }

    @Test("a clock that steps back a little does not cost the nonce, one that jumps does", .requirement("RI-clock-1"))
    func clockBack() {
        #expect(isFresh(nonce, after: -30))
        #expect(!isFresh(nonce, after: -31))
        #expect(!isFresh(nonce, after: -86_400))
        #expect(!isFresh(nonce, after: 86_400))
    }

    @Test("a clock at the ends of its range does not trap", .requirement("RI-clock-2"))
    func clockAtTheEnds() {
        for seconds in [Int64.min, -1, 0, 1, Int64.max] {
            let time = UnixTime(seconds: seconds)
            let nonce = authority.issue(to: client, features: features, at: time)
            #expect(authority.check(nonce.span.bytes, from: client, at: time) == .fresh(features))
        }
    }

    @Test("a nonce is stale once any one of its bytes is another", .requirement("R8489-9.2.1-2"))
    func tampered() {
        let original = nonce
        for offset in original.indices {
            for mask in [0x01, 0x02, 0x20, 0x80] as [UInt8] {
                var tampered = original
                tampered[offset] ^= mask
                #expect(!isFresh(tampered), "byte \(offset)")
            }
        }
    }

    @Test("feature bits cannot be talked away", .requirement("R8489-9.2.1-3"))
    func tamperedFeatures() {
        var weakened = nonce
        weakened.replaceSubrange(9..<13, with: Array("AAAA".utf8))
        #expect(authority.check(weakened.span.bytes, from: client, at: UnixTime(seconds: issuedAt)) == .stale)
        // And over the wire: the client is told 438, not let in with less.
        let harness = TURNHarness()
        let victim = harness.client()
        victim.challenge()
        victim.nonce?.replaceSubrange(9..<13, with: Array("AAAA".utf8))
        #expect(victim.send(victim.make(.allocate, [.udp]))?.errorCode == 438)
    }

    @Test("a nonce is good for one client address and port", .requirement("RI-nonce-1"))
    func otherClient() {
        for other in ["198.51.100.7:40001", "198.51.100.8:40000", "[::ffff:198.51.100.7]:40000", "[2001:db8::7]:40000"]
        {
            #expect(!isFresh(nonce, from: ClientAddress(socket(other))), "\(other)")
        }
        let six = ClientAddress(socket("[2001:db8::7]:40000"))
        let nonce = authority.issue(to: six, features: features, at: UnixTime(seconds: issuedAt))
        #expect(isFresh(nonce, from: six))
        #expect(!isFresh(nonce, from: ClientAddress(socket("[2001:db8:0:1::7]:40000"))))
        #expect(!isFresh(nonce, from: ClientAddress(socket("[2001:db8::8]:40000"))))
    }

    @Test("a stolen nonce gets its thief 438", .requirement("RI-nonce-2"))
    func stolen() {
        let harness = TURNHarness()
        let owner = harness.client()
        owner.challenge()
        let thief = harness.client("198.51.100.8:40000")
        thief.nonce = owner.nonce
        #expect(thief.send(thief.make(.allocate, [.udp]))?.errorCode == 438)
    }

    @Test("servers of one secret take each other's nonces, others do not", .requirement("RI-nonce-3"))
    func fleet() {
        #expect(isFresh(nonce, NonceAuthority(secret: [1, 2, 3], lifetimeSeconds: 600)))
        #expect(!isFresh(nonce, NonceAuthority(secret: [1, 2, 4], lifetimeSeconds: 600)))
        let first = TURNHarness(seed: 1).client()
        first.challenge()
        let second = TURNHarness(seed: 2).client()
        second.nonce = first.nonce
        #expect(second.send(second.make(.allocate, [.udp]))?.isSuccess == true)
    }

    @Test(
        "text that is no nonce is stale", .requirement("RI-nonce-4"),
        arguments: [
            "", "obMatJos2", "obMatJos2wAAA", "obMatJos2wAAAAAAAAAAAAAAAAAAA", "obMatJos2wAAAAAAAAAAAAAAAAAA=",
            "obMatJos2????AAAAAAAAAAAAAAAA", "0123456789abcdef", "obMatJos2wAAAAAAAAAAAAAAAAAAAA",
        ])
    func foreign(text: String) {
        #expect(!isFresh(Array(text.utf8)))
    }
}
