import Crypto

/// The two protocol revisions in the field; clients name theirs in the query as `EIO`.
package enum EngineVersion: Hashable, Sendable {
    /// Clients of Socket.IO 1.1 to 2.5.
    case three
    /// Clients of Socket.IO 3 and later.
    case four
}

/// What an application sends and gets, once the type digit and all framing are off. Text is valid UTF-8.
package enum EngineMessage: Hashable, Sendable {
    case text(ArraySlice<UInt8>)
    case binary(ArraySlice<UInt8>)

    package var byteCount: Int {
        switch self {
        case .text(let bytes), .binary(let bytes): bytes.count
        }
    }
}

/// One packet of a client. The payloads of `open` and `noop` mean nothing from that side and are dropped.
package enum EnginePacket: Hashable, Sendable {
    case open
    case close
    case ping(ArraySlice<UInt8>)
    case pong
    case message(EngineMessage)
    case upgrade
    case noop

    /// Reads a text frame, or one packet of a text payload: a digit and data, or `b` and base 64. Nil when it is
    /// neither. The bytes must be UTF-8.
    package init?(text: ArraySlice<UInt8>, version: EngineVersion) {
        guard let first = text.first else { return nil }
        if first == UInt8(ascii: "b") {
            self.init(base64: text.dropFirst(), version: version)
            return
        }
        guard (UInt8(ascii: "0")...UInt8(ascii: "6")).contains(first) else { return nil }
        self.init(type: first - UInt8(ascii: "0"), text: text.dropFirst())
    }

    /// Reads a binary frame: the message itself in revision 4; in revision 3 a byte for the type comes first.
    package init?(binary: ArraySlice<UInt8>, version: EngineVersion) {
        switch version {
        case .four: self = .message(.binary(binary))
        case .three:
            // Only messages have a use for bytes; no client sends another packet so.
            guard binary.first == 4 else { return nil }
            self = .message(.binary(binary.dropFirst()))
        }
    }

    private init?(type: UInt8, text: ArraySlice<UInt8>) {
        switch type {
        case 0: self = .open
        case 1: self = .close
        case 2: self = .ping(text)
        case 3: self = .pong
        case 4: self = .message(.text(text))
        case 5: self = .upgrade
        case 6: self = .noop
        default: return nil
        }
    }

    /// `b` was taken already. Revision 3 has the digit of the type behind it.
    private init?(base64: ArraySlice<UInt8>, version: EngineVersion) {
        var text = base64
        if version == .three {
            guard text.popFirst() == UInt8(ascii: "4") else { return nil }
        }
        guard let bytes = Base64.decode(Array(text)) else { return nil }
        self = .message(.binary(bytes[...]))
    }
}

/// What goes to a client, in the form that all transports are made from. Recipients of one message share its bytes.
package enum EngineFrame: Hashable, Sendable {
    /// The type digit and the data: what a text frame holds.
    case text([UInt8])
    /// The bytes of a binary message, without a type.
    case binary([UInt8])

    static let close = EngineFrame.text(Array("1".utf8))
    static let ping = EngineFrame.text(Array("2".utf8))
    static let pong = EngineFrame.text(Array("3".utf8))
    static let probeAnswer = EngineFrame.text(Array("3probe".utf8))
    static let noop = EngineFrame.text(Array("6".utf8))

    /// A message as it goes out.
    package init(_ message: EngineMessage) {
        switch message {
        case .text(let bytes):
            var framed: [UInt8] = []
            framed.reserveCapacity(bytes.count + 1)
            framed.append(UInt8(ascii: "4"))
            framed.append(contentsOf: bytes)
            self = .text(framed)
        case .binary(let bytes): self = .binary(Array(bytes))
        }
    }

    package var byteCount: Int {
        switch self {
        case .text(let bytes), .binary(let bytes): bytes.count
        }
    }

    /// The bytes as text, for clients and transports that have no binary: `b…`, in revision 3 `b4…`.
    static func base64(_ bytes: [UInt8], version: EngineVersion) -> [UInt8] {
        Array((version == .three ? "b4" : "b").utf8) + Base64.encode(bytes)
    }
}
