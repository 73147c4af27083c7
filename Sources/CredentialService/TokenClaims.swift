import JSON
import NetworkPrimitives
import Signaling

/// The claims of a token whose signature is good. A claim that we know and that is not what it should be makes the
/// token useless: an issuer that means to restrict somebody must not be misread. Claims that we do not know are left
/// alone.
struct TokenClaims {
    let pass: Pass
    /// `aud`, nil when the token has none.
    let audiences: [String]?

    init?(parsing claims: JSONValue, issuer: String) {
        guard let expiresAt = Self.date(claims["exp"]), let audiences = Self.audiences(claims["aud"]) else {
            return nil
        }
        var pass = Pass(issuer: issuer, expiresAt: expiresAt)
        if let notBefore = claims["nbf"] {
            guard let date = Self.date(notBefore) else { return nil }
            pass.notBefore = date
        }
        if let subject = claims["sub"] {
            guard let text = subject.string, TokenLimits.isIdentity(text) else { return nil }
            pass.subject = text
        }
        if let room = claims["room"] {
            guard let pattern = room.string.flatMap({ RoomPattern($0) }) else { return nil }
            pass.rooms = pattern
        }
        if let capacity = claims["cap"] {
            guard let number = capacity.integer, TokenLimits.capacities.contains(number) else { return nil }
            pass.capacity = number
        }
        if let list = claims["grants"] {
            guard let list = try? GrantList(parsing: list, unknownNames: .ignored) else { return nil }
            pass.grants = list.grants
            pass.credentialSecondsMax = list.credentialSecondsMax
            pass.transports = list.transports
        }
        self.pass = pass
        self.audiences = audiences
    }

    /// RFC 7519 §2, NumericDate: seconds since 1970, perhaps with a fraction, which is dropped.
    private static func date(_ value: JSONValue?) -> UnixTime? {
        guard let value else { return nil }
        if let seconds = value.integer {
            return TokenLimits.dates.contains(seconds) ? UnixTime(seconds: Int64(seconds)) : nil
        }
        guard let seconds = value.double, seconds >= 0, seconds < Double(TokenLimits.dates.upperBound) else {
            return nil
        }
        return UnixTime(seconds: Int64(seconds))
    }

    /// RFC 7519 §4.1.3: a string or an array of them. The outer nil is for neither.
    private static func audiences(_ value: JSONValue?) -> [String]?? {
        guard let value else { return .some(nil) }
        if let one = value.string { return [one] }
        guard value.kind == .array else { return nil }
        var names: [String] = []
        for element in value.elements {
            guard let name = element.string else { return nil }
            names.append(name)
        }
        return names
    }
}

/// What tokens, and requests for them, may say.
package enum TokenLimits {
    /// Up to the year 9999: enough, and far from where arithmetic ends.
    static let dates = 0...253_402_300_799
    /// What `cap` may be.
    package static let capacities = 1...1_000_000
    /// The longest `sub`.
    package static let identityByteCountMax = 128

    /// Whether `text` may stand in `sub`.
    package static func isIdentity(_ text: String) -> Bool { (1...identityByteCountMax).contains(text.utf8.count) }
}
