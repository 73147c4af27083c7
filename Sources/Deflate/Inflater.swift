import CZlib

/// Why a compressed message could not be read.
package enum InflateFailure: Error, Equatable, Sendable {
    /// It is not DEFLATE, or it ends too early.
    case malformed
    /// It would become longer than the caller allows.
    case tooLong
    /// zlib found no memory.
    case outOfMemory
}

/// Reads one message of raw DEFLATE (RFC 1951) at a time, and keeps nothing between messages.
package enum Inflater {
    /// The message behind what RFC 7692 §7.2.2 receives: flushed to a byte boundary, without the end of the flush.
    ///
    /// Never makes more than `byteCountMax` bytes and one, however small the input and however large what it stands
    /// for: DEFLATE packs up to 1,032 bytes into one.
    package static func inflate(_ bytes: RawSpan, byteCountMax: Int) throws(InflateFailure) -> [UInt8] {
        precondition(byteCountMax >= 0 && byteCountMax < Int(CUnsignedInt.max), "zlib counts in 32 bits")
        guard bytes.byteCount <= Int(CUnsignedInt.max) else { throw .tooLong }
        guard var stream = InflateStream() else { throw .outOfMemory }
        var output: [UInt8] = []
        try stream.read(bytes, into: &output, byteCountMax: byteCountMax)
        let tail = flushTail
        try unsafe stream.read(tail.span.bytes, into: &output, byteCountMax: byteCountMax)
        guard stream.isBetweenBlocks else { throw .malformed }
        return output
    }
}

/// Owns the memory of one decompression.
@safe
private struct InflateStream: ~Copyable {
    /// On the heap, because zlib's state remembers the address.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Nil when there is no memory.
    init?() {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // Negative bits mean raw DEFLATE. A window of 2^15 reads what any smaller window wrote.
        let status = unsafe inflateInit2_(stream, -15, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = unsafe stream
    }

    deinit {
        _ = unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Whether the last block is whole and nothing of the next has begun. zlib says so in bit 7, and in the low bits
    /// how many bits of the last byte it has not used.
    var isBetweenBlocks: Bool {
        unsafe stream.pointee.data_type & 0xBF == 0x80
    }

    /// Appends what `bytes` stands for.
    mutating func read(
        _ bytes: RawSpan, into output: inout [UInt8], byteCountMax: Int
    ) throws(InflateFailure) {
        let failure: InflateFailure? = unsafe bytes.withUnsafeBytes { input in
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
            unsafe stream.pointee.avail_in = CUnsignedInt(input.count)
            defer { unsafe stream.pointee.next_in = nil }
            return readAvailable(into: &output, byteCountMax: byteCountMax)
        }
        if let failure { throw failure }
    }

    /// Goes on until zlib asks for more input. Each turn consumes a byte, makes one, or is the last.
    private mutating func readAvailable(into output: inout [UInt8], byteCountMax: Int) -> InflateFailure? {
        while true {
            // One byte more than is allowed is how we learn that there is more.
            let room = byteCountMax + 1 - output.count
            guard room > 0 else { return .tooLong }
            var status = Z_OK
            let turn = min(room, max(1024, output.count))
            output.append(addingCapacity: turn) { output in
                unsafe output.withUnsafeMutableBufferPointer { buffer, count in
                    unsafe stream.pointee.next_out = buffer.baseAddress
                    unsafe stream.pointee.avail_out = CUnsignedInt(turn)
                    status = unsafe CZlib.inflate(stream, Z_SYNC_FLUSH)
                    count = unsafe turn - Int(stream.pointee.avail_out)
                }
            }
            switch status {
            case Z_OK:
                if unsafe stream.pointee.avail_in == 0, unsafe stream.pointee.avail_out > 0 {
                    return boundCheck(output)
                }
            case Z_BUF_ERROR:
                // There was room, so it was input that was missing.
                return boundCheck(output)
            case Z_STREAM_END:
                // RFC 7692 §7.2.3.4: a block may call itself the last; others may follow all the same.
                guard unsafe inflateReset(stream) == Z_OK else { return .malformed }
                if unsafe stream.pointee.avail_in == 0 { return boundCheck(output) }
            case Z_MEM_ERROR:
                return .outOfMemory
            default:
                return .malformed
            }
        }

        func boundCheck(_ output: [UInt8]) -> InflateFailure? {
            output.count > byteCountMax ? .tooLong : nil
        }
    }
}
