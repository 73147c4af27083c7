import Containers
package import JSON
package import NetworkPrimitives
package import Signaling

/// The server of Google's WebRTC codelab, steps 5 and 6, and of the tutorials that were made of it: a client creates or
/// joins a room, the two who are there are told to begin, and what one of them says is heard by the other.
/// `Docs/Signaling/Dialects/Codelab.md` says what clients see.
///
/// The two steps know different events. Both get all: step 5 has no ear for the argument of `ready`, step 6 none for
/// `join`. The original says `ready` twice in step 6, and thereby makes a page offer nothing; here it is said once.
/// It also knows no rooms but for counting: everybody hears everything. Here only those of the same room do.
package struct Codelab: ~Copyable, EventDialect {
    package var host: DialectHost
    private let settings: CodelabSettings
    /// By the index of the handle.
    private var guests: SparseArray<CodelabGuest>

    /// What the dialect is called.
    package static let name = "codelab"

    /// Nobody yet. The secret is 32 random bytes that no other machine has.
    package init(settings: CodelabSettings, gate: any Gatekeeper, secret: [UInt8]) {
        self.settings = settings
        host = DialectHost(settings: settings.host, gate: gate, secret: secret)
        guests = SparseArray(limit: DialectHost.clientsMax(settings.host))
    }

    /// Whether somebody whose first event this is speaks this dialect: `create or join` with the name of a room.
    package static func begins(with event: JSONValue) -> Bool {
        guard let event = ApplicationEvent(event), event.name.equals("create or join") else { return false }
        return ApplicationEvent.word(event[0]) != nil
    }

    /// Takes a socket. It is told the name, and others may be.
    package mutating func connect(
        _ connection: ConnectionID, _ opening: Opening, name: String, at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal) {
        let client = try host.connect(connection, opening, at: now, unixTime: unixTime)
        let guest = CodelabGuest(handle: client, name: name, localAddress: opening.visitor.localAddress)
        guests.insert(guest, at: client.index)
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
            // Who comes and goes is told where it happens, to each by the name that it gave to the room.
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
        if let place = guests.remove(at: client.index).place { tellBye(in: place.room) }
    }

    // MARK: - Events

    /// Does what an event asks for. What is not understood is ignored, as it is by Socket.IO.
    private mutating func perform(_ text: [UInt8], _ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        guard let event = ApplicationEvent(parsing: text) else {
            host.counters.malformed += 1
            return
        }
        if event.name.equals("message") {
            say(event, client)
        } else if event.name.equals("create or join") {
            enter(event, client, at: now, unixTime: unixTime)
        } else if event.name.equals("ipaddr") {
            tellAddresses(to: client)
        } else if event.name.equals("bye") {
            leave(event, client, at: now)
        } else {
            host.counters.malformed += 1
        }
    }

    /// Nothing is no message: the pages of the tutorials ask it for its type, and fail.
    private mutating func say(_ event: ApplicationEvent, _ client: SlabHandle) {
        guard let message = event[0] else {
            host.counters.malformed += 1
            return
        }
        log(client, "Client said: ", message.rawBytes)
        guard let seat = guests[client.index].place?.seat else {
            host.counters.undeliverable += 1
            return
        }
        let text = ApplicationEvent.text("message", message.rawBytes)
        // Without the grant to speak it is heard by nobody.
        do { try host.broadcast(from: seat, data: text[...]) } catch { host.counters.undeliverable += 1 }
    }

    private mutating func enter(_ event: ApplicationEvent, _ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        guard let word = event[0], let name = ApplicationEvent.word(word) else {
            host.counters.malformed += 1
            return
        }
        guard let room = host.room(named: name, for: client) else { return }
        let wanted = String(decoding: name, as: UTF8.self)
        log(client, "Received request to create or join room \(wanted)")
        // To join twice is to join. The original takes the second time for somebody else's.
        guard host.seat(of: client, in: room) == nil else { return }
        // A page has one room; who takes another one has left it.
        leaveRoom(client, at: now)
        do {
            let seat = try host.enter(client, room, name: guests[client.index].name, at: now, unixTime: unixTime)
            guests[client.index].place = CodelabGuest.Place(room: room, seat: seat, word: Array(word.rawBytes))
            let othersCount = host.memberCount(inRoomOf: seat) - 1
            log(client, "Room \(wanted) now has \(othersCount) client(s)")
            if settings.sendsIceServers,
                let grant = host.issue(to: client, for: seat, renews: true, at: now, unixTime: unixTime)
            {
                sendIceServers(grant, to: client)
            }
            begin(client, in: wanted, isFirst: othersCount == 0)
        } catch {
            if case .room(.roomFull(let capacity)) = error {
                log(client, "Room \(wanted) now has \(capacity) client(s)")
                return host.send(ApplicationEvent.text("full", word.rawBytes), to: client)
            }
            refuse(error, client, at: now)
        }
    }

    /// The client has its place; the room is told to begin when somebody else is there.
    private mutating func begin(_ client: SlabHandle, in wanted: String, isFirst: Bool) {
        let guest = guests[client.index]
        guard let place = guest.place else { return }
        let name = ApplicationEvent.argument(guest.name)
        guard !isFirst else {
            log(client, "Client ID \(guest.name) created room \(wanted)")
            return host.send(ApplicationEvent.text("created", place.word[...], name), to: client)
        }
        log(client, "Client ID \(guest.name) joined room \(wanted)")
        for other in members(of: place.room) where other != client {
            guard let word = guests[other.index].place?.word else { continue }
            host.send(ApplicationEvent.text("join", word[...]), to: other)
            host.send(ApplicationEvent.text("ready", word[...]), to: other)
        }
        host.send(ApplicationEvent.text("joined", place.word[...], name), to: client)
        host.send(ApplicationEvent.text("ready", place.word[...]), to: client)
    }

    /// The only refusal that pages understand is that a room is full; step 6 then goes on to a room of a random name.
    /// Where that would not help the client is told in its console, and sent away so that it does not wait for ever.
    private mutating func refuse(_ refusal: EntryRefusal, _ client: SlabHandle, at now: Instant) {
        host.send(Self.logText(["refused: \(refusal.code)"]), to: client)
        host.end(client, .misbehaviour, code: DialectCloseCode.policy, reason: refusal.code, at: now)
    }

    /// A page says `bye` when it is unloaded. Its seat is free from then on, so that the other one, whose page reloads
    /// when it hears of it, does not find it taken.
    private mutating func leave(_ event: ApplicationEvent, _ client: SlabHandle, at now: Instant) {
        guard let place = guests[client.index].place else { return }
        if let word = ApplicationEvent.word(event[0]), host.room(named: word, for: client) != place.room {
            host.counters.undeliverable += 1
            return
        }
        leaveRoom(client, at: now)
    }

    private mutating func leaveRoom(_ client: SlabHandle, at now: Instant) {
        guard let place = guests[client.index].place else { return }
        guests[client.index].place = nil
        host.leave(client, place.seat, at: now)
        tellBye(in: place.room)
    }

    /// Tells a room that somebody has gone. Pages of step 6 that did not create the room reload, and become its
    /// creators; those of step 5 say so to each other in a message, and have no ear for this.
    private mutating func tellBye(in room: RoomName) {
        for other in members(of: room) {
            guard let word = guests[other.index].place?.word else { continue }
            host.send(ApplicationEvent.text("bye", word[...]), to: other)
        }
    }

    private mutating func tellAddresses(to client: SlabHandle) {
        let addresses =
            settings.publicAddresses.isEmpty ? [guests[client.index].localAddress] : settings.publicAddresses
        for address in addresses {
            host.send(ApplicationEvent.text("ipaddr", ApplicationEvent.argument("\(address)")), to: client)
        }
    }

    private mutating func sendIceServers(_ grant: CredentialGrant, to client: SlabHandle) {
        host.send(ApplicationEvent.text("iceServers", grant.iceServersJSON[...]), to: client, isConfidential: true)
    }

    // MARK: - The log

    private mutating func log(_ client: SlabHandle, _ line: String, _ data: ArraySlice<UInt8>? = nil) {
        switch settings.logPolicy {
        case .off: break
        case .echo: host.send(Self.logText([line], data), to: client)
        }
    }

    /// The argument of `log` is an array for `console.log`.
    private static func logText(_ lines: [String], _ data: ArraySlice<UInt8>? = nil) -> [UInt8] {
        var writer = JSONWriter(reserving: 128)
        writer.beginArray()
        writer.string("Message from server:")
        for line in lines { writer.string(line) }
        if let data { writer.raw(data) }
        writer.endArray()
        return ApplicationEvent.text("log", writer.bytes[...])
    }

    // MARK: - Rooms

    private func members(of room: RoomName) -> [SlabHandle] {
        host.residents(of: room).map { SlabHandle(rawValue: $0.endpoint.rawValue) }
    }
}

/// Somebody who speaks this dialect.
struct CodelabGuest {
    let handle: SlabHandle
    /// As clients are called to each other.
    let name: String
    /// Where it reached the server.
    let localAddress: IPAddress
    var place: Place?

    /// Where it is.
    struct Place {
        let room: RoomName
        let seat: SeatID
        /// The name of the room as this client wrote it, in JSON.
        let word: [UInt8]
    }
}
