import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN

/// What a turn at a splice came to.
enum SpliceTurn: Equatable {
    /// So many bytes were read, to be passed on.
    case moved(Int)
    /// Both ends have said all, or one of them is gone.
    case over
}

/// A peer data connection and the client data connection that belongs to it: what one of them says is passed to the
/// other as it is, the end of what it says as well (RFC 6062 §5.4).
///
/// One end is read while nothing waits for the other, so that what is held here is at most what one read brought. More
/// waits in the kernel, which closes the window of the sender.
struct Splice: ~Copyable {
    let id: PeerConnectionID
    /// The index of its allocation.
    let allocation: UInt32
    /// Who the client's connection counts for.
    let source: IPAddress
    private let peer: TCPConnection
    private var client: ClientStream
    private var toPeer = SpliceBuffer()
    private var toClient = SpliceBuffer()
    private var peerWatch: SpliceWatch
    private var clientWatch = SpliceWatch()
    /// Neither end is read: the allocation has used up its bandwidth.
    var isPaused = false
    var movedAt: Instant

    /// Joins the two. `toPeer` and `toClient` are what waits for either already.
    init(
        _ peer: consuming PeerSocket, _ client: consuming ClientStream, of source: IPAddress, toPeer: [UInt8],
        toClient: [UInt8], at now: Instant
    ) {
        id = peer.id
        allocation = peer.allocation
        peerWatch = peer.watch
        self.peer = peer.takeSocket()
        self.client = client
        self.source = source
        self.toPeer.append(toPeer[...])
        self.toClient.append(toClient[...])
        movedAt = now
    }

    /// One end has said all, the other one has not.
    var isHalfClosed: Bool { toPeer.hasEnded != toClient.hasEnded }

    /// It is over when both ends have been told of the other's end.
    private var turn: SpliceTurn { toPeer.isDone && toClient.isDone ? .over : .moved(0) }

    /// Has the poller look for what both ends are to do next. False when it has no room for that.
    mutating func watch(as name: StreamName, _ poller: borrowing Poller) -> Bool {
        var ofPeer: Poller.Interest = []
        if !isPaused, toClient.mayBeFilled, !client.hasUnsent { ofPeer.insert(.readable) }
        if !toPeer.isEmpty { ofPeer.insert(.writable) }
        var ofClient: Poller.Interest = []
        if !isPaused, toPeer.mayBeFilled { ofClient.insert(.readable) }
        if !toClient.isEmpty || client.hasUnsent { ofClient.insert(.writable) }
        return peerWatch.set(ofPeer.isEmpty ? nil : ofPeer, on: peer.raw, .splicedPeer(name), poller)
            && clientWatch.set(ofClient.isEmpty ? nil : ofClient, on: client.raw, .splicedClient(name), poller)
    }

    /// The last word to the client. What either has not read is its own affair.
    mutating func close(_ workspace: inout TLSWorkspace) { client.close(&workspace) }

    // MARK: - From the peer to the client

    /// Reads the peer once, as much as `room` holds.
    mutating func readPeer(into room: inout MutableRawSpan, _ workspace: inout TLSWorkspace) -> SpliceTurn {
        guard toClient.mayBeFilled else { return .moved(0) }
        switch peer.read(into: &room) {
        case .bytes(let count):
            var written = 0
            switch client.write(room.bytes.extracting(0..<count), ends: [count], &workspace) {
            case .wrote(let count): written = count
            case .wouldBlock: break
            case .failed: return .over
            }
            if written < count { toClient.append(room.bytes.extracting(written..<count)) }
            return .moved(count)
        case .wouldBlock: return .moved(0)
        case .endOfStream:
            toClient.hasEnded = true
            return writeClient(&workspace)
        case .failed: return .over
        }
    }

    /// Writes what waits for the client, and behind it the end, once the peer has ended.
    mutating func writeClient(_ workspace: inout TLSWorkspace) -> SpliceTurn {
        while !toClient.isEmpty {
            // By itself, so that nothing but the buffer holds the bytes when they are taken out.
            let result = client.write(gathering: [toClient.waiting], &workspace)
            switch result {
            case .wrote(let count): toClient.removeFirst(count)
            case .wouldBlock: return .moved(0)
            case .failed: return .over
            }
        }
        switch client.flush() {
        case .wrote: break
        case .wouldBlock: return .moved(0)
        case .failed: return .over
        }
        if toClient.passEnd() { client.shutdownWrites(&workspace) }
        return turn
    }

    // MARK: - From the client to the peer

    /// Reads the client once, and on while the workspace has more of it.
    mutating func readClient(into room: inout MutableRawSpan, _ workspace: inout TLSWorkspace) -> SpliceTurn {
        guard toPeer.mayBeFilled else { return .moved(0) }
        var moved = 0
        while true {
            // A context is for those who begin to speak, and this client has spoken.
            switch client.read(into: &room, &workspace, nil) {
            case .bytes(let count, let more):
                moved += count
                guard passToPeer(room.bytes.extracting(0..<count)) else {
                    workspace.removeAll()
                    return .over
                }
                guard more else { return .moved(moved) }
            case .endOfStream:
                // TLS may have ended with something behind it, which is nobody's.
                workspace.removeAll()
                toPeer.hasEnded = true
                return writePeer() == .over ? .over : .moved(moved)
            case .failed:
                workspace.removeAll()
                return .over
            }
        }
    }

    /// Writes what the peer takes, and has the rest wait. False when the peer is gone.
    private mutating func passToPeer(_ bytes: RawSpan) -> Bool {
        var written = 0
        if toPeer.isEmpty, bytes.byteCount > 0 {
            switch peer.write(bytes) {
            case .wrote(let count): written = count
            case .wouldBlock: break
            case .failed: return false
            }
        }
        if written < bytes.byteCount { toPeer.append(bytes.extracting(written..<bytes.byteCount)) }
        return true
    }

    mutating func writePeer() -> SpliceTurn {
        while !toPeer.isEmpty {
            let result = peer.write(gathering: [toPeer.waiting])
            switch result {
            case .wrote(let count): toPeer.removeFirst(count)
            case .wouldBlock: return .moved(0)
            case .failed: return .over
            }
        }
        if toPeer.passEnd(), (try? peer.shutdownWrites()) == nil { return .over }
        return turn
    }
}

/// What waits for one end of a splice. Without memory while nothing does.
struct SpliceBuffer {
    private var bytes: [UInt8] = []
    private var start = 0
    /// The end that it comes from says no more.
    var hasEnded = false
    /// And the other end has been told so.
    private(set) var isDone = false

    var isEmpty: Bool { start == bytes.count }

    /// Whether the end that it comes from is to be read.
    var mayBeFilled: Bool { isEmpty && !hasEnded }

    var waiting: ArraySlice<UInt8> { bytes[start...] }

    mutating func append(_ more: RawSpan) {
        unsafe more.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func append(_ more: ArraySlice<UInt8>) { bytes += more }

    mutating func removeFirst(_ count: Int) {
        start += count
        guard isEmpty else { return }
        bytes = []
        start = 0
    }

    /// True once, when the other end is to be told of the end.
    mutating func passEnd() -> Bool {
        guard isEmpty, hasEnded, !isDone else { return false }
        isDone = true
        return true
    }
}
