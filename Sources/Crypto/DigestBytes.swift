/// The storage that all digests share: a fixed number of bytes, held inline so that a digest never touches the heap.
///
/// The digests themselves are separate types, because a SHA-1 value and a SHA-256 value cut to twenty bytes must not
/// be mistaken for each other.
@usableFromInline
struct DigestBytes<let byteCount: Int>: Sendable {
    @usableFromInline
    var bytes = InlineArray<byteCount, UInt8>(repeating: 0)

    /// Creates a digest whose bytes `fill` writes; it is lent exactly `byteCount` bytes.
    @inline(__always)
    init(filledBy fill: (UnsafeMutablePointer<UInt8>) -> CInt) {
        var span = bytes.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { preconditionFailure("no digest is empty") }
            requireSuccess(unsafe fill(start))
        }
    }

    @inlinable
    func withRawSpan<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(bytes.span.bytes)
    }

    var array: [UInt8] {
        unsafe bytes.span.withUnsafeBufferPointer { unsafe Array($0) }
    }

    static func constantTimeEquals(_ left: Self, _ right: Self) -> Bool {
        unsafe Crypto.constantTimeEquals(left.bytes.span.bytes, right.bytes.span.bytes)
    }
}

/// Checks the result of a block-level digest function.
///
/// They only mix memory and have no way to fail, but their signature promises nothing, and a digest that was not
/// computed must never be compared or sent.
@inline(__always)
func requireSuccess(_ status: CInt) {
    precondition(status == 1, "a digest over memory cannot fail")
}
