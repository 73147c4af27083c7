import Foundation
import TestSupport
import Testing

@testable import UserDatabase

@Suite("Changing users in the tables of coturn")
struct EditorTests {
    private let scratch: Scratch
    private let realm = Array("example.org".utf8)

    init() throws {
        scratch = try Scratch()
        try scratch.make()
    }

    private func list(_ realm: [UInt8]? = nil) throws -> [String] {
        var lines: [String] = []
        try UserDatabaseEditor(path: scratch.path).list(realm: realm) { entry in
            lines.append("\(text(entry.realm)) \(text(entry.name)) \(entry.algorithm?.rawValue ?? "none")")
        }
        return lines
    }

    private func set(_ name: String, _ password: String, realm: String = "example.org") throws -> Bool {
        try UserDatabaseEditor(path: scratch.path).set(
            Array(name.utf8), realm: Array(realm.utf8), password: Array(password.utf8))
    }

    private func remove(_ name: String) throws -> Bool {
        try UserDatabaseEditor(path: scratch.path).remove(Array(name.utf8), realm: realm)
    }

    private func key() throws -> String {
        var key = ""
        let connection = try SQLiteConnection(scratch.path, .reading, patienceMilliseconds: 0)
        try connection.query("SELECT hmackey FROM turnusers_lt") {
            key = $0.text(0).map(text) ?? ""
            return true
        }
        return key
    }

    @Test("the key is the one that turnadmin writes, and adding again exchanges it")
    func keys() throws {
        #expect(try !set("alice", "secret"))
        #expect(try key() == "543e1aec5d3614f03141652d6ada51b2")
        #expect(try set("alice", "other"))
        #expect(try list() == ["example.org alice md5"])
        #expect(try key() != "543e1aec5d3614f03141652d6ada51b2")
    }

    @Test("one realm is listed, or all of them")
    func lists() throws {
        _ = try set("bob", "x")
        _ = try set("alice", "x")
        _ = try set("carol", "x", realm: "example.net")
        try scratch.run(
            "INSERT INTO turnusers_lt VALUES ('example.net', 'dave', 'nonsense')",
            "INSERT INTO turnusers_lt VALUES ('example.net', 'erin', '\(String(repeating: "00", count: 32))')")
        #expect(try list(realm) == ["example.org alice md5", "example.org bob md5"])
        #expect(
            try list() == [
                "example.net carol md5", "example.net dave none", "example.net erin sha256", "example.org alice md5",
                "example.org bob md5",
            ])
        #expect(try list([]).isEmpty)
    }

    @Test("a user is removed from his realm alone")
    func removes() throws {
        _ = try set("alice", "x")
        _ = try set("alice", "x", realm: "example.net")
        #expect(try remove("alice"))
        #expect(try !remove("alice"))
        #expect(try list() == ["example.net alice md5"])
    }

    @Test(
        "names are values, never a part of a statement", .requirement("RI-users-3"),
        arguments: ["x'); DROP TABLE turnusers_lt; --", "'", "%", "a\"b"])
    func injection(name: String) throws {
        _ = try set("alice", "x")
        _ = try set(name, "x")
        #expect(try list() == ["example.org \(name) md5", "example.org alice md5"].sorted())
        #expect(try remove(name))
        #expect(try list() == ["example.org alice md5"])
    }

    @Test("the tables are made in an empty file only, and a second time not again")
    func prepares() throws {
        _ = try set("alice", "x")
        try UserDatabaseEditor(path: scratch.path).prepare()
        #expect(try list() == ["example.org alice md5"])
        let other = try Scratch()
        _ = FileManager.default.createFile(atPath: other.path, contents: nil)
        try other.run("CREATE TABLE songs (title text)")
        let error = #expect(throws: UserSourceError.self) { try UserDatabaseEditor(path: other.path).prepare() }
        #expect(error?.description.contains("it is the database of something else") == true)
    }

    @Test("a file that another program holds is said to be locked, and stays as it is")
    func locked() throws {
        let writer = try SQLiteConnection(scratch.path, .writing, patienceMilliseconds: 0)
        try writer.execute("BEGIN IMMEDIATE")
        let error = #expect(throws: UserSourceError.self) {
            try UserDatabaseEditor(path: scratch.path, patienceMilliseconds: 0).set(
                Array("alice".utf8), realm: realm, password: [1])
        }
        #expect(error?.kind == .busy)
        try writer.execute("COMMIT")
        #expect(try list().isEmpty)
    }

    @Test("a file that is not there is not made")
    func missing() throws {
        let error = #expect(throws: UserSourceError.self) { _ = try UserDatabaseEditor(path: "\(scratch.path).none") }
        #expect(error?.kind == .missing)
    }
}
