package import NetworkPrimitives
package import TLS
import Telemetry

/// Says once each that a certificate has 30, 7, 1 or no days left.
package struct ExpiryNotice: Sendable {
    private static let dayThresholds: [Int64] = [0, 1, 7, 30]
    private static let secondsOfDay: Int64 = 86_400

    private let notBefore: UnixTime
    private let notAfter: UnixTime
    private let source: String
    private var lastThreshold = Int64.max
    private var hasSaidTooEarly = false

    package init(notBefore: UnixTime, notAfter: UnixTime, source: String) {
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.source = source
    }

    package init(_ identity: TLSIdentity) {
        self.init(notBefore: identity.notBefore, notAfter: identity.notAfter, source: identity.source)
    }

    /// Nil when there is nothing to say, or it has been said.
    package mutating func take(at now: UnixTime) -> String? {
        if now < notBefore {
            defer { hasSaidTooEarly = true }
            let sentence = "\(source) is not valid before \(CivilTime(notBefore)); is the clock of this host right?"
            return hasSaidTooEarly ? nil : sentence
        }
        let left = notAfter.seconds - now.seconds
        // Certificates that live for days are renewed in their last third; a warning at each half would be noise.
        let lifetime = notAfter.seconds - notBefore.seconds
        let reached = Self.dayThresholds.first { days in
            let seconds = days * Self.secondsOfDay
            return left <= seconds && (days == 0 || seconds <= lifetime / 2)
        }
        guard let reached, reached < lastThreshold else { return nil }
        lastThreshold = reached
        if reached == 0 {
            return "\(source) has expired at \(CivilTime(notAfter)): clients refuse it; renew it"
        }
        let days = max(1, (left + Self.secondsOfDay - 1) / Self.secondsOfDay)
        let unit = days == 1 ? "day" : "days"
        return "\(source) expires within \(days) \(unit), at \(CivilTime(notAfter)); renew it"
    }
}
