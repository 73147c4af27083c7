import Foundation
import TURN
import TestSupport
import Testing

@testable import UserDatabase

@Suite("Users and secrets in the tables of coturn")
struct SourceTests {
    private let scratch: Scratch
    private static let realm = Array("example.org".utf8)

    init() throws { scratch = try Scratch() }

    private func names(_ snapshot: UserSnapshot) -> [String] { snapshot.users.map { text($0.name) } }

    @Test("the users and secrets of one realm are read, of both kinds of keys")
    func realm() throws {
        try scratch.make(
            Scratch.user("alice"), Scratch.user("carol", realm: "example.net"),
            "INSERT INTO turnusers_lt VALUES ('example.org', 'bob', '\(String(repeating: "Ab", count: 32))')",
            "INSERT INTO turn_secret VALUES ('example.org', 'hush')",
            "INSERT INTO turn_secret VALUES ('example.net', 'other')")
        let snapshot = try scratch.snapshot()
        #expect(names(snapshot) == ["alice", "bob"])
        guard case .md5Key(let key)? = snapshot.users.first?.secret else { throw TestFailure("no MD5 key") }
        #expect(key == bytes("543e1aec 5d3614f0 3141652d 6ada51b2"))
        guard case .sha256Key(let long)? = snapshot.users.last?.secret else { throw TestFailure("no SHA-256 key") }
        #expect(long == [UInt8](repeating: 0xAB, count: 32))
        #expect(snapshot.secrets.map(text) == ["hush"])
        #expect(snapshot.remarks.isEmpty)
    }

    @Test("rows that cannot be used are left out and counted, and the others stay")
    func badRows() throws {
        try scratch.make(
            Scratch.user("good"), Scratch.user(""), Scratch.user(String(repeating: "n", count: 509)),
            "INSERT INTO turnusers_lt VALUES ('example.org', 'no-key', NULL)",
            "INSERT INTO turnusers_lt VALUES ('example.org', 'short', '543e')",
            "INSERT INTO turnusers_lt VALUES ('example.org', 'words', 'zz3e1aec5d3614f03141652d6ada51b2')",
            "INSERT INTO turnusers_lt VALUES ('example.org', NULL, '543e1aec5d3614f03141652d6ada51b2')",
            "INSERT INTO turn_secret VALUES ('example.org', '')",
            "INSERT INTO turn_secret VALUES ('example.org', NULL)")
        let snapshot = try scratch.snapshot()
        #expect(names(snapshot) == ["good"])
        #expect(snapshot.secrets.isEmpty)
        #expect(snapshot.remarks.count == 2)
        #expect(snapshot.remarks.first?.hasPrefix("3 users are left out, such as no-key: hmackey must have 32") == true)
        #expect(snapshot.remarks.last == "3 users are left out: the name has no byte, or more than 508")
    }

    @Test("a name of 508 bytes is the longest that a client can send")
    func longName() throws {
        let name = String(repeating: "n", count: 508)
        try scratch.make(Scratch.user(name))
        #expect(names(try scratch.snapshot()) == [name])
    }

    @Test("as many users as the limit says are taken, and one more is left out with a word")
    func userLimit() throws {
        try scratch.make(Scratch.user("a"), Scratch.user("b"))
        let limits = UserSourceLimits(usersMax: 2)
        #expect(try scratch.snapshot(limits).remarks.isEmpty)
        try scratch.run(Scratch.user("c"))
        let snapshot = try scratch.snapshot(limits)
        #expect(names(snapshot) == ["a", "b"])
        #expect(snapshot.remarks == ["more than 2 users; those behind in the alphabet are left out"])
    }

