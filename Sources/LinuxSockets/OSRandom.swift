import CLinux

/// Randomness of the kernel, good for nonces, cookies and keys.
///
/// The bytes come through a small buffer per thread that is wiped as it is used. The value itself is empty, so that
/// copies can never hand out the same bytes twice.
package struct OSRandom: RandomNumberGenerator, Sendable {
    package init() {}

    package mutating func next() -> UInt64 {
        var value: UInt64 = 0
        unsafe tern_random_fill(&value, MemoryLayout<UInt64>.size)
        return value
    }

    /// Fills all of `bytes`.
    package mutating func fill(_ bytes: inout MutableRawSpan) {
        unsafe bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe tern_random_fill(start, buffer.count)
        }
    }

    /// `count` fresh bytes.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        fill(&raw)
        return bytes
    }
}
