import TURN

/// What clients have sent by a new five-tuple while their allocation was on its way from another worker: a handful of
/// messages each, because that takes a fraction of a millisecond.
struct HeldMessages {
    static let messagesPerPathMax = 16
    static let byteCountMax = 1 << 20

    private var messages: [FiveTuple: [[UInt8]]] = [:]
    private(set) var byteCount = 0

    /// False when there is no room: the message is lost, as any datagram may be.
    mutating func hold(_ message: [UInt8], on path: FiveTuple) -> Bool {
        guard byteCount + message.count <= Self.byteCountMax,
            messages[path, default: []].count < Self.messagesPerPathMax
        else { return false }
        byteCount += message.count
        messages[path, default: []].append(message)
        return true
    }

    /// What was held, in the order in which it came.
    mutating func take(_ path: FiveTuple) -> [[UInt8]] {
        guard let taken = messages.removeValue(forKey: path) else { return [] }
        byteCount -= taken.reduce(0) { $0 + $1.count }
        if messages.isEmpty { messages = [:] }
        return taken
    }
}
