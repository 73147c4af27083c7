import CSQLite
import Crypto
import TURN
import Telemetry

/// Users and secrets in an SQLite file with the tables of coturn.
///
/// Everything is read again after a change, and not row by row when a client asks: who asks is a worker, which must not
/// wait for a disk.
package struct SQLiteUserSource: UserSource, ~Copyable {
    private let path: String
    private let patienceMilliseconds: CInt
    /// Nil before the first load, and when another file has taken the place of the one that was open.
    private var connection: SQLiteConnection?
    /// SQLite's count of what others have committed, as this connection sees it, before the last load.
    private var versionLoaded: Int?

    /// `patienceMilliseconds` is how long a call waits for a program that is writing the file.
    package init(path: String, patienceMilliseconds: Int32 = 1000) {
        self.path = path
        self.patienceMilliseconds = patienceMilliseconds
    }

    package mutating func hasNews() throws(UserSourceError) -> Bool {
        guard let version = versionLoaded else { return true }
        if connection?.hasMoved ?? true {
            connection = nil
            versionLoaded = nil
            return true
        }
        return try currentVersion() != version
    }

    package mutating func load(realm: [UInt8], limits: UserSourceLimits) throws(UserSourceError) -> UserSnapshot {
        versionLoaded = nil
        // An error may be about the connection; the next attempt makes a new one.
        var isWhole = false
        defer { if !isWhole { connection = nil } }
        if connection == nil {
            connection = try SQLiteConnection(path, .reading, patienceMilliseconds: patienceMilliseconds)
        }
        // Before reading: what is committed while we read makes another number.
        let version = try currentVersion()
        let snapshot = try read(realm: realm, limits: limits)
        versionLoaded = version
        isWhole = true
        return snapshot
    }

    private func currentVersion() throws(UserSourceError) -> Int? {
        switch connection {
        case .none: nil
        case .some(let connection): try connection.number("PRAGMA data_version")
        }
    }

    private func read(realm: [UInt8], limits: UserSourceLimits) throws(UserSourceError) -> UserSnapshot {
        switch connection {
        case .none: return UserSnapshot()
        case .some(let connection):
            var reader = RealmReader(realm: realm, limits: limits)
            // One transaction: all tables as they were at one moment.
            try connection.execute("BEGIN")
            do throws(UserSourceError) { try reader.read(connection) } catch {
                try? connection.execute("ROLLBACK")
                throw error
            }
            try connection.execute("COMMIT")
            return reader.snapshot
        }
    }
}

/// Reads the tables of coturn as far as they concern one realm.
private struct RealmReader {
    let realm: [UInt8]
    let limits: UserSourceLimits
    var snapshot = UserSnapshot()
    /// RFC 8489 §14.3: USERNAME is shorter than 509 bytes.
    private static let nameByteCountMax = 508

    init(realm: [UInt8], limits: UserSourceLimits) {
        self.realm = realm
        self.limits = limits
    }

    mutating func read(_ connection: borrowing SQLiteConnection) throws(UserSourceError) {
        let tables = try CoturnSchema.tables(of: connection)
        guard tables.contains("turnusers_lt") || tables.contains("turn_secret") else {
            throw UserSourceError(
                .unusable,
                "\(connection.path) has no table turnusers_lt and no turn_secret: it is no database of coturn's")
        }
        if tables.contains("turnusers_lt") { try readUsers(connection) }
        if tables.contains("turn_secret") { try readSecrets(connection) }
        if tables.contains("denied_peer_ip") { try readPeers(connection, .deny, "denied_peer_ip") }
        if tables.contains("allowed_peer_ip") { try readPeers(connection, .allow, "allowed_peer_ip") }
        if tables.contains("turn_realm_option") { try readQuotas(connection) }
    }

