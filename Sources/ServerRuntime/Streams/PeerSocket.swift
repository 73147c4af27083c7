import EventLoop
import LinuxSockets
import TURN

/// A connection to a peer that no client is bound to yet (RFC 6062).
struct PeerSocket: ~Copyable {
    enum Phase {
        case connecting
        /// For ConnectionBind. The peer may send; nobody reads it yet.
        case waiting
    }

    let id: PeerConnectionID
    /// The index of its allocation.
    let allocation: UInt32
    var phase: Phase
    private let socket: TCPConnection
    private(set) var watch = SpliceWatch()

    init(_ id: PeerConnectionID, of allocation: UInt32, _ socket: consuming TCPConnection, _ phase: Phase) {
        self.id = id
        self.allocation = allocation
        self.socket = socket
        self.phase = phase
    }

    /// The poller says writable when connecting has come to something; of one that waits it tells the end alone.
    mutating func watch(as name: StreamName, _ poller: borrowing Poller) -> Bool {
        watch.set(phase == .connecting ? .writable : [], on: socket.raw, .peer(name), poller)
    }

    /// Whether there is a connection, once the poller has said that it came to something.
    mutating func finishConnecting() -> Bool {
        phase = .waiting
        return (try? socket.finishConnecting()) != nil
    }

    consuming func takeSocket() -> TCPConnection { socket }
}
