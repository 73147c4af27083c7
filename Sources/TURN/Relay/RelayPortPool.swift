package import NetworkPrimitives

/// The ports of one relay address: which are taken, which are free, and which rest after use.
///
/// RFC 8656 §7.2 wants ports from a range without well-known ports, chosen so that nobody can guess the next
/// one (RFC 6056 §3.3.1: at random among all that are free). A released port rests before it is given out
/// again, so that what a peer still sends to the last owner does not reach the next one. The rest yields when
/// nothing else is left: then the port that rests the longest goes first, but never one that has rested for
/// less than a second.
///
/// Memory is 4¼ bytes for each port of the range and 8 for each port at rest.
package struct RelayPortPool: Sendable {
    /// The ports of the pool.
    package let range: ClosedRange<UInt16>
    /// How long a released port rests while others are free.
    package private(set) var quarantineSeconds: UInt32
    /// The free ports in no order: the first `freeCount` places.
    private var free: [UInt16]
    private var freeCount: Int
    /// For each port of the range its place in `free`. Meaningless unless the port is free.
    private var places: [UInt16]
    /// One bit a port, set while it is free; bit 0 of word 0 is the port `base`.
    private var freeBits: [UInt64]
    /// Likewise, set while it is taken. A port in neither is at rest.
    private var takenBits: [UInt64]
    /// A multiple of 64, so that even ports are the even bits and a pair never spans two words.
    private let base: Int
    private var quarantine: RelayPortQuarantine

    /// The shortest rest, even when every other port is taken.
    package static let minimumRestSeconds: UInt32 = 1
    private static let evenBits: UInt64 = 0x5555_5555_5555_5555
    /// How many ports may return from their rest in one call that does not depend on them.
    private static let drainedPerCall = 64
    /// How often to try a random free port before scanning for a suitable one.
    private static let drawsBeforeScan = 8

    /// A pool with every port of the range free.
    package init(range: ClosedRange<UInt16>, quarantineSeconds: UInt32) {
        precondition(range.lowerBound >= 1024, "RFC 8656 §7.2: no well-known ports behind a relay")
        self.range = range
        self.quarantineSeconds = max(quarantineSeconds, Self.minimumRestSeconds)
        free = Array(range)
        freeCount = free.count
        places = (0..<free.count).map { UInt16($0) }
        base = Int(range.lowerBound) & ~63
        let words = (Int(range.upperBound) - base) / 64 + 1
        freeBits = Array(repeating: 0, count: words)
        takenBits = Array(repeating: 0, count: words)
        quarantine = RelayPortQuarantine()
        for port in range { Self.flip(port, in: &freeBits, base: base) }
    }

    /// From now on released ports rest for so long, those that rest already included.
    package mutating func setQuarantine(seconds: UInt32) {
        quarantineSeconds = max(seconds, Self.minimumRestSeconds)
    }

    /// How many ports are in use.
    package var takenCount: Int { range.count - freeCount - quarantine.count }

    /// How many ports rest.
    package var restingCount: Int { quarantine.count }

    /// Takes any port, each of the free ones with the same probability; nil when all are taken or too
    /// recently released.
    package mutating func take<Generator: RandomNumberGenerator>(
        using random: inout Generator, at now: Instant
    ) -> UInt16? {
        drain(at: now)
        if freeCount == 0 {
            guard let port = quarantine.popFirst(restedFor: Self.minimumRestSeconds, at: now) else { return nil }
            Self.flip(port, in: &takenBits, base: base)
            return port
        }
        let port = free[Int.random(in: 0..<freeCount, using: &random)]
        claim(port)
        return port
    }

    /// Takes an even port (EVEN-PORT with R = 0, RFC 8656 §7.2).
    package mutating func takeEven<Generator: RandomNumberGenerator>(
        using random: inout Generator, at now: Instant
    ) -> UInt16? {
        drain(at: now)
        guard let port = select(.even, using: &random) ?? recover(.even, at: now) else { return nil }
        claim(port)
        return port
    }

    /// Takes an even port and the odd one above it (EVEN-PORT with R = 1, RFC 8656 §7.2); the answer is the
    /// even one. Each is released on its own.
    package mutating func takeEvenPair<Generator: RandomNumberGenerator>(
        using random: inout Generator, at now: Instant
    ) -> UInt16? {
        drain(at: now)
        guard let port = select(.pair, using: &random) ?? recover(.pair, at: now) else { return nil }
        claim(port)
        claim(port + 1)
        return port
    }

    /// Gives a taken port back; it rests first.
    package mutating func release(_ port: UInt16, at now: Instant) {
        precondition(isTaken(port), "a port is released once, by whoever took it")
        Self.flip(port, in: &takenBits, base: base)
        quarantine.append(port, releasedAt: now)
    }

    /// Sets a port aside that the kernel refused, because somebody else on this host has it. It rests like a
    /// released one and may be tried again afterwards. The port may be taken or free; at rest it stays as it
    /// is.
    package mutating func markUnusable(_ port: UInt16, at now: Instant) {
        precondition(range.contains(port), "the port came from this pool")
        if isTaken(port) {
            release(port, at: now)
        } else if isFree(port) {
            claim(port)
            release(port, at: now)
        }
    }

    /// Whether the port is in use.
    package func isTaken(_ port: UInt16) -> Bool { range.contains(port) && Self.bit(port, in: takenBits, base: base) }

    // MARK: - Choosing

    private enum Shape { case even, pair }

    /// The even port of a fitting free place. A few random draws come first, because what they find is
    /// uniformly random; the scan from a random start, which favours ports after a gap, only serves a range
    /// that is nearly full.
    private func select<Generator: RandomNumberGenerator>(_ shape: Shape, using random: inout Generator) -> UInt16? {
        guard freeCount > 0 else { return nil }
        for _ in 0..<Self.drawsBeforeScan {
            let drawn = free[Int.random(in: 0..<freeCount, using: &random)]
            switch shape {
            // An odd draw counts for nothing here: its neighbour would be twice as likely as an even port
            // without one.
            case .even: if drawn & 1 == 0 { return drawn }
            case .pair: if fits(drawn & ~1, .pair) { return drawn & ~1 }
            }
        }
        let start = Int.random(in: 0..<freeBits.count * 64, using: &random)
        let firstWord = start >> 6
        let before: UInt64 = 1 << UInt64(start & 63) - 1
        // The first word is visited twice: from the start on, and at the end the part before it.
        for step in 0...freeBits.count {
            let word = (firstWord + step) % freeBits.count
            var candidates = candidates(in: word, shape)
            if step == 0 { candidates &= ~before }
            if candidates != 0 { return UInt16(base + word * 64 + candidates.trailingZeroBitCount) }
        }
        return nil
    }

    private func fits(_ even: UInt16, _ shape: Shape) -> Bool {
        guard isFree(even) else { return false }
        switch shape {
        case .even: return true
        case .pair: return even < range.upperBound && isFree(even + 1)
        }
    }

    private func candidates(in word: Int, _ shape: Shape) -> UInt64 {
        let bits = freeBits[word]
        switch shape {
        case .even: return bits & Self.evenBits
        case .pair: return bits & (bits >> 1) & Self.evenBits
        }
    }

    // MARK: - Resting

    /// Frees ports whose rest is over. Bounded, so that a call after a quiet hour does not pay for all of it;
    /// each call takes at most two ports, so the rest never falls behind.
    private mutating func drain(at now: Instant) {
        for _ in 0..<Self.drainedPerCall {
            guard let port = quarantine.popFirst(restedFor: quarantineSeconds, at: now) else { return }
            makeFree(port)
        }
    }

    /// No free place fits: ends the rest of the oldest ports, one after the other, until one fits. The work
    /// is bounded by the releases, since each of them is undone here at most once.
    private mutating func recover(_ shape: Shape, at now: Instant) -> UInt16? {
        while let port = quarantine.popFirst(restedFor: Self.minimumRestSeconds, at: now) {
            makeFree(port)
            if fits(port & ~1, shape) { return port & ~1 }
        }
        return nil
    }

    // MARK: - Sets

    private mutating func makeFree(_ port: UInt16) {
        Self.flip(port, in: &freeBits, base: base)
        free[freeCount] = port
        places[offset(port)] = UInt16(freeCount)
        freeCount += 1
    }

    /// Moves a port from the free ones to the taken ones; the last free port fills its place.
    private mutating func claim(_ port: UInt16) {
        precondition(isFree(port), "only a free port can be taken")
        Self.flip(port, in: &freeBits, base: base)
        Self.flip(port, in: &takenBits, base: base)
        freeCount -= 1
        let place = places[offset(port)]
        let last = free[freeCount]
        free[Int(place)] = last
        places[offset(last)] = place
    }

    private func offset(_ port: UInt16) -> Int { Int(port) - Int(range.lowerBound) }

    private func isFree(_ port: UInt16) -> Bool { range.contains(port) && Self.bit(port, in: freeBits, base: base) }

    private static func bit(_ port: UInt16, in bits: [UInt64], base: Int) -> Bool {
        let index = Int(port) - base
        return bits[index >> 6] >> UInt64(index & 63) & 1 == 1
    }

    private static func flip(_ port: UInt16, in bits: inout [UInt64], base: Int) {
        let index = Int(port) - base
        bits[index >> 6] ^= 1 << UInt64(index & 63)
    }
}
