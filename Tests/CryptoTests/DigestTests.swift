import Testing

@testable import Crypto

/// A published input and its digest in hexadecimal.
struct DigestVector: Sendable {
    let message: String
    let digest: String
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("MD5, RFC 1321 appendix A.5")
struct MD5Tests {
    static let vectors = [
        DigestVector(message: "", digest: "d41d8cd98f00b204e9800998ecf8427e"),
        DigestVector(message: "a", digest: "0cc175b9c0f1b6a831c399e269772661"),
        DigestVector(message: "abc", digest: "900150983cd24fb0d6963f7d28e17f72"),
        DigestVector(message: "message digest", digest: "f96b697d7cb7938d525a2f31aaf161d0"),
        DigestVector(message: "abcdefghijklmnopqrstuvwxyz", digest: "c3fcd3d76192e4007dfb496cca67e13b"),
        DigestVector(
            message: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            digest: "d174ab98d277d9f5a5611c2c9f419d9f"),
        DigestVector(
            message: "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            digest: "57edf4a22be3c955ac49da2e2107b67a"),
    ]

    @Test("gives the published digest in one piece and in two", arguments: vectors)
    func publishedVectors(vector: DigestVector) {
        let message = bytes(vector.message)
        #expect(Hex.encode(MD5.hash(message.span.bytes).array) == vector.digest)
        for cut in 0...message.count {
            var hasher = MD5Hasher()
            hasher.update(Array(message[..<cut]))
            hasher.update(message.span.bytes.extracting(cut..<message.count))
            #expect(Hex.encode(hasher.finish().array) == vector.digest)
        }
    }

    @Test("RFC 8489 §9.2.2: the key of the example credential")
    func longTermKey() {
        let digest = MD5.hash(bytes("user:realm:pass").span.bytes)
        #expect(Hex.encode(digest.array) == "8493fbc53ba582fb4c044c456bdc40eb")
    }
}

@Suite("SHA-1, RFC 3174 and FIPS 180")
struct SHA1Tests {
    static let vectors = [
        DigestVector(message: "", digest: "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        DigestVector(message: "abc", digest: "a9993e364706816aba3e25717850c26c9cd0d89d"),
        DigestVector(
            message: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            digest: "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
        // RFC 3174 §7.3, TEST4: eighty repetitions of "01234567".
        DigestVector(
            message: String(repeating: "01234567", count: 80),
            digest: "dea356a2cddd90c7a7ecedc5ebb563934f460452"),
    ]

    @Test("gives the published digest in one piece and in two", arguments: vectors)
    func publishedVectors(vector: DigestVector) {
        let message = bytes(vector.message)
        #expect(Hex.encode(SHA1.hash(message.span.bytes).array) == vector.digest)
        for cut in 0...message.count {
            var hasher = SHA1Hasher()
            hasher.update(Array(message[..<cut]))
            hasher.update(message.span.bytes.extracting(cut..<message.count))
            #expect(Hex.encode(hasher.finish().array) == vector.digest)
        }
    }

    @Test("RFC 3174 §7.3, TEST3: a million times the letter a")
    func millionLetters() {
        let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1000)
        var hasher = SHA1Hasher()
        for _ in 0..<1000 { hasher.update(piece) }
        #expect(Hex.encode(hasher.finish().array) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
    }
}

@Suite("SHA-256, FIPS 180")
struct SHA256Tests {
    static let vectors = [
        DigestVector(message: "", digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        DigestVector(message: "abc", digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        DigestVector(
            message: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            digest: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        DigestVector(
            message: "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            digest: "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
    ]

    @Test("gives the published digest in one piece and in two", arguments: vectors)
    func publishedVectors(vector: DigestVector) {
        let message = bytes(vector.message)
        #expect(Hex.encode(SHA256.hash(message.span.bytes).array) == vector.digest)
        for cut in 0...message.count {
            var hasher = SHA256Hasher()
            hasher.update(Array(message[..<cut]))
            hasher.update(message.span.bytes.extracting(cut..<message.count))
            #expect(Hex.encode(hasher.finish().array) == vector.digest)
        }
    }

    @Test("a million times the letter a")
    func millionLetters() {
        let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1000)
        var hasher = SHA256Hasher()
        for _ in 0..<1000 { hasher.update(piece) }
        #expect(
            Hex.encode(hasher.finish().array) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
}

@Suite("What all digests promise")
struct DigestContractTests {
    @Test("the byte count is the length that is lent and copied")
    func byteCounts() {
        #expect(MD5Digest.byteCount == 16)
        #expect(SHA1Digest.byteCount == 20)
        #expect(SHA256Digest.byteCount == 32)
        #expect(MD5.hash(RawSpan()).withRawSpan { $0.byteCount } == 16)
        #expect(SHA1.hash(RawSpan()).withRawSpan { $0.byteCount } == 20)
        #expect(SHA256.hash(RawSpan()).withRawSpan { $0.byteCount } == 32)
        #expect(SHA256.hash(RawSpan()).array.count == 32)
    }

    @Test("a digest is its bytes and nothing else, so it lies inline wherever it is stored")
    func noHeap() {
        #expect(MemoryLayout<MD5Digest>.size == 16)
        #expect(MemoryLayout<SHA1Digest>.size == 20)
        #expect(MemoryLayout<SHA256Digest>.size == 32)
    }

    @Test("equality looks at every byte")
    func equality() {
        let message = bytes("abc")
        #expect(MD5.hash(message.span.bytes) == MD5.hash(message.span.bytes))
        #expect(MD5.hash(message.span.bytes) != MD5.hash(RawSpan()))
        #expect(SHA1.hash(message.span.bytes) == SHA1.hash(message.span.bytes))
        #expect(SHA1.hash(message.span.bytes) != SHA1.hash(RawSpan()))
        #expect(SHA256.hash(message.span.bytes) == SHA256.hash(message.span.bytes))
        #expect(SHA256.hash(message.span.bytes) != SHA256.hash(RawSpan()))

        for index in 0..<20 {
            let original = SHA1.hash(message.span.bytes)
            var storage = original.storage
            storage.bytes[index] ^= 1
            #expect(SHA1Digest(storage: storage) != original)
        }
    }

    @Test("finishing starts a new, empty message")
    func finishStartsOver() {
        var md5 = MD5Hasher()
        md5.update(bytes("something"))
        _ = md5.finish()
        #expect(md5.finish() == MD5.hash(RawSpan()))

        var sha1 = SHA1Hasher()
        sha1.update(bytes("something"))
        _ = sha1.finish()
        sha1.update(bytes("abc"))
        #expect(Hex.encode(sha1.finish().array) == "a9993e364706816aba3e25717850c26c9cd0d89d")

        var sha256 = SHA256Hasher()
        sha256.update(bytes("something"))
        _ = sha256.finish()
        #expect(sha256.finish() == SHA256.hash(RawSpan()))
    }

    @Test("a copied hasher goes its own way")
    func hasherIsAValue() {
        var first = SHA256Hasher()
        first.update(bytes("ab"))
        var second = first
        second.update(bytes("x"))
        first.update(bytes("c"))
        #expect(first.finish() == SHA256.hash(bytes("abc").span.bytes))
        #expect(second.finish() == SHA256.hash(bytes("abx").span.bytes))
    }

    @Test("an error thrown while the bytes are lent keeps its type")
    func typedThrow() {
        struct Refused: Error, Equatable {}
        #expect(throws: Refused()) {
            try SHA1.hash(RawSpan()).withRawSpan { (_: RawSpan) throws(Refused) in throw Refused() }
        }
    }
}
