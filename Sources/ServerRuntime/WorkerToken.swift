import Containers

/// What the poller says back about a descriptor: which kind it is, and which one.
///
/// ```
///  63      56 55      32 31          0
///  | kind    | descriptor | index     |    index: listener, or allocation
///  | kind    | generation | index     |    of a connection; events outlive it by a round at most
/// ```
enum WorkerToken: Equatable {
    case mailbox
    case listener(Int)
    case relay(descriptor: CInt, allocation: UInt32)
    case streamListener(Int)
    case stream(StreamName)
    /// Where peers connect to an allocation that relays TCP.
    case peerListener(descriptor: CInt, allocation: UInt32)
    /// A connection to a peer that no client is bound to, and the two ends of one that is.
    case peer(StreamName)
    case splicedPeer(StreamName)
    case splicedClient(StreamName)

    init(bits: UInt64) {
        let index = UInt32(truncatingIfNeeded: bits)
        switch bits >> 56 {
        case 1: self = .listener(Int(index))
        case 2: self = .relay(descriptor: CInt(bits >> 32 & 0xFF_FFFF), allocation: index)
        case 3: self = .streamListener(Int(index))
        case 4: self = .stream(StreamName(index: index, generation: UInt32(bits >> 32 & 0xFF_FFFF)))
        case 5: self = .peerListener(descriptor: CInt(bits >> 32 & 0xFF_FFFF), allocation: index)
        case 6: self = .peer(StreamName(index: index, generation: UInt32(bits >> 32 & 0xFF_FFFF)))
        case 7: self = .splicedPeer(StreamName(index: index, generation: UInt32(bits >> 32 & 0xFF_FFFF)))
        case 8: self = .splicedClient(StreamName(index: index, generation: UInt32(bits >> 32 & 0xFF_FFFF)))
        default: self = .mailbox
        }
    }

    var bits: UInt64 {
        switch self {
        case .mailbox: 0
        case .listener(let index): 1 << 56 | UInt64(index)
        case .relay(let descriptor, let allocation): 2 << 56 | UInt64(descriptor) << 32 | UInt64(allocation)
        case .streamListener(let index): 3 << 56 | UInt64(index)
        case .stream(let name): 4 << 56 | name.bits
        case .peerListener(let descriptor, let allocation): 5 << 56 | UInt64(descriptor) << 32 | UInt64(allocation)
        case .peer(let name): 6 << 56 | name.bits
        case .splicedPeer(let name): 7 << 56 | name.bits
        case .splicedClient(let name): 8 << 56 | name.bits
        }
    }
}

/// A connection as the poller names it: its place, and the lower bits of its generation.
struct StreamName: Equatable {
    let index: UInt32
    let generation: UInt32

    init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation & 0xFF_FFFF
    }

    fileprivate var bits: UInt64 { UInt64(generation) << 32 | UInt64(index) }

    init(_ handle: SlabHandle) { self.init(index: handle.index, generation: handle.generation) }
}
