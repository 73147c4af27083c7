/// What the poller says back about a descriptor: which kind it is, and which one.
///
/// ```
///  63      56 55      32 31          0
///  | kind    | descriptor | index     |    index: listener, or allocation
/// ```
enum WorkerToken: Equatable {
    case mailbox
    case listener(Int)
    case relay(descriptor: CInt, allocation: UInt32)

    init(bits: UInt64) {
        let index = UInt32(truncatingIfNeeded: bits)
        switch bits >> 56 {
        case 1: self = .listener(Int(index))
        case 2: self = .relay(descriptor: CInt(bits >> 32 & 0xFF_FFFF), allocation: index)
        default: self = .mailbox
        }
    }

    var bits: UInt64 {
        switch self {
        case .mailbox: 0
        case .listener(let index): 1 << 56 | UInt64(index)
        case .relay(let descriptor, let allocation): 2 << 56 | UInt64(descriptor) << 32 | UInt64(allocation)
        }
    }
}
