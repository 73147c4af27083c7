/// A user from the configuration.
package struct StaticUser: Hashable, Sendable {
    /// What the server knows of the user.
    package enum Secret: Hashable, Sendable {
        case password(String)
        /// MD5 of `name:realm:password`, 16 bytes (RFC 8489 §9.2.2).
        case md5Key([UInt8])
        /// SHA-256 of the same, 32 bytes.
        case sha256Key([UInt8])
    }

    /// USERNAME; without a colon, 1 to 508 bytes.
    package let name: String
    /// What the server knows of the user.
    package let secret: Secret

    /// RFC 8489 §14.3: USERNAME is shorter than 509 bytes.
    static let nameByteCountMax = 508

    /// Reads `name:password` or `name:0xkey`. The first colon separates, so that a password may contain colons.
    init(parsing text: String) throws(MalformedValue) {
        guard let colon = text.firstIndex(of: ":") else {
            throw MalformedValue("there is no colon; write name:password")
        }
        try self.init(name: String(text[..<colon]), secretText: text[text.index(after: colon)...])
    }

    init(name: String, password: String) throws(MalformedValue) {
        guard !password.isEmpty else { throw MalformedValue("the password is empty; write name:password") }
        try self.init(name: name, secret: .password(password))
    }

    private init(name: String, secretText: Substring) throws(MalformedValue) {
        guard secretText.hasPrefix("0x") else {
            try self.init(name: name, password: String(secretText))
            return
        }
        guard let key = Self.bytes(hexadecimal: secretText.dropFirst(2)), key.count == 16 || key.count == 32 else {
            throw MalformedValue("what begins with 0x is a key and must have 32 or 64 hexadecimal digits")
        }
        try self.init(name: name, secret: key.count == 16 ? .md5Key(key) : .sha256Key(key))
    }

    private init(name: String, secret: Secret) throws(MalformedValue) {
        guard !name.isEmpty else { throw MalformedValue("the name before the colon is empty; write name:password") }
        guard name.utf8.count <= Self.nameByteCountMax else {
            throw MalformedValue("the name is longer than \(Self.nameByteCountMax) bytes, which no client can send")
        }
        self.name = name
        self.secret = secret
    }

    private static func bytes(hexadecimal digits: Substring) -> [UInt8]? {
        guard digits.utf8.count <= 64, digits.utf8.count.isMultiple(of: 2) else { return nil }
        var result: [UInt8] = []
        var high: UInt8?
        for character in digits {
            guard character.isASCII, let value = character.hexDigitValue else { return nil }
            if let upper = high {
                result.append(upper << 4 | UInt8(value))
                high = nil
            } else {
                high = UInt8(value)
            }
        }
        return result
    }
}

extension StaticUser: CustomStringConvertible, CustomReflectable {
    /// The name alone: a configuration that is printed by accident shows no secret.
    package var description: String { "\(name):…" }

    package var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}

extension StaticUser.Secret: CustomStringConvertible, CustomReflectable {
    package var description: String { "…" }

    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
