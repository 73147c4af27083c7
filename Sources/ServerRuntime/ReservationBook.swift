import EventLoop
import LinuxSockets

/// Relay sockets that are held for a RESERVATION-TOKEN (RFC 8656 §7.2). Shared by all workers: the client that redeems
/// a token may have been given to another one.
package final class ReservationBook: Sendable {
    private let held: Locked<[UInt64: HeldSocket]>

    package init() { held = Locked([:]) }

    func hold(_ socket: consuming UDPSocket, as token: UInt64) {
        let box = HeldSocket(socket)
        held.withLock { $0[token] = box }
    }

    /// Gives the socket away; nil when the token is unknown, or was claimed or ended before.
    func take(_ token: UInt64) -> HeldSocket? { held.withLock { $0.removeValue(forKey: token) } }
}

/// A socket in a place that only copyable things can be in. The last reference closes it.
final class HeldSocket: Sendable {
    let socket: UDPSocket
    init(_ socket: consuming UDPSocket) { self.socket = socket }
}
