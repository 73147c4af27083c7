// The values of the section about signaling, and how they are written.

package import NetworkPrimitives

/// A key of an application: the application signs room tokens with it, and shows it to ask for credentials.
package struct SignalingAPIKey: Hashable, Sendable {
    /// 1 to 64 letters, digits and `.`, `_`, `-`; no other key has it.
    package let id: String
    /// 32 to 1024 bytes.
    package let secret: String

    /// Reads `id:secret`. The first colon separates, so that a secret may contain colons.
    init(parsing text: String) throws(MalformedValue) {
        guard let colon = text.firstIndex(of: ":") else {
            throw MalformedValue("there is no colon; write id:secret")
        }
        let id = String(text[..<colon])
        // The text before the colon is not quoted: it may be the secret, the two having been exchanged.
        guard (1...64).contains(id.utf8.count), id.utf8.allSatisfy(Self.isAllowed) else {
            throw MalformedValue(
                "the id before the colon must have 1 to 64 letters, digits and . _ -; write id:secret")
        }
        self.id = id
        secret = try LongSecret.read(String(text[text.index(after: colon)...]))
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        byte.isLetterOrDigit || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}

extension SignalingAPIKey: CustomStringConvertible, CustomReflectable {
    /// The id alone: a configuration that is printed by accident shows no secret.
    package var description: String { "\(id):…" }

    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

/// A secret that is the key of a MAC or stands for somebody, so that guessing it must be hopeless.
enum LongSecret {
    /// As many as SHA-256 gives; a shorter key of HS256 would be its weakest part (RFC 7518 §3.2).
    static let byteCountMin = 32
    static let byteCountMax = 1024
    /// What the example file shows. Everybody can know it.
    static let sample = "replace-this-by-the-output-of-openssl-rand-hex-32"

    static func read(_ text: String) throws(MalformedValue) -> String {
        let count = text.utf8.count
        guard count >= byteCountMin else {
            throw MalformedValue(
                "the secret has \(count) bytes and needs at least \(byteCountMin); make one: openssl rand -hex 32")
        }
        guard count <= byteCountMax else {
            throw MalformedValue(
                "the secret has \(count) bytes, more than \(byteCountMax); openssl rand -hex 32 is enough")
        }
        return text
    }
}

/// Who else signs room tokens.
package struct SignalingTokenIssuer: Hashable, Sendable {
    /// The `iss` of the tokens.
    package let issuer: String
    /// Where the public key is, an absolute path. The configuration does not read it.
    package let publicKeyPath: String

    /// `iss` is compared with each token's, so it is short.
    private static let issuerByteCountMax = 256

    /// Reads `issuer:/path`. An issuer is often a URL, so it is the last colon before a slash that separates.
    init(parsing text: String) throws(MalformedValue) {
        let bytes = Array(text.utf8)
        let separator = bytes.indices.dropLast().last {
            bytes[$0] == UInt8(ascii: ":") && bytes[$0 + 1] == UInt8(ascii: "/")
        }
        guard let separator else {
            throw MalformedValue(
                "\(text.quoted) must be an issuer and an absolute path: "
                    + "https://login.example.org:/etc/turnserver/issuer.pem")
        }
        issuer = String(decoding: bytes[..<separator], as: UTF8.self)
        publicKeyPath = String(decoding: bytes[(separator + 1)...], as: UTF8.self)
        // `https://login.example.org` alone would be split behind the scheme.
        guard !publicKeyPath.hasPrefix("//"), publicKeyPath != "/" else {
            throw MalformedValue("\(text.quoted) names no file; add the path of the public key: :/path/to/public.pem")
        }
        guard (1...Self.issuerByteCountMax).contains(issuer.utf8.count) else {
            throw MalformedValue("the issuer before the path must have 1 to \(Self.issuerByteCountMax) bytes")
        }
    }
}

/// A host that clients are told.
package enum SignalingHost: Hashable, Sendable {
    /// A host name in lower case.
    case name(String)
    case address(IPAddress)

    /// A name as the DNS has it, or an address; an IPv6 address may stand in brackets.
    init(parsing text: String) throws(MalformedValue) {
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]") && text.utf8.count > 2
        let bare = isBracketed ? text.dropFirst().dropLast() : text[...]
        if let address = IPAddress(bare), !isBracketed || address.family == .ipv6 {
            guard !address.isUnspecified else {
                throw MalformedValue("\(text.quoted) is no address that a client could reach")
            }
            self = .address(address)
            return
        }
        guard Self.isName(text) else {
            throw MalformedValue(
                "\(text.quoted) must be a host name or an address, without scheme and port: turn.example.org")
        }
        self = .name(text.lowercased())
    }

    /// The host as a URI has it (RFC 3986 §3.2.2): an IPv6 address in brackets.
    package var uriText: String {
        switch self {
        case .name(let name): name
        case .address(let address): address.family == .ipv6 ? "[\(address)]" : "\(address)"
        }
    }

    /// RFC 1123 §2.1: labels of 1 to 63 letters, digits and hyphens, the last one not all digits.
    static func isName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let areLabels = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") }
                && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
        }
        return areLabels && labels.last?.allSatisfy(\.isDigit) == false
    }
}

