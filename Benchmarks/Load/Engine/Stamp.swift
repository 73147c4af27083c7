import CLoad

/// What a datagram carries so that its latency is known when it arrives: the time when it was to leave, and a number of
/// the run by which strays are told.
///
/// Twelve bytes, at the start of a payload or as the transaction ID of a request, which its response repeats.
struct Stamp {
    static let byteCount = 12

    private let run: UInt32

    init(run: UInt32) { self.run = run }

    @inline(__always)
    func write(_ nanoseconds: UInt64, to place: UnsafeMutableRawPointer) {
        unsafe place.storeBytes(of: run, as: UInt32.self)
        unsafe (place + 4).storeBytes(of: nanoseconds, as: UInt64.self)
    }

    /// Nil when it is none of ours.
    @inline(__always)
    func read(from place: UnsafeRawPointer) -> UInt64? {
        guard unsafe place.loadUnaligned(as: UInt32.self) == run else { return nil }
        return unsafe (place + 4).loadUnaligned(as: UInt64.self)
    }
}
