import NetworkPrimitives

/// The key that a client XORs its payload with (RFC 6455 §5.3), as the four bytes of the frame read most significant
/// first.
///
/// A key of zero changes nothing, so plain frames take the same way.
struct Mask: Equatable, Sendable {
    /// The byte that applies next is the most significant one.
    private(set) var key: UInt32

    init(key: UInt32) { self.key = key }

    /// Appends `bytes` to `output`, unmasked or masked. The mask then stands where the next bytes go on.
    ///
    /// Answers whether all that was appended is ASCII, which costs nothing to notice here.
    mutating func append(_ bytes: RawSpan, to output: inout [UInt8]) -> Bool {
        var seen: UInt64 = 0
        output.append(addingCapacity: bytes.byteCount) { output in
            seen = apply(to: bytes, appendingTo: &output)
        }
        return seen & highBits == 0
    }

    /// The same for an output that has room. Answers all appended bytes, one ORed with the other.
    mutating func apply(to bytes: RawSpan, appendingTo output: inout OutputSpan<UInt8>) -> UInt64 {
        let count = bytes.byteCount
        precondition(output.freeCapacity >= count, "the caller made room")
        let wide = UInt64(key) << 32 | UInt64(key)
        var seen: UInt64 = 0
        unsafe output.withUnsafeMutableBufferPointer { buffer, initializedCount in
            let target = unsafe UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(buffer)[initializedCount...])
            var index = 0
            while index <= count - 8 {
                let word = bytes.bigEndianUInt64(at: index) ^ wide
                seen |= word
                unsafe target.storeBytes(of: word.bigEndian, toByteOffset: index, as: UInt64.self)
                index += 8
            }
            while index < count {
                let byte = bytes.byte(at: index) ^ nextByte()
                seen |= UInt64(byte)
                unsafe target[index] = byte
                index += 1
            }
            initializedCount += count
        }
        return seen
    }

    /// Words of eight bytes use the key twice and leave it as it is; single bytes turn it.
    private mutating func nextByte() -> UInt8 {
        let byte = UInt8(truncatingIfNeeded: key >> 24)
        key = key << 8 | UInt32(byte)
        return byte
    }
}
