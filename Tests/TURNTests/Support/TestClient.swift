import NetworkPrimitives
import STUN
import TURN
import Testing

/// A client of the harness. It asks for a nonce when it has none and comes back with a new one after 438, as clients
/// do.
final class TestClient {
    /// What the client proves itself with.
    enum Style {
        /// MD5 key and MESSAGE-INTEGRITY, nothing of RFC 8489: what browsers send.
        case classic
        /// SHA-256 key, MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHMS repeated.
        case modern
    }

    let harness: TURNHarness
    let path: FiveTuple
    var credentials: TestCredentials
    var style = Style.classic
    var usesUserhash = false
    var addsFingerprint = false
    var nonce: [UInt8]?
    /// PASSWORD-ALGORITHMS of the last challenge.
    var offer: [UInt8] = []

    init(
        _ harness: TURNHarness, _ address: SocketAddress, _ server: SocketAddress, _ credentials: TestCredentials,
        over transport: ClientTransport = .udp
    ) {
        self.harness = harness
        self.credentials = credentials
        path = FiveTuple(client: ClientAddress(address), server: server, transport: transport)
    }

    // MARK: - Requests

    /// A message of this client without credentials.
    func bare(
        _ method: STUN.Method, _ messageClass: MessageClass = .request, _ attributes: [Attribute] = [],
        peers: [SocketAddress] = []
    ) -> TestRequest {
        var request = TestRequest(method, messageClass, id: harness.transactionID())
        request.attributes = attributes + peers.map { .peer($0, in: request.id) }
        request.addsFingerprint = addsFingerprint
        return request
    }

    /// A request with credentials and the nonce that the client has.
    func make(_ method: STUN.Method, _ attributes: [Attribute] = [], peers: [SocketAddress] = []) -> TestRequest {
        var request = bare(method, .request, attributes, peers: peers)
        request.attributes.append(
            usesUserhash ? Attribute(.userhash, credentials.userhash) : Attribute(.username, credentials.username))
        request.attributes += [Attribute(.realm, credentials.realm), Attribute(.nonce, nonce ?? [])]
        switch style {
        case .classic: request.protection = .sha1(key: credentials.md5Key)
        case .modern:
            request.attributes += [
                Attribute(.passwordAlgorithms, offer), Attribute(.passwordAlgorithm, [0, 2, 0, 0]),
            ]
            request.protection = .sha256(key: credentials.sha256Key)
        }
        return request
    }

    @discardableResult
    func send(_ request: TestRequest) -> TestResponse? { send(bytes: request.encoded) }

    @discardableResult
    func send(bytes: [UInt8]) -> TestResponse? {
        let response = harness.receive(bytes, on: path)
        if let response {
            #expect(response.path == path, "an answer goes back the way the request came")
            remember(response)
        }
        return response
    }

    /// Asks without credentials, for the nonce.
    @discardableResult
    func challenge(_ method: STUN.Method = .allocate) -> TestResponse? { send(bare(method)) }

    /// Asks as a client does: with credentials, once more after 438.
    @discardableResult
    func request(
        _ method: STUN.Method, _ attributes: [Attribute] = [], peers: [SocketAddress] = []
    ) -> TestResponse? {
        if nonce == nil { challenge(method) }
        let response = send(make(method, attributes, peers: peers))
        guard response?.errorCode == 438 else { return response }
        return send(make(method, attributes, peers: peers))
    }

    private func remember(_ response: TestResponse) {
        guard let nonce = response.nonce else { return }
        self.nonce = nonce
        offer = response[.passwordAlgorithms] ?? []
    }

    // MARK: - Conveniences

    @discardableResult
    func allocate(_ attributes: [Attribute] = []) -> TestResponse? { request(.allocate, [.udp] + attributes) }

    @discardableResult
    func allocateTCP(_ attributes: [Attribute] = []) -> TestResponse? { request(.allocate, [.tcp] + attributes) }

    /// The answer, if there is one at once.
    @discardableResult
    func connect(_ peer: String) -> TestResponse? { request(.connect, peers: [socket(peer)]) }

    @discardableResult
    func bindConnection(_ id: PeerConnectionID) -> TestResponse? {
        request(.connectionBind, [.connection(id.rawValue)])
    }

    @discardableResult
    func refresh(_ seconds: UInt32? = nil, _ attributes: [Attribute] = []) -> TestResponse? {
        request(.refresh, seconds.map { [.lifetime($0)] + attributes } ?? attributes)
    }

    @discardableResult
    func permit(_ peers: String...) -> TestResponse? {
        request(.createPermission, peers: peers.map { SocketAddress(ip: ip($0), port: 0) })
    }

    @discardableResult
    func bind(_ channel: UInt16, _ peer: String) -> TestResponse? {
        request(.channelBind, [.channel(channel)], peers: [socket(peer)])
    }

    /// The relayed address on our network, of an allocation that is there.
    func relay(_ family: AddressFamily = .ipv4) -> SocketAddress? {
        guard let index = harness.routes.allocations.first(where: { $0.value == path })?.key,
            let id = harness.routes.relays[index]?[family]
        else { return nil }
        return harness.sockets[id]
    }

    /// The allocation of this client that relays TCP, and its relayed address on our network.
    var id: AllocationID? { harness.sessions.first { $0.value.fiveTuple == path }?.key }
    var listener: SocketAddress? { harness.listeners.values.first { $0.allocation == id }?.address }

    // MARK: - Data

    func sendIndication(_ data: [UInt8], to peer: String, _ attributes: [Attribute] = []) -> TURNHarness.ClientResult {
        harness.clientSends(
            bare(.send, .indication, [.data(data)] + attributes, peers: [socket(peer)]).encoded, on: path)
    }

    func channelData(_ channel: UInt16, _ data: [UInt8]) -> TURNHarness.ClientResult {
        harness.clientSends(channel.wire + UInt16(data.count).wire + data, on: path)
    }

    /// What this peer's datagram comes to.
    func hears(_ data: [UInt8], from peer: String, _ family: AddressFamily = .ipv4) -> TURNHarness.PeerResult {
        guard let relay = relay(family) else { return .nobodyThere }
        return harness.peerSends(data, from: socket(peer), to: relay)
    }
}
