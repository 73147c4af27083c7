import Containers
import JSON
package import NetworkPrimitives
package import Signaling

/// PeerServer, to which clients of PeerJS come: each has an id, and sends offers, answers and candidates to others by
/// theirs. `Docs/Signaling/Dialects/PeerJS.md` says what clients see.
///
/// The key of a client is a token of the gate, or one of a few keys that strangers may use; both are checked on HTTP
/// too. Ids live in the room that path, token or settings say. Rooms have no ids that their members choose, and nobody
/// waits in them who is not there, so who has which id is kept here beside.
package struct PeerJSServer: ~Copyable, Dialect {
    package var host: DialectHost
    let settings: PeerJSSettings
    /// By the index of the handle.
    var peers: SparseArray<Peer>
    var peerByName: FlatMap<PeerName, SlabHandle>
    var queues: Slab<OfflineQueue>
    var queueByName: FlatMap<PeerName, SlabHandle>
    /// Queues in the order of their ends, which is that of their beginnings.
    var queueOrder: RingQueue<SlabHandle>
    var queuedCount = 0
    var queuedByteCount = 0
    var ids: IdentifierSource
    /// What happened beside what all dialects count.
    package internal(set) var peerCounters = PeerJSCounters()

    static let jsonLimits = JSONLimits(depthMax: 16, valuesMax: 4096)
    /// Members of the message itself; clients send three.
    static let membersMax = 16

    /// Nobody yet. The secret is 32 random bytes that no other machine has.
    package init(settings: PeerJSSettings, gate: any Gatekeeper, secret: [UInt8]) {
        self.settings = settings
        host = DialectHost(settings: settings.host, gate: gate, secret: secret)
        ids = IdentifierSource(secret: secret, purpose: 6)
        var seeds = IdentifierSource(secret: secret, purpose: 7)
        let clientsMax = DialectHost.clientsMax(settings.host)
        peers = SparseArray(limit: clientsMax)
        peerByName = FlatMap(seed: seeds.next().high, limit: clientsMax)
        let queuesMax = min(max(0, settings.limits.queuedMax), 1 << 24)
        queues = Slab(limit: queuesMax)
        queueByName = FlatMap(seed: seeds.next().high, limit: queuesMax)
        queueOrder = RingQueue(limit: 2 * queuesMax)
    }

    // MARK: - Connections

    /// Takes a connection. What is wrong with its query is told in the words of the dialect, behind the upgrade, as the
    /// client shows those to the page.
    package mutating func connect(
        _ connection: ConnectionID, visitor: Visitor, room: RoomName?, _ query: PeerJSQuery, at now: Instant,
        unixTime: UnixTime
    ) throws(OpeningRefusal) {
        defer { settle(at: now) }
        guard !query.id.isEmpty, !query.token.isEmpty, !query.key.isEmpty else {
            return dismiss(connection, PeerJSText.missing)
        }
        guard isID(query.id), query.token.utf8.count <= settings.limits.tokenByteCountMax else {
            peerCounters.badIDs += 1
            return dismiss(connection, PeerJSText.invalidID)
        }
        let isToken = !settings.keys.contains(query.key)
        let opening = Opening(visitor: visitor, token: isToken ? Array(query.key.utf8) : nil)
        let client: SlabHandle
        do { client = try host.connect(connection, opening, at: now, unixTime: unixTime) } catch {
            switch error {
            case .draining: throw error
            case .full: return dismiss(connection, PeerJSText.full)
            case .admission:
                peerCounters.refusedKeys += 1
                return dismiss(connection, PeerJSText.invalidKey)
            }
        }
        let place = room ?? host.onlyRoom(of: client) ?? settings.defaultRoom
        register(query, as: client, in: place, at: now, unixTime: unixTime)
    }

    private mutating func dismiss(_ connection: ConnectionID, _ text: [UInt8]) {
        host.dismiss(connection, text: text, code: DialectCloseCode.normal, reason: "")
    }

    /// What the client itself takes for an id, and a little more: letters, digits and marks that need no escapes.
    private func isID(_ id: String) -> Bool {
        id.utf8.count <= settings.limits.idByteCountMax
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "<"), UInt8(ascii: ">"):
                    false
                default: (0x20..<0x7F).contains(byte)
                }
            }
    }

    private mutating func register(
        _ query: PeerJSQuery, as client: SlabHandle, in room: RoomName, at now: Instant, unixTime: UnixTime
    ) {
        let id = Array(query.id.utf8)
        let name = PeerName(id, in: room)
        if let present = peerByName[name], isSame(client, query, present) {
            // The page came again before we noticed that it had gone, which is a common way to come.
            peerCounters.takeovers += 1
            forgetName(of: present)
            host.end(present, .replaced, code: DialectCloseCode.normal, reason: "replaced", at: now)
        }
        let seat: SeatID
        do { seat = try host.enter(client, room, name: query.id, at: now, unixTime: unixTime) } catch {
            if case .admission = error { peerCounters.refusedKeys += 1 }
            return end(client, with: Self.text(for: error), at: now)
        }
        // Only who may be in the room learns that an id is taken.
        guard peerByName[name] == nil else {
            peerCounters.idsTaken += 1
            return end(client, with: PeerJSText.idTaken, at: now)
        }
        peerByName.insert(client, for: name)
        let peer = Peer(
            handle: client, name: name, id: id, token: Array(query.token.utf8), room: room, seat: seat,
            lastHeardAt: now)
        peers.insert(peer, at: client.index)
        if settings.aliveSeconds > 0 { host.setDue(client, at: now.advanced(bySeconds: settings.aliveSeconds)) }
        host.send(PeerJSText.open, to: client)
        deliverQueue(to: client, name)
    }

    /// Whether who comes is who is there: it has the same secret, or is the same person by the gate.
    private func isSame(_ client: SlabHandle, _ query: PeerJSQuery, _ present: SlabHandle) -> Bool {
        if let identity = host.identity(of: client), identity == host.identity(of: present) { return true }
        let (own, theirs) = (Array(query.token.utf8), peers[present.index].token)
        guard own.count == theirs.count else { return false }
        // In a time that does not tell how much of a guess was right.
        return zip(own, theirs).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func text(for refusal: EntryRefusal) -> [UInt8] {
        switch refusal {
        case .room(.roomFull), .room(.tooManyRooms), .tooManyStrangers, .tooManySeats: PeerJSText.full
        case .admission, .room: PeerJSText.invalidKey
        }
    }

    private mutating func end(_ client: SlabHandle, with text: [UInt8], at now: Instant) {
        host.send(text, to: client)
        host.end(client, .misbehaviour, code: DialectCloseCode.normal, reason: "", at: now)
    }

    /// Whether nobody is here, and nothing is kept about or for anybody.
    package var isEmpty: Bool {
        peers.count == 0 && peerByName.count == 0 && queues.count == 0 && queueByName.count == 0 && queuedCount == 0
            && queuedByteCount == 0 && host.liveCounts.participants == 0
    }

    // MARK: - Changes

    package mutating func settle(at now: Instant) {
        while let change = host.nextChange() {
            switch change {
            // Nobody is told who comes and goes, and what is said goes to one.
            case .deliver, .renewed: break
            case .due(let client): checkLife(of: client, at: now)
            case .lostSeat(let client, _, _, _):
                host.end(client, .removedByOperator, code: DialectCloseCode.policy, reason: "removed", at: now)
            case .ended(let client, _): forget(client)
            }
        }
    }

    /// A client may have been heard since the time was set.
    private mutating func checkLife(of client: SlabHandle, at now: Instant) {
        guard host.isHere(client), peers.contains(client.index) else { return }
        let until = peers[client.index].lastHeardAt.advanced(bySeconds: settings.aliveSeconds)
        guard until <= now else { return host.setDue(client, at: until) }
        peerCounters.silent += 1
        host.end(client, .timeout, code: DialectCloseCode.policy, reason: "no heartbeat", at: now)
    }

    private mutating func forget(_ client: SlabHandle) {
        guard peers.contains(client.index), peers[client.index].handle == client else { return }
        forgetName(of: client)
        peers.remove(at: client.index)
    }

    /// An id that another client has taken over stays with that one.
    private mutating func forgetName(of client: SlabHandle) {
        let name = peers[client.index].name
        if peerByName[name] == client { peerByName.remove(name) }
    }

    // MARK: - Time

    package var nextDeadline: Instant? {
        let expiry = queueOrder.first.map { queues.contains($0) ? queues[$0].expiresAt : .zero }
        return [host.nextDeadline, expiry].compactMap { $0 }.min()
    }

    package mutating func handleDeadline(at now: Instant, unixTime: UnixTime) {
        expireQueues(at: now)
        host.handleDeadline(at: now, unixTime: unixTime)
        settle(at: now)
    }
}
