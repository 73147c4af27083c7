import Crypto
import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN

/// Who a client says it is, and how it proves that.
package enum SelftestCredentials: Equatable, Sendable {
    case password(user: String, password: String)
    /// The MD5 key of a user (RFC 8489 §9.2.2), in place of the password.
    case key(user: String, key: [UInt8])
    /// A secret that makes time-limited credentials; the separator stands behind the time.
    case secret(String, separator: UInt8)
    /// Nobody has to prove anything.
    case anonymous
}

/// A client of TURN that asks one thing at a time and waits for the answer.
struct TURNSession: ~Copyable {
    /// A user name and what it is proven with.
    enum Identity {
        case password(user: [UInt8], password: [UInt8])
        case key(user: [UInt8], key: [UInt8])
        case none
    }

    let link: Link
    private let transport: Link.Transport
    private let milliseconds: Int
    private var identity: Identity
    private var realm: [UInt8] = []
    private var nonce: [UInt8] = []
    /// What came of a stream and is no whole message yet.
    private var input: [UInt8] = []
    /// Messages that answered nothing: data of peers.
    private var inbox: [TURNAnswer] = []
    private var random = OSRandom()

    /// Twice as long at each further time (RFC 8489 §6.2.1), and no longer than a person waits.
    private static let firstRetransmission = 300
    private static let inboxMax = 64

    init(
        to destination: Link.Destination, as identity: Identity, milliseconds: Int
    ) throws(LinkFailure) {
        link = try Link(to: destination, milliseconds: milliseconds)
        transport = destination.transport
        self.identity = identity
        self.milliseconds = milliseconds
    }

    // MARK: - Requests

    /// Asks without credentials.
    mutating func ask(_ method: Method, _ attributes: [Attribute] = []) throws(LinkFailure) -> TURNAnswer {
        try exchange(method, attributes, signed: false)
    }

    /// Asks with credentials, once more where the server wants a new nonce (RFC 8489 §9.2.5).
    mutating func request(_ method: Method, _ attributes: [Attribute] = []) throws(LinkFailure) -> TURNAnswer {
        if case .none = identity { return try exchange(method, attributes, signed: false) }
        if nonce.isEmpty {
            let challenge = try exchange(method, attributes, signed: false)
            guard challenge.errorCode == 401, learn(challenge) else { return challenge }
        }
        let answer = try exchange(method, attributes, signed: true)
        guard answer.errorCode == 438, learn(answer) else { return answer }
        return try exchange(method, attributes, signed: true)
    }

    /// Whether credentials hold, on a connection without an allocation: then a Refresh finds none (RFC 8656 §7.2), or
    /// the credentials were refused before.
    mutating func accepts(_ identity: Identity) throws(LinkFailure) -> Bool {
        self.identity = identity
        return try request(.refresh, [.lifetime(0)]).errorCode != 401
    }

    mutating func allocate(_ attributes: [Attribute] = []) throws(LinkFailure) -> TURNAnswer {
        try request(.allocate, [.udpRelay] + attributes)
    }

    /// Nil when the permission is there, else the error.
    mutating func permit(_ ip: IPAddress) throws(LinkFailure) -> Int? {
        let answer = try request(.createPermission, [.peer(SocketAddress(ip: ip, port: 9))])
        return answer.type.messageClass == .success ? nil : answer.errorCode ?? 0
    }

    mutating func release() { _ = try? request(.refresh, [.lifetime(0)]) }

    private mutating func learn(_ answer: TURNAnswer) -> Bool {
        guard let realm = answer.realm, let nonce = answer.nonce, !nonce.isEmpty else { return false }
        self.realm = realm
        self.nonce = nonce
        return true
    }

    // MARK: - Data

    mutating func send(_ payload: [UInt8], to peer: SocketAddress) throws(LinkFailure) {
        let message = bytes(MessageType(.send, .indication), newID(), [.peer(peer), .data(payload)], signed: false)
        try link.send(message, milliseconds: milliseconds)
    }

    /// Waits for this payload of any peer; who it came from.
    mutating func awaitData(_ payload: [UInt8], milliseconds: Int) throws(LinkFailure) -> SocketAddress? {
        let deadline = Clock.monotonic().advanced(byMilliseconds: UInt32(clamping: milliseconds))
        while true {
            if let index = inbox.firstIndex(where: { $0.data == payload }) { return inbox.remove(at: index).peer }
            guard let message = try nextMessage(until: deadline) else { return nil }
            keep(message)
        }
    }

    private mutating func keep(_ message: TURNAnswer) {
        if message.data != nil, inbox.count < Self.inboxMax { inbox.append(message) }
    }

