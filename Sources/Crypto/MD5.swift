import COpenSSL

// Without `@usableFromInline` on the type, `@inlinable` on its package members has no effect in other modules.
/// The sixteen bytes of an MD5 digest (RFC 1321).
@usableFromInline
package struct MD5Digest: Equatable, Sendable {
    /// The length of every such digest.
    package static let byteCount = 16

    @usableFromInline
    let storage: DigestBytes<16>

    init(storage: DigestBytes<16>) {
        self.storage = storage
    }

    /// Lends the bytes of the digest.
    @inlinable
    package func withRawSpan<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try storage.withRawSpan(body)
    }

    /// A copy of the bytes on the heap, for places that are not on the packet path.
    package var array: [UInt8] { storage.array }

    /// Takes the same time for any two digests.
    @usableFromInline
    package static func == (left: Self, right: Self) -> Bool {
        DigestBytes.constantTimeEquals(left.storage, right.storage)
    }
}

/// MD5 over one run of bytes.
///
/// It is broken as a signature and is here only because it derives the key of a long-term credential
/// (RFC 8489 §9.2.2).
package enum MD5 {
    /// The digest of `parts`, which the caller has already joined: for a credential, `user:realm:password`.
    package static func hash(_ parts: RawSpan) -> MD5Digest {
        var hasher = MD5Hasher()
        hasher.update(parts)
        return hasher.finish()
    }
}

/// MD5 over a message that arrives in pieces.
package struct MD5Hasher: Sendable {
    private var context = MD5_CTX()

    /// Starts an empty message.
    package init() {
        requireSuccess(unsafe MD5_Init(&context))
    }

    /// Appends `bytes` to the message.
    package mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { buffer in
            requireSuccess(unsafe MD5_Update(&context, buffer.baseAddress, buffer.count))
        }
    }

    /// Appends `bytes` to the message.
    package mutating func update(_ bytes: [UInt8]) {
        unsafe update(bytes.span.bytes)
    }

    /// The digest of everything appended so far. The hasher then starts a new, empty message.
    package mutating func finish() -> MD5Digest {
        let storage = unsafe DigestBytes<16> { unsafe MD5_Final($0, &context) }
        self = Self()
        return MD5Digest(storage: storage)
    }
}
