import CZlib

/// Compresses one message at a time to raw DEFLATE (RFC 1951), and keeps nothing between messages.
package enum Deflater {
    /// The sizes of window that zlib can write raw, as powers of two. RFC 7692 knows 8 as well; zlib refuses it.
    package static let windowBitsRange: ClosedRange<UInt8> = 9...15

    /// The message as RFC 7692 §7.2.1 sends it: flushed to a byte boundary, without the four bytes that end every
    /// flush.
    ///
    /// Nil when that would not be shorter than the message itself, or when there is no memory to find out: a sender
    /// then sends the message as it is. The window, and with it what zlib allocates, is no larger than the message
    /// needs.
    package static func compress(_ bytes: RawSpan, windowBitsMax: UInt8 = 15) -> [UInt8]? {
        precondition(windowBitsRange.contains(windowBitsMax), "the negotiation offers what zlib can do")
        guard !bytes.isEmpty, bytes.byteCount <= Int(CUnsignedInt.max) - flushTail.count else { return nil }
        var windowBits = windowBitsRange.lowerBound
        while windowBits < windowBitsMax, 1 << Int(windowBits) < bytes.byteCount { windowBits += 1 }
        guard let stream = DeflateStream(windowBits: windowBits) else { return nil }

        // Room for one byte less than the message, and for the tail. zlib is done when it leaves some of it empty.
        let room = bytes.byteCount + flushTail.count
        var isWhole = false
        var output = [UInt8](capacity: room) { output in
            unsafe output.withUnsafeMutableBufferPointer { buffer, count in
                count = unsafe stream.flush(bytes, into: buffer)
                isWhole = count < room
            }
        }
        guard isWhole, output.count >= flushTail.count, output[(output.count - flushTail.count)...] == flushTail[...]
        else { return nil }
        output.removeLast(flushTail.count)
        return output
    }
}

/// The end of a flush: the lengths of an empty stored block (RFC 7692 §7.2.1). The sender leaves it away, and the
/// receiver puts it back.
let flushTail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

/// Owns the memory of one compression.
@safe
private struct DeflateStream: ~Copyable {
    /// On the heap, because zlib's state remembers the address.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Nil when there is no memory.
    init?(windowBits: UInt8) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // Negative bits mean raw DEFLATE, without the header of zlib. The hash table grows with the window.
        let status = unsafe deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -CInt(windowBits), min(8, CInt(windowBits) - 6),
            Z_DEFAULT_STRATEGY, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = unsafe stream
    }

    deinit {
        _ = unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Compresses all of `bytes`, and answers how much of `buffer` was written.
    borrowing func flush(_ bytes: RawSpan, into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        unsafe bytes.withUnsafeBytes { input in
            // zlib promises not to write there; its type lacks the const.
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
            unsafe stream.pointee.avail_in = CUnsignedInt(input.count)
            unsafe stream.pointee.next_out = buffer.baseAddress
            unsafe stream.pointee.avail_out = CUnsignedInt(buffer.count)
            // It fails only when no progress is possible, which the count says as well.
            _ = unsafe deflate(stream, Z_SYNC_FLUSH)
            unsafe stream.pointee.next_in = nil
            return unsafe buffer.count - Int(stream.pointee.avail_out)
        }
    }
}
