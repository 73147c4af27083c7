import Crypto
import NetworkPrimitives
import STUN
import TestSupport

/// A TURN client over UDP, TCP or DTLS, no more than the tests need: requests are repeated until they are answered, and
/// everything else that arrives waits in `inbox`.
final class TURNClient {
    let socket: UDPEndpoint
    /// The connection to the server, in place of the socket.
    private(set) var stream: TCPStream?
    /// The DTLS association with the server, in place of both.
    private(set) var association: DTLSEndpoint?
    let server: SocketAddress
    var username: String
    var password: String
    /// Datagrams that were no answer to a request.
    private(set) var inbox: [[UInt8]] = []
    /// What the last successful Allocate gave.
    var relayed: SocketAddress?

    private var realm: [UInt8] = []
    private var nonce: [UInt8] = []
    private(set) var key: HMACSHA1Key?
    private var generator = SystemRandomNumberGenerator()

    init(
        _ server: SocketAddress, from ip: String? = nil, username: String = "alice", password: String = "secret"
    ) throws {
        self.server = server
        self.username = username
        self.password = password
        let loopback = server.family == .ipv4 ? "127.0.0.1" : "::1"
        socket = try UDPEndpoint(ip ?? loopback)
    }

    /// A client over a connection.
    convenience init(over stream: TCPStream, to server: SocketAddress) throws {
        try self.init(server)
        self.stream = stream
    }

    /// A client over DTLS, whose handshake is complete.
    convenience init(over association: DTLSEndpoint) throws {
        try self.init(association.server)
        self.association = association
    }

    // MARK: - Messages

    private func transmit(_ message: [UInt8]) {
        if let association {
            association.write(message)
            return
        }
        guard let stream else {
            socket.send(message, to: server)
            return
        }
        stream.write(message + [UInt8](repeating: 0, count: -message.count & 3))
    }

    private func receiveMessage(within limit: Duration) -> (bytes: [UInt8], source: SocketAddress)? {
        if let association { return association.read(within: limit).map { ($0, server) } }
        guard let stream else { return socket.receive(within: limit) }
        return stream.readMessage(within: limit).map { ($0, server) }
    }

    // MARK: - Requests

    /// Asks once, without credentials; nil when there is no answer.
    func ask(
        _ method: Method, _ attributes: [Attribute] = [], within limit: Duration = .seconds(2)
    ) -> IncomingMessage? {
        exchange(method, attributes, key: nil, tries: 1, within: limit)
    }

    /// Asks with credentials; a challenge is met once.
    func request(_ method: Method, _ attributes: [Attribute] = []) throws -> IncomingMessage {
        if key == nil, let answer = exchange(method, attributes, key: nil), !learn(answer) { return answer }
        let first = exchange(method, attributes + credentials, key: key)
        guard let first else { throw TestFailure("no answer to \(method) from \(server)") }
        guard first.errorCode == 438, learn(first) else { return first }
        guard let second = exchange(method, attributes + credentials, key: key) else {
            throw TestFailure("no answer to \(method) from \(server)")
        }
        return second
    }

    /// Takes REALM and NONCE of a challenge; false when the answer is none.
    private func learn(_ answer: IncomingMessage) -> Bool {
        guard answer.errorCode == 401 || answer.errorCode == 438, let realm = answer.value(.realm),
            let nonce = answer.value(.nonce)
        else { return false }
        if key == nil || realm != self.realm {
            let text = Array(username.utf8) + [UInt8(ascii: ":")] + realm + [UInt8(ascii: ":")] + Array(password.utf8)
            key = HMACSHA1Key(key: text.withRawSpan { MD5.hash($0).array })
        }
        self.realm = realm
        self.nonce = nonce
        return true
    }

    /// Asks without credentials, to learn what they are to be made of.
    func learnChallenge() { if let answer = exchange(.allocate, [], key: nil) { _ = learn(answer) } }

    /// A request with credentials, for the caller to send.
    func signed(_ method: Method, _ attributes: [Attribute]) -> [UInt8] {
        let id = TransactionID(high: generator.next(), low: generator.next())
        return OutgoingMessage.bytes(MessageType(method, .request), id, attributes + credentials, key: key)
    }

    /// Ends the connection to the server.
    func closeStream() { stream = nil }

    private var credentials: [Attribute] {
        [Attribute(.username, Array(username.utf8)), Attribute(.realm, realm), Attribute(.nonce, nonce)]
    }

