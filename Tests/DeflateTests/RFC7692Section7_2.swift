import Deflate
import Testing

/// Bytes that neither repeat nor have a pattern; the same on every run.
private func noise(_ count: Int) -> [UInt8] {
    var state: UInt32 = 1
    return (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(truncatingIfNeeded: state >> 24)
    }
}

private func compress(_ bytes: [UInt8], windowBitsMax: UInt8 = 15) -> [UInt8]? {
    Deflater.compress(bytes.span.bytes, windowBitsMax: windowBitsMax)
}

private func inflate(_ bytes: [UInt8], byteCountMax: Int = 65_536) throws(InflateFailure) -> [UInt8] {
    try Inflater.inflate(bytes.span.bytes, byteCountMax: byteCountMax)
}

@Suite("Messages in raw DEFLATE, RFC 7692 §7.2")
struct RFC7692Section7_2 {
    /// The payloads of RFC 7692 §7.2.3 that stand for "Hello": one block, one without compression, one that calls
    /// itself the last, and two blocks.
    @Test(
        "§7.2.3: the published payloads",
        arguments: [
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
        ] as [[UInt8]])
    func publishedPayloads(payload: [UInt8]) throws {
        #expect(try inflate(payload) == Array("Hello".utf8))
    }

    @Test("§7.2.3.6: an empty message is one byte, and none is empty too")
    func emptyMessage() throws {
        #expect(try inflate([0x00]) == [])
        #expect(compress([]) == nil)
    }

    @Test("what is compressed reads as the same, for every size of window", arguments: 9...15)
    func roundTrip(windowBits: Int) throws {
        let message = Array(String(repeating: #"{"type":"candidate","sdpMid":"0","port":49152},"#, count: 900).utf8)
        let compressed = try #require(compress(message, windowBitsMax: UInt8(windowBits)))
        #expect(compressed.count < message.count / 10)
        #expect(try inflate(compressed) == message)
    }

    @Test("what does not become shorter is not compressed")
    func incompressible() {
        #expect(compress(noise(4096)) == nil)
        #expect(compress([1]) == nil)
        #expect(compress([1, 2, 3, 4]) == nil)
    }

    @Test("a size below every window, and each around it", arguments: [1, 2, 511, 512, 513, 32_767, 32_768, 65_536])
    func sizes(count: Int) throws {
        let message = [UInt8](repeating: 0x61, count: count)
        guard let compressed = compress(message) else {
            #expect(count < 8)
            return
        }
        #expect(compressed.count < count)
        #expect(try inflate(compressed) == message)
    }

    @Test(
        "the limit counts while inflating: at it and one above it",
        arguments: [0, 1, 5, 1023, 1024, 1025, 4096, 65_536])
    func outputLimit(count: Int) throws {
        // Stored blocks are made by hand, so that sizes below what zlib can shorten are there too.
        let message = [UInt8](repeating: 0x20, count: count)
        let stored = message.isEmpty ? [0x00] : storedBlocks(message)
        #expect(try inflate(stored, byteCountMax: count) == message)
        if count > 0 {
            #expect(throws: InflateFailure.tooLong) { try inflate(stored, byteCountMax: count - 1) }
        }
    }

    @Test("a bomb is put out: 10 MB of zeros in 10 KB")
    func bomb() throws {
        let bomb = try #require(compress([UInt8](repeating: 0, count: 10_000_000)))
        #expect(bomb.count < 11_000)
        #expect(throws: InflateFailure.tooLong) { try inflate(bomb, byteCountMax: 65_536) }
    }

    @Test(
        "bytes that are not DEFLATE, and messages that end too early",
        arguments: [
            // Block type 3 does not exist.
            [0x07], [0x06, 0x00],
            // A distance before the beginning.
            [0x4A, 0x04, 0x62, 0x00],
            // The lengths of a stored block disagree.
            [0x00, 0x05, 0x00, 0x05, 0x00, 0x48],
            // The published payload without its end, and with bytes behind it.
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9], [0xF2, 0x48, 0xCD], [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x48],
            // A stored block that announces more than there is.
            [0x00, 0xFF, 0x00, 0x00, 0xFF, 0x48],
        ] as [[UInt8]])
    func malformed(payload: [UInt8]) {
        #expect(throws: InflateFailure.malformed) { try inflate(payload) }
    }

    @Test("last blocks without content, as many as fit, end in time")
    func manyLastBlocks() throws {
        // 03 00 is an empty last block of fixed codes.
        let blocks = Array([[UInt8]](repeating: [0x03, 0x00], count: 32_767).joined()) + [0x00]
        #expect(try inflate(blocks) == [])
    }

    /// Blocks of type 0, of at most 65,535 bytes, and the beginning of the empty one that ends a flush (RFC 1951
    /// §3.2.4).
    private func storedBlocks(_ message: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        for start in stride(from: 0, to: message.count, by: 65_535) {
            let block = message[start..<min(start + 65_535, message.count)]
            let length = UInt16(block.count)
            output += [0x00, UInt8(length & 0xFF), UInt8(length >> 8), UInt8(~length & 0xFF), UInt8(~length >> 8)]
            output += block
        }
        return output + [0x00]
    }
}
