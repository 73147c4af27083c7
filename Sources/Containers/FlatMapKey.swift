package import NetworkPrimitives

/// A key that hashes itself with a secret of its table.
///
/// Equal keys hash alike. Whoever chooses keys without knowing the seed must not be able to choose two that
/// collide more often than chance, because every table here is filled by strangers.
@usableFromInline package protocol FlatMapKey: Equatable {
    /// Sixty-four bits, each of which depends on every bit of the key and of the seed.
    func hash(seed: UInt64) -> UInt64
}

/// Folds the 128-bit product of two words into one: two multiplications of it spread every bit of a key
/// everywhere.
///
/// A zero on either side gives zero, so a caller puts something secret or a constant into both (`^ seed`).
@inlinable package func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
}

/// Sixty-four bits for a run of bytes, as for a key: names are looked up by it without making an array of them.
package func hash(_ bytes: RawSpan, seed: UInt64) -> UInt64 {
    var state = mix(seed ^ 0xE703_7ED1_A0B4_28DB, UInt64(bytes.byteCount) ^ 0x8EBC_6AF0_9C88_C6E3)
    var offset = 0
    while bytes.byteCount - offset >= 8 {
        state = mix(bytes.bigEndianUInt64(at: offset) ^ state, seed ^ 0x9E37_79B9_7F4A_7C15)
        offset += 8
    }
    var rest: UInt64 = 0
    while offset < bytes.byteCount {
        rest = rest << 8 | UInt64(bytes.byte(at: offset))
        offset += 1
    }
    return (rest ^ state).hash(seed: seed)
}

extension UInt64: FlatMapKey {
    /// See `FlatMapKey`. The constants are odd, dense in bits and of no other meaning.
    @inlinable package func hash(seed: UInt64) -> UInt64 {
        let first = mix(self ^ seed, 0x9E37_79B9_7F4A_7C15)
        // The second factor is secret too: the first product alone keeps traces of differences in the lowest
        // bits.
        return mix(first ^ 0xD6E8_FEB8_6659_FD93, (seed >> 32 | seed << 32) ^ 0xA076_1D64_78BD_642F)
    }
}

extension UInt32: FlatMapKey {
    /// See `FlatMapKey`.
    @inlinable package func hash(seed: UInt64) -> UInt64 { UInt64(self).hash(seed: seed) }
}

// The address types do not lend their parts to inlined code, so these two are ordinary calls: one a look-up.

extension IPAddress: FlatMapKey {
    /// See `FlatMapKey`.
    package func hash(seed: UInt64) -> UInt64 {
        SocketAddress(ip: self, port: 0).hash(seed: seed)
    }
}

extension SocketAddress: FlatMapKey {
    /// See `FlatMapKey`.
    package func hash(seed: UInt64) -> UInt64 {
        switch ip {
        case .v4(let address):
            return (UInt64(address.rawValue) << 16 | UInt64(port)).hash(seed: seed)
        case .v6(let address):
            let upper = mix(address.high ^ seed, 0xE703_7ED1_A0B4_28DB)
            let lower = mix(address.low ^ upper, seed ^ 0x8EBC_6AF0_9C88_C6E3)
            return (lower ^ UInt64(port)).hash(seed: seed)
        }
    }
}