    private func exchange(
        _ method: Method, _ attributes: [Attribute], key: HMACSHA1Key?, tries: Int = 5,
        within limit: Duration = .milliseconds(500)
    ) -> IncomingMessage? {
        let id = TransactionID(high: generator.next(), low: generator.next())
        let request = OutgoingMessage.bytes(MessageType(method, .request), id, attributes, key: key)
        // Over a stream nothing is lost, and nobody asks twice (RFC 8489 §6.2.2).
        let (tries, limit) = stream == nil ? (tries, limit) : (1, max(limit, .seconds(5)))
        for _ in 0..<tries {
            transmit(request)
            let deadline = ContinuousClock.now + limit
            while ContinuousClock.now < deadline,
                let (bytes, source) = receiveMessage(within: deadline - ContinuousClock.now)
            {
                if source == server, let answer = IncomingMessage(bytes), answer.transactionID == id { return answer }
                inbox.append(bytes)
            }
        }
        return nil
    }

    /// Signs what follows as somebody else, who has the same password.
    func become(_ name: String) {
        username = name
        key = nil
    }

    // MARK: - TURN

    /// Allocates and expects success.
    @discardableResult
    func allocate(_ attributes: [Attribute] = []) throws -> IncomingMessage {
        let answer = try request(.allocate, [.udpTransport] + attributes)
        guard answer.type == MessageType(.allocate, .success), let address = answer.address(.xorRelayedAddress) else {
            throw TestFailure("Allocate was answered with \(answer.errorCode.map(String.init) ?? "nonsense")")
        }
        // Without a challenge there was nothing to prove.
        if let key, !answer.isAuthentic(key) { throw TestFailure("the answer is not authentic") }
        relayed = address
        return answer
    }

    /// The error code of an Allocate that is to be refused; nil when it succeeds.
    func allocateError(_ attributes: [Attribute] = []) throws -> Int? {
        try request(.allocate, [.udpTransport] + attributes).errorCode
    }

    @discardableResult
    func refresh(_ seconds: UInt32) throws -> IncomingMessage { try request(.refresh, [.lifetime(seconds)]) }

    /// Nil when the permission is there.
    @discardableResult
    func permit(_ peers: SocketAddress...) throws -> Int? {
        try request(.createPermission, peers.map { .peer($0) }).errorCode
    }

    /// Nil when the channel is bound.
    @discardableResult
    func bind(_ number: UInt16, to peer: SocketAddress) throws -> Int? {
        try request(.channelBind, [.channel(number), .peer(peer)]).errorCode
    }

    /// A Send indication.
    func send(_ payload: [UInt8], to peer: SocketAddress, _ more: [Attribute] = []) {
        indicate([.peer(peer), .data(payload)] + more)
    }

    func indicate(_ attributes: [Attribute]) {
        let id = TransactionID(high: generator.next(), low: generator.next())
        transmit(OutgoingMessage.bytes(MessageType(.send, .indication), id, attributes))
    }

    func send(_ payload: [UInt8], onChannel number: UInt16) {
        transmit(OutgoingMessage.channelData(number, payload))
    }

    /// The next datagram that is no answer.
    func receive(within limit: Duration = .seconds(2)) -> [UInt8]? {
        if !inbox.isEmpty { return inbox.removeFirst() }
        return receiveMessage(within: limit)?.bytes
    }

    /// The next Data indication.
    func receiveData(
        within limit: Duration = .seconds(2)
    ) -> (peer: SocketAddress, payload: [UInt8]?, icmp: [UInt8]?)? {
        guard let bytes = receive(within: limit), let message = IncomingMessage(bytes),
            message.type == MessageType(.data, .indication), let peer = message.address(.xorPeerAddress)
        else { return nil }
        return (peer, message.value(.data), message.value(.icmp))
    }

    /// The next payload on a channel.
    func receiveData(onChannel number: UInt16, within limit: Duration = .seconds(2)) -> [UInt8]? {
        guard let bytes = receive(within: limit), bytes.count >= 4, bytes[0] == UInt8(number >> 8),
            bytes[1] == UInt8(number & 0xFF)
        else { return nil }
        let length = Int(bytes[2]) << 8 | Int(bytes[3])
        return bytes.count >= 4 + length ? Array(bytes[4..<4 + length]) : nil
    }
}
