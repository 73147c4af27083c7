import JSON
import Signaling

/// Turns the fields of a message into a request. Fields that it does not know are nobody's business.
struct RequestReader {
    let root: JSONValue
    let limits: SignalingLimits

    static let roleByteCountMax = 64
    static let reasonByteCountMax = 256
    static let banSecondsMax = 30 * 86_400
    static let echoByteCountMax = 64
    /// Longer ones are no tokens; the gate has the last word.
    static let tokenByteCountMax = 8192

    func read() throws(Refusal) -> Request {
        guard let type = root["type"], type.kind == .string else {
            throw Refusal(.badRequest, "say in `type` what the message is")
        }
        // The most frequent ones first: comparing makes no string.
        if type.equals("signal") { return .signal(try room(), to: try target(), data: try data()) }
        if type.equals("broadcast") { return .broadcast(try room(), data: try data()) }
        if type.equals("ping") { return .ping(echo: try echo(), received: try count("received")) }
        switch type.string {
        case "hello": return .hello(try hello())
        case "join": return .join(try join())
        case "leave": return .leave(try room())
        case "roster": return .roster(try room())
        case "update": return .update(try room(), metadata: try metadata("meta"))
        case "credentials": return .credentials(try room())
        case "kick": return .kick(try kick())
        case "bye": return .bye
        default:
            throw Refusal(
                .unknownType,
                "use one of hello, join, leave, signal, broadcast, roster, update, credentials, kick, ping, bye")
        }
    }

    // MARK: - Messages

    private func hello() throws(Refusal) -> Request.Hello {
        guard let version = root["v"]?.integer, version == 1 else {
            throw Refusal(.unsupportedVersion, "say `v`: 1, the version that this server speaks")
        }
        let resume = try string("resume", byteCountMax: 256)
        return Request.Hello(
            token: try token(), resume: resume.flatMap { ResumeToken(text: $0.utf8) }, wantsResume: resume != nil,
            received: try count("received") ?? 0, replaces: try flag("replace") ?? false)
    }

    private func join() throws(Refusal) -> Request.Join {
        Request.Join(
            room: try room(), token: try token(),
            name: try string("name", byteCountMax: limits.nameByteCountMax) ?? "",
            role: try string("role", byteCountMax: Self.roleByteCountMax) ?? "",
            metadata: try metadata("meta"), wantsCredentials: try flag("ice") ?? true,
            replaces: try flag("replace") ?? false)
    }

    private func kick() throws(Refusal) -> Request.Kick {
        let seconds = try count("ban_s") ?? 0
        guard seconds <= Self.banSecondsMax else {
            throw Refusal(.badRequest, "ban for at most \(Self.banSecondsMax) seconds in `ban_s`")
        }
        return Request.Kick(
            room: try room(), target: try target(),
            reason: try string("reason", byteCountMax: Self.reasonByteCountMax) ?? "", banSeconds: UInt32(seconds))
    }

    // MARK: - Fields

    private func room() throws(Refusal) -> RoomName {
        guard let name = root["room"]?.utf8.flatMap({ RoomName($0) }) else {
            throw Refusal(
                .badRequest, "name in `room` a room: 1 to \(RoomName.byteCountMax) letters, digits, '.', '_', '~', '-'")
        }
        return name
    }

    /// Nil when it is a string but nobody's id: that is for the room to say.
    private func target() throws(Refusal) -> ParticipantID? {
        guard let id = root["to"], id.kind == .string else {
            throw Refusal(.badRequest, "name in `to` the id of a participant")
        }
        return Identifier(text: id.rawBytes.dropFirst().dropLast()).map { ParticipantID($0) }
    }

    /// The value as it was written.
    private func data() throws(Refusal) -> ArraySlice<UInt8> {
        guard let data = root["data"] else { throw Refusal(.badRequest, "put what is to be delivered into `data`") }
        return data.rawBytes
    }

    private func metadata(_ name: String) throws(Refusal) -> [UInt8] {
        guard let value = root[name], !value.isNull else { return [] }
        guard value.rawBytes.count <= limits.metadataByteCountMax else {
            throw Refusal(.tooLarge, "keep `\(name)` within \(limits.metadataByteCountMax) bytes")
        }
        return Array(value.rawBytes)
    }

    private func echo() throws(Refusal) -> ArraySlice<UInt8>? {
        guard let value = root["t"] else { return nil }
        let isScalar = value.kind != .array && value.kind != .object
        guard isScalar, value.rawBytes.count <= Self.echoByteCountMax else {
            throw Refusal(.badRequest, "make `t` a number or a string of at most \(Self.echoByteCountMax) bytes")
        }
        return value.rawBytes
    }

    private func token() throws(Refusal) -> [UInt8]? {
        guard let value = root["token"], !value.isNull else { return nil }
        guard let token = value.utf8 else { throw Refusal(.badRequest, "make `token` a string") }
        guard token.count <= Self.tokenByteCountMax else {
            throw Refusal(.tooLarge, "keep `token` within \(Self.tokenByteCountMax) bytes")
        }
        return token
    }

    private func string(_ name: String, byteCountMax: Int) throws(Refusal) -> String? {
        guard let value = root[name], !value.isNull else { return nil }
        guard let text = value.string else { throw Refusal(.badRequest, "make `\(name)` a string") }
        guard text.utf8.count <= byteCountMax else {
            throw Refusal(.tooLarge, "keep `\(name)` within \(byteCountMax) bytes")
        }
        return text
    }

    private func count(_ name: String) throws(Refusal) -> UInt64? {
        guard let value = root[name], !value.isNull else { return nil }
        guard let number = value.integer, number >= 0 else {
            throw Refusal(.badRequest, "make `\(name)` an integer that is not negative")
        }
        return UInt64(number)
    }

    private func flag(_ name: String) throws(Refusal) -> Bool? {
        guard let value = root[name], !value.isNull else { return nil }
        guard let flag = value.bool else { throw Refusal(.badRequest, "make `\(name)` true or false") }
        return flag
    }
}
