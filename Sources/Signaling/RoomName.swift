/// The name of a room: 1 to 128 bytes of letters, digits and `.`, `_`, `~`, `-` (the unreserved characters of RFC
/// 3986), so that it stands in a URL, a log line and a token without being escaped.
package struct RoomName: Hashable, Sendable, CustomStringConvertible {
    package static let byteCountMax = 128

    package let bytes: [UInt8]

    package init?(_ bytes: some Collection<UInt8>) {
        guard (1...Self.byteCountMax).contains(bytes.count), bytes.allSatisfy(Self.isAllowed) else { return nil }
        self.bytes = Array(bytes)
    }

    /// The same without a generic call: names are read in every message.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count >= 1, bytes.count <= Self.byteCountMax else { return nil }
        for byte in bytes { guard Self.isAllowed(byte) else { return nil } }
        self.bytes = bytes
    }

    /// The room that stands for a name which may have any characters, such as a topic or a channel: what is no letter
    /// of a room's name, and `~` itself, becomes `~` and two hexadecimal digits. Different names never become one.
    ///
    /// Nil for an empty name, and for one that is too long when it is written so.
    package init?(escaping name: some Collection<UInt8>) {
        guard (1...Self.byteCountMax).contains(name.count) else { return nil }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(name.count)
        for byte in name {
            guard byte == UInt8(ascii: "~") || !Self.isAllowed(byte) else {
                escaped.append(byte)
                continue
            }
            escaped.append(UInt8(ascii: "~"))
            escaped.append(Self.hexadecimal(byte >> 4))
            escaped.append(Self.hexadecimal(byte & 0xF))
        }
        guard escaped.count <= Self.byteCountMax else { return nil }
        bytes = escaped
    }

    /// A place within a room that has members of its own: `room~.place`, which no escaped name ever is.
    package init?(_ place: some Collection<UInt8>, within room: RoomName) {
        let separator = Array("~.".utf8)
        guard let inner = RoomName(escaping: place),
            room.bytes.count + separator.count + inner.bytes.count <= Self.byteCountMax
        else { return nil }
        bytes = room.bytes + separator + inner.bytes
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
    }

    package var description: String { String(decoding: bytes, as: UTF8.self) }

    static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// Which rooms somebody may enter: `lobby` is that room, `team-*` each room whose name begins so, `*` every one.
package struct RoomPattern: Hashable, Sendable, CustomStringConvertible {
    private let prefix: [UInt8]
    private let isOpen: Bool

    /// Nil when a part before the star, or the whole without one, is no name of a room.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        isOpen = bytes.last == UInt8(ascii: "*")
        prefix = isOpen ? Array(bytes.dropLast()) : bytes
        guard prefix.count <= RoomName.byteCountMax, isOpen || !prefix.isEmpty,
            prefix.allSatisfy(RoomName.isAllowed)
        else { return nil }
    }

    /// The room, when the pattern is for one.
    package var room: RoomName? { isOpen ? nil : RoomName(prefix) }

    package func matches(_ room: RoomName) -> Bool {
        isOpen ? room.bytes.starts(with: prefix) : room.bytes == prefix
    }

    package var description: String { String(decoding: prefix, as: UTF8.self) + (isOpen ? "*" : "") }
}
