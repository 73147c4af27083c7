import JSON
import NetworkPrimitives
import Signaling

/// The texts of what the server says. Ids, names of rooms and what clients wrote as JSON need no escaping; everything
/// else goes through the writer.
enum MessageText {
    // MARK: - What others said

    /// For the many: made without a writer, because these are most of the traffic.
    static func relayed(
        _ type: StaticString, _ room: RoomName, from: ParticipantID, data: ArraySlice<UInt8>
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(80 + room.bytes.count + data.count)
        append("{\"type\":\"", to: &text)
        append(type, to: &text)
        append("\",\"room\":\"", to: &text)
        text.append(contentsOf: room.bytes)
        append("\",\"from\":\"", to: &text)
        from.identifier.appendText(to: &text)
        append("\",\"data\":", to: &text)
        text.append(contentsOf: data)
        text.append(UInt8(ascii: "}"))
        return text
    }

    /// `{"type":"ok","id":…}`
    static func ok(id: ArraySlice<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(20 + id.count)
        append("{\"type\":\"ok\",\"id\":", to: &text)
        text.append(contentsOf: id)
        text.append(UInt8(ascii: "}"))
        return text
    }

    private static func append(_ literal: StaticString, to text: inout [UInt8]) {
        unsafe text.append(
            contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    // MARK: - Sessions

    struct Welcome {
        let session: Identifier
        let resume: ResumeToken
        let isResumed: Bool
    }

    static func welcome(_ welcome: Welcome, _ settings: TernV1Settings, id: ArraySlice<UInt8>?) -> [UInt8] {
        let limits = settings.limits
        return message("welcome", id: id) { writer in
            writer.member("session", welcome.session.description)
            writer.member("resume", welcome.resume.text)
            writer.member("resume_s", Int(limits.resumeSeconds))
            writer.member("resumed", welcome.isResumed)
            writer.member("heartbeat_ms", Int(limits.heartbeatSeconds) * 1000)
            writer.name("limits")
            writer.beginObject()
            writer.member("message", limits.messageByteCountMax)
            writer.member("rooms", limits.roomsPerSessionMax)
            writer.member("rate", Int(limits.messagesPerSecond))
            writer.member("burst", Int(limits.messagesBurst))
            writer.endObject()
            writer.name("server")
            writer.beginObject()
            writer.member("version", settings.serverVersion)
            writer.member("node", settings.node)
            writer.endObject()
        }
    }

    static func refusal(_ refusal: Refusal, isFatal: Bool, id: ArraySlice<UInt8>?) -> [UInt8] {
        message("error", id: id) { writer in
            writer.member("code", refusal.code.rawValue)
            writer.member("message", refusal.message)
            if let wait = refusal.retryAfterMilliseconds { writer.member("retry_after_ms", Int(clamping: wait)) }
            writer.member("fatal", isFatal)
        }
    }

    static func pong(echo: ArraySlice<UInt8>?, id: ArraySlice<UInt8>?) -> [UInt8] {
        message("pong", id: id) { writer in
            if let echo { writer.member("t", raw: echo) }
        }
    }

    static func draining(deadlineMilliseconds: UInt64, reconnectAfterMilliseconds: UInt64) -> [UInt8] {
        message("draining", id: nil) { writer in
            writer.member("deadline_ms", Int(clamping: deadlineMilliseconds))
            writer.member("reconnect_after_ms", Int(clamping: reconnectAfterMilliseconds))
        }
    }

    // MARK: - Rooms

    struct Roster {
        let room: RoomName
        let participants: [Participant]
        let capacity: Int
    }

    static func joined(
        _ roster: Roster, as own: ParticipantID, _ grant: CredentialGrant?, id: ArraySlice<UInt8>?
    ) -> [UInt8] {
        message("joined", id: id) { writer in
            writer.member("room", roster.room.description)
            writer.member("self", own.description)
            write(roster, to: &writer)
            guard let grant else { return }
            writer.name("ice")
            writer.beginObject()
            write(grant, to: &writer)
            writer.endObject()
        }
    }

    static func roster(_ roster: Roster, id: ArraySlice<UInt8>?) -> [UInt8] {
        message("ok", id: id) { writer in
            writer.member("room", roster.room.description)
            write(roster, to: &writer)
        }
    }

    static func participant(_ type: String, _ room: RoomName, _ participant: Participant) -> [UInt8] {
        message(type, id: nil) { writer in
            writer.member("room", room.description)
            writer.name("participant")
            write(participant, to: &writer)
        }
    }

    static func participantLeft(_ room: RoomName, _ who: ParticipantID, _ reason: DepartureReason) -> [UInt8] {
        message("participant-left", id: nil) { writer in
            writer.member("room", room.description)
            writer.member("id", who.description)
            writer.member("reason", word(reason))
        }
    }

    /// To whom a seat was lost: `left` for a room that one has left or that was closed, `kicked` for being sent away.
    static func removed(_ room: RoomName, _ reason: DepartureReason, explanation: String) -> [UInt8] {
        message(reason == .kicked ? "kicked" : "left", id: nil) { writer in
            writer.member("room", room.description)
            writer.member("reason", reason == .kicked ? explanation : word(reason))
            if reason == .closed, !explanation.isEmpty { writer.member("message", explanation) }
        }
    }

    static func credentials(_ room: RoomName, _ grant: CredentialGrant, id: ArraySlice<UInt8>?) -> [UInt8] {
        message("credentials", id: id) { writer in
            writer.member("room", room.description)
            write(grant, to: &writer)
        }
    }

    // MARK: - Parts

    private static func message(
        _ type: String, id: ArraySlice<UInt8>?, _ body: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", type)
        if let id { writer.member("id", raw: id) }
        body(&writer)
        writer.endObject()
        return writer.bytes
    }

    private static func write(_ roster: Roster, to writer: inout JSONWriter) {
        writer.name("participants")
        writer.beginArray()
        for participant in roster.participants { write(participant, to: &writer) }
        writer.endArray()
        writer.member("capacity", roster.capacity)
    }

    private static func write(_ participant: Participant, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", participant.id.description)
        if !participant.name.isEmpty { writer.member("name", participant.name) }
        if !participant.metadata.isEmpty { writer.member("meta", raw: participant.metadata) }
        if !participant.role.isEmpty { writer.member("role", participant.role) }
        writer.member("since", Int(participant.since.seconds))
        writer.endObject()
    }

    private static func write(_ grant: CredentialGrant, to writer: inout JSONWriter) {
        writer.name("iceServers")
        writer.iceServers(grant.credentials.iceServers)
        writer.member("ttl", Int(grant.credentials.lifetimeSeconds))
        writer.member("expires_at", Int(grant.credentials.expiresAt.seconds))
        writer.member("renew_after_s", Int(grant.renewAfterMilliseconds / 1000))
    }

    static func word(_ reason: DepartureReason) -> String {
        switch reason {
        case .left: "left"
        case .timeout: "timeout"
        case .kicked: "kicked"
        case .replaced: "replaced"
        case .closed: "closed"
        }
    }
}
