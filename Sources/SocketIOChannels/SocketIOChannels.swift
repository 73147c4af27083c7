import Containers
package import JSON
package import NetworkPrimitives
package import Signaling

/// Channels as Muaz Khan's `socketio-over-nodejs` knows them, for clients of Socket.IO from 1.0 on: a page announces a
/// channel and itself on the socket of the root, and connects to the channel as a namespace; what it says there is
/// heard by all others in it. `Docs/Signaling/Dialects/SocketIOChannels.md` says what clients see.
///
/// From client 1.7 on the socket of the root is a connection of its own, so that its announcement comes after the page
/// has connected to the channel and said the first things there. So nothing depends on it: who connects to a namespace
/// is in the channel, and who speaks there is a sender.
///
/// A socket of a namespace has the namespace as the room of its opening. It may never say anything, so it is to be
/// connected here as soon as its channel is known: at once when `knows` says so, else when `takeAnnounced` names it.
package struct SocketIOChannels: ~Copyable, EventDialect {
    package var host: DialectHost
    private let settings: SocketIOChannelsSettings
    /// By the index of the handle.
    private var guests: SparseArray<ChannelGuest>
    private var channels: Slab<AnnouncedChannel>
    private var channelByRoom: FlatMap<RoomName, SlabHandle>
    /// When channels without anybody are forgotten, by their index.
    private var expiries: TimerWheel
    private var newlyAnnounced: [RoomName] = []

    /// As operators call it.
    package static let name = "socketio-channels"

    /// Nobody yet. The secret is 32 random bytes that no other machine has.
    package init(settings: SocketIOChannelsSettings, gate: any Gatekeeper, secret: [UInt8]) {
        self.settings = settings
        host = DialectHost(settings: settings.host, gate: gate, secret: secret)
        guests = SparseArray(limit: DialectHost.clientsMax(settings.host))
        let channelsMax = min(max(0, settings.host.limits.roomsMax), 1 << 28)
        var seeds = IdentifierSource(secret: secret, purpose: 7)
        channels = Slab(limit: channelsMax)
        channelByRoom = FlatMap(seed: seeds.next().high, limit: channelsMax)
        expiries = TimerWheel(start: .zero)
    }

    /// Whether somebody whose first event this is speaks this dialect: `new-channel` and `presence`, and in the
    /// namespace of a channel `message` with a sender.
    package static func begins(with event: JSONValue) -> Bool {
        guard let event = ApplicationEvent(event), let first = event[0] else { return false }
        if event.name.equals("new-channel") { return ApplicationEvent.word(first["channel"]) != nil }
        if event.name.equals("presence") { return ApplicationEvent.word(first) != nil }
        return event.name.equals("message") && ApplicationEvent.word(first["sender"]) != nil && first["data"] != nil
    }

    // MARK: - Channels

    /// Whether a channel was announced, and is not forgotten.
    package func knows(_ room: RoomName) -> Bool { channelByRoom[room] != nil }

    /// The channels that have become known since the last call. Sockets that wait in their namespaces can be connected.
    package mutating func takeAnnounced() -> [RoomName] {
        defer { newlyAnnounced = [] }
        return newlyAnnounced
    }

    /// How many channels are known.
    package var knownCount: Int { channels.count }

    // MARK: - Inputs

    /// Takes a socket: of the root, or, with a room, of the namespace of a channel, which it enters.
    package mutating func connect(
        _ connection: ConnectionID, _ opening: Opening, name: String, at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal) {
        let client = try host.connect(connection, opening, at: now, unixTime: unixTime)
        guests.insert(ChannelGuest(handle: client, channel: opening.room), at: client.index)
        enter(client, at: now, unixTime: unixTime)
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
            case .deliver(.broadcast(_, _, let text), let receivers): host.send(Array(text), to: receivers)
            case .deliver, .due: break
            case .renewed(let client, _, let grant): sendIceServers(grant, to: client)
            case .lostSeat(let client, _, _, _):
                host.end(
                    client, .removedByOperator, code: DialectCloseCode.policy, reason: "channel closed", at: now)
            case .ended(let client, _): forget(client, at: now)
            }
        }
    }

    private mutating func forget(_ client: SlabHandle, at now: Instant) {
        guard guests.contains(client.index), guests[client.index].handle == client else { return }
        let guest = guests.remove(at: client.index)
        guard guest.seat != nil, let room = guest.channel, let channel = channelByRoom[room] else { return }
        for index in channels[channel].senders.indices where channels[channel].senders[index].socket == client {
            channels[channel].senders[index].socket = nil
        }
        expire(channel, at: now)
        guard let userName = guest.userName else { return }
        host.send(ApplicationEvent.text("user-left", userName[...]), to: members(of: room))
    }

    // MARK: - Time

    package var nextDeadline: Instant? { [host.nextDeadline, expiries.nextDeadline].compactMap { $0 }.min() }

    package mutating func handleDeadline(at now: Instant, unixTime: UnixTime) {
        for _ in 0..<256 {
            guard let index = expiries.popExpired(at: now) else { break }
            guard let channel = channels.handle(at: index) else { continue }
            let room = channels[channel].room
            guard !host.isOccupied(room) else {
                expire(channel, at: now)
                continue
            }
            _ = channels.remove(channel)
            channelByRoom.remove(room)
        }
        host.handleDeadline(at: now, unixTime: unixTime)
        settle(at: now)
    }

    /// Gives a channel its time once more, at whose end it has to be in use.
    private mutating func expire(_ channel: SlabHandle, at now: Instant) {
        expiries.schedule(channel.index, at: now.advanced(bySeconds: max(1, settings.limits.emptySeconds)))
    }

    // MARK: - Events

    /// Does what an event asks for. What is not understood is ignored, as it is by Socket.IO.
    private mutating func perform(_ text: [UInt8], _ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        guard let event = ApplicationEvent(parsing: text), let first = event[0] else {
            host.counters.malformed += 1
            return
        }
        if event.name.equals("message") {
            say(first, client)
        } else if event.name.equals("new-channel"), guests[client.index].channel == nil {
            announce(first, client, at: now, unixTime: unixTime)
        } else if event.name.equals("presence"), guests[client.index].channel == nil {
            tellPresence(first, client, unixTime: unixTime)
        } else {
            host.counters.malformed += 1
        }
    }

    private mutating func announce(_ data: JSONValue, _ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        guard let name = ApplicationEvent.word(data["channel"]), let sender = ApplicationEvent.word(data["sender"]),
            (1...settings.limits.senderByteCountMax).contains(sender.count)
        else {
            host.counters.malformed += 1
            return
        }
        guard let room = host.room(named: name, for: client) else { return }
        guard host.mayEnter(client, room, at: unixTime) else {
            host.counters.refusedByGate += 1
            return
        }
        guard mayAnnounce(room, client), let channel = channelByRoom[room] ?? open(room) else { return }
        if !host.isOccupied(room) { channels[channel].wasEntered = false }
        add(sender, of: client, to: channel)
        expire(channel, at: now)
    }

    /// Whether the socket announces no more channels than it may.
    private mutating func mayAnnounce(_ room: RoomName, _ client: SlabHandle) -> Bool {
        guard !guests[client.index].announced.contains(room) else { return true }
        if guests[client.index].announced.count >= host.settings.limits.roomsPerSessionMax {
            let known = guests[client.index].announced.filter { knows($0) }
            guests[client.index].announced = known
        }
        guard guests[client.index].announced.count < host.settings.limits.roomsPerSessionMax else {
            host.counters.count(.roomsPerSession)
            return false
        }
        guests[client.index].announced.append(room)
        return true
    }

    /// A channel that becomes known.
    private mutating func open(_ room: RoomName) -> SlabHandle? {
        guard let channel = channels.insert(AnnouncedChannel(room: room)) else {
            host.counters.count(.rooms)
            return nil
        }
        channelByRoom.insert(channel, for: room)
        if newlyAnnounced.count < channels.limit { newlyAnnounced.append(room) }
        return channel
    }

    /// Where a sender is, who is added if it is not known. When there are too many, one who says nothing makes room,
    /// else one who was the same socket; nil when there is none.
    @discardableResult
    private mutating func add(_ sender: [UInt8], of client: SlabHandle, to channel: SlabHandle) -> Int? {
        if let known = channels[channel].senders.firstIndex(where: { $0.word == sender }) { return known }
        if channels[channel].senders.count >= settings.limits.sendersPerChannelMax {
            host.counters.count(.roomCapacity)
            let silent = channels[channel].senders.firstIndex { $0.socket == nil }
            guard let spare = silent ?? channels[channel].senders.firstIndex(where: { $0.socket == client }) else {
                return nil
            }
            channels[channel].senders.remove(at: spare)
        }
        channels[channel].senders.append(AnnouncedChannel.Sender(word: sender))
        return channels[channel].senders.count - 1
    }

    /// Whether somebody is on a channel or has just announced it. To who may not enter it, it is an empty one.
    private mutating func tellPresence(_ name: JSONValue, _ client: SlabHandle, unixTime: UnixTime) {
        guard let name = ApplicationEvent.word(name) else {
            host.counters.malformed += 1
            return
        }
        var isPresent = false
        if let room = host.room(named: name, for: client), let channel = channelByRoom[room],
            host.mayEnter(client, room, at: unixTime)
        {
            isPresent = host.isOccupied(room) || !channels[channel].wasEntered
        }
        host.send(Array(#"["presence",\#(isPresent)]"#.utf8), to: client)
    }

    /// Lets a socket of a namespace into its channel.
    private mutating func enter(_ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        guard let room = guests[client.index].channel else { return }
        do throws(EntryRefusal) {
            // Whoever may not enter makes no channel known.
            let seat = try host.enter(client, room, at: now, unixTime: unixTime)
            guard let channel = channelByRoom[room] ?? open(room) else { throw EntryRefusal.room(.tooManyRooms) }
            guests[client.index].seat = seat
            channels[channel].wasEntered = true
            expire(channel, at: now)
            guard settings.sendsIceServers,
                let grant = host.issue(to: client, for: seat, renews: true, at: now, unixTime: unixTime)
            else { return }
            sendIceServers(grant, to: client)
        } catch {
            // There is no word for a refusal, and a client that is not in the channel would wait for ever.
            host.end(client, .misbehaviour, code: DialectCloseCode.policy, reason: error.code, at: now)
        }
    }

    /// Data from a sender goes to the others, without anything around it. The first socket that speaks as somebody is
    /// that one; a sender is chosen at random by its page, so nobody else has it by chance.
    private mutating func say(_ message: JSONValue, _ client: SlabHandle) {
        guard let word = ApplicationEvent.word(message["sender"]), let data = message["data"], !data.isNull,
            (1...settings.limits.senderByteCountMax).contains(word.count)
        else {
            host.counters.malformed += 1
            return
        }
        guard let seat = guests[client.index].seat, let room = guests[client.index].channel,
            let channel = channelByRoom[room], let sender = add(word, of: client, to: channel),
            channels[channel].senders[sender].socket ?? client == client
        else {
            host.counters.undeliverable += 1
            return
        }
        let text = ApplicationEvent.text("message", data.rawBytes)
        do { try host.broadcast(from: seat, data: text[...]) } catch {
            // Without the grant to speak it is heard by nobody, and is nobody.
            host.counters.undeliverable += 1
            return
        }
        channels[channel].senders[sender].socket = client
        if guests[client.index].userName == nil, let name = data["sender"], ApplicationEvent.word(name) != nil,
            name.isTrueToJavaScript, name.rawBytes.count <= host.settings.limits.nameByteCountMax
        {
            guests[client.index].userName = Array(name.rawBytes)
        }
    }

    // MARK: - Sending

    private mutating func sendIceServers(_ grant: CredentialGrant, to client: SlabHandle) {
        host.send(ApplicationEvent.text("iceServers", grant.iceServersJSON[...]), to: client, isConfidential: true)
    }

    private func members(of room: RoomName) -> [SlabHandle] {
        host.residents(of: room).map { SlabHandle(rawValue: $0.endpoint.rawValue) }
    }
}
