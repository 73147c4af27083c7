import Crypto
import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN
import TURN

/// Uses a server as its clients do, and says in words what does not work.
///
/// At each place: a Binding request, an Allocate with credentials, and what TLS shows. For each relayed address once:
/// whether what is sent to it from here arrives, whether the way back works, and whether two relays reach each other.
package struct Selftest {
    let plan: SelftestPlan
    var report = SelftestReport()
    /// Relayed addresses that were tried.
    private var triedRelays: Set<IPAddress> = []
    private var hasTriedClock = false
    /// Seconds for which credentials are made.
    static let lifetime: Int64 = 600

    package static func run(_ plan: SelftestPlan) -> SelftestReport {
        var test = Selftest(plan: plan)
        for endpoint in plan.endpoints { test.visit(endpoint) }
        return test.report
    }

    private init(plan: SelftestPlan) { self.plan = plan }

    // MARK: - Findings

    mutating func note(
        _ severity: SelftestFinding.Severity, _ kind: SelftestFinding.Kind, _ text: String,
        at endpoint: SelftestEndpoint? = nil
    ) {
        report.findings.append(SelftestFinding(severity: severity, kind: kind, text: text, endpoint: endpoint))
        guard severity == .fault, let endpoint else { return }
        if let index = report.results.firstIndex(where: { $0.endpoint == endpoint }) {
            report.results[index].isFine = false
        }
    }

    private mutating func note(_ failure: LinkFailure, at endpoint: SelftestEndpoint) {
        let (kind, text) = SelftestWords.explain(failure, at: endpoint, isOutside: plan.isOutside)
        note(.fault, kind, text, at: endpoint)
    }

    private mutating func change(_ endpoint: SelftestEndpoint, _ body: (inout SelftestResult) -> Void) {
        guard let index = report.results.firstIndex(where: { $0.endpoint == endpoint }) else { return }
        body(&report.results[index])
    }

    // MARK: - A place

    private mutating func visit(_ endpoint: SelftestEndpoint) {
        report.results.append(SelftestResult(endpoint: endpoint))
        do throws(LinkFailure) {
            var session = try connect(endpoint, as: identity(expiringIn: Self.lifetime))
            judgeCertificate(session.link, at: endpoint)
            guard plan.credentials != nil else {
                try bind(&session, at: endpoint)
                return
            }
            let isAllocated = try allocate(&session, at: endpoint)
            try bindAfterwards(&session, at: endpoint)
            guard isAllocated else { return }
            try tryRelay(&session, at: endpoint)
            session.release()
        } catch { note(error, at: endpoint) }
    }

    func connect(
        _ endpoint: SelftestEndpoint, as identity: TURNSession.Identity
    ) throws(LinkFailure) -> TURNSession {
        var destination = Link.Destination(endpoint.transport, endpoint.address)
        destination.serverName = plan.host
        destination.authorities = plan.authorities
        return try TURNSession(to: destination, as: identity, milliseconds: plan.milliseconds)
    }

    func identity(expiringIn seconds: Int64) -> TURNSession.Identity {
        switch plan.credentials {
        case .password(let user, let password): return .password(user: Array(user.utf8), password: Array(password.utf8))
        case .key(let user, let key): return .key(user: Array(user.utf8), key: key)
        case .secret(let secret, let separator):
            let made = EphemeralCredential.mint(
                user: Array("selftest".utf8), expiresAt: Clock.wall().seconds + seconds, separator: separator,
                secret: HMACSHA1Key(key: Array(secret.utf8)))
            return .password(user: made.username, password: made.password)
        case .anonymous, nil: return .none
        }
    }

    /// Tells that the port is reached, apart from whether credentials hold.
    private mutating func bind(_ session: inout TURNSession, at endpoint: SelftestEndpoint) throws(LinkFailure) {
        let start = Clock.monotonic()
        let answer = try session.ask(.binding)
        let microseconds = Int(Clock.monotonic().nanoseconds(since: start) / 1000)
        change(endpoint) { result in
            result.mapped = answer.mapped ?? result.mapped
            result.microseconds = microseconds
        }
    }

    /// A server that has answered an Allocate and answers no Binding was told so.
    private mutating func bindAfterwards(
        _ session: inout TURNSession, at endpoint: SelftestEndpoint
    ) throws(LinkFailure) {
        do { try bind(&session, at: endpoint) } catch {
            guard case .timedOut = error else { throw error }
            note(.note, .notTried, SelftestWords.noBinding(endpoint), at: endpoint)
        }
    }

    // MARK: - Credentials

    /// Whether there is an allocation.
    private mutating func allocate(
        _ session: inout TURNSession, at endpoint: SelftestEndpoint
    ) throws(LinkFailure) -> Bool {
        let answer = try session.allocate()
        if let relayed = answer.relayed, answer.type.messageClass == .success {
            change(endpoint) { result in
                result.relayed = relayed
                result.mapped = answer.mapped
            }
            try lookForLateClock(at: endpoint)
            return true
        }
        switch answer.errorCode {
        case 401, 441:
            if try lookForEarlyClock(&session, at: endpoint) { return false }
            note(
                .fault, .refusedCredentials, SelftestWords.refusedCredentials(plan.credentials, endpoint), at: endpoint)
        default:
            let (severity, kind, text) = SelftestWords.explain(errorCode: answer.errorCode, at: endpoint)
            note(severity, kind, text, at: endpoint)
        }
        return false
    }

    /// Time-limited credentials that are refused, while those that live for longer are not: the server's clock is
    /// ahead of ours. Whether there is a fault of this kind.
    private mutating func lookForEarlyClock(
        _ session: inout TURNSession, at endpoint: SelftestEndpoint
    ) throws(LinkFailure) -> Bool {
        guard case .secret = plan.credentials else { return false }
        let steps: [Int64] = [Self.lifetime, 3600, 6 * 3600, 86_400, 30 * 86_400, 3650 * 86_400]
        for (shorter, longer) in zip(steps, steps.dropFirst()) {
            guard try session.accepts(identity(expiringIn: longer)) else { continue }
            note(
                .fault, .clockAhead, SelftestWords.clockAhead(endpoint, by: Int(shorter), to: Int(longer)), at: endpoint
            )
            return true
        }
        return false
    }

    /// Credentials that have expired and are taken all the same: the server's clock is behind ours. Asked once, because
    /// each refusal is a line in the server's log.
    private mutating func lookForLateClock(at endpoint: SelftestEndpoint) throws(LinkFailure) {
        guard !hasTriedClock, case .secret = plan.credentials else { return }
        hasTriedClock = true
        var session = try connect(endpoint, as: .none)
        var behind: Int64?
        for seconds: Int64 in [60, 3600, 86_400] {
            guard try session.accepts(identity(expiringIn: -seconds)) else { break }
            behind = seconds
        }
        guard let behind else { return }
        note(.fault, .clockBehind, SelftestWords.clockBehind(endpoint, by: Int(behind)), at: endpoint)
    }

    // MARK: - Relays

    private mutating func tryRelay(_ session: inout TURNSession, at endpoint: SelftestEndpoint) throws(LinkFailure) {
        guard let result = report.results.first(where: { $0.endpoint == endpoint }), let relayed = result.relayed,
            triedRelays.insert(relayed.ip).inserted
        else { return }
        try judgeRelay(&session, relayed, mapped: result.mapped, at: endpoint)
        // The other family, which a client has to ask for.
        let other: AddressFamily = relayed.family == .ipv4 ? .ipv6 : .ipv4
        var second = try connect(endpoint, as: identity(expiringIn: Self.lifetime))
        let answer = try second.allocate([.family(other)])
        guard let address = answer.relayed, answer.type.messageClass == .success else { return }
        if triedRelays.insert(address.ip).inserted {
            try judgeRelay(&second, address, mapped: nil, at: endpoint)
        }
        second.release()
    }

    // MARK: - Certificates

    /// Days before its end at which a certificate should long have been renewed.
    private static let renewalDays: Int64 = 14

    private mutating func judgeCertificate(_ link: borrowing Link, at endpoint: SelftestEndpoint) {
        guard endpoint.transport.isEncrypted, let certificate = link.certificate else { return }
        let now = Clock.wall()
        let left = certificate.notAfter.seconds - now.seconds
        let words = SelftestWords.Certificate(certificate, at: endpoint)
        if left < 0 {
            note(.fault, .expired, words.expired(secondsAgo: Int(-left)), at: endpoint)
        } else if certificate.notBefore > now {
            note(
                .fault, .notYetValid, words.notYetValid(in: Int(certificate.notBefore.seconds - now.seconds)),
                at: endpoint)
        } else if left < Self.renewalDays * 86_400 {
            note(.warning, .expiresSoon, words.expiresSoon(in: Int(left)), at: endpoint)
        }
        if let host = plan.host, !link.certificateIsFor(host) {
            note(.fault, .wrongName, words.wrongName(host), at: endpoint)
        }
        if !certificate.isTrusted { note(.fault, .untrusted, words.untrusted, at: endpoint) }
    }
}
