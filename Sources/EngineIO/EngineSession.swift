import Crypto
import NetworkPrimitives
import Signaling

/// One client, over one transport or on its way from polling to a WebSocket.
struct EngineSession {
    enum Transport {
        case polling(Polling)
        case webSocket(WebSocketID)
        /// Closed, with last words for the next poll.
        case lingering(until: Instant)
    }

    /// A client that polls, and may be trying a WebSocket meanwhile.
    struct Polling {
        /// The poll that waits for something to say.
        var poll: RequestID?
        var probe: Probe?
    }

    /// A WebSocket that may become the transport.
    struct Probe {
        let socket: WebSocketID
        let until: Instant
        /// Whether `2probe` came and was answered.
        var isAnswered = false
        /// When a poll that waits is sent away, so that the client can move.
        var noopAt: Instant?
    }

    /// How polls are answered.
    enum PollForm: Hashable {
        /// Text where that is safe, bytes otherwise.
        case textOrBinary
        /// Clients that take nothing but bytes.
        case binary
        /// Clients that take nothing but text.
        case text
        case script(UInt32)
    }

    let secret: Identifier
    let version: EngineVersion
    let pollForm: PollForm
    /// Whether binary messages go out as base 64 even over a WebSocket.
    let wantsBase64: Bool
    let address: IPAddress
    var transport: Transport
    var heartbeat: EngineHeartbeat
    /// What waits for a poll.
    var buffer: [EngineFrame] = []
    var bufferedByteCount = 0

    var isLingering: Bool {
        if case .lingering = transport { true } else { false }
    }

    /// When something has to be done for it.
    var nextDeadline: Instant {
        switch transport {
        case .lingering(let until): until
        case .webSocket: heartbeat.deadline
        case .polling(let polling):
            [polling.probe?.until, polling.probe?.noopAt].reduce(heartbeat.deadline) { min($0, $1 ?? $0) }
        }
    }

    mutating func takeBuffer() -> [EngineFrame] {
        defer {
            buffer = []
            bufferedByteCount = 0
        }
        return buffer
    }
}

/// Who asks whether the other is there depends on the revision: in 4 the server, in 3 the client.
struct EngineHeartbeat {
    private let intervalMilliseconds: UInt32
    private let timeoutMilliseconds: UInt32
    private let serverAsks: Bool
    /// When to ping, or when to give up.
    private(set) var deadline: Instant
    /// Whether an answer is due.
    private var isAsking = false

    init(_ version: EngineVersion, _ settings: EngineSettings, at now: Instant) {
        intervalMilliseconds = settings.pingIntervalMilliseconds
        timeoutMilliseconds = settings.pingTimeoutMilliseconds
        serverAsks = version == .four
        deadline = now
        noteLife(at: now)
    }

    /// The client has answered, or asked: begin anew.
    mutating func noteLife(at now: Instant) {
        isAsking = false
        deadline = now.advanced(byMilliseconds: intervalMilliseconds)
        if !serverAsks { deadline = deadline.advanced(byMilliseconds: timeoutMilliseconds) }
    }

    enum Beat {
        case nothing
        case ping
        case dead
    }

    /// What is due. A deadline that is reached has passed: a client that comes at that very moment comes too late, as
    /// the protocol's own tests want it.
    mutating func beat(at now: Instant) -> Beat {
        guard deadline <= now else { return .nothing }
        guard serverAsks, !isAsking else { return .dead }
        isAsking = true
        // The time to answer begins when the ping was due, so that the sum is exact; but not when we are late.
        let tolerance: UInt64 = 10_000_000
        let start = now.nanoseconds - deadline.nanoseconds <= tolerance ? deadline : now
        deadline = start.advanced(byMilliseconds: timeoutMilliseconds)
        return .ping
    }
}

/// What the query of a request says to us.
struct EngineQuery {
    let sid: String?
    let transport: String?
    private let revision: String?
    private let stamp: String?
    private let script: String?
    let wantsBase64: Bool

    init(_ pairs: [(name: String, value: String)]) {
        var values: [String: String] = [:]
        // The first value counts.
        for (name, value) in pairs where values[name] == nil { values[name] = value }
        sid = values["sid"].flatMap { $0.isEmpty ? nil : $0 }
        transport = values["transport"]
        revision = values["EIO"]
        stamp = values["t"]
        script = values["j"]
        wantsBase64 = values["b64"] != nil
    }

    /// Nothing but 3 and 4 are revisions. The reference takes everything else for 3.
    var version: EngineVersion? {
        switch revision {
        case "3": .three
        case "4": .four
        default: nil
        }
    }

    var isJSONP: Bool { script != nil }

    /// How the session that begins with this request is to be polled; nil for an index that is no number.
    func pollForm(_ version: EngineVersion) -> EngineSession.PollForm? {
        if version == .four { return .text }
        if let script {
            guard script.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return UInt32(script).map { .script($0) }
        }
        if wantsBase64 { return .text }
        return isOldStamp ? .binary : .textOrBinary
    }

    /// Clients up to 1.3 stamp their requests `1795189086758-0`, later ones with other digits. If they could do without
    /// bytes, they would have said `b64`; text they take for an empty answer.
    private var isOldStamp: Bool {
        guard let stamp else { return false }
        let parts = stamp.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].count == 13 && !parts[1].isEmpty
            && parts.allSatisfy { $0.allSatisfy { (0x30...0x39).contains($0) } }
    }
}
