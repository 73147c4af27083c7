import Containers
import NetworkPrimitives
import Testing

@Suite("Hash of bytes")
struct ByteHashTests {
    private func hash(_ bytes: [UInt8], seed: UInt64 = 1) -> UInt64 {
        Containers.hash(bytes.span.bytes, seed: seed)
    }

    @Test("every bit, the length and the seed count")
    func everyBit() {
        var seen: Set<UInt64> = []
        var count = 0
        for length in 0...24 {
            let zeros = [UInt8](repeating: 0, count: length)
            seen.insert(hash(zeros))
            count += 1
            for bit in 0..<length * 8 {
                var bytes = zeros
                bytes[bit / 8] = 1 << UInt8(bit % 8)
                seen.insert(hash(bytes))
                count += 1
            }
        }
        #expect(seen.count == count)
        #expect(hash([1, 2, 3], seed: 1) != hash([1, 2, 3], seed: 2))
        #expect(hash([1, 2, 3]) == hash([1, 2, 3]))
    }
}