/// The text forms that stay texts.
enum SignalingText {
    /// As browsers send it in Origin (RFC 6454 §6.2): lower case, no path, no port that the scheme implies.
    static func origin(_ text: String) throws(MalformedValue) -> String {
        if text == "*" || text == "null" { return text }
        let advice = "write it as https://app.example.org, with a port if there is one, and nothing behind it"
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://"), isScheme(text[..<colon]) else {
            throw MalformedValue("\(text.quoted) is no origin; \(advice), or null, or *")
        }
        let scheme = text[..<colon].lowercased()
        guard let (host, port) = authority(text[colon...].dropFirst(3)) else {
            throw MalformedValue("\(text.quoted) is no origin; \(advice). There are no patterns")
        }
        let impliedPorts: [String: UInt16] = ["http": 80, "https": 443, "ws": 80, "wss": 443]
        if scheme == "ws" || scheme == "wss" {
            let right = scheme == "ws" ? "http" : "https"
            throw MalformedValue("\(text.quoted) is no origin of a page; write \(right)://\(host)")
        }
        guard let port, port != impliedPorts[scheme] else { return "\(scheme)://\(host)" }
        return "\(scheme)://\(host):\(port)"
    }

    /// A name of a room, `prefix*` or `*`.
    static func roomPattern(_ text: String) throws(MalformedValue) -> String {
        let name = text.hasSuffix("*") ? text.dropLast() : text[...]
        let isPattern = name.utf8.count < text.utf8.count
        let allowed: Set<UInt8> = [
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "-"),
        ]
        guard name.utf8.count <= 128, isPattern || !name.isEmpty,
            name.utf8.allSatisfy({ $0.isLetterOrDigit || allowed.contains($0) })
        else {
            throw MalformedValue(
                "\(text.quoted) must be a name of up to 128 letters, digits and . _ ~ -, such a prefix with * at its "
                    + "end, or * alone")
        }
        return text
    }

    /// RFC 3986 §3.1. Applications have schemes of their own, such as capacitor.
    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, first.isLetterOrDigit, !first.isDigit, text.utf8.count <= 32 else {
            return false
        }
        let others: Set<UInt8> = [UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ".")]
        return text.utf8.allSatisfy { $0.isLetterOrDigit || others.contains($0) }
    }

    /// The host as a URI has it, and the port; nil when there is anything else.
    private static func authority(_ text: Substring) -> (host: String, port: UInt16?)? {
        // A colon within brackets belongs to the address.
        let hostEnd = text.lastIndex(of: "]").map { text.index(after: $0) } ?? text.firstIndex(of: ":") ?? text.endIndex
        guard let host = try? SignalingHost(parsing: String(text[..<hostEnd])) else { return nil }
        // An IPv6 address without brackets would run into its port.
        if case .address(let address) = host, address.family == .ipv6, text.first != "[" { return nil }
        guard hostEnd < text.endIndex else { return (host.uriText, nil) }
        let digits = text[hostEnd...].dropFirst()
        guard text[hostEnd] == ":", digits.utf8.allSatisfy(\.isDigit), let port = UInt16(digits), port != 0 else {
            return nil
        }
        return (host.uriText, port)
    }
}

extension UInt8 {
    var isLetterOrDigit: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }
}
