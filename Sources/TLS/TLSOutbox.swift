import CTLS

/// Bytes on their way to the network, in memory of a fixed size that the caller owns and uses for one session after
/// the other. For datagrams it remembers where each ends.
package struct TLSOutbox: ~Copyable {
    /// A session writes nothing into less than this.
    package static let byteCountMin = 4096

    private var storage: [UInt8]
    private var ends: [UInt32]
    package private(set) var byteCount = 0
    /// Zero for streams.
    package private(set) var datagramCount = 0
    /// Datagrams of handshakes that had no room and were lost, as the network may lose any.
    package private(set) var lostDatagramCount = 0

    /// `datagramCountMax` is zero for streams.
    package init(byteCountMax: Int, datagramCountMax: Int = 0) {
        precondition(byteCountMax >= Self.byteCountMin, "a session could write nothing")
        precondition(byteCountMax <= Int(UInt32.max), "ends of datagrams have 32 bits")
        storage = [UInt8](repeating: 0, count: byteCountMax)
        ends = [UInt32](repeating: 0, count: datagramCountMax)
    }

    /// How much more goes in.
    package var room: Int { storage.count - byteCount }

    package var isEmpty: Bool { byteCount == 0 }

    /// Everything that waits, in order.
    package var bytes: RawSpan {
        @_lifetime(borrow self) get { unsafe storage.span.bytes.extracting(0..<byteCount) }
    }

    /// One of `datagramCount`.
    @_lifetime(borrow self)
    package func datagram(_ index: Int) -> RawSpan {
        precondition(index < datagramCount, "there is no such datagram")
        let start = index == 0 ? 0 : Int(ends[index - 1])
        return unsafe storage.span.bytes.extracting(start..<Int(ends[index]))
    }

    /// Everything was handed on.
    package mutating func removeAll() {
        byteCount = 0
        datagramCount = 0
    }

    /// So many bytes of a stream were handed on; the others move to the front.
    package mutating func removeFirst(_ count: Int) {
        precondition(count <= byteCount && datagramCount == 0, "only bytes of a stream that wait can go")
        let left = byteCount - count
        if left > 0 {
            unsafe storage.withUnsafeMutableBytes { buffer in
                unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[count..<byteCount]))
            }
        }
        byteCount = left
    }

    /// Lets C append, with `input` for it to read.
    mutating func withIO<Result>(
        reading input: RawSpan, _ body: (UnsafeMutablePointer<tern_tls_io>) -> Result
    ) -> (Result, takenByteCount: Int) {
        var io = unsafe tern_tls_io()
        let result = unsafe input.withUnsafeBytes { input in
            unsafe storage.withUnsafeMutableBufferPointer { storage in
                unsafe ends.withUnsafeMutableBufferPointer { ends in
                    unsafe io.input = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    unsafe io.input_count = input.count
                    unsafe io.output = storage.baseAddress
                    unsafe io.output_capacity = storage.count
                    unsafe io.output_count = byteCount
                    unsafe io.ends = ends.baseAddress
                    unsafe io.ends_capacity = ends.count
                    unsafe io.ends_count = datagramCount
                    return unsafe body(&io)
                }
            }
        }
        unsafe byteCount = io.output_count
        unsafe datagramCount = io.ends_count
        unsafe lostDatagramCount += io.lost
        return unsafe (result, io.input_taken)
    }
}
