import Crypto
import NetworkPrimitives

/// Changes users in a file with the tables of coturn, while servers read it.
package struct UserDatabaseEditor: ~Copyable {
    /// A user as somebody who keeps the list wants to see it.
    package struct Entry: Hashable, Sendable {
        package let realm: [UInt8]
        package let name: [UInt8]
        /// Nil when the key is of no use.
        package let algorithm: Algorithm?
    }

    /// What a stored key was made with.
    package enum Algorithm: String, Sendable {
        case md5, sha256
    }

    /// RFC 8489 §14.3: USERNAME is shorter than 509 bytes.
    package static let nameByteCountMax = 508
    /// As coturn's column has it.
    package static let realmByteCountMax = 127

    private let connection: SQLiteConnection

    /// Opens a file that exists, and waits so long for others who write it.
    package init(path: String, patienceMilliseconds: Int32 = 5000) throws(UserSourceError) {
        connection = try SQLiteConnection(path, .writing, patienceMilliseconds: patienceMilliseconds)
    }

    /// Makes coturn's tables in a file that has none at all. The journal mode of a file stays as it is.
    package func prepare() throws(UserSourceError) {
        try transaction { connection throws(UserSourceError) in
            let tables = try CoturnSchema.tables(of: connection)
            if tables.isEmpty {
                try connection.execute(CoturnSchema.tables)
            } else if !tables.contains("turnusers_lt") {
                throw UserSourceError(
                    .unusable, "\(connection.path) has no table turnusers_lt: it is the database of something else")
            }
        }
    }

    /// Adds a user, or gives one another password; true if there was one. The password itself is not kept, but what
    /// clients of MD5 and coturn need: MD5 of `name:realm:password` (RFC 8489 §9.2.2).
    @discardableResult
    package func set(_ name: [UInt8], realm: [UInt8], password: [UInt8]) throws(UserSourceError) -> Bool {
        precondition((1...Self.nameByteCountMax).contains(name.count), "the caller has looked at the name")
        precondition(!password.isEmpty, "the caller has looked at the password")
        let colon = [UInt8(ascii: ":")]
        let key = (name + colon + realm + colon + password).withRawSpan { MD5.hash($0).array }
        var isKnown = false
        try transaction { connection throws(UserSourceError) in
            try connection.query("SELECT 1 FROM turnusers_lt WHERE realm = ?1 AND name = ?2", [realm, name]) { _ in
                isKnown = true
                return false
            }
            try connection.query(
                "INSERT OR REPLACE INTO turnusers_lt (realm, name, hmackey) VALUES (?1, ?2, ?3)",
                [realm, name, Array(Hex.encode(key).utf8)])
        }
        return isKnown
    }

    /// Removes a user; false if there was none.
    package func remove(_ name: [UInt8], realm: [UInt8]) throws(UserSourceError) -> Bool {
        var count = 0
        try transaction { connection throws(UserSourceError) in
            try connection.query("DELETE FROM turnusers_lt WHERE realm = ?1 AND name = ?2", [realm, name])
            count = connection.changedRowCount
        }
        return count > 0
    }

    /// Hands out users in the order of realm and name: those of one realm, or of all.
    package func list(realm: [UInt8]?, _ user: (Entry) -> Void) throws(UserSourceError) {
        try connection.query(
            "SELECT realm, name, hmackey FROM turnusers_lt WHERE ?1 = '' OR realm = ?2 ORDER BY realm, name",
            [realm == nil ? [] : [UInt8(ascii: "1")], realm ?? []]
        ) { row in
            guard let name = row.text(1) else { return true }
            let algorithm: Algorithm? =
                switch row.text(2).flatMap({ Hex.decode($0) })?.count {
                case MD5Digest.byteCount?: .md5
                case SHA256Digest.byteCount?: .sha256
                case nil, _?: nil
                }
            user(Entry(realm: row.text(0) ?? [], name: name, algorithm: algorithm))
            return true
        }
    }

    /// All of it or nothing. The right to write is taken at once, so that no other writer comes in between.
    private func transaction(
        _ body: (borrowing SQLiteConnection) throws(UserSourceError) -> Void
    ) throws(UserSourceError) {
        try connection.execute("BEGIN IMMEDIATE")
        do throws(UserSourceError) { try body(connection) } catch {
            try? connection.execute("ROLLBACK")
            throw error
        }
        try connection.execute("COMMIT")
    }
}
