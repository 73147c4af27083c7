import EventLoop
import TURN

/// Which worker has given which connection id (RFC 6062): ConnectionBind comes on a connection of its own, which the
/// kernel may have given to any of them. Behind a lock that is taken when a connection to a peer begins or ends, and
/// for ConnectionBind, never on a packet.
final class PeerBook: Sendable {
    private let workers = Locked<[PeerConnectionID: Int]>([:])

    func worker(of id: PeerConnectionID) -> Int? { workers.withLock { $0[id] } }

    fileprivate func enter(_ id: PeerConnectionID, _ worker: Int) -> Bool {
        workers.withLock { workers in
            guard workers[id] == nil else { return false }
            workers[id] = worker
            return true
        }
    }

    fileprivate func leave(_ id: PeerConnectionID) {
        workers.withLock { workers in
            workers[id] = nil
            // A dictionary keeps its storage; after the last connection nothing is to stay.
            if workers.isEmpty { workers = [:] }
        }
    }
}

/// The book as one worker writes in it.
final class PeerPage: ConnectionRegister, Sendable {
    private let book: PeerBook
    private let worker: Int

    init(_ book: PeerBook, worker: Int) {
        self.book = book
        self.worker = worker
    }

    func enter(_ id: PeerConnectionID) -> Bool { book.enter(id, worker) }
    func leave(_ id: PeerConnectionID) { book.leave(id) }
}

/// A client's connection on its way to the worker that has the peer it wants to be bound to.
final class HandedStream: Sendable {
    let path: FiveTuple
    /// What the client has said: the ConnectionBind, and what came behind it.
    let said: [UInt8]
    private let stream: Locked<ClientStream?>

    init(_ stream: consuming ClientStream, path: FiveTuple, said: [UInt8]) {
        self.path = path
        self.said = said
        self.stream = Locked(consume stream)
    }

    /// The connection, once. Not to take it closes it.
    func take() -> ClientStream? { stream.withLock { $0.take() } }
}