    // MARK: - Exchanges

    private mutating func exchange(
        _ method: Method, _ attributes: [Attribute], signed: Bool
    ) throws(LinkFailure) -> TURNAnswer {
        let id = newID()
        let request = bytes(MessageType(method, .request), id, attributes, signed: signed)
        let end = Clock.monotonic().advanced(byMilliseconds: UInt32(clamping: milliseconds))
        var interval = Self.firstRetransmission
        while true {
            try link.send(request, milliseconds: milliseconds)
            // Nothing is lost of a stream, and nobody asks twice there (RFC 8489 §6.2.2).
            let next = Clock.monotonic().advanced(byMilliseconds: UInt32(interval))
            let until = transport.isDatagrams ? min(next, end) : end
            while let message = try nextMessage(until: until) {
                if message.transactionID == id { return message }
                keep(message)
            }
            guard transport.isDatagrams, Clock.monotonic() < end else { throw .timedOut }
            interval = min(interval * 2, milliseconds)
        }
    }

    /// Nil when nothing came in time.
    private mutating func nextMessage(until deadline: Instant) throws(LinkFailure) -> TURNAnswer? {
        while true {
            if let message = takeMessage() { return message }
            // Rounded up: what is left of a millisecond is waited for as well.
            let left = Int((deadline.nanoseconds(since: Clock.monotonic()) + 999_999) / 1_000_000)
            guard left > 0 else { return nil }
            do throws(LinkFailure) {
                let piece = try link.receive(milliseconds: left)
                guard !piece.isEmpty || transport.isDatagrams else { throw LinkFailure.reset }
                if transport.isDatagrams { input = [] }
                input += piece
            } catch {
                guard case .timedOut = error else { throw error }
                return nil
            }
        }
    }

    private mutating func takeMessage() -> TURNAnswer? {
        guard input.count >= 4 else { return nil }
        // Nothing else comes than STUN: no channel is bound. What it is instead is thrown away, and the answer missed.
        let length = STUNMessage.headerByteCount + (Int(input[2]) << 8 | Int(input[3]))
        guard input[0] < 0x40 else {
            input = []
            return nil
        }
        guard input.count >= length else { return nil }
        let message = TURNAnswer(Array(input.prefix(length)))
        input.removeFirst(length)
        return message
    }

    private mutating func newID() -> TransactionID {
        TransactionID(high: UInt32(truncatingIfNeeded: random.next()), low: random.next())
    }

    // MARK: - Bytes

    private func bytes(
        _ type: MessageType, _ id: TransactionID, _ attributes: [Attribute], signed: Bool
    ) -> [UInt8] {
        let room = attributes.reduce(1200 + realm.count + nonce.count + userName.count) { $0 + $1.byteCountMax }
        var buffer = [UInt8](repeating: 0, count: room)
        var span = buffer.mutableSpan
        var writer = MessageWriter(into: unsafe span.mutableBytes, type: type, transactionID: id)
        for attribute in attributes {
            switch attribute {
            case .udpRelay: writer.append(.requestedTransport, UInt32(17) << 24)
            case .family(let family): writer.append(.requestedAddressFamily, UInt32(family.rawValue) << 24)
            case .lifetime(let seconds): writer.append(.lifetime, seconds)
            case .peer(let peer): writer.appendXORAddress(.xorPeerAddress, peer)
            case .data(let bytes): writer.append(.data, bytes)
            }
        }
        if signed {
            writer.append(.username, userName)
            writer.append(.realm, realm)
            writer.append(.nonce, nonce)
            writer.appendMessageIntegrity(key)
        }
        let count = writer.finish()
        return Array(buffer[..<count])
    }

    private var userName: [UInt8] {
        switch identity {
        case .password(let user, _), .key(let user, _): user
        case .none: []
        }
    }

    private var key: HMACSHA1Key {
        switch identity {
        case .password(let user, let password):
            let text = user + [UInt8(ascii: ":")] + realm + [UInt8(ascii: ":")] + password
            return HMACSHA1Key(key: text.withRawSpan { MD5.hash($0).array })
        case .key(_, let key): return HMACSHA1Key(key: key)
        case .none: return HMACSHA1Key(key: [])
        }
    }

    /// What a request says.
    enum Attribute {
        case udpRelay
        case family(AddressFamily)
        case lifetime(UInt32)
        case peer(SocketAddress)
        case data([UInt8])

        fileprivate var byteCountMax: Int {
            if case .data(let bytes) = self { bytes.count + 8 } else { 24 }
        }
    }
}
