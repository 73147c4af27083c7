import COpenSSL

/// A prepared key for HMAC-SHA1, the MESSAGE-INTEGRITY of STUN (RFC 8489 §14.5).
///
/// Holds forty bytes: what SHA-1 knows after the inner and after the outer pad block. They are as secret as the key.
package struct HMACSHA1Key: Sendable {
    private let states: HMACStates<SHA1Hasher>

    /// Prepares a key of any length; one longer than a block is hashed first (RFC 2104 §2).
    package init(key: RawSpan) {
        states = HMACStates(key: key)
    }

    /// Prepares a key of any length; one longer than a block is hashed first (RFC 2104 §2).
    package init(key: [UInt8]) {
        states = unsafe HMACStates(key: key.span.bytes)
    }

    /// The authentication code of `message`. Allocates nothing.
    package func authenticate(_ message: RawSpan) -> SHA1Digest {
        var inner = states.beginInner()
        inner.update(message)
        return states.finish(&inner)
    }

    /// The authentication code of `first` followed by `second`. Allocates nothing.
    ///
    /// STUN computes it over a header whose length differs from the one received (RFC 8489 §14.5): the patched header
    /// is one run, the untouched rest of the datagram the other.
    package func authenticate(_ first: RawSpan, _ second: RawSpan) -> SHA1Digest {
        var inner = states.beginInner()
        inner.update(first)
        inner.update(second)
        return states.finish(&inner)
    }
}

/// A prepared key for HMAC-SHA256, the MESSAGE-INTEGRITY-SHA256 of STUN (RFC 8489 §14.6).
///
/// Holds sixty-four bytes: what SHA-256 knows after the inner and after the outer pad block. They are as secret as the
/// key.
package struct HMACSHA256Key: Sendable {
    private let states: HMACStates<SHA256Hasher>

    /// Prepares a key of any length; one longer than a block is hashed first (RFC 2104 §2).
    package init(key: RawSpan) {
        states = HMACStates(key: key)
    }

    /// Prepares a key of any length; one longer than a block is hashed first (RFC 2104 §2).
    package init(key: [UInt8]) {
        states = unsafe HMACStates(key: key.span.bytes)
    }

    /// The authentication code of `message`. Allocates nothing.
    package func authenticate(_ message: RawSpan) -> SHA256Digest {
        var inner = states.beginInner()
        inner.update(message)
        return states.finish(&inner)
    }

    /// The authentication code of `first` followed by `second`, as for `HMACSHA1Key`. Allocates nothing.
    package func authenticate(_ first: RawSpan, _ second: RawSpan) -> SHA256Digest {
        var inner = states.beginInner()
        inner.update(first)
        inner.update(second)
        return states.finish(&inner)
    }
}

/// The block of SHA-1 and SHA-256, which is also the length of the pads of HMAC (RFC 2104 §2).
let hmacBlockByteCount = 64

/// A hash over 64-byte blocks that can be stopped after the first block and taken up again from its chaining state.
protocol ResumableHasher {
    associatedtype ChainingState: Sendable
    associatedtype Digest: RawSpanLending

    init()

    /// Takes up a message whose first block was absorbed earlier and left `state` behind.
    init(resumingAfterOneBlock state: ChainingState)

    /// What is known after the whole blocks so far.
    var chainingState: ChainingState { get }

    mutating func update(_ bytes: RawSpan)

    /// The digest, without the cost of starting over: the hasher must not be used again.
    mutating func finalDigest() -> Digest

    /// Overwrites everything the hasher knows: it must not be used again.
    mutating func wipe()
}

/// A digest whose bytes can be the input of another hash.
protocol RawSpanLending {
    func withRawSpan<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result
}

extension SHA1Digest: RawSpanLending {}

extension SHA256Digest: RawSpanLending {}

/// RFC 2104 with the two pad blocks already absorbed.
///
/// Starting from the key costs two more compressions, half of the work for a short STUN message; the generic form of
/// OpenSSL adds context management that costs several times the hash itself.
struct HMACStates<Hasher: ResumableHasher>: Sendable {
    private let inner: Hasher.ChainingState
    private let outer: Hasher.ChainingState

    init(key: RawSpan) {
        guard key.byteCount <= hmacBlockByteCount else {
            var keyHasher = Hasher()
            keyHasher.update(key)
            self = keyHasher.finalDigest().withRawSpan { Self(keyOfOneBlock: $0) }
            return
        }
        self.init(keyOfOneBlock: key)
    }

    private init(keyOfOneBlock key: RawSpan) {
        inner = Self.stateAfterPad(0x36, key: key)
        outer = Self.stateAfterPad(0x5c, key: key)
    }

    /// The chaining state after the one block of `key`, extended with zeros, mixed with `pad`.
    private static func stateAfterPad(_ pad: UInt8, key: RawSpan) -> Hasher.ChainingState {
        var block = InlineArray<64, UInt8>(repeating: pad)
        for offset in 0..<key.byteCount {
            block[offset] ^= unsafe key.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
        }
        var hasher = Hasher()
        unsafe hasher.update(block.span.bytes)
        let state = hasher.chainingState
        // Both hold the key in the clear; the stack they lie on is reused, not erased.
        hasher.wipe()
        unsafe OPENSSL_cleanse(&block, hmacBlockByteCount)
        return state
    }

    @inline(__always)
    func beginInner() -> Hasher {
        Hasher(resumingAfterOneBlock: inner)
    }

    @inline(__always)
    func finish(_ innerHasher: inout Hasher) -> Hasher.Digest {
        let innerDigest = innerHasher.finalDigest()
        var outerHasher = Hasher(resumingAfterOneBlock: outer)
        innerDigest.withRawSpan { outerHasher.update($0) }
        return outerHasher.finalDigest()
    }
}
