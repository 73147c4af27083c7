import Containers
import NetworkPrimitives
import STUN
import TURN

/// A whole server without a kernel: both machines, the ledger, and a shell that does what `Worker` does, with sockets
/// that are entries of a dictionary. Whatever a stranger sends, what is checked here holds.
final class TURNWorld {
    struct Socket {
        let address: SocketAddress
        let allocation: UInt32
    }

    enum Answer {
        case opened(AllocationID, RelaySocketID, SocketAddress)
        case failed(AllocationID, RelayFailure)
    }

    let setup: TURNSetup
    let ledger: TURNLedger
    let members: TURNMembers?
    var server: TURNServer
    var forwarder: RelayForwarder
    var now = Instant(nanoseconds: 1_000_000_000)
    var unixTime = UnixTime(seconds: TURNScene.startOfWallClock)

    private(set) var sockets: [RelaySocketID: Socket] = [:]
    private var held: [UInt64: SocketAddress] = [:]
    private(set) var tokens: [UInt64] = []
    /// What the next attempts to open a relay meet; none is success.
    var failures: [RelayFailure?] = []
    private var answers: [Answer] = []
    private(set) var routes = TURNRoutes()
    private(set) var grants = TURNGrants()
    private var sessions: [AllocationID: [UInt8]] = [:]

    /// Outputs of this step that change something; a request that nobody vouches for may cause none.
    private(set) var effectCount = 0
    /// The request that this step is about, and the answers to it.
    private var asked: (datagram: TURNDatagram, message: STUNMessage?)?
    private var replyCount = 0

    init(_ setup: TURNSetup) {
        self.setup = setup
        ledger = TURNLedger(setup)
        members = setup.hasMembers ? TURNMembers() : nil
        server = TURNServer(
            settings: setup.settings, ledger: ledger, members: members, random: SplitMix64(seed: 2),
            start: Instant(nanoseconds: 0))
        forwarder = RelayForwarder(settings: setup.settings, tableSeed: 3, transactionSeed: 4)
    }

    // MARK: - Inputs

    func receive(_ datagram: TURNDatagram) {
        let path = setup.path(datagram.pathIndex)
        switch forwarder.receiveFromClient(datagram.bytes.span.bytes, on: path, at: now) {
        case .sendToPeer(let peer, let socket, _, let payload, _):
            require(payload.lowerBound >= 0 && payload.upperBound <= datagram.bytes.count, "the payload is received")
            checkSending(to: peer, through: socket, on: path, datagram.bytes)
        case .handToControlPlane: ask(datagram, on: path)
        case .drop: break
        }
        check()
    }

    private func ask(_ datagram: TURNDatagram, on path: FiveTuple) {
        let before = counts
        asked = (datagram, try? STUNMessage(parsing: datagram.bytes.span.bytes))
        (effectCount, replyCount) = (0, 0)
        let answer = answer { server, buffer in
            server.receive(datagram.bytes.span.bytes, on: path, at: now, unixTime: unixTime, reply: buffer)
        }
        // First the deed, then the word.
        drain()
        if let answer { checkReply(answer.bytes, answer.path) }
        require(replyCount <= 1, "a request has one answer")
        let isBelieved = author(of: datagram) != nil || setup.isAnonymous
        if !isBelieved {
            require(effectCount == 0, "nobody unknown makes the server do anything")
            require(before == counts, "nobody unknown takes anything")
        }
        asked = nil
        effectCount = 0
    }

    func receiveFromPeer(_ socket: RelaySocketID, _ peer: SocketAddress, _ payload: [UInt8]) {
        guard let owner = sockets[socket] else { return }
        var headroom = [UInt8](repeating: 0xEE, count: RelayForwarder.headroom)
        let verdict: RelayForwarder.PeerVerdict
        do {
            var span = headroom.mutableSpan
            var bytes = span.mutableBytes
            verdict = forwarder.receiveFromPeer(
                payload.count, from: peer, allocation: owner.allocation, at: now, headroom: &bytes)
        }
        guard case .sendToClient(let path, let frame) = verdict else { return }
        require(frame.header > 0 && frame.header <= headroom.count, "the header lies in the headroom")
        require(routes.paths[owner.allocation] == path, "data goes to the client that owns the relay")
        let byteCount = frame.header + payload.count + frame.padding
        require(!path.transport.isStream || byteCount % 4 == 0, "a frame of a stream ends at a multiple of four")
        let header = Array(headroom.suffix(frame.header))
        let channel = header[0] >= 0x40 ? UInt16(header[0]) << 8 | UInt16(header[1]) : nil
        grants.checkRelaying(path, peer.ip, channel: channel, at: now)
        checkPeer(peer.ip)
    }

