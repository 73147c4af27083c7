/// Searches eight bytes at a time.
enum ByteSearch {
    /// The first control byte (below 0x20, or 0x7F) from `start` on; or the end.
    static func endOfText(in bytes: Span<UInt8>, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let count = bytes.count
        var position = start
        while position + 8 <= count {
            let word = unsafe UInt64(
                littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
            let deletes = word ^ (ones * 0x7F)
            // A subtraction sets the high bit of bytes that are too small, and may then set it above them too: the
            // lowest one set is right. reason: borrows beyond the top byte are meant to vanish
            let marks = ((word &- ones * 0x20) & ~word | (deletes &- ones) & ~deletes) & (ones * 0x80)
            guard marks == 0 else { return position + marks.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < count, bytes[position] >= 0x20, bytes[position] != 0x7F { position += 1 }
        return position
    }
}
