import COpenSSL

// Without `@usableFromInline` on the type, `@inlinable` on its package members has no effect in other modules.
/// The twenty bytes of a SHA-1 digest (RFC 3174), and of an HMAC built on it.
@usableFromInline
package struct SHA1Digest: Equatable, Sendable {
    /// The length of every such digest.
    package static let byteCount = 20

    @usableFromInline
    let storage: DigestBytes<20>

    init(storage: DigestBytes<20>) {
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

    /// Takes the same time for any two digests, so that a forger learns nothing from a wrong guess.
    @usableFromInline
    package static func == (left: Self, right: Self) -> Bool {
        DigestBytes.constantTimeEquals(left.storage, right.storage)
    }
}

/// SHA-1 over one run of bytes.
package enum SHA1 {
    /// The digest of `bytes`.
    package static func hash(_ bytes: RawSpan) -> SHA1Digest {
        var hasher = SHA1Hasher()
        hasher.update(bytes)
        return hasher.finish()
    }
}

/// SHA-1 over a message that arrives in pieces.
package struct SHA1Hasher: Sendable {
    private var context = SHA_CTX()

    /// Starts an empty message.
    package init() {
        requireSuccess(unsafe SHA1_Init(&context))
    }

    /// Appends `bytes` to the message.
    package mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { buffer in
            requireSuccess(unsafe SHA1_Update(&context, buffer.baseAddress, buffer.count))
        }
    }

    /// Appends `bytes` to the message.
    package mutating func update(_ bytes: [UInt8]) {
        unsafe update(bytes.span.bytes)
    }

    /// The digest of everything appended so far. The hasher then starts a new, empty message.
    package mutating func finish() -> SHA1Digest {
        let digest = finalDigest()
        self = Self()
        return digest
    }
}

extension SHA1Hasher: ResumableHasher {
    init(resumingAfterOneBlock state: InlineArray<5, UInt32>) {
        context.h0 = state[0]
        context.h1 = state[1]
        context.h2 = state[2]
        context.h3 = state[3]
        context.h4 = state[4]
        context.Nl = CUnsignedInt(hmacBlockByteCount * 8)
    }

    var chainingState: InlineArray<5, UInt32> {
        precondition(context.num == 0, "a partial block is not part of the chaining state")
        return [context.h0, context.h1, context.h2, context.h3, context.h4]
    }

    mutating func finalDigest() -> SHA1Digest {
        unsafe SHA1Digest(storage: DigestBytes<20> { unsafe SHA1_Final($0, &context) })
    }

    mutating func wipe() {
        unsafe OPENSSL_cleanse(&context, MemoryLayout<SHA_CTX>.size)
    }
}
