import Containers
import JSON
package import NetworkPrimitives
package import Signaling

/// Topics as the signaling server of y-webrtc knows them: a client subscribes to some, and what it publishes to one
/// goes to all who have subscribed to it, itself included, with their number. `Docs/Signaling/Dialects/YWebRTC.md` says
/// what clients see.
///
/// A topic is a room, and to have subscribed to it is to be in it. Whoever has not cannot publish there, unlike with
/// the original; the provider subscribes first.
package struct YWebRTC: ~Copyable, Dialect {
    package var host: DialectHost
    private let sendsIceServers: Bool

    /// Depth and number of the values in one message.
    static let jsonLimits = JSONLimits(depthMax: 16, valuesMax: 4096)
    /// Members of the message itself; clients send three.
    static let membersMax = 16

    /// Nobody yet. The secret is 32 random bytes that no other machine has.
    package init(settings: YWebRTCSettings, gate: any Gatekeeper, secret: [UInt8]) {
        host = DialectHost(settings: settings.host, gate: gate, secret: secret)
        sendsIceServers = settings.sendsIceServers
    }

    /// Takes a connection.
    package mutating func connect(
        _ connection: ConnectionID, _ opening: Opening, at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal) {
        _ = try host.connect(connection, opening, at: now, unixTime: unixTime)
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
            // A room does not send back to the sender, so what is published does not go through it.
            case .deliver, .due, .ended: break
            case .renewed(let client, _, let grant): sendIceServers(grant, to: client)
            // A connection is for many topics, so it goes on without this one.
            case .lostSeat(let client, _, let room, _): refuse(room.bytes, "closed", to: client)
            }
        }
    }

    // MARK: - Messages

    private mutating func perform(
        _ text: [UInt8], _ client: SlabHandle, at now: Instant, unixTime: UnixTime
    ) {
        guard let message = try? JSONDocument(parsing: text, limits: Self.jsonLimits).root,
            message.kind == .object, message.count <= Self.membersMax, let type = message["type"]
        else {
            host.counters.malformed += 1
            return
        }
        if type.equals("publish") {
            publish(message, client)
        } else if type.equals("ping") {
            host.send(Array(#"{"type":"pong"}"#.utf8), to: client)
        } else if type.equals("subscribe") {
            for topic in topics(message) { subscribe(topic, client, at: now, unixTime: unixTime) }
        } else if type.equals("unsubscribe") {
            for topic in topics(message) {
                guard let room = host.room(named: topic, for: client),
                    let seat = host.seat(of: client, in: room)
                else { continue }
                host.leave(client, seat, at: now)
            }
        } else {
            host.counters.malformed += 1
        }
    }

    /// The names in `topics`, as many as a client may have.
    private func topics(_ message: JSONValue) -> [[UInt8]] {
        guard let topics = message["topics"] else { return [] }
        return topics.elements.prefix(host.settings.limits.roomsPerSessionMax).compactMap { $0.utf8 }
    }

    private mutating func subscribe(_ topic: [UInt8], _ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        guard let room = host.room(named: topic, for: client) else { return refuse(topic, "bad_name", to: client) }
        guard host.seat(of: client, in: room) == nil else { return }
        do {
            let seat = try host.enter(client, room, at: now, unixTime: unixTime)
            guard sendsIceServers, !host.hasCredentials(client),
                let grant = host.issue(to: client, for: seat, renews: true, at: now, unixTime: unixTime)
            else { return }
            sendIceServers(grant, to: client)
        } catch {
            refuse(topic, error.code, to: client)
        }
    }

    /// The provider ignores types that it does not know. Were the connection closed instead, it would come back at
    /// once, and for ever, and the other topics would go with it.
    private mutating func refuse(_ topic: [UInt8], _ code: String, to client: SlabHandle) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", "refused")
        writer.name("topic")
        writer.string(utf8: topic.prefix(RoomName.byteCountMax))
        writer.member("code", code)
        writer.endObject()
        host.send(writer.bytes, to: client)
    }

    private mutating func publish(_ message: JSONValue, _ client: SlabHandle) {
        guard let topic = message["topic"]?.utf8, let room = host.room(named: topic, for: client),
            let seat = host.seat(of: client, in: room)
        else {
            host.counters.undeliverable += 1
            return
        }
        let text = Self.text(of: message, clientCount: host.memberCount(inRoomOf: seat))
        do {
            host.send(text, to: try host.everybody(inRoomOf: seat))
        } catch {
            // Without the grant to speak it is heard by nobody.
            host.counters.undeliverable += 1
        }
    }

    /// The message with `clients`, and else as it came: the values byte for byte.
    private static func text(of message: JSONValue, clientCount: Int) -> [UInt8] {
        var writer = JSONWriter(reserving: message.rawBytes.count + 24)
        writer.beginObject()
        for member in message.members where !member.name.equals("clients") {
            writer.member(rawName: member.name.rawBytes, raw: member.value.rawBytes)
        }
        writer.member("clients", clientCount)
        writer.endObject()
        return writer.bytes
    }

    private mutating func sendIceServers(_ grant: CredentialGrant, to client: SlabHandle) {
        var writer = JSONWriter(reserving: 512)
        writer.beginObject()
        writer.member("type", "iceServers")
        writer.member("iceServers", raw: grant.iceServersJSON)
        writer.endObject()
        host.send(writer.bytes, to: client, isConfidential: true)
    }
}