    @Test("secrets and rules about peers have limits; too many denying ones are an error", .requirement("RI-users-4"))
    func otherLimits() throws {
        let limits = UserSourceLimits(secretsMax: 1, peerRulesMax: 1)
        try scratch.make(
            "INSERT INTO turn_secret VALUES ('example.org', 'a')",
            "INSERT INTO denied_peer_ip VALUES ('example.org', '10.0.0.1')")
        #expect(try scratch.snapshot(limits).remarks.isEmpty)
        try scratch.run(
            "INSERT INTO turn_secret VALUES ('example.org', 'b')",
            "INSERT INTO allowed_peer_ip VALUES ('example.org', '10.0.0.2')")
        let snapshot = try scratch.snapshot(limits)
        #expect(snapshot.secrets.map(text) == ["a"])
        #expect(snapshot.peerRules == [StoredPeerRule(.deny, "10.0.0.1")])
        #expect(snapshot.remarks.count == 2)
        try scratch.run("INSERT INTO denied_peer_ip VALUES ('example.org', '10.0.0.3')")
        #expect(throws: UserSourceError.self) { try scratch.snapshot(limits) }
    }

    @Test("peers of the realm and of all realms, and what the realm is granted")
    func peersAndQuotas() throws {
        try scratch.make(
            "INSERT INTO denied_peer_ip VALUES ('example.org', '10.0.0.0-10.0.0.255')",
            "INSERT INTO denied_peer_ip VALUES ('', '10.1.0.0/16')",
            "INSERT INTO denied_peer_ip VALUES ('example.net', '10.2.0.0/16')",
            "INSERT INTO allowed_peer_ip VALUES ('example.org', '10.0.0.7')",
            "INSERT INTO turn_realm_option VALUES ('example.org', 'user-quota', '5')",
            "INSERT INTO turn_realm_option VALUES ('example.org', 'total-quota', 'many')",
            "INSERT INTO turn_realm_option VALUES ('example.org', 'max-bps', '64000')",
            "INSERT INTO turn_realm_option VALUES ('example.net', 'total-quota', '7')")
        let snapshot = try scratch.snapshot()
        #expect(
            snapshot.peerRules == [
                StoredPeerRule(.deny, "10.0.0.0-10.0.0.255"), StoredPeerRule(.deny, "10.1.0.0/16"),
                StoredPeerRule(.allow, "10.0.0.7"),
            ])
        #expect(snapshot.quotas.perUser == 5)
        #expect(snapshot.quotas.total == nil)
        #expect(snapshot.quotas.bytesPerSecond == 64000)
    }

    @Test("who has users of other realms only is told which")
    func otherRealms() throws {
        try scratch.make(Scratch.user("a", realm: "example.net"))
        #expect(
            try scratch.snapshot().remarks == [
                "no user of realm example.org, but of example.net: set realm, or add users to this one"
            ])
    }

    @Test("a realm is a value, never a part of a statement", .requirement("RI-users-3"))
    func injection() throws {
        try scratch.make(Scratch.user("alice"))
        #expect(try scratch.snapshot(realm: "' OR '1'='1").users.isEmpty)
        #expect(try scratch.snapshot(realm: "x'; DROP TABLE turnusers_lt; --").users.isEmpty)
        #expect(names(try scratch.snapshot()) == ["alice"])
    }

    @Test("what others commit is news; what nobody changed is none")
    func news() throws {
        try scratch.make()
        var source = scratch.source()
        var hasNews = try source.hasNews()
        #expect(hasNews)
        _ = try source.load(realm: Self.realm, limits: UserSourceLimits())
        hasNews = try source.hasNews()
        #expect(!hasNews)
        try scratch.run("INSERT INTO turn_secret VALUES ('example.org', 'hush')")
        hasNews = try source.hasNews()
        #expect(hasNews)
        let secrets = try source.load(realm: Self.realm, limits: UserSourceLimits()).secrets
        #expect(secrets.map(text) == ["hush"])
        hasNews = try source.hasNews()
        #expect(!hasNews)
    }

    @Test("a file in WAL mode is read too, and stays in it")
    func writeAheadLog() throws {
        try scratch.make("PRAGMA journal_mode = WAL")
        var source = scratch.source()
        _ = try source.load(realm: Self.realm, limits: UserSourceLimits())
        var hasNews = try source.hasNews()
        #expect(!hasNews)
        try UserDatabaseEditor(path: scratch.path).set(
            Array("alice".utf8), realm: Self.realm, password: Array("secret".utf8))
        hasNews = try source.hasNews()
        #expect(hasNews)
        let snapshot = try source.load(realm: Self.realm, limits: UserSourceLimits())
        #expect(names(snapshot) == ["alice"])
        var mode = ""
        try SQLiteConnection(scratch.path, .reading, patienceMilliseconds: 0).query("PRAGMA journal_mode") { row in
            mode = row.text(0).map(text) ?? ""
            return true
        }
        #expect(mode == "wal")
    }

    @Test("a file that takes the place of the old one is news, and so is its end")
    func replaced() throws {
        try scratch.make()
        var source = scratch.source()
        _ = try source.load(realm: Self.realm, limits: UserSourceLimits())
        let other = try Scratch()
        try other.make("INSERT INTO turn_secret VALUES ('example.org', 'new')")
        try FileManager.default.removeItem(atPath: scratch.path)
        try FileManager.default.moveItem(atPath: other.path, toPath: scratch.path)
        var hasNews = try source.hasNews()
        #expect(hasNews)
        let secrets = try source.load(realm: Self.realm, limits: UserSourceLimits()).secrets
        #expect(secrets.map(text) == ["new"])
        try FileManager.default.removeItem(atPath: scratch.path)
        hasNews = try source.hasNews()
        #expect(hasNews)
        do {
            _ = try source.load(realm: Self.realm, limits: UserSourceLimits())
            Issue.record("there is nothing to read")
        } catch {
            #expect(error.kind == .missing)
        }
    }

    @Test("a file that somebody holds is busy, and can be read when he lets go")
    func locked() throws {
        try scratch.make("INSERT INTO turn_secret VALUES ('example.org', 'hush')")
        var source = scratch.source()
        _ = try source.load(realm: Self.realm, limits: UserSourceLimits())
        let writer = try SQLiteConnection(scratch.path, .writing, patienceMilliseconds: 0)
        try writer.execute("BEGIN EXCLUSIVE")
        do {
            _ = try source.hasNews()
            Issue.record("nobody can read while it is held")
        } catch {
            #expect(error.kind == .busy)
            #expect(error.description.contains("is locked: another program is writing it"))
        }
        try writer.execute("COMMIT")
        let secrets = try source.load(realm: Self.realm, limits: UserSourceLimits()).secrets
        #expect(secrets.map(text) == ["hush"])
    }

    @Test("what is no database of coturn's is said in words")
    func notOurs() throws {
        func complaint() throws -> UserSourceError {
            do { _ = try scratch.snapshot() } catch let error as UserSourceError { return error }
            throw TestFailure("it was read")
        }
        #expect(try complaint().kind == .missing)
        #expect(try complaint().description.contains("'tern users add -b \(scratch.path)' makes it"))
        try Data("listening-port=3478\n".utf8).write(to: URL(fileURLWithPath: scratch.path))
        #expect(try complaint().description == "\(scratch.path) is no SQLite database")
        try Data().write(to: URL(fileURLWithPath: scratch.path))
        #expect(try complaint().description.contains("has no table turnusers_lt"))
        try scratch.run("CREATE TABLE songs (title text)")
        #expect(try complaint().kind == .unusable)
    }

    @Test("a damaged file is said to be damaged")
    func damaged() throws {
        try scratch.make(Scratch.users(2000))
        #expect(try scratch.snapshot().users.count == 2000)
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: scratch.path))
        let size = try file.seekToEnd()
        // The first page has the schema; all behind it goes.
        try file.seek(toOffset: 4096)
        try file.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 4096))
        try file.close()
        let error = #expect(throws: UserSourceError.self) { try scratch.snapshot() }
        #expect(error?.kind == .unusable)
        #expect(error?.description.contains("is damaged") == true)
    }

    @Test("a hundred thousand users are read")
    func many() throws {
        try scratch.make(Scratch.users(100_000))
        let snapshot = try scratch.snapshot()
        #expect(snapshot.users.count == 100_000)
        #expect(snapshot.remarks.isEmpty)
    }
}
