/// What waits to be written to one connection: pieces of bytes in order. An empty queue owns no memory, as most of ten
/// thousand idle connections have one. Pieces share their bytes with whoever else is sent the same.
struct OutboundQueue {
    /// Bytes that wait.
    private(set) var byteCount = 0
    private var pieces: [[UInt8]] = []
    /// Pieces before this one have been written.
    private var first = 0
    /// Bytes of the first piece that have been written.
    private var written = 0

    /// Pieces that one system call gathers.
    static let gatherMax = 16

    var isEmpty: Bool { byteCount == 0 }
    var pieceCount: Int { pieces.count - first }

    mutating func append(_ piece: [UInt8]) {
        guard !piece.isEmpty else { return }
        pieces.append(piece)
        byteCount += piece.count
    }

    /// The next bytes to write, in order.
    var next: [ArraySlice<UInt8>] {
        guard first < pieces.count else { return [] }
        var result = [pieces[first][written...]]
        for index in (first + 1)..<max(first + 1, min(pieces.count, first + Self.gatherMax)) {
            result.append(pieces[index][...])
        }
        return result
    }

    /// Forgets what the kernel has taken.
    mutating func consume(_ count: Int) {
        precondition(count <= byteCount, "no more is written than waits")
        byteCount -= count
        var rest = count
        while rest > 0 {
            let left = pieces[first].count - written
            if rest < left {
                written += rest
                return
            }
            rest -= left
            written = 0
            pieces[first] = []
            first += 1
        }
        if first == pieces.count {
            pieces = []
            first = 0
        } else if first >= 64, first * 2 >= pieces.count {
            // What has gone must not be carried along for ever by a connection that is never quite idle.
            pieces.removeFirst(first)
            first = 0
        }
    }

    /// Drops what waits; a piece of which some bytes are already out is dropped too, so the connection is of no use
    /// afterwards but to be closed.
    mutating func discard() {
        pieces = []
        first = 0
        written = 0
        byteCount = 0
    }
}
