import Containers
package import JSON
package import NetworkPrimitives
package import Signaling

/// The signaling of `simple-peer-server`, to which `simple-peer-wrapper` comes: whoever is in a mesh is connected with
/// everybody else there. `Docs/Signaling/Dialects/SimplePeer.md` says what clients see.
///
/// The mesh is a room of `Signaling`. Each two of its members have a room of their own within it, by a number, and what
/// they say there is heard by the other one only. Those rooms are kept here beside; they end with one of the two.
package struct SimplePeer: ~Copyable, EventDialect {
    package static let name = "simple-peer"

    package var host: DialectHost
    let settings: SimplePeerSettings
    /// By the index of the handle.
    var pages: SparseArray<Page>

    /// Depth and number of the values in one message.
    static let jsonLimits = JSONLimits(depthMax: 16, valuesMax: 4096)
    /// Whenever somebody comes, the wrapper says something about each that it has met since it was loaded, so it may
    /// say more than others.
    static let paceFactor: UInt32 = 4

    /// Nobody yet. The secret is 32 random bytes that no other machine has.
    package init(settings: SimplePeerSettings, gate: any Gatekeeper, secret: [UInt8]) {
        self.settings = settings
        host = DialectHost(settings: settings.host, gate: gate, secret: secret)
        pages = SparseArray(limit: DialectHost.clientsMax(settings.host))
    }

    package static func begins(with event: JSONValue) -> Bool {
        var elements = event.elements
        return event.count == 1 && elements.next()?.equals("create or join") == true
    }

    // MARK: - Connections

    package mutating func connect(
        _ connection: ConnectionID, _ opening: Opening, name: String, at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal) {
        let client = try host.connect(
            connection, opening, paceFactor: Self.paceFactor, at: now, unixTime: unixTime)
        let mesh = opening.room ?? host.onlyRoom(of: client) ?? settings.defaultRoom
        let page = Page(handle: client, quotedName: SimplePeerText.quoted(name), mesh: mesh)
        pages.insert(page, at: client.index)
        settle(at: now)
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
            case .deliver(.broadcast(_, _, let data), let receivers): host.send(Array(data), to: receivers)
            // Who comes is told by the rooms of two, and who goes is noticed by WebRTC.
            case .deliver, .due: break
            case .renewed(let client, _, let grant): sendOptions(grant, to: client)
            case .lostSeat(let client, _, _, _):
                // A page that is not in the mesh any more has no way back but to be loaded again.
                host.end(client, .removedByOperator, code: DialectCloseCode.policy, reason: "removed", at: now)
            case .ended(let client, _): forget(client)
            }
        }
    }

    /// Whether nobody is here, and nothing is kept about anybody.
    package var isEmpty: Bool { pages.count == 0 && host.liveCounts.participants == 0 }

    // MARK: - Messages

    /// Does what an event asks for.
    private mutating func perform(_ text: [UInt8], _ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        guard let event = try? JSONDocument(parsing: text, limits: Self.jsonLimits).root, event.kind == .array else {
            host.counters.malformed += 1
            return
        }
        var elements = event.elements
        let (name, argument) = (elements.next(), elements.next())
        if name?.equals("sending signal") == true {
            relay(text, in: argument?["room"], from: client)
        } else if name?.equals("initiate peer") == true {
            relay(text, in: argument, from: client)
        } else if name?.equals("message") == true, argument != nil {
            say(text, from: client)
        } else if name?.equals("create or join") == true {
            join(client, at: now, unixTime: unixTime)
        } else if name?.equals("hangup") == true {
            leave(client, at: now)
        } else {
            host.counters.malformed += 1
        }
    }

    /// Passes an event on to the other one of a room of two, as it came.
    private mutating func relay(_ text: [UInt8], in room: JSONValue?, from client: SlabHandle) {
        guard let room, room.kind == .string else {
            host.counters.malformed += 1
            return
        }
        // The wrapper goes on naming the rooms of those who have gone.
        guard let number = SimplePeerText.number(room), let other = pages[client.index].other(in: number) else {
            host.counters.undeliverable += 1
            return
        }
        host.send(text, to: other)
    }

    /// For everybody else in the mesh.
    private mutating func say(_ text: [UInt8], from client: SlabHandle) {
        guard let seat = pages[client.index].seat else {
            host.counters.undeliverable += 1
            return
        }
        // Without the grant to speak it is heard by nobody.
        do { try host.broadcast(from: seat, data: text[...]) } catch { host.counters.undeliverable += 1 }
    }

    // MARK: - The mesh

    private mutating func join(_ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        // Who says it twice is there already.
        guard pages[client.index].seat == nil else { return }
        let mesh = pages[client.index].mesh
        do throws(EntryRefusal) {
            let seat = try host.enter(client, mesh, at: now, unixTime: unixTime)
            // Nobody can be connected with who may not send a signal.
            guard host.admission(of: seat)?.grants.contains(.signal) == true else {
                host.leave(client, seat, at: now)
                throw .admission(.forbidden)
            }
            pages[client.index].seat = seat
        } catch {
            return refuse(client, error, at: now)
        }
        let others = host.residents(of: mesh).map { SlabHandle(rawValue: $0.endpoint.rawValue) }
            .filter { $0 != client }
        meet(others, client, at: now, unixTime: unixTime)
    }

    private mutating func refuse(_ client: SlabHandle, _ refusal: EntryRefusal, at now: Instant) {
        // The wrapper has a word for this one, and the page may ask again.
        if case .room(.roomFull) = refusal {
            return host.send(SimplePeerText.full(pages[client.index].mesh), to: client)
        }
        host.send(SimplePeerText.error("You may not enter this room: \(refusal.code)."), to: client)
        host.end(client, .misbehaviour, code: DialectCloseCode.policy, reason: refusal.code, at: now)
    }

    /// Makes rooms for a client with each of those who were there before.
    private mutating func meet(_ others: [SlabHandle], _ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        var number = others.reduce(pages[client.index].freshNumber) { max($0, pages[$1.index].freshNumber) }
        guard let first = others.first else {
            pages[client.index].vacancy = number
            pages[client.index].note(number)
            return host.send(SimplePeerText.created(number, pages[client.index]), to: client)
        }
        // Those for the newcomer are good for all whom it meets now.
        sendFreshOptions(to: client, at: now, unixTime: unixTime)
        guard others.count > 1 else {
            // The room that was created for it, unless the other one has met somebody in one of that name.
            let vacancy = pages[first.index].vacancy ?? number
            let isFresh = vacancy >= pages[client.index].freshNumber
            return meet(first, client, in: isFresh ? vacancy : number, at: now, unixTime: unixTime)
        }
        for other in others {
            pair(other, client, in: number)
            sendFreshOptions(to: other, at: now, unixTime: unixTime)
            host.send(SimplePeerText.created(number, pages[client.index]), to: client)
            host.send(SimplePeerText.join(number), to: client)
            host.send(SimplePeerText.joined(number, pages[other.index]), to: other)
            number += 1
        }
    }

    /// The first two of a mesh: here it is the older one that calls the other.
    private mutating func meet(
        _ first: SlabHandle, _ second: SlabHandle, in number: Int, at now: Instant, unixTime: UnixTime
    ) {
        pair(first, second, in: number)
        sendFreshOptions(to: first, at: now, unixTime: unixTime)
        host.send(SimplePeerText.join(number), to: first)
        host.send(SimplePeerText.joined(number, pages[second.index]), to: second)
        host.send(SimplePeerText.ready, to: [first, second])
    }

    private mutating func pair(_ one: SlabHandle, _ other: SlabHandle, in number: Int) {
        pages[one.index].pairs.append(Page.Pair(number: number, other: other))
        pages[one.index].vacancy = nil
        pages[one.index].note(number)
        pages[other.index].pairs.append(Page.Pair(number: number, other: one))
        pages[other.index].note(number)
    }

    private mutating func leave(_ client: SlabHandle, at now: Instant) {
        guard let seat = pages[client.index].seat else { return }
        pages[client.index].seat = nil
        unpair(client)
        host.leave(client, seat, at: now)
    }

    private mutating func unpair(_ client: SlabHandle) {
        for pair in pages[client.index].pairs {
            pages[pair.other.index].pairs.removeAll { $0.other == client }
        }
        pages[client.index].pairs = []
        pages[client.index].vacancy = nil
    }

    private mutating func forget(_ client: SlabHandle) {
        guard pages.contains(client.index), pages[client.index].handle == client else { return }
        unpair(client)
        pages.remove(at: client.index)
    }

    // MARK: - Credentials

    /// The wrapper takes the options when it makes a connection, which can be much later than it was told of a room. So
    /// what it was given last is renewed before it runs out.
    private mutating func sendFreshOptions(to client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        guard settings.sendsIceServers, let seat = pages[client.index].seat,
            let grant = host.issue(to: client, for: seat, renews: true, at: now, unixTime: unixTime)
        else { return }
        sendOptions(grant, to: client)
    }

    private mutating func sendOptions(_ grant: CredentialGrant, to client: SlabHandle) {
        host.send(SimplePeerText.options(grant), to: client, isConfidential: true)
    }
}
