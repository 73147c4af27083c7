import HTTP
import NetworkPrimitives
import WebSocket

/// One TCP connection of a browser or program, from its first byte on.
struct WebConnection: ~Copyable {
    enum Phase: ~Copyable {
        case http(HTTPBox)
        case webSocket(WebSocketConnection)
        /// Everything has been said; what the client still sends is read and dropped until it closes, or its time is
        /// over. Closing at once would make the kernel answer unread bytes with a reset, which can destroy what was
        /// said last.
        case lingering(until: Instant)
        /// The client has closed its side, or was given up: what waits is written if it can be, and that is the end.
        case over
    }

    /// The other end of the TCP connection: a client, or a proxy.
    let remote: IPAddress
    let local: IPAddress
    /// What the port is for that it came to.
    let profile: ListenerProfile
    /// Whose connection it is for the limit of a source; nil while only the proxy is known.
    var countedSource: IPAddress?
    /// Who speaks with its client, once it is a WebSocket.
    private(set) var speaker = Speaker.native
    private var phase: Phase
    /// When the machine of the phase wants to be looked at. Kept beside it, because it is asked for after every
    /// message.
    private var machineDeadline: Instant?
    var outbound = OutboundQueue()
    /// The connection ends once everything is written.
    var closesWhenWritten = false
    /// It is in the list of those that the shell has to look at.
    var isReady = false
    /// When a client that takes nothing is given up; nil while nothing waits.
    var writeDeadline: Instant?

    init(remote: IPAddress, local: IPAddress, profile: ListenerProfile, http: consuming HTTPConnection) {
        self.remote = remote
        self.local = local
        self.profile = profile
        machineDeadline = http.deadline
        phase = .http(HTTPBox(http))
    }

    /// The connection has been upgraded, for this speaker.
    mutating func become(_ webSocket: consuming WebSocketConnection, for speaker: Speaker) {
        self.speaker = speaker
        machineDeadline = webSocket.deadline
        phase = .webSocket(webSocket)
    }

    mutating func linger(until end: Instant) {
        machineDeadline = end
        phase = .lingering(until: end)
    }

    /// The client has closed its side, or was given up.
    mutating func end() {
        machineDeadline = nil
        phase = .over
    }

    /// The phase without what belongs to it.
    enum Stage: Hashable {
        case http, webSocket
        case lingering(until: Instant)
        case over
    }

    var stage: Stage {
        switch phase {
        case .http: .http
        case .webSocket: .webSocket
        case .lingering(let until): .lingering(until: until)
        case .over: .over
        }
    }

    var isWebSocket: Bool { stage == .webSocket }

    /// When the connection wants to be looked at although nothing has come.
    var deadline: Instant? {
        guard let machineDeadline, let writeDeadline else { return machineDeadline ?? writeDeadline }
        return min(machineDeadline, writeDeadline)
    }

    /// Works on the HTTP machine in place; nil when the connection speaks HTTP no more.
    mutating func withHTTP<Result>(_ body: (inout HTTPConnection) -> Result) -> Result? {
        guard let box = phase.http else { return nil }
        defer { machineDeadline = box.connection.deadline }
        return body(&box.connection)
    }

    /// The request that an engine has not answered yet.
    var pendingRequest: PendingRequest? {
        get { phase.http?.pendingRequest }
        set { phase.http?.pendingRequest = newValue }
    }

    /// Works on the WebSocket machine in place; nil when the connection is none, or none any more.
    mutating func withWebSocket<Result>(_ body: (inout WebSocketConnection) -> Result) -> Result? {
        phase.withWebSocket { webSocket in
            defer { machineDeadline = webSocket.deadline }
            return body(&webSocket)
        }
    }
}

/// The HTTP machine, apart from its connection: it is large, and connections that stay for long have left it.
final class HTTPBox {
    var connection: HTTPConnection
    var pendingRequest: PendingRequest?

    init(_ connection: consuming HTTPConnection) { self.connection = connection }
}

extension WebConnection.Phase {
    fileprivate var http: HTTPBox? {
        switch self {
        case .http(let box): box
        case .webSocket: nil
        case .lingering: nil
        case .over: nil
        }
    }

    // The payload is taken out and put back, so that its buffers have one owner while they change.
    fileprivate mutating func withWebSocket<Result>(_ body: (inout WebSocketConnection) -> Result) -> Result? {
        switch consume self {
        case .webSocket(var webSocket):
            let result = body(&webSocket)
            self = .webSocket(webSocket)
            return result
        case .http(let http):
            self = .http(http)
            return nil
        case .lingering(let until):
            self = .lingering(until: until)
            return nil
        case .over:
            self = .over
            return nil
        }
    }
}