    private mutating func readUsers(_ connection: borrowing SQLiteConnection) throws(UserSourceError) {
        var users: [StaticUser] = []
        var badKeys: [[UInt8]] = []
        var badNameCount = 0
        let max = limits.usersMax
        var isOverflowing = false
        // In their order, so that the same ones are left out each time when there are too many.
        try connection.query(
            "SELECT name, hmackey FROM turnusers_lt WHERE realm = ?1 ORDER BY name", [realm]
        ) { row in
            guard let name = row.text(0), (1...Self.nameByteCountMax).contains(name.count) else {
                badNameCount += 1
                return true
            }
            guard users.count < max else {
                isOverflowing = true
                return false
            }
            switch row.text(1).flatMap({ Hex.decode($0) }) {
            case let key? where key.count == MD5Digest.byteCount:
                users.append(StaticUser(name: name, secret: .md5Key(key)))
            case let key? where key.count == SHA256Digest.byteCount:
                users.append(StaticUser(name: name, secret: .sha256Key(key)))
            case nil, _?: badKeys.append(name)
            }
            return true
        }
        snapshot.users = users
        if let first = badKeys.first {
            snapshot.remarks.append(
                "\(counted(badKeys.count, "user")) left out, such as \(Quoted(first)): hmackey must have 32 "
                    + "hexadecimal digits (MD5 of name:realm:password) or 64 (SHA-256)")
        }
        if badNameCount > 0 {
            snapshot.remarks.append(
                "\(counted(badNameCount, "user")) left out: the name has no byte, or more than \(Self.nameByteCountMax)"
            )
        }
        if isOverflowing {
            snapshot.remarks.append("more than \(max) users; those behind in the alphabet are left out")
        }
        if users.isEmpty { try remarkOnOtherRealms(connection) }
    }

    /// The commonest mistake is another realm than that of the server.
    private mutating func remarkOnOtherRealms(_ connection: borrowing SQLiteConnection) throws(UserSourceError) {
        var others: [String] = []
        try connection.query("SELECT DISTINCT realm FROM turnusers_lt WHERE realm IS NOT ?1 LIMIT 3", [realm]) { row in
            others.append("\(Quoted(row.text(0) ?? []))")
            return true
        }
        guard !others.isEmpty else { return }
        snapshot.remarks.append(
            "no user of realm \(Quoted(realm)), but of \(others.joined(separator: ", ")): set realm, or add users to "
                + "this one")
    }

    private mutating func readSecrets(_ connection: borrowing SQLiteConnection) throws(UserSourceError) {
        var secrets: [[UInt8]] = []
        let max = limits.secretsMax
        var isOverflowing = false
        try connection.query("SELECT value FROM turn_secret WHERE realm = ?1 ORDER BY value", [realm]) { row in
            guard let value = row.text(0), !value.isEmpty else { return true }
            guard secrets.count < max else {
                isOverflowing = true
                return false
            }
            secrets.append(value)
            return true
        }
        snapshot.secrets = secrets
        if isOverflowing {
            snapshot.remarks.append(
                "more than \(max) secrets; some are left out: remove those that are no longer used")
        }
    }

    /// Rows without a realm are for all realms.
    private mutating func readPeers(
        _ connection: borrowing SQLiteConnection, _ kind: StoredPeerRule.Kind, _ table: StaticString
    ) throws(UserSourceError) {
        var rules = snapshot.peerRules
        let max = limits.peerRulesMax
        var isOverflowing = false
        try connection.query(
            "SELECT ip_range FROM \(table) WHERE realm = ?1 OR realm = '' OR realm IS NULL ORDER BY ip_range", [realm]
        ) { row in
            guard let text = row.text(0), !text.isEmpty else { return true }
            guard rules.count < max else {
                isOverflowing = true
                return false
            }
            rules.append(StoredPeerRule(kind, String(decoding: text, as: UTF8.self)))
            return true
        }
        // A rule that denies must not get lost.
        if isOverflowing, kind == .deny {
            throw UserSourceError(.unusable, "\(connection.path): more than \(max) rows in \(table); use wider ranges")
        }
        if isOverflowing { snapshot.remarks.append("more than \(max) rules about peers; some that allow are left out") }
        snapshot.peerRules = rules
    }

    private mutating func readQuotas(_ connection: borrowing SQLiteConnection) throws(UserSourceError) {
        var quotas = StoredQuotas()
        try connection.query("SELECT opt, value FROM turn_realm_option WHERE realm = ?1 LIMIT 64", [realm]) { row in
            guard let name = row.text(0), let text = row.text(1),
                let value = Int(String(decoding: text, as: UTF8.self)), (0...1_000_000_000_000).contains(value)
            else { return true }
            switch String(decoding: name, as: UTF8.self) {
            case "user-quota": quotas.perUser = value
            case "total-quota": quotas.total = value
            case "max-bps": quotas.bytesPerSecond = value
            default: break
            }
            return true
        }
        snapshot.quotas = quotas
    }
}

func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? " is" : "s are")" }
