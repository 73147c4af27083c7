package import JSON

/// Which revision of the Socket.IO protocol a session speaks; it follows from that of Engine.IO.
package enum SocketProtocol: Hashable, Sendable {
    /// Over Engine.IO 3: the default namespace is connected unasked, and ids are those of the transport.
    case four
    /// Over Engine.IO 4.
    case five
}

/// What one packet may make us hold and look at.
package struct SocketPacketLimits: Hashable, Sendable {
    /// Binary messages that belong to one packet; upstream's own limit since 2026.
    package var attachmentsMax = 10
    /// All attachments of one packet together.
    package var attachmentByteCountMax = 1_000_000
    package var namespaceByteCountMax = 256
    package var nameByteCountMax = 256
    package var json = JSONLimits(depthMax: 16, valuesMax: 4096)

    package init() {}
}

/// Why a packet is none. All of them end the session: nothing behind it can be told apart.
package enum SocketPacketError: Error, Hashable, Sendable {
    case unknownType
    case attachments
    case namespace
    case acknowledgement
    case payload
    /// A name that applications of this protocol use for their own events.
    case reservedName
}

/// The number by which an answer finds its question. At most 15 digits, so that every client counts alike.
package struct AcknowledgementID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The arguments of an event or an acknowledgement: JSON as it came, and the binary parts that placeholders in it
/// stand for.
package struct SocketArguments: Sendable {
    let array: JSONDocument
    /// One for events, whose name comes first.
    private let skipped: Int
    package internal(set) var attachments: [ArraySlice<UInt8>] = []

    /// The elements of an array, such as `[1,"2"]`; nil when the text is none.
    package init?(parsing text: [UInt8], attachments: [ArraySlice<UInt8>] = []) {
        guard let array = try? JSONDocument(parsing: text), array.root.kind == .array else { return nil }
        self.init(array, skipping: 0)
        self.attachments = attachments
    }

    init(_ array: JSONDocument, skipping skipped: Int) {
        self.array = array
        self.skipped = skipped
    }

    package var count: Int { array.root.count - skipped }

    /// Each argument, to be looked into.
    package var values: [JSONValue] { Array(array.root.elements.dropFirst(skipped)) }

    /// Each argument as it was written, to be passed on.
    package var raw: [ArraySlice<UInt8>] { array.root.elements.dropFirst(skipped).map(\.rawBytes) }
}

