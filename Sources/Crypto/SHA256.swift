import COpenSSL

// Without `@usableFromInline` on the type, `@inlinable` on its package members has no effect in other modules.
/// The thirty-two bytes of a SHA-256 digest (FIPS 180-4), and of an HMAC built on it.
@usableFromInline
package struct SHA256Digest: Equatable, Sendable {
    /// The length of every such digest.
    package static let byteCount = 32

    @usableFromInline
    let storage: DigestBytes<32>

    init(storage: DigestBytes<32>) {
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

/// SHA-256 over one run of bytes.
package enum SHA256 {
    /// The digest of `bytes`.
    package static func hash(_ bytes: RawSpan) -> SHA256Digest {
        var hasher = SHA256Hasher()
        hasher.update(bytes)
        return hasher.finish()
    }
}

/// SHA-256 over a message that arrives in pieces.
package struct SHA256Hasher: Sendable {
    private var context = SHA256_CTX()

    /// Starts an empty message.
    package init() {
        requireSuccess(unsafe SHA256_Init(&context))
    }

    /// Appends `bytes` to the message.
    package mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { buffer in
            requireSuccess(unsafe SHA256_Update(&context, buffer.baseAddress, buffer.count))
        }
    }

    /// Appends `bytes` to the message.
    package mutating func update(_ bytes: [UInt8]) {
        unsafe update(bytes.span.bytes)
    }

    /// The digest of everything appended so far. The hasher then starts a new, empty message.
    package mutating func finish() -> SHA256Digest {
        let digest = finalDigest()
        self = Self()
        return digest
    }
}

extension SHA256Hasher: ResumableHasher {
    init(resumingAfterOneBlock state: InlineArray<8, UInt32>) {
        context.h = (state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7])
        context.Nl = CUnsignedInt(hmacBlockByteCount * 8)
        // The same context serves SHA-224; the length says how much of the state is written out at the end.
        context.md_len = CUnsignedInt(SHA256Digest.byteCount)
    }

    var chainingState: InlineArray<8, UInt32> {
        precondition(context.num == 0, "a partial block is not part of the chaining state")
        let words = context.h
        return [words.0, words.1, words.2, words.3, words.4, words.5, words.6, words.7]
    }

    mutating func finalDigest() -> SHA256Digest {
        unsafe SHA256Digest(storage: DigestBytes<32> { unsafe SHA256_Final($0, &context) })
    }

    mutating func wipe() {
        unsafe OPENSSL_cleanse(&context, MemoryLayout<SHA256_CTX>.size)
    }
}
