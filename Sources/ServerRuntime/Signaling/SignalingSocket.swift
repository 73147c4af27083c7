import EventLoop
import LinuxSockets
import NetworkPrimitives
import Signaling
import WebService

/// A connection of HTTP or WebSocket, and whether the poller looks for room to write.
struct SignalingSocket: ~Copyable {
    let connection: ConnectionID
    var stream: ClientStream
    var watchesWrites = false
    /// The client sends nothing more; the poller would say so again and again.
    var isReadOver = false
    /// Bytes that are encrypted, but not all of them the kernel's: they are reported when they are, so that nobody
    /// believes that all was said and closes the connection.
    private var withheld = 0

    init(connection: ConnectionID, stream: consuming ClientStream) {
        self.connection = connection
        self.stream = stream
    }

    var interest: Poller.Interest {
        var interest: Poller.Interest = []
        if !isReadOver { interest.insert(.readable) }
        if watchesWrites { interest.insert(.writable) }
        return interest
    }

    /// Writes what it can. What was not reported as written must come again, with nothing before it.
    mutating func write(gathering pieces: [ArraySlice<UInt8>], _ workspace: inout TLSWorkspace) -> WriteResult {
        if stream.hasUnsent || withheld > 0 {
            switch stream.flush() {
            case .wrote: break
            case .wouldBlock: return .wouldBlock
            case .failed(let error): return .failed(error)
            }
            let count = withheld
            withheld = 0
            if count > 0 { return .wrote(count) }
        }
        let result = stream.write(gathering: pieces, &workspace)
        guard case .wrote(let count) = result, stream.hasUnsent else { return result }
        withheld = count
        return .wouldBlock
    }
}

/// A connection that speaks HTTP although it came to a listener of TURN, on its way to signaling.
final class SignalingArrival: Sendable {
    private let stream: Locked<ClientStream?>
    /// What the client has said so far.
    let said: [UInt8]
    let remote: IPAddress
    let local: IPAddress

    init(_ stream: consuming ClientStream, said: [UInt8], remote: IPAddress, local: IPAddress) {
        self.stream = Locked(consume stream)
        self.said = said
        self.remote = remote
        self.local = local
    }

    /// The connection, once. Not to take it closes it.
    func take() -> ClientStream? { stream.withLock { $0.take() } }
}

/// A listener in a place that only copyable things can be in.
final class HeldListener: Sendable {
    let listener: TCPListener
    /// Who comes here may also speak HTTP.
    let mayBeHTTP: Bool
    /// Who comes here comes through a proxy, which says for whom (PROXY protocol).
    let expectsProxy: Bool
    /// What whoever speaks HTTP here finds.
    let profile: ListenerProfile

    init(
        _ listener: consuming TCPListener, mayBeHTTP: Bool = false, expectsProxy: Bool = false,
        profile: ListenerProfile = .everything
    ) {
        self.profile = profile
        self.listener = listener
        self.mayBeHTTP = mayBeHTTP
        self.expectsProxy = expectsProxy
    }
}
