import JSON

/// What matters of a text that the server sent.
struct Note: Hashable, CustomStringConvertible {
    var type = ""
    var room = ""
    /// A participant, or what a request is called.
    var who = ""
    var detail = ""

    var description: String { "\(type) \(room) \(who) \(detail)" }

    /// Messages that are not counted: a resume does not bring them back.
    var isNumbered: Bool { !["welcome", "pong", "fatal"].contains(type) }
}

/// A text with what is in it.
struct Sent {
    let connection: UInt64
    let note: Note
    let root: JSONValue
    let isConfidential: Bool

    /// Nil when the server sent something that is no message.
    init?(_ text: [UInt8], to connection: UInt64, isConfidential: Bool) {
        guard let root = try? JSONDocument(parsing: text).root, let type = root["type"]?.string else { return nil }
        self.connection = connection
        self.root = root
        self.isConfidential = isConfidential
        var note = Note(type: type, room: root["room"]?.string ?? "")
        func raw(_ value: JSONValue?) -> String { value.map { String(decoding: $0.rawBytes, as: UTF8.self) } ?? "" }
        let ids = root["participants"].map { $0.elements.map { $0["id"]?.string ?? "?" }.joined(separator: ",") }
        switch type {
        case "ok":
            note.who = raw(root["id"])
            note.detail = ids ?? ""
        case "error":
            if root["fatal"]?.bool == true { note.type = "fatal" }
            note.who = raw(root["id"])
            note.detail = root["code"]?.string ?? ""
        case "joined":
            note.who = root["self"]?.string ?? ""
            note.detail = ids ?? ""
        case "participant-joined", "participant-updated":
            note.who = root["participant"]?["id"]?.string ?? ""
            note.detail = raw(root["participant"]?["meta"])
        case "participant-left":
            note.who = root["id"]?.string ?? ""
            note.detail = root["reason"]?.string ?? ""
        case "signal", "broadcast":
            note.who = root["from"]?.string ?? ""
            note.detail = raw(root["data"])
        case "left", "kicked": note.detail = root["reason"]?.string ?? ""
        default: break
        }
        self.note = note
    }

    var carriesCredentials: Bool { root["iceServers"] != nil || root["ice"] != nil }
}
