import Crypto
import Testing

/// A case of RFC 2202 or RFC 4231. `code` may be shorter than the full code, for the truncated case.
struct HMACVector: Sendable {
    let number: Int
    let key: [UInt8]
    let message: [UInt8]
    let code: String

    init(_ number: Int, key: [UInt8], message: [UInt8], code: String) {
        self.number = number
        self.key = key
        self.message = message
        self.code = code
    }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func repeated(_ byte: UInt8, _ count: Int) -> [UInt8] { [UInt8](repeating: byte, count: count) }

private func gridKey(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(($0 * 13 + 1) % 256) } }

private func gridMessage(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(($0 * 7 + 3) % 256) } }

/// Where to cut a message into two runs: both ends, around the block, and the twenty bytes of a STUN header.
private func cuts(of count: Int) -> [Int] { [0, 1, 20, 63, 64, 65, count].filter { $0 <= count } }

@Suite("HMAC-SHA1, RFC 2202 §3")
struct HMACSHA1Tests {
    static let vectors = [
        HMACVector(
            1, key: repeated(0x0b, 20), message: bytes("Hi There"),
            code: "b617318655057264e28bc0b6fb378c8ef146be00"),
        HMACVector(
            2, key: bytes("Jefe"), message: bytes("what do ya want for nothing?"),
            code: "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        HMACVector(
            3, key: repeated(0xaa, 20), message: repeated(0xdd, 50),
            code: "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
        HMACVector(
            4, key: Array(1...25), message: repeated(0xcd, 50),
            code: "4c9007f4026250c6bc8414f9bf50c86c2d7235da"),
        HMACVector(
            5, key: repeated(0x0c, 20), message: bytes("Test With Truncation"),
            code: "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"),
        HMACVector(
            6, key: repeated(0xaa, 80), message: bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
            code: "aa4ae5e15272d00e95705637ce8a3b55ed402112"),
        HMACVector(
            7, key: repeated(0xaa, 80),
            message: bytes("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
            code: "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"),
    ]

    @Test("gives the published code", arguments: vectors)
    func publishedVectors(vector: HMACVector) {
        let key = HMACSHA1Key(key: vector.key)
        #expect(Hex.encode(key.authenticate(vector.message.span.bytes).array) == vector.code)
        let keyFromSpan = HMACSHA1Key(key: vector.key.span.bytes)
        #expect(Hex.encode(keyFromSpan.authenticate(vector.message.span.bytes).array) == vector.code)
    }

    @Test("agrees with a one-shot implementation around the block boundaries", arguments: sha1Grid)
    func grid(point: HMACGridPoint) {
        let key = HMACSHA1Key(key: gridKey(point.keyByteCount))
        let message = gridMessage(point.messageByteCount)
        #expect(Hex.encode(key.authenticate(message.span.bytes).array) == point.code)
        for cut in cuts(of: message.count) {
            let runs = message.span.bytes
            let code = key.authenticate(runs.extracting(0..<cut), runs.extracting(cut..<message.count))
            #expect(Hex.encode(code.array) == point.code, "cut at \(cut)")
        }
    }

    @Test("a key authenticates any number of messages")
    func keyIsReusable() {
        let key = HMACSHA1Key(key: bytes("Jefe"))
        let message = bytes("what do ya want for nothing?")
        let first = key.authenticate(message.span.bytes)
        #expect(key.authenticate(RawSpan()) != first)
        #expect(key.authenticate(message.span.bytes) == first)
    }

    @Test("a key holds the two chaining states and nothing else")
    func keySize() {
        #expect(MemoryLayout<HMACSHA1Key>.size == 40)
    }
}

@Suite("HMAC-SHA256, RFC 4231 §4")
struct HMACSHA256Tests {
    static let vectors = [
        HMACVector(
            1, key: repeated(0x0b, 20), message: bytes("Hi There"),
            code: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        HMACVector(
            2, key: bytes("Jefe"), message: bytes("what do ya want for nothing?"),
            code: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        HMACVector(
            3, key: repeated(0xaa, 20), message: repeated(0xdd, 50),
            code: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        HMACVector(
            4, key: Array(1...25), message: repeated(0xcd, 50),
            code: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        // Case 5 publishes the first sixteen bytes only, which is also the shortest MESSAGE-INTEGRITY-SHA256
        // (RFC 8489 §14.6).
        HMACVector(
            5, key: repeated(0x0c, 20), message: bytes("Test With Truncation"),
            code: "a3b6167473100ee06e0c796c2955552b"),
        HMACVector(
            6, key: repeated(0xaa, 131), message: bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
            code: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        HMACVector(
            7, key: repeated(0xaa, 131),
            message: bytes(
                "This is a test using a larger than block-size key and a larger than block-size data. "
                    + "The key needs to be hashed before being used by the HMAC algorithm."),
            code: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ]

    @Test("gives the published code", arguments: vectors)
    func publishedVectors(vector: HMACVector) {
        let key = HMACSHA256Key(key: vector.key)
        let code = Hex.encode(key.authenticate(vector.message.span.bytes).array)
        #expect(code.count == 64)
        #expect(code.prefix(vector.code.count) == vector.code)
        let keyFromSpan = HMACSHA256Key(key: vector.key.span.bytes)
        #expect(Hex.encode(keyFromSpan.authenticate(vector.message.span.bytes).array) == code)
    }

    @Test("agrees with a one-shot implementation around the block boundaries", arguments: sha256Grid)
    func grid(point: HMACGridPoint) {
        let key = HMACSHA256Key(key: gridKey(point.keyByteCount))
        let message = gridMessage(point.messageByteCount)
        #expect(Hex.encode(key.authenticate(message.span.bytes).array) == point.code)
        for cut in cuts(of: message.count) {
            let runs = message.span.bytes
            let code = key.authenticate(runs.extracting(0..<cut), runs.extracting(cut..<message.count))
            #expect(Hex.encode(code.array) == point.code, "cut at \(cut)")
        }
    }

    @Test("a key holds the two chaining states and nothing else")
    func keySize() {
        #expect(MemoryLayout<HMACSHA256Key>.size == 64)
    }
}