    func receiveICMP(_ message: ICMPMessage, allocation: UInt32) {
        reply { server, buffer in server.receiveICMP(message, allocation: allocation, at: now, reply: buffer) }
        drain()
        check()
    }

    /// The connection or the association of a client ends, and what it had with it.
    func disconnect(_ pathIndex: Int) {
        let path = setup.path(pathIndex)
        guard path.transport.provesAddress else { return }
        server.disconnected(path, at: now)
        drain()
        require(routes.allocation(of: path) == nil, "an allocation ends with its connection")
        check()
    }

    /// Signaling puts somebody out: from here on they have nothing and get nothing.
    func revoke(_ scopes: Set<CredentialScope>) {
        guard let members else { return }
        for scope in scopes { members.revoke(scope, at: now, unixTime: unixTime) }
        delete(scopes)
        for username in sessions.values {
            let identity = setup.directory.identity(of: username)
            require(!members.isRevoked(identity), "who is revoked has no allocation")
        }
    }

    /// Has their allocations deleted, as the worker does that is told.
    func delete(_ scopes: Set<CredentialScope>) {
        server.revoke(scopes, at: now)
        drain()
        check()
    }

    /// Who the server may take for the author: nobody who was put out.
    private func author(of datagram: TURNDatagram) -> TURNDatagram.Author? {
        guard let author = datagram.author(at: unixTime) else { return nil }
        let identity = setup.directory.identity(of: TURNScene.people[author.person].name)
        return members?.isRevoked(identity) == true ? nil : author
    }

    func advance(byMilliseconds milliseconds: UInt32) {
        now = now.advanced(byMilliseconds: milliseconds)
        // reason: the script may have set the wall clock to its limit
        unixTime = UnixTime(seconds: unixTime.seconds &+ Int64(milliseconds / 1_000))
        var rounds = 0
        while let deadline = server.nextDeadline, deadline <= now {
            rounds += 1
            require(rounds < 100, "each round at a deadline makes progress")
            server.handleDeadline(at: now)
            drain()
        }
        check()
    }

    // MARK: - The shell

    private func answer(
        _ input: (inout TURNServer, consuming MutableRawSpan) -> Reply?
    ) -> (bytes: [UInt8], path: FiveTuple)? {
        var buffer = [UInt8](repeating: 0xEE, count: TURNServer.replyByteCountMax)
        let reply: Reply?
        do {
            var span = buffer.mutableSpan
            reply = input(&server, span.mutableBytes)
        }
        return reply.map { (Array(buffer[..<$0.byteCount]), $0.path) }
    }

    private func reply(_ input: (inout TURNServer, consuming MutableRawSpan) -> Reply?) {
        if let answer = answer(input) { checkReply(answer.bytes, answer.path) }
    }

    private func drain() {
        while true {
            while let output = server.nextOutput() { perform(output) }
            guard !answers.isEmpty else { return }
            let answer = answers.removeFirst()
            reply { server, buffer in
                switch answer {
                case .opened(let id, let socket, let address):
                    server.relayOpened(id, socket: socket, address: address, at: now, reply: buffer)
                case .failed(let id, let failure): server.relayFailed(id, failure, at: now, reply: buffer)
                }
            }
        }
    }

