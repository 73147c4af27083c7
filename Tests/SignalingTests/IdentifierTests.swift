import Containers
import TestSupport
import Testing

@testable import Signaling

@Suite("Identifiers and names")
struct IdentifierTests {
    @Test("22 characters of base64url, as RFC 4648 §5 writes them")
    func text() {
        // The bytes 00 01 … 0F, and 16 bytes of ones.
        let counting = Identifier(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F)
        #expect(counting.description == "AAECAwQFBgcICQoLDA0ODw")
        #expect(Identifier(high: .max, low: .max).description == "_____________________w")
        #expect(Identifier(text: "AAECAwQFBgcICQoLDA0ODw".utf8) == counting)
        #expect(Identifier(text: "_____________________w".utf8) == Identifier(high: .max, low: .max))
    }

    @Test(
        "an identifier has one text",
        arguments: [
            "", "AAECAwQFBgcICQoLDA0OD", "AAECAwQFBgcICQoLDA0ODwA", "AAECAwQFBgcICQoLDA0ODx", "AAECAwQFBgcICQoLDA0OD=",
            "+AECAwQFBgcICQoLDA0ODw", "/AECAwQFBgcICQoLDA0ODw", "AAECAwQFBgc CQoLDA0ODw",
        ])
    func otherTexts(text: String) {
        #expect(Identifier(text: text.utf8) == nil)
    }

    @Test("any identifier comes back from its text")
    func roundTrip() {
        var random = SeededRandom(seed: 1)
        for _ in 0..<1000 {
            let identifier = Identifier(high: random.next(), low: random.next())
            #expect(Identifier(text: identifier.description.utf8) == identifier)
        }
    }

    @Test("constant-time comparison compares all of it")
    func comparison() {
        let one = Identifier(high: 1, low: 2)
        #expect(one.equalsInConstantTime(Identifier(high: 1, low: 2)))
        for bit in 0..<64 {
            #expect(!one.equalsInConstantTime(Identifier(high: 1 ^ (1 << UInt64(bit)), low: 2)))
            #expect(!one.equalsInConstantTime(Identifier(high: 1, low: 2 ^ (1 << UInt64(bit)))))
        }
    }

    @Test("a source never repeats itself, and another purpose or secret makes others")
    func source() {
        let secret = [UInt8](repeating: 1, count: 32)
        var sources = [
            IdentifierSource(secret: secret, purpose: 1), IdentifierSource(secret: secret, purpose: 2),
            IdentifierSource(secret: [UInt8](repeating: 2, count: 32), purpose: 1),
        ]
        var seen: Set<Identifier> = []
        for index in sources.indices { for _ in 0..<500 { seen.insert(sources[index].next()) } }
        #expect(seen.count == 1500)
    }

    @Test("names of rooms hash by all their bytes and their length")
    func roomNames() throws {
        let names = ["a", "aa", "aaaaaaaa", "aaaaaaaaa", "b", "aaaaaaab", "aaaaaaaab"]
        let hashes = try names.map { try #require(RoomName($0.utf8)).hash(seed: 9) }
        #expect(Set(hashes).count == names.count)
        #expect(try #require(RoomName("a".utf8)).hash(seed: 8) != hashes[0])
    }

    @Test("a name has 1 to 128 bytes", arguments: [(0, false), (1, true), (128, true), (129, false)])
    func roomNameLength(count: Int, isName: Bool) {
        #expect((RoomName([UInt8](repeating: 97, count: count)) != nil) == isName)
    }
}
