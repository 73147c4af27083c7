import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN

/// What one worker says to another about a client that moves between them.
enum MobilityMessage: Sendable {
    /// A client has shown a ticket at `worker`. Who has the allocation answers.
    case claim(MobilityClaim, from: Int, attempt: Int)
    case claimAnswered(MobilityClaim, ClaimAnswer, attempt: Int)
    /// The client has shown itself at `worker`: give it its allocation.
    case fetch(MobilityID, for: FiveTuple, from: Int)
    case handOver(Handover)
    /// The client is not coming by this five-tuple.
    case forget(FiveTuple)
}

/// An allocation on its way from one worker to another: all that it is, and its open sockets. Datagrams that come
/// meanwhile wait in those.
struct Handover: Sendable {
    let state: AllocationState
    let burden: RouteBurden
    /// In the order of the state's relays.
    let sockets: [HandedSocket]
    /// Who gave it away.
    let origin: Int
    /// The other worker could not take it: it goes back to where it came from.
    var isReturned = false
}

/// A relay socket and the one beside it that is connected to a single peer.
struct HandedSocket: Sendable {
    let relay: HeldSocket
    let connection: (socket: HeldSocket, peer: SocketAddress)?

    var relayID: RelaySocketID { RelaySocketID(rawValue: relay.socket.raw) }
}

/// Which worker has each allocation whose client may move. Behind a lock that is taken when such an allocation begins,
/// ends or changes worker, and when a ticket of ours is shown; never on a packet.
final class MobilityBook: Sendable {
    private let owners = Locked<[MobilityID: Int]>([:])

    func note(_ mobility: MobilityID, of worker: Int) { owners.withLock { $0[mobility] = worker } }

    /// Does nothing when another worker has it.
    func forget(_ mobility: MobilityID, of worker: Int) {
        owners.withLock { owners in
            guard owners[mobility] == worker else { return }
            owners[mobility] = nil
            // A dictionary keeps its storage; after the last one nothing is to stay.
            if owners.isEmpty { owners = [:] }
        }
    }

    func owner(of mobility: MobilityID) -> Int? { owners.withLock { $0[mobility] } }

    var count: Int { owners.withLock { $0.count } }
}

/// All workers of a server, as one of them sees them.
struct Colleagues: Sendable {
    let mailboxes: [Mailbox<WorkerMessage>]
    let book: MobilityBook

    /// False when the other one is stuck: nothing was said.
    func post(_ message: MobilityMessage, to worker: Int) -> Bool { mailboxes[worker].post(.mobility(message)) }
}