    private func perform(_ output: Output) {
        switch output {
        case .authenticationFailed, .bindingAnswered, .peerRefused: return
        case .mobility: require(false, "nobody moves who may not")
        case .openRelay(let id, let address, let token): open(id, address, token)
        case .claimReservation(let id, let token):
            guard let address = held[token] else { return answers.append(.failed(id, .noReservation)) }
            if let failure = nextFailure() {
                // Its port is taken, so nothing but resources can be missing.
                _ = failure
                // As the worker does: the token is spent, the port goes back.
                held[token] = nil
                ledger.returnPort(address.port, of: address.ip, wasUsable: true, at: now)
                return answers.append(.failed(id, .outOfResources))
            }
            held[token] = nil
            answers.append(.opened(id, adopt(address, id), address))
        case .endReservation(let token):
            guard let address = held.removeValue(forKey: token) else { return }
            ledger.returnPort(address.port, of: address.ip, wasUsable: true, at: now)
        case .closeRelay(let socket): require(sockets.removeValue(forKey: socket) != nil, "a socket is closed once")
        case .tcp: require(false, "no TCP is relayed where that is off")
        case .route(let change):
            if case .removeAllocation(let allocation) = change, let path = routes.paths[allocation] { grants.end(path) }
            routes.apply(change)
            forwarder.apply(change, at: now)
        case .sessionOpened(let session):
            let earlier = sessions.updateValue(session.username, forKey: session.allocation)
            require(earlier == nil, "a session opens once")
        case .sessionClosed(let session, _):
            require(sessions.removeValue(forKey: session.allocation) != nil, "a session closes once")
            require(
                routes.paths[session.allocation.index] == session.fiveTuple, "a session closes before its routes go")
        }
        effectCount += 1
    }

    private func nextFailure() -> RelayFailure? { failures.isEmpty ? nil : failures.removeFirst() }

    private func open(_ id: AllocationID, _ address: SocketAddress, _ token: UInt64?) {
        require(TURNScene.ports.contains(address.port), "relay ports are those of the operator")
        require(setup.settings.relayAddresses.contains { $0.local == address.ip }, "relay addresses are the operator's")
        if let failure = nextFailure() { return answers.append(.failed(id, failure)) }
        if let token {
            require(address.port % 2 == 0, "a pair begins with an even port")
            requireUnused(address.with(port: address.port + 1))
            held[token] = address.with(port: address.port + 1)
            tokens.append(token)
        }
        answers.append(.opened(id, adopt(address, id), address))
    }

    /// The lowest free number, as the kernel gives it.
    private func adopt(_ address: SocketAddress, _ id: AllocationID) -> RelaySocketID {
        requireUnused(address)
        var raw: Int32 = 10
        while sockets[RelaySocketID(rawValue: raw)] != nil { raw += 1 }
        let socket = RelaySocketID(rawValue: raw)
        sockets[socket] = Socket(address: address, allocation: id.index)
        return socket
    }

    private func requireUnused(_ address: SocketAddress) {
        require(!sockets.values.contains { $0.address == address }, "a port has one owner")
        require(!held.values.contains(address), "a port that is held has no owner")
    }
}

// MARK: - Promises

extension TURNWorld {
    private struct Counts: Equatable {
        let server: [Int]
        let ledger: [Int]
        let sockets: Int
    }

    private var counts: Counts {
        let alive = server.liveCounts
        let (allocations, ports) = ledger.liveCounts
        return Counts(
            server: [alive.allocations, alive.accounts, alive.timers, alive.reservations],
            ledger: [allocations, ports], sockets: sockets.count + held.count)
    }

    /// What holds between any two inputs.
    private func check() {
        let alive = server.liveCounts
        let (claims, ports) = ledger.liveCounts
        require(routes.agrees(with: forwarder.table.liveCounts), "the table holds what the changes said")
        require(alive.allocations == routes.paths.count, "an allocation has a route")
        require(alive.allocations == sessions.count, "an allocation is a session")
        require(alive.allocations == alive.timers, "an allocation has a timer")
        require(alive.accounts <= alive.allocations, "an account has an allocation")
        require(claims == alive.allocations + ledger.reservations.count, "quotas count what is alive")
        require(ledger.reservations.count <= alive.reservations, "a token that counts is one that runs")
        require(ports == sockets.count + held.count, "a port that is taken has a socket")
        require(sockets.count == routes.sockets.values.reduce(0) { $0 + $1.count }, "a socket has a route")
        require(alive.reservations <= setup.settings.limits.reservationsMax, "reservations are limited")
        require(alive.allocations <= setup.settings.limits.allocationsMax, "allocations are limited")
    }

