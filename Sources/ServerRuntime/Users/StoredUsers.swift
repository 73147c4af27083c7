package import Configuration
import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN
import Telemetry
package import UserDatabase

/// Which users are wanted, and from where.
struct UserSelection: Hashable, Sendable {
    let database: ServerConfiguration.Authentication.Database
    let realm: [UInt8]

    /// Nil when the configuration has no database.
    init?(_ configuration: ServerConfiguration, _ host: HostFacts) {
        guard let database = configuration.authentication.database else { return nil }
        self.database = database
        realm = ServerSettings.realmBytes(configuration, host)
    }

    /// A source that has nothing open yet. `userdb` is always SQLite; options for other databases would choose here.
    func makeSource(patienceMilliseconds: Int32 = 1000) -> SQLiteUserSource {
        SQLiteUserSource(path: database.path, patienceMilliseconds: patienceMilliseconds)
    }
}

/// What a database adds to a configuration, as the machines take it.
package struct StoredUsers: Sendable {
    let users: [TURN.StaticUser]
    let secrets: [[UInt8]]
    let peerRules: [TURN.PeerRule]
    let quotas: StoredQuotas
    /// For the log: what is left out, and why.
    package let remarks: [String]
    /// The same for the same content.
    let fingerprint: Int

    /// Takes of a snapshot what counts. A rule that denies peers and cannot be read is an error: without it somebody
    /// would reach what he must not.
    init(_ snapshot: UserSnapshot, _ database: ServerConfiguration.Authentication.Database) throws(UserSourceError) {
        var remarks = snapshot.remarks
        users = database.servesUsers ? snapshot.users : []
        secrets = database.servesSecrets ? snapshot.secrets : []
        if !database.servesUsers, !snapshot.users.isEmpty {
            let count = Self.counted(snapshot.users.count, "user")
            remarks.append("\(count) not served: use-auth-secret stands without lt-cred-mech")
        }
        if !database.servesSecrets, !snapshot.secrets.isEmpty {
            let count = Self.counted(snapshot.secrets.count, "shared secret")
            remarks.append("\(count) not accepted: write use-auth-secret if they should be")
        }
        var rules: [TURN.PeerRule] = []
        for rule in snapshot.peerRules {
            let table = rule.kind == .deny ? "denied_peer_ip" : "allowed_peer_ip"
            guard let matcher = PeerMatcher(rule.text) else {
                let text = Quoted(Array(rule.text.utf8))
                let complaint = "\(text) in \(table) is no address, no range and no prefix; correct the row"
                guard rule.kind == .allow else {
                    throw UserSourceError(.unusable, "\(database.path): \(complaint)")
                }
                remarks.append(complaint)
                continue
            }
            rules.append(
                TURN.PeerRule(
                    rule.kind == .allow ? .allow : .deny, TURN.PeerRule.Matcher(matcher),
                    source: "\(database.path) \(table)=\(matcher)"))
        }
        peerRules = rules
        quotas = snapshot.quotas
        self.remarks = remarks
        fingerprint = snapshot.fingerprint
    }

    /// How many there are, as one says it.
    package var summary: String {
        let rules = peerRules.isEmpty ? "" : ", \(Self.counted(peerRules.count, "rule")) about peers"
        return "\(Self.counted(users.count, "user")), \(Self.counted(secrets.count, "shared secret"))\(rules)"
    }

    private static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    /// The realm that a server of this configuration would have on this host.
    package static func realm(of configuration: ServerConfiguration) -> [UInt8] {
        ServerSettings.realmBytes(configuration, .ofThisProcess())
    }

    /// Nil when the configuration has no database.
    package static func load(_ configuration: ServerConfiguration) throws(UserSourceError) -> StoredUsers? {
        try UserSelection(configuration, .ofThisProcess()).map { selection throws(UserSourceError) in
            try load(selection)
        }
    }

    /// Waits up to five seconds for somebody who is writing: at the start and at a reload there is nothing to go on
    /// with.
    static func load(_ selection: UserSelection) throws(UserSourceError) -> StoredUsers {
        var source = selection.makeSource(patienceMilliseconds: 5000)
        let snapshot = try source.load(realm: selection.realm, limits: UserSourceLimits())
        return try StoredUsers(snapshot, selection.database)
    }
}

extension TURN.PeerRule.Matcher {
    init(_ matcher: PeerMatcher) {
        switch matcher {
        case .prefix(let prefix): self = .prefix(prefix)
        case .range(let range): self = .range(range)
        }
    }
}

extension HostFacts {
    /// Enough for a question about a configuration, without a server.
    static func ofThisProcess() -> HostFacts {
        HostFacts(
            addresses: NetworkInterfaces.addresses(), hostName: Process.hostName(), openFilesMax: 1024, workerCount: 1)
    }
}
