import JSON
import Signaling

/// A message of a client whose fields are what they have to be.
enum Request {
    case hello(Hello)
    case join(Join)
    case leave(RoomName)
    case signal(RoomName, to: ParticipantID?, data: ArraySlice<UInt8>)
    case broadcast(RoomName, data: ArraySlice<UInt8>)
    case roster(RoomName)
    case update(RoomName, metadata: [UInt8])
    case credentials(RoomName)
    case kick(Kick)
    case ping(echo: ArraySlice<UInt8>?, received: UInt64?)
    case bye

    struct Hello {
        var token: [UInt8]?
        var resume: ResumeToken?
        /// Whether there was a resume token at all, good or not.
        var wantsResume: Bool
        /// How many messages the client has had of the session that it resumes.
        var received: UInt64
        var replaces: Bool
    }

    struct Join {
        var room: RoomName
        var token: [UInt8]?
        var name: String
        var role: String
        var metadata: [UInt8]
        var wantsCredentials: Bool
        var replaces: Bool
    }

    struct Kick {
        var room: RoomName
        /// Nil when the text is nobody's id.
        var target: ParticipantID?
        var reason: String
        var banSeconds: UInt32
    }
}

/// What resumes a session: its id, by which it is found, and the secret that proves the right to it.
struct ResumeToken {
    let session: Identifier
    let secret: Identifier

    init(session: Identifier, secret: Identifier) {
        self.session = session
        self.secret = secret
    }

    init?(text: some Collection<UInt8>) {
        guard text.count == 2 * Identifier.textByteCount,
            let session = Identifier(text: text.prefix(Identifier.textByteCount)),
            let secret = Identifier(text: text.dropFirst(Identifier.textByteCount))
        else { return nil }
        self.init(session: session, secret: secret)
    }

    var text: String { session.description + secret.description }
}

/// The parts of a message that all messages have, and the message.
struct Envelope {
    /// What the client calls its request, as it wrote it; nil when it wants no answer.
    let id: ArraySlice<UInt8>?
    let content: Result<Request, Refusal>

    static let jsonLimits = JSONLimits(depthMax: 16, valuesMax: 4096)
    /// Members of the message itself. Each field that we look for is looked for among all of them.
    static let membersMax = 64
    /// Bytes of an id between its quotes.
    static let idByteCountMax = 64

    /// Reads a message. What is wrong with it is its content, so that the answer can carry the id.
    init(parsing text: [UInt8], limits: SignalingLimits) {
        do throws(Refusal) {
            let root = try Self.object(text)
            id = try Self.readID(root)
            do throws(Refusal) {
                content = .success(try RequestReader(root: root, limits: limits).read())
            } catch {
                content = .failure(error)
            }
        } catch {
            id = nil
            content = .failure(error)
        }
    }

    private static func object(_ text: [UInt8]) throws(Refusal) -> JSONValue {
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONDocument(parsing: text, limits: jsonLimits).root
        } catch {
            throw Refusal(.badJSON, advice(error))
        }
        guard root.kind == .object else {
            throw Refusal(.badRequest, "send one JSON object with a `type` in each message")
        }
        guard root.count <= membersMax else {
            throw Refusal(.badRequest, "put at most \(membersMax) fields beside each other")
        }
        return root
    }

    private static func readID(_ root: JSONValue) throws(Refusal) -> ArraySlice<UInt8>? {
        guard let id = root["id"], !id.isNull else { return nil }
        let isWhole = id.integer != nil || (id.kind == .string && id.rawBytes.count <= idByteCountMax + 2)
        guard isWhole else {
            throw Refusal(.badRequest, "make `id` an integer or a string of at most \(idByteCountMax) bytes")
        }
        return id.rawBytes
    }

    private static func advice(_ error: JSONError) -> String {
        switch error {
        case .tooDeep: "nest at most \(jsonLimits.depthMax) objects and arrays"
        case .tooManyValues: "put at most \(jsonLimits.valuesMax) values into a message"
        case .duplicateName: "name each member of an object once"
        case .malformedUTF8: "send UTF-8"
        case .truncated, .unexpectedByte, .malformedString, .malformedNumber, .trailingBytes:
            "send one JSON object in each message (RFC 8259)"
        }
    }
}