    func checkEmpty() {
        let empty = Counts(server: [0, 0, 0, 0], ledger: [0, 0], sockets: 0)
        require(counts == empty, "in the end nothing is left")
        require(forwarder.table.liveCounts == (0, 0, 0), "in the end there are no routes")
        require(server.nextDeadline == nil, "in the end nothing is awaited")
    }

    private func checkSending(
        to peer: SocketAddress, through socket: RelaySocketID, on path: FiveTuple, _ bytes: [UInt8]
    ) {
        guard let owner = sockets[socket], let allocation = routes.allocation(of: path) else {
            fatalError("broken promise: data leaves by an open socket of an allocation")
        }
        require(owner.allocation == allocation, "data leaves by the relay of its client")
        require(owner.address.family == peer.family, "data leaves by a relay of the peer's family")
        let channel = bytes[0] >= 0x40 ? UInt16(bytes[0]) << 8 | UInt16(bytes[1]) : nil
        grants.checkRelaying(path, peer.ip, channel: channel, at: now)
        require(setup.settings.peerFilter.ports.admits(peer), "ports that are refused are not sent to")
        checkPeer(peer.ip)
    }

    private func checkPeer(_ peer: IPAddress) {
        if case .never = AddressClassifier.classify(peer) { require(false, "nothing is relayed to such a peer") }
        require(setup.settings.peerFilter.decide(peer).isAllowed, "the operator allows each peer")
    }

    private func checkReply(_ bytes: [UInt8], _ path: FiveTuple) {
        guard let response = try? STUNMessage(parsing: bytes.span.bytes) else {
            return checkClassicReply(bytes, path)
        }
        if response.type.messageClass == .indication {
            require(asked == nil && response.type.method == .data, "an ICMP error is told by a Data indication")
            require(routes.paths.values.contains(path), "an ICMP error is told to an owner")
            return
        }
        guard let asked, let request = asked.message else { fatalError("broken promise: only requests are answered") }
        replyCount += 1
        checkWay(path, from: setup.path(asked.datagram.pathIndex), request, response)
        require(request.type.messageClass == .request, "only requests are answered")
        require(response.type.method == request.type.method, "the answer is of the method of the request")
        require(response.transactionID == request.transactionID, "the answer has the request's transaction id")
        require(response.type.messageClass != .request, "an answer is no request")
        if let kind = IntegrityKind(of: response) {
            guard let author = author(of: asked.datagram) else {
                fatalError("broken promise: who is unknown gets no proof")
            }
            require(
                author.key.verifies(response, kind, in: bytes.span.bytes), "the answer is signed with the asker's key")
        } else if !setup.isAnonymous {
            require(!asked.datagram.mustAuthenticate, "who shows credentials that hold is believed")
            require(effectCount == 0, "an answer without proof follows no deed")
            let isBinding = request.type.method == .binding
            require(isBinding || response.type.messageClass == .error, "nobody unknown succeeds")
            require(bytes.count * 10 <= asked.datagram.bytes.count * setup.amplificationTenths, "no amplification")
        }
        if Self.value(of: .alternateServer, in: bytes) != nil { checkRedirection(response, bytes, request, path) }
        guard response.type.messageClass == .success else { return }
        grants.note(request, asked.datagram.bytes, bytes, path, at: now, setup.settings.externalAddresses)
    }

    private func checkClassicReply(_ bytes: [UInt8], _ path: FiveTuple) {
        // Over DTLS the old form is refused in the old form.
        guard let asked, setup.settings.answersClassicBinding || setup.transport == .dtls else {
            fatalError("broken promise: an answer is STUN")
        }
        replyCount += 1
        require(path == setup.path(asked.datagram.pathIndex), "a classic answer goes to who asked")
        require(bytes.count <= 3 * asked.datagram.bytes.count, "a classic answer is short")
        require(bytes[4..<20] == asked.datagram.bytes[4..<20], "a classic answer has the id of its request")
    }
}
