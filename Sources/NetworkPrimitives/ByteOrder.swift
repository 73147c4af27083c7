// Network byte order on raw spans. Every access is bounds-checked by the span; callers that handle bytes from outside
// check the length first, because a failed check here ends the process.

extension RawSpan {
    @inlinable package func byte(at offset: Int) -> UInt8 {
        // Any bit pattern is a valid integer, so reinterpreting bytes as one is sound here and below.
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    @inlinable package func bigEndianUInt16(at offset: Int) -> UInt16 {
        unsafe UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    @inlinable package func bigEndianUInt32(at offset: Int) -> UInt32 {
        unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    @inlinable package func bigEndianUInt64(at offset: Int) -> UInt64 {
        unsafe UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Whether both are the same bytes. Stops at the first difference, so it is not for secrets.
    @inlinable package func hasSameBytes(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        var offset = 0
        while byteCount - offset >= 8 {
            guard bigEndianUInt64(at: offset) == other.bigEndianUInt64(at: offset) else { return false }
            offset += 8
        }
        while offset < byteCount {
            guard byte(at: offset) == other.byte(at: offset) else { return false }
            offset += 1
        }
        return true
    }

    /// Copies the bytes into an array of their own.
    package func array() -> [UInt8] {
        unsafe withUnsafeBytes { unsafe Array($0) }
    }
}

extension MutableRawSpan {
    @inlinable package mutating func storeBigEndian<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value, at offset: Int
    ) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self)
    }

    /// Copies all of `source` to `offset`.
    @inlinable package mutating func store(_ source: RawSpan, at offset: Int) {
        precondition(
            offset >= 0 && source.byteCount <= byteCount - offset, "the caller sized the buffer for the message")
        unsafe withUnsafeMutableBytes { destination in
            unsafe source.withUnsafeBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(rebasing: destination[offset...]).copyMemory(from: bytes)
            }
        }
    }
}

extension Array where Element == UInt8 {
    /// Lends the bytes as a raw span.
    @inlinable package func withRawSpan<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe span.bytes)
    }
}
