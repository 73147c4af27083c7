/// What waits to be written to one connection: pieces of bytes in order. An empty queue owns no memory, as most of ten
/// thousand idle connections have one, and a queue of one piece owns nothing but that. Pieces share their bytes with
/// whoever else is sent the same.
struct OutboundQueue {
    /// Bytes that wait.
    private(set) var byteCount = 0
    /// The piece whose turn it is; empty when none waits.
    private var current: [UInt8] = []
    /// Bytes of it that have been written.
    private var written = 0
    /// The pieces behind it, from `first` on.
    private var others: [[UInt8]] = []
    private var first = 0

    /// Pieces that one system call gathers.
    static let gatherMax = 16

    var isEmpty: Bool { byteCount == 0 }
    var pieceCount: Int { isEmpty ? 0 : 1 + others.count - first }

    mutating func append(_ piece: [UInt8]) {
        guard !piece.isEmpty else { return }
        if isEmpty { current = piece } else { others.append(piece) }
        byteCount += piece.count
    }

    /// The next bytes to write, in order.
    var next: [ArraySlice<UInt8>] {
        guard !isEmpty else { return [] }
        var result = [current[written...]]
        for index in first..<min(others.count, first + Self.gatherMax - 1) { result.append(others[index][...]) }
        return result
    }

    /// Forgets what the kernel has taken.
    mutating func consume(_ count: Int) {
        precondition(count <= byteCount, "no more is written than waits")
        byteCount -= count
        var rest = count
        while rest > 0 {
            let left = current.count - written
            if rest < left {
                written += rest
                return
            }
            rest -= left
            advance()
        }
    }

    private mutating func advance() {
        written = 0
        guard first < others.count else {
            current = []
            return
        }
        current = others[first]
        others[first] = []
        first += 1
        if first == others.count {
            others = []
            first = 0
        } else if first >= 64, first * 2 >= others.count {
            // What has gone must not be carried along for ever by a connection that is never quite idle.
            others.removeFirst(first)
            first = 0
        }
    }

    /// Drops what waits; a piece of which some bytes are already out is dropped too, so the connection is of no use
    /// afterwards but to be closed.
    mutating func discard() { self = OutboundQueue() }
}