/// One packet of a client, before its attachments have come.
package struct SocketPacket: Sendable {
    /// What it says, by its type.
    package enum Content: Sendable {
        /// The payload is an object, as it was written; nil when there is none.
        case connect(ArraySlice<UInt8>?)
        case disconnect
        case event(name: String, SocketArguments, AcknowledgementID?)
        case acknowledgement(SocketArguments, AcknowledgementID)
    }

    /// Begins with a slash, and has no query.
    package let namespace: String
    /// What stood behind a question mark in the namespace, in protocol 4.
    package let query: String
    package let attachmentCount: Int
    package let content: Content

    /// Reads the text message. It is UTF-8.
    package init(
        parsing text: ArraySlice<UInt8>, revision: SocketProtocol, limits: SocketPacketLimits
    ) throws(SocketPacketError) {
        var rest = text
        guard let first = rest.popFirst(), let type = SocketPacketType(rawValue: first) else { throw .unknownType }
        attachmentCount = type.hasAttachments ? try Self.takeAttachmentCount(from: &rest, limits) : 0
        (namespace, query) = try Self.takeNamespace(from: &rest, revision, limits)
        let id = try Self.takeID(from: &rest)
        switch type {
        case .connect: content = .connect(try Self.object(rest, limits))
        case .disconnect:
            guard rest.isEmpty else { throw .payload }
            content = .disconnect
        case .event, .binaryEvent:
            content = try Self.event(rest, id, attachmentCount: attachmentCount, limits)
        case .acknowledgement, .binaryAcknowledgement:
            let array = try Self.array(rest, attachmentCount: attachmentCount, limits)
            guard let id else { throw .acknowledgement }
            content = .acknowledgement(SocketArguments(array, skipping: 0), id)
        // Only servers refuse.
        case .connectError: throw .unknownType
        }
    }

    // MARK: - The parts, from left to right

    /// `2-`: how many binary messages follow.
    private static func takeAttachmentCount(
        from rest: inout ArraySlice<UInt8>, _ limits: SocketPacketLimits
    ) throws(SocketPacketError) -> Int {
        guard let count = takeDigits(from: &rest, max: 3), rest.popFirst() == UInt8(ascii: "-"),
            count <= UInt64(limits.attachmentsMax)
        else { throw .attachments }
        return Int(count)
    }

    /// `/name,`: the default one is left out, and some clients leave the comma out when nothing follows.
    private static func takeNamespace(
        from rest: inout ArraySlice<UInt8>, _ revision: SocketProtocol, _ limits: SocketPacketLimits
    ) throws(SocketPacketError) -> (name: String, query: String) {
        guard rest.first == UInt8(ascii: "/") else { return ("/", "") }
        let whole = rest.prefix { $0 != UInt8(ascii: ",") }
        rest = rest.dropFirst(whole.count + 1)
        let name = revision == .four ? whole.prefix { $0 != UInt8(ascii: "?") } : whole
        let query = whole.dropFirst(name.count + 1)
        // Names come back in packets and go into logs.
        guard name.count <= limits.namespaceByteCountMax, query.count <= 4096,
            name.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
        else { throw .namespace }
        return (String(decoding: name, as: UTF8.self), String(decoding: query, as: UTF8.self))
    }

    private static func takeID(from rest: inout ArraySlice<UInt8>) throws(SocketPacketError) -> AcknowledgementID? {
        guard let first = rest.first, isDigit(first) else { return nil }
        guard let number = takeDigits(from: &rest, max: 15) else { throw .acknowledgement }
        return AcknowledgementID(rawValue: number)
    }

    /// All digits there are, at least one and at most `max`.
    private static func takeDigits(from rest: inout ArraySlice<UInt8>, max: Int) -> UInt64? {
        let digits = rest.prefix(while: isDigit)
        guard !digits.isEmpty, digits.count <= max else { return nil }
        rest.removeFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + UInt64($1 - UInt8(ascii: "0")) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    // MARK: - Payloads

    private static func document(
        _ text: ArraySlice<UInt8>, _ limits: SocketPacketLimits
    ) throws(SocketPacketError) -> JSONDocument {
        do throws(JSONError) { return try JSONDocument(parsing: Array(text), limits: limits.json) } catch {
            throw .payload
        }
    }

    private static func object(
        _ text: ArraySlice<UInt8>, _ limits: SocketPacketLimits
    ) throws(SocketPacketError) -> ArraySlice<UInt8>? {
        guard !text.isEmpty else { return nil }
        let root = try document(text, limits).root
        guard root.kind == .object else { throw .payload }
        return root.rawBytes
    }

    private static func array(
        _ text: ArraySlice<UInt8>, attachmentCount: Int, _ limits: SocketPacketLimits
    ) throws(SocketPacketError) -> JSONDocument {
        let document = try document(text, limits)
        guard document.root.kind == .array else { throw .payload }
        // A placeholder for nothing would be an error at whoever the packet is passed on to.
        guard attachmentCount == 0 || arePlaceholders(in: document.root, below: attachmentCount) else {
            throw .attachments
        }
        return document
    }

    private static func event(
        _ text: ArraySlice<UInt8>, _ id: AcknowledgementID?, attachmentCount: Int, _ limits: SocketPacketLimits
    ) throws(SocketPacketError) -> Content {
        let array = try array(text, attachmentCount: attachmentCount, limits)
        var elements = array.root.elements
        guard let name = elements.next()?.string, name.utf8.count <= limits.nameByteCountMax else { throw .payload }
        guard !reservedNames.contains(name) else { throw .reservedName }
        return .event(name: name, SocketArguments(array, skipping: 1), id)
    }

    /// As deep as the limits of the text let it be.
    private static func arePlaceholders(in value: JSONValue, below count: Int) -> Bool {
        switch value.kind {
        case .array: return value.elements.allSatisfy { arePlaceholders(in: $0, below: count) }
        case .object:
            if value["_placeholder"]?.bool == true {
                guard let number = value["num"]?.integer, (0..<count).contains(number) else { return false }
            }
            return value.members.allSatisfy { arePlaceholders(in: $0.value, below: count) }
        case .null, .bool, .number, .string: return true
        }
    }

    /// What clients emit to their own application, so that nobody else may.
    package static let reservedNames: Set<String> = [
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    ]
}

/// The first byte of a packet.
enum SocketPacketType: UInt8 {
    case connect = 0x30
    case disconnect
    case event
    case acknowledgement
    case connectError
    case binaryEvent
    case binaryAcknowledgement

    var hasAttachments: Bool { self == .binaryEvent || self == .binaryAcknowledgement }
}
