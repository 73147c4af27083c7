import NetworkPrimitives

/// A value that has the form its option wants.
enum OptionValue: Equatable, Sendable {
    case flag(Bool)
    case integer(Int)
    case address(IPAddress)
    case endpoint(IPAddress, port: UInt16?)
    case alternate(name: String?, IPAddress, port: UInt16?)
    case external(ExternalAddress)
    case peers(PeerMatcher)
    case user(StaticUser)
    case apiKey(SignalingAPIKey)
    case tokenIssuer(SignalingTokenIssuer)
    case host(SignalingHost)
    case dialect(SignalingDialect)
    case text(String)
}

/// What is wrong with a value, as a sentence that says what to write. Quotes the value only if it is no secret.
struct MalformedValue: Error, Equatable {
    let message: String

    init(_ message: String) { self.message = message }
}

extension OptionValue {
    /// Reads the value of an option; nil is the bare name.
    static func read(_ text: String?, as kind: ValueKind) throws(MalformedValue) -> OptionValue {
        guard let text else { return try readBare(as: kind) }
        switch kind {
        case .flag: return .flag(try flag(text))
        case .port: return .integer(try integer(text, in: 0...65535, what: "a port"))
        case .integer(let range): return .integer(try integer(text, in: range, what: "a number"))
        case .seconds(let range, _): return .integer(try integer(text, in: range, what: "a number of seconds"))
        case .bytes(let range): return .integer(try integer(text, in: range, what: "a number of bytes"))
        case .bytesPerSecond:
            return .integer(try integer(text, in: 0...1_000_000_000_000, what: "a number of bytes per second"))
        case .address: return .address(try address(text[...]))
        case .endpoint: return try endpoint(text)
        case .alternate: return try alternate(text)
        case .externalAddress: return .external(try external(text))
        case .peers: return .peers(try peers(text))
        case .credentials: return .user(try StaticUser(parsing: text))
        case .character: return .text(try character(text))
        case .choice(let choices): return .text(try choice(text, of: choices))
        case .device: return .text(try device(text))
        case .apiKey: return .apiKey(try SignalingAPIKey(parsing: text))
        case .longSecret: return .text(try LongSecret.read(text))
        case .origin: return .text(try SignalingText.origin(text))
        case .roomPattern: return .text(try SignalingText.roomPattern(text))
        case .tokenIssuer: return .tokenIssuer(try SignalingTokenIssuer(parsing: text))
        case .host: return .host(try SignalingHost(parsing: text))
        case .dialect: return .dialect(try SignalingDialect(parsing: text))
        case .secret, .connection, .string, .path: return .text(text)
        }
    }

    private static func readBare(as kind: ValueKind) throws(MalformedValue) -> OptionValue {
        switch kind {
        case .flag:
            return .flag(true)
        case .seconds(_, let whenBare?):
            return .integer(whenBare)
        case .port, .integer, .seconds, .bytes, .bytesPerSecond, .address, .endpoint, .alternate, .externalAddress,
            .peers,
            .credentials, .secret, .connection, .character, .choice, .string, .device, .path, .apiKey, .longSecret,
            .origin, .roomPattern, .tokenIssuer, .host, .dialect:
            throw MalformedValue("the value is missing; write one, or remove the option")
        }
    }

    /// coturn's words: 1–9, y…, t…, on; and 0, n…, f…, off.
    private static func flag(_ text: String) throws(MalformedValue) -> Bool {
        let word = text.lowercased()
        if word == "on" { return true }
        if word == "off" { return false }
        switch word.first {
        case "1", "2", "3", "4", "5", "6", "7", "8", "9", "y", "t": return true
        case "0", "n", "f": return false
        default: throw MalformedValue("\(text.quoted) is neither yes nor no; write on or off")
        }
    }

    private static func integer(
        _ text: String, in range: ClosedRange<Int>, what: String
    ) throws(MalformedValue) -> Int {
        // The digits are checked because Int also reads a sign.
        guard text.utf8.allSatisfy(\.isDigit), let value = Int(text), range.contains(value) else {
            throw MalformedValue(
                "\(text.quoted) must be \(what) from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func address(_ text: Substring) throws(MalformedValue) -> IPAddress {
        guard let address = IPAddress(text) else {
            throw MalformedValue(
                "\(text.quoted) is not an IP address; write one such as 192.0.2.1 or 2001:db8::1, no host name")
        }
        return address
    }

    static func endpoint(_ text: String) throws(MalformedValue) -> OptionValue {
        if let address = IPAddress(text) { return .endpoint(address, port: nil) }
        guard let endpoint = SocketAddress(text) else {
            throw MalformedValue("\(text.quoted) must be an address and a port: 192.0.2.1:3478 or [2001:db8::1]:3478")
        }
        return .endpoint(endpoint.ip, port: endpoint.port)
    }

    private static func external(_ text: String) throws(MalformedValue) -> ExternalAddress {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let publicAddress = try address(parts[0])
        let privateAddress = parts.count == 2 ? try address(parts[1]) : nil
        guard !publicAddress.isUnspecified, privateAddress?.isUnspecified != true else {
            throw MalformedValue("\(text.quoted) must name the addresses; the unspecified address is none")
        }
        guard let privateAddress else { return ExternalAddress(publicAddress: publicAddress, relayAddress: nil) }
        guard publicAddress.family == privateAddress.family else {
            throw MalformedValue("\(text.quoted) mixes IPv4 and IPv6; a NAT maps within one family")
        }
        return ExternalAddress(publicAddress: publicAddress, relayAddress: privateAddress)
    }

    private static func peers(_ text: String) throws(MalformedValue) -> PeerMatcher {
        guard let matcher = PeerMatcher(text) else {
            throw MalformedValue(
                "\(text.quoted) must be an address, a range such as 10.0.0.0-10.255.255.255 whose ends are in order "
                    + "and of one family, or a prefix such as 10.0.0.0/8 with no bits behind its length")
        }
        return matcher
    }

    private static func character(_ text: String) throws(MalformedValue) -> String {
        guard text.utf8.count == 1, let byte = text.utf8.first, (0x21...0x7E).contains(byte), !byte.isDigit else {
            throw MalformedValue("\(text.quoted) must be a single printable ASCII character that is no digit")
        }
        return text
    }

    private static func choice(_ text: String, of choices: [String]) throws(MalformedValue) -> String {
        guard choices.contains(text) else {
            throw MalformedValue("\(text.quoted) must be one of \(choices.joined(separator: ", "))")
        }
        return text
    }

    /// A network device name as Linux takes it: at most 15 bytes (IFNAMSIZ), no blank, no slash.
    private static func device(_ text: String) throws(MalformedValue) -> String {
        let isName = (1...15).contains(text.utf8.count) && !text.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "/") }
        guard isName else { throw MalformedValue("\(text.quoted) is no device name; write one such as eth0") }
        return text
    }
}
