import Crypto
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// A row of RFC 4648 §10.
struct TextCodingVector: Sendable {
    let plain: String
    let base64: String
    let base16: String
}

private let vectors = [
    TextCodingVector(plain: "", base64: "", base16: ""),
    TextCodingVector(plain: "f", base64: "Zg==", base16: "66"),
    TextCodingVector(plain: "fo", base64: "Zm8=", base16: "666F"),
    TextCodingVector(plain: "foo", base64: "Zm9v", base16: "666F6F"),
    TextCodingVector(plain: "foob", base64: "Zm9vYg==", base16: "666F6F62"),
    TextCodingVector(plain: "fooba", base64: "Zm9vYmE=", base16: "666F6F6261"),
    TextCodingVector(plain: "foobar", base64: "Zm9vYmFy", base16: "666F6F626172"),
]

@Suite("Base 64, RFC 4648 §4")
struct Base64Tests {
    @Test("RFC 4648 §10: the published texts, both ways", arguments: vectors)
    func publishedVectors(vector: TextCodingVector) {
        #expect(string(Base64.encode(bytes(vector.plain))) == vector.base64)
        #expect(string(Base64.encode(bytes(vector.plain).span.bytes)) == vector.base64)
        #expect(Base64.decode(bytes(vector.base64)) == bytes(vector.plain))
    }

    @Test("the unpadded text ends where the padding would begin")
    func unpadded() {
        #expect(string(Base64.encodeUnpadded(bytes("f"))) == "Zg")
        #expect(string(Base64.encodeUnpadded(bytes("fo").span.bytes)) == "Zm8")
        #expect(string(Base64.encodeUnpadded(bytes("foo"))) == "Zm9v")
        #expect(string(Base64.encodeUnpadded([UInt8]())) == "")
    }

    @Test("all sixty-four characters, both ways")
    func wholeAlphabet() throws {
        let text = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        let decoded = try #require(Base64.decode(bytes(text)))
        #expect(
            Hex.encode(decoded) == "00108310518720928b30d38f41149351559761969b71d79f8218a39259a7a29aabb2dbafc31cb3d3"
                + "5db7e39ebbf3dfbf")
        #expect(string(Base64.encode(decoded)) == text)
    }

    @Test(
        "RFC 4648 §3: refuses everything that the encoder would not have written",
        arguments: [
            "Z", "Zg", "Zg=", "Zm8", "Zm9vY", "Zg===", "====", "=", "==", "===", "Z===", "=Zg=", "Z=g=", "Zg==Zg==",
            "Zg=a", "Zm9v\n", "Zm9v====", " Zg=", "Zm 9", "Zm9v\r\n\r\n", "Zm-_", "Zm9\0",
            // Stray bits after the last whole byte (§3.5).
            "Zh==", "Zm9=", "Z/==", "Zm+=",
        ])
    func refuses(text: String) {
        #expect(Base64.decode(bytes(text)) == nil)
    }

    @Test("no byte outside the alphabet is taken for one inside it")
    func foreignBytes() {
        let accepted = (0...255).filter { Base64.decode([65, 65, UInt8($0), 65]) != nil }
        #expect(accepted.count == 64)
    }
}

@Suite("Base 64 for URLs, RFC 4648 §5 and RFC 7515 §2")
struct Base64URLTests {
    @Test("RFC 7515 §C: the published example, both ways")
    func publishedExample() {
        #expect(string(Base64URL.encode([3, 236, 255, 224, 193])) == "A-z_4ME")
        #expect(Base64URL.decode(bytes("A-z_4ME")) == [3, 236, 255, 224, 193])
    }

    @Test("RFC 4648 §10: the published texts without their padding, both ways", arguments: vectors)
    func publishedVectors(vector: TextCodingVector) {
        let text = vector.base64.filter { $0 != "=" }
        #expect(string(Base64URL.encode(bytes(vector.plain))) == text)
        #expect(Base64URL.decode(bytes(text)) == bytes(vector.plain))
        #expect(Base64URL.decode(bytes("x" + text).dropFirst()) == bytes(vector.plain))
    }

    @Test(
        "refuses padding, the other alphabet, white space, half a byte and stray bits",
        arguments: [
            "Zg==", "Zm8=", "Zg=", "=", "A+z/", "A+z_", "Zm9v\n", " Zm9v", "Zm 9", "Z", "Zm9vY", "Zh", "Zm9", "Zm9\0",
            "Zm9v.", "Zm9v%3D",
        ])
    func refuses(text: String) {
        #expect(Base64URL.decode(bytes(text)) == nil)
    }
}

@Suite("Base 16, RFC 4648 §8")
struct HexTests {
    @Test("RFC 4648 §10: the published texts in either case; written in lower case", arguments: vectors)
    func publishedVectors(vector: TextCodingVector) {
        let plain = bytes(vector.plain)
        #expect(Hex.decode(vector.base16.utf8) == plain)
        #expect(Hex.decode(vector.base16.lowercased().utf8) == plain)
        #expect(Hex.encode(plain) == vector.base16.lowercased())
        #expect(Hex.encode(plain.span.bytes) == vector.base16.lowercased())
    }

    @Test("all sixteen digits")
    func allDigits() {
        #expect(Hex.decode("0123456789abcdefABCDEF".utf8) == [1, 35, 69, 103, 137, 171, 205, 239, 171, 205, 239])
        #expect(Hex.encode([1, 35, 69, 103, 137, 171, 205, 239]) == "0123456789abcdef")
    }

    @Test(
        "refuses half a byte and anything but digits",
        arguments: ["0", "abc", "0g", "/0", ":0", "@0", "`0", "0x", " 00 "])
    func refuses(text: String) {
        #expect(Hex.decode(text.utf8) == nil)
    }
}
