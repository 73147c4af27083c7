import HTTP

/// An offer of permessage-deflate that we take (RFC 7692 §7.1).
struct DeflateOffer {
    let parameters: WebSocketDeflate
    /// Sec-WebSocket-Extensions of the response.
    let answer: HTTPFieldValue

    /// The first of the client's offers that we can take. Nil when there is none; that is no reason to refuse.
    static func first(in extensions: [String]) throws(WebSocketRefusal) -> DeflateOffer? {
        var chosen: DeflateOffer?
        for element in extensions {
            // RFC 6455 §9.1: a list that breaks the grammar fails the handshake, whatever was chosen before.
            guard let offer = ExtensionOffer(element) else { throw .extensionsMalformed }
            if chosen == nil { chosen = DeflateOffer(offer) }
        }
        return chosen
    }

    /// RFC 7692 §7.1.1 and §7.1.2: an offer with a parameter that is unknown, given twice, or of a wrong value is
    /// declined.
    private init?(_ offer: ExtensionOffer) {
        guard offer.name == "permessage-deflate" else { return nil }
        var windowBits: UInt8?
        var seen: Set<String> = []
        for parameter in offer.parameters {
            guard seen.insert(parameter.name).inserted else { return nil }
            switch parameter.name {
            case "server_no_context_takeover", "client_no_context_takeover":
                guard parameter.value == nil else { return nil }
            case "server_max_window_bits":
                guard let bits = Self.windowBits(parameter.value) else { return nil }
                windowBits = bits
            case "client_max_window_bits":
                // We read any window, so what the client says of its own changes nothing.
                guard parameter.value == nil || Self.windowBits(parameter.value) != nil else { return nil }
            default: return nil
            }
        }
        // Of 8 bits nil: zlib cannot write them.
        guard let parameters = WebSocketDeflate(windowBits: windowBits ?? 15) else { return nil }
        self.parameters = parameters
        var text = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        if let windowBits { text += "; server_max_window_bits=\(windowBits)" }
        answer = HTTPFieldValue(cleaning: text)
    }

    /// RFC 7692 §7.1.2.1: a number from 8 to 15 without leading zeros.
    private static func windowBits(_ text: String?) -> UInt8? {
        guard let text, text.first != "0", text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let bits = UInt8(text), (8...15).contains(bits)
        else { return nil }
        return bits
    }
}

/// One element of Sec-WebSocket-Extensions: `name; parameter; parameter=value` (RFC 6455 §9.1).
private struct ExtensionOffer {
    let name: String
    let parameters: [(name: String, value: String?)]

    /// Nil for what the grammar does not know. A quoted value has to be a token all the same, so no quotes hide a comma
    /// or a semicolon.
    init?(_ text: String) {
        var parts = text.split(separator: ";", omittingEmptySubsequences: false).map(Self.trim)
        let name = parts.removeFirst()
        guard Self.isToken(name) else { return nil }
        self.name = String(name)
        var parameters: [(name: String, value: String?)] = []
        for part in parts {
            let name = Self.trim(part.prefix { $0 != "=" })
            guard Self.isToken(name) else { return nil }
            guard let separator = part.firstIndex(of: "=") else {
                parameters.append((String(name), nil))
                continue
            }
            var value = Self.trim(part[part.index(after: separator)...])
            if value.utf8.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            guard Self.isToken(value) else { return nil }
            parameters.append((String(name), String(value)))
        }
        self.parameters = parameters
    }

    private static func trim(_ text: Substring) -> Substring {
        var rest = text.drop { $0 == " " || $0 == "\t" }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return rest
    }

    /// `token` of RFC 9110 §5.6.2.
    private static func isToken(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
