import JSON
import Signaling

/// Events that the server says, as arrays.
enum SimplePeerText {
    static let ready = Array(#"["ready"]"#.utf8)

    static func created(_ number: Int, _ page: Page) -> [UInt8] { event("created", number, page.quotedName) }

    static func join(_ number: Int) -> [UInt8] { event("join", number, nil) }

    static func joined(_ number: Int, _ page: Page) -> [UInt8] { event("joined", number, page.quotedName) }

    private static func event(_ name: String, _ number: Int, _ quotedName: [UInt8]?) -> [UInt8] {
        var writer = JSONWriter(reserving: 64)
        writer.beginArray()
        writer.string(name)
        writer.string("room\(number)")
        if let quotedName { writer.raw(quotedName) }
        writer.endArray()
        return writer.bytes
    }

    static func options(_ grant: CredentialGrant) -> [UInt8] {
        var writer = JSONWriter(reserving: 512)
        writer.beginArray()
        writer.string("simple peer options")
        writer.beginObject()
        writer.name("config")
        writer.beginObject()
        writer.member("iceServers", raw: grant.iceServersJSON)
        writer.endObject()
        writer.endObject()
        writer.endArray()
        return writer.bytes
    }

    static func full(_ mesh: RoomName) -> [UInt8] { event("full", "\(mesh)") }

    static func error(_ text: String) -> [UInt8] { event("error", text) }

    private static func event(_ name: String, _ text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        writer.string(name)
        writer.string(text)
        writer.endArray()
        return writer.bytes
    }

    static func quoted(_ text: String) -> [UInt8] {
        var writer = JSONWriter(reserving: text.utf8.count + 2)
        writer.string(text)
        return writer.bytes
    }

    /// The number in `room12`; nil for all else, as `room012`: what is passed on has to be the name that the other
    /// side was told.
    static func number(_ room: JSONValue?) -> Int? {
        guard let bytes = room?.utf8, bytes.starts(with: "room".utf8) else { return nil }
        let digits = bytes.dropFirst(4)
        guard (1...15).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0"),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
}
