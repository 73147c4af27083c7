import Containers
import JSON
package import NetworkPrimitives
package import Signaling

/// Channels as `websocket-over-nodejs` knows them, for DataChannel.js, RTCMultiConnection 1 and 2 and their relatives:
/// a client opens channels by name, and what it says on one is heard by all others who have opened it, as it was said.
/// `Docs/Signaling/Dialects/Channels.md` says what clients see.
///
/// A channel is a room, and to have opened it is to be in it. Whoever is not in a channel cannot speak there, unlike
/// with the original; all known clients open first.
package struct ChannelSignaling: ~Copyable, Dialect {
    package var host: DialectHost
    private let sendsIceServers: Bool

    /// Depth and number of the values in one message.
    static let jsonLimits = JSONLimits(depthMax: 16, valuesMax: 4096)
    /// Members of the message itself; clients send two.
    static let membersMax = 16

    /// Nobody yet. The secret is 32 random bytes that no other machine has.
    package init(settings: ChannelSignalingSettings, gate: any Gatekeeper, secret: [UInt8]) {
        host = DialectHost(settings: settings.host, gate: gate, secret: secret)
        sendsIceServers = settings.sendsIceServers
    }

    /// Takes a connection, on whatever path.
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
            case .deliver(.broadcast(_, _, let data), let receivers): host.send(Array(data), to: receivers)
            // There are no words for who comes and goes.
            case .deliver: break
            case .renewed(let client, _, let grant): sendIceServers(grant, to: client)
            case .lostSeat(let client, _, _, _):
                // A client cannot know otherwise that it is on a channel no longer.
                host.end(
                    client, .removedByOperator, code: DialectCloseCode.policy, reason: "channel closed", at: now)
            case .due, .ended: break
            }
        }
    }

    // MARK: - Messages

    /// Does what a message asks for. The original ignores what it does not understand, and so do we.
    private mutating func perform(
        _ text: [UInt8], _ client: SlabHandle, at now: Instant, unixTime: UnixTime
    ) {
        guard let message = try? JSONDocument(parsing: text, limits: Self.jsonLimits).root, message.kind == .object,
            message.count <= Self.membersMax, let name = message["channel"].flatMap(Self.name),
            let room = host.room(named: name, for: client)
        else {
            host.counters.malformed += 1
            return
        }
        if message["checkPresence"]?.isTrueToJavaScript == true {
            tellPresence(of: room, to: client, unixTime: unixTime)
        } else if message["open"]?.isTrueToJavaScript == true {
            open(room, client, at: now, unixTime: unixTime)
        } else if let data = message["data"], data.isTrueToJavaScript {
            say(data.rawBytes, in: room, client)
        }
    }

    /// The name of a channel. Some applications call their rooms by numbers.
    private static func name(_ value: JSONValue) -> [UInt8]? {
        switch value.kind {
        case .string: value.utf8
        case .number: Array(value.rawBytes)
        case .null, .bool, .array, .object: nil
        }
    }

    /// Whether somebody is on a channel. To who may not open it, it is an empty one: whether it is used is not told.
    private mutating func tellPresence(of room: RoomName, to client: SlabHandle, unixTime: UnixTime) {
        let isPresent = host.isOccupied(room) && host.mayEnter(client, room, at: unixTime)
        host.send(Array(#"{"isChannelPresent":\#(isPresent)}"#.utf8), to: client)
    }

    private mutating func open(_ room: RoomName, _ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        // To open twice is to open: the original then sends everything twice.
        guard host.seat(of: client, in: room) == nil else { return }
        do {
            let seat = try host.enter(client, room, at: now, unixTime: unixTime)
            guard sendsIceServers, !host.hasCredentials(client),
                let grant = host.issue(to: client, for: seat, renews: true, at: now, unixTime: unixTime)
            else { return }
            sendIceServers(grant, to: client)
        } catch {
            // There is no word for a refusal. A client that waits on a channel that it is not on would wait for ever.
            host.end(client, .misbehaviour, code: DialectCloseCode.policy, reason: error.code, at: now)
        }
    }

    private mutating func say(_ data: ArraySlice<UInt8>, in room: RoomName, _ client: SlabHandle) {
        guard let seat = host.seat(of: client, in: room) else {
            host.counters.undeliverable += 1
            return
        }
        // Without the grant to speak it is heard by nobody.
        do { try host.broadcast(from: seat, data: data) } catch { host.counters.undeliverable += 1 }
    }

    private mutating func sendIceServers(_ grant: CredentialGrant, to client: SlabHandle) {
        var writer = JSONWriter(reserving: 512)
        writer.beginObject()
        writer.member("iceServers", raw: grant.iceServersJSON)
        writer.endObject()
        host.send(writer.bytes, to: client, isConfidential: true)
    }
}
