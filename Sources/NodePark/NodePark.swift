import Containers
package import JSON
package import NetworkPrimitives
package import Signaling

/// The room server of `node-park` and of the article about it: who joins a room is told who is there, the others are
/// told to make an offer, and offers, answers and whatever else go to the room. `Docs/Signaling/Dialects/NodePark.md`
/// says what clients see.
///
/// The program and the article have different words for coming. A client gets those of the way in which it joined, so
/// that both kinds can be in one room; for going there are both.
package struct NodePark: ~Copyable, EventDialect {
    package var host: DialectHost
    private let sendsIceServers: Bool
    /// By the index of the handle.
    private var guests: SparseArray<NodeParkGuest>

    /// As operators call it.
    package static let name = "node-park"

    /// What goes to the room as it came. The original throws the last two away; pages that send them expect better.
    private static let relayed = ["offer", "answer", "candidate", "message"]
    /// The words of the original, which pages show to people.
    private static let roomIsFull = "房间人数已满，请稍后再试"
    private static let isInRoom = "用户已在房间里"

    /// Nobody yet. The secret is 32 random bytes that no other machine has.
    package init(settings: NodeParkSettings, gate: any Gatekeeper, secret: [UInt8]) {
        sendsIceServers = settings.sendsIceServers
        host = DialectHost(settings: settings.host, gate: gate, secret: secret)
        guests = SparseArray(limit: DialectHost.clientsMax(settings.host))
    }

    /// Whether somebody whose first event this is speaks this dialect: `join` with a room in one of its forms.
    package static func begins(with event: JSONValue) -> Bool {
        guard let event = ApplicationEvent(event), event.name.equals("join") else { return false }
        return NodeParkWish(event) != nil
    }

    /// Takes a socket. The name is what others know it by.
    package mutating func connect(
        _ connection: ConnectionID, _ opening: Opening, name: String, at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal) {
        let client = try host.connect(connection, opening, at: now, unixTime: unixTime)
        guests.insert(NodeParkGuest(handle: client, name: name), at: client.index)
    }

    package mutating func receive(
        _ text: [UInt8], from connection: ConnectionID, at now: Instant, unixTime: UnixTime
    ) {
        if let client = host.receive(byteCount: text.count, from: connection, at: now) {
            perform(text, client, at: now, unixTime: unixTime)
        }
        settle(at: now)
    }

    package mutating func settle(at now: Instant) {
        while let change = host.nextChange() {
            switch change {
            case .deliver(.broadcast(_, _, let text), let receivers): host.send(Array(text), to: receivers)
            // Who comes and goes is told where it happens, to each in the words that it knows.
            case .deliver, .due: break
            case .renewed(let client, _, let grant): sendIceServers(grant, to: client)
            case .lostSeat(let client, _, _, _):
                guests[client.index].place = nil
                host.end(client, .removedByOperator, code: DialectCloseCode.policy, reason: "room closed", at: now)
            case .ended(let client, _): forget(client)
            }
        }
    }

    private mutating func forget(_ client: SlabHandle) {
        guard guests.contains(client.index), guests[client.index].handle == client else { return }
        let guest = guests.remove(at: client.index)
        if let place = guest.place { tellDeparture(of: guest.name, from: place) }
    }

    // MARK: - Events

    /// Does what an event asks for. What is not understood is ignored, as it is by Socket.IO.
    private mutating func perform(_ text: [UInt8], _ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        guard let event = ApplicationEvent(parsing: text) else {
            host.counters.malformed += 1
            return
        }
        if let name = Self.relayed.first(where: { event.name.equals($0) }) {
            relay(name, event, client)
        } else if event.name.equals("join"), let wish = NodeParkWish(event) {
            join(wish, client, at: now, unixTime: unixTime)
        } else if event.name.equals("leave") {
            leaveRoom(client, at: now)
        } else {
            host.counters.malformed += 1
        }
    }

    /// To the room of the sender, whatever it says; but not when it means another one, or speaks as somebody else.
    private mutating func relay(_ name: String, _ event: ApplicationEvent, _ client: SlabHandle) {
        guard let data = event[0] else {
            host.counters.malformed += 1
            return
        }
        guard let place = guests[client.index].place, means(data, place.room, client),
            place.userID == nil || ApplicationEvent.word(data["userId"]).map({ $0 == place.userID }) ?? true
        else {
            host.counters.undeliverable += 1
            return
        }
        let text = ApplicationEvent.text(name, arguments: event.arguments.map(\.rawBytes))
        // Without the grant to speak it is heard by nobody.
        do { try host.broadcast(from: place.seat, data: text[...]) } catch { host.counters.undeliverable += 1 }
    }

    /// Whether data is for a room: it says so, or nothing about it.
    private mutating func means(_ data: JSONValue, _ room: RoomName, _ client: SlabHandle) -> Bool {
        guard let name = ApplicationEvent.word(data["roomId"]) else { return true }
        return host.room(named: name, for: client) == room
    }

    // MARK: - Coming and going

    private mutating func join(_ wish: NodeParkWish, _ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        guard let room = host.room(named: wish.roomName, for: client) else { return fail("bad_name", client) }
        guard wish.byteCount <= host.settings.limits.metadataByteCountMax else {
            host.counters.count(.metadataBytes)
            return fail("metadata_too_long", client)
        }
        guard !isTaken(wish.userID, in: room, for: client, unixTime: unixTime) else {
            return fail(Self.isInRoom, client)
        }
        // A page has one room; who takes another one has left it.
        leaveRoom(client, at: now)
        do {
            let name = guests[client.index].name
            let seat = try host.enter(client, room, name: name, at: now, unixTime: unixTime)
            guests[client.index].place = NodeParkGuest.Place(
                room: room, seat: seat, vocabulary: wish.vocabulary, userID: wish.userID, card: wish.card(of: name))
            if sendsIceServers,
                let grant = host.issue(to: client, for: seat, renews: true, at: now, unixTime: unixTime)
            {
                sendIceServers(grant, to: client)
            }
            tellArrival(of: client)
        } catch {
            if case .room(.roomFull) = error { fail(Self.roomIsFull, client) } else { fail(error.code, client) }
        }
    }

    /// Whether the client, or somebody of the same id, is in the room. Not told to who may not enter.
    private func isTaken(
        _ userID: [UInt8]?, in room: RoomName, for client: SlabHandle, unixTime: UnixTime
    ) -> Bool {
        guard host.seat(of: client, in: room) == nil else { return true }
        guard let userID, host.isOccupied(room), host.mayEnter(client, room, at: unixTime) else { return false }
        return members(of: room).contains { guests[$0.index].place?.userID == userID }
    }

    private mutating func tellArrival(of client: SlabHandle) {
        guard let place = guests[client.index].place else { return }
        let everybody = members(of: place.room)
        switch place.vocabulary {
        // Pages of different versions wait for the one or the other.
        case .program:
            host.send(ApplicationEvent.text("joined", place.card[...]), to: client)
            host.send(ApplicationEvent.text("welcome", place.card[...]), to: client)
        case .article:
            let names = everybody.map { guests[$0.index].name }.joined(separator: ",")
            host.send(ApplicationEvent.text("joined", ApplicationEvent.argument(names)), to: client)
        }
        let others = everybody.filter { $0 != client }
        let readers = others.filter { guests[$0.index].place?.vocabulary == .article }
        let name = ApplicationEvent.argument(guests[client.index].name)
        host.send(ApplicationEvent.text("newUserJoined", name), to: readers)
        let users = others.filter { guests[$0.index].place?.vocabulary == .program }
        host.send(ApplicationEvent.text("welcome", place.card[...]), to: users)
        // Who was there before makes an offer.
        host.send(ApplicationEvent.text("createOffer", place.card[...]), to: users)
    }

    private mutating func leaveRoom(_ client: SlabHandle, at now: Instant) {
        guard let place = guests[client.index].place else { return }
        guests[client.index].place = nil
        host.leave(client, place.seat, at: now)
        tellDeparture(of: guests[client.index].name, from: place)
    }

    private mutating func tellDeparture(of name: String, from place: NodeParkGuest.Place) {
        let others = members(of: place.room)
        guard !others.isEmpty else { return }
        host.send(ApplicationEvent.text("leave", place.card[...]), to: others)
        host.send(ApplicationEvent.text("userLeft", ApplicationEvent.argument(name)), to: others)
    }

    // MARK: - Sending

    private mutating func fail(_ text: String, _ client: SlabHandle) {
        host.send(ApplicationEvent.text("error", ApplicationEvent.argument(text)), to: client)
    }

    private mutating func sendIceServers(_ grant: CredentialGrant, to client: SlabHandle) {
        host.send(ApplicationEvent.text("iceServers", grant.iceServersJSON[...]), to: client, isConfidential: true)
    }

    private func members(of room: RoomName) -> [SlabHandle] {
        host.residents(of: room).map { SlabHandle(rawValue: $0.endpoint.rawValue) }
    }
}
