/// What a frame to a client is.
package enum StreamFrameKind: Sendable {
    /// An answer, or what else must arrive.
    case control
    /// Relayed data, which datagrams carried so far: what comes late is better not sent.
    case data
}

/// Frames that wait for a client who reads more slowly than they come. Usually empty, and then without memory.
///
/// Data has a limit, at which the oldest goes; answers overtake data and are never dropped, but a client who makes more
/// of them than it reads loses the connection. What the kernel has taken of a frame is followed by the rest of that
/// frame, whatever comes.
package struct StreamQueue: Sendable {
    /// Relayed data that waits. One frame has room whatever its length.
    package static let dataByteCountMax = 131_072
    /// Answers that wait.
    package static let controlByteCountMax = 16_384

    /// What came of `append`.
    package enum Admission: Equatable, Sendable {
        /// The frame waits; so many older ones were dropped for it.
        case queued(dropped: Int)
        /// Too many answers wait.
        case overflow
    }

    /// The rest of a frame of which the kernel has taken a part.
    private var unfinished: ArraySlice<UInt8> = []
    private var control = FrameList()
    private var data = FrameList()

    package init() {}

    package var isEmpty: Bool { unfinished.isEmpty && control.isEmpty && data.isEmpty }

    /// All that waits.
    package var byteCount: Int { unfinished.count + control.byteCount + data.byteCount }

    package mutating func append(_ kind: StreamFrameKind, _ frame: ArraySlice<UInt8>) -> Admission {
        switch kind {
        case .control:
            guard control.byteCount + frame.count <= Self.controlByteCountMax else { return .overflow }
            control.append(frame)
            return .queued(dropped: 0)
        case .data:
            var dropped = 0
            while !data.isEmpty, data.byteCount + frame.count > Self.dataByteCountMax {
                data.removeFirst()
                dropped += 1
            }
            data.append(frame)
            return .queued(dropped: dropped)
        }
    }

    /// Appends the rest of a frame that has been begun; nothing may wait.
    package mutating func resume(_ rest: ArraySlice<UInt8>) {
        precondition(isEmpty, "a frame is begun when the one before it is complete")
        // A copy, because the slice would keep all that it is a part of.
        unfinished = ArraySlice(Array(rest))
    }

    /// What to write, in this order. Few and long.
    package var pieces: [ArraySlice<UInt8>] {
        [unfinished, control.bytes, data.bytes].filter { !$0.isEmpty }
    }

    /// The first frame of them, in a list; empty when there is none.
    package var front: [ArraySlice<UInt8>] {
        guard unfinished.isEmpty else { return [unfinished] }
        return [control.front ?? data.front].compactMap { $0 }
    }

    /// The kernel took so many bytes of the pieces.
    package mutating func wrote(_ count: Int) {
        precondition(count >= 0 && count <= byteCount, "no more than there was")
        let ofUnfinished = min(count, unfinished.count)
        unfinished = unfinished.dropFirst(ofUnfinished)
        guard unfinished.isEmpty else { return }
        unfinished = []
        let ofControl = min(count - ofUnfinished, control.byteCount)
        unfinished = control.consume(ofControl)
        guard unfinished.isEmpty, control.isEmpty else { return }
        unfinished = data.consume(count - ofUnfinished - ofControl)
    }
}

/// Frames one behind the other in one array.
struct FrameList: Sendable {
    private var storage: [UInt8] = []
    private var start = 0
    private var lengths: [Int] = []
    private var first = 0

    var isEmpty: Bool { first == lengths.count }
    var byteCount: Int { storage.count - start }
    var bytes: ArraySlice<UInt8> { storage[start...] }

    var front: ArraySlice<UInt8>? { isEmpty ? nil : storage[start..<start + lengths[first]] }

    mutating func append(_ frame: ArraySlice<UInt8>) {
        storage += frame
        lengths.append(frame.count)
    }

    mutating func removeFirst() {
        start += lengths[first]
        first += 1
        tidy()
    }

    /// Takes `count` bytes from the front; the rest of a frame that they end within is taken too, and returned.
    mutating func consume(_ count: Int) -> ArraySlice<UInt8> {
        var left = count
        while left > 0 {
            let length = lengths[first]
            guard left >= length else {
                let rest = Array(storage[start + left..<start + length])
                removeFirst()
                return ArraySlice(rest)
            }
            left -= length
            removeFirst()
        }
        return []
    }

    /// Gives memory back when nothing is left, and moves what is left to the front when that is less than what is gone.
    private mutating func tidy() {
        if isEmpty {
            self = FrameList()
        } else if start > storage.count / 2 {
            storage.removeFirst(start)
            lengths.removeFirst(first)
            start = 0
            first = 0
        }
    }
}
