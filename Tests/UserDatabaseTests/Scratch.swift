import Foundation

@testable import UserDatabase

/// A file in a directory of its own.
final class Scratch {
    let directory: URL
    var path: String { directory.appending(path: "users.db").path }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "tern-users-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// Makes the file with coturn's tables, and runs statements in it.
    func make(_ statements: String...) throws {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        try UserDatabaseEditor(path: path).prepare()
        try run(statements)
    }

    func run(_ statements: [String]) throws {
        let connection = try SQLiteConnection(path, .writing, patienceMilliseconds: 0)
        for statement in statements { try connection.execute(statement) }
    }

    func run(_ statements: String...) throws { try run(statements) }

    func source() -> SQLiteUserSource { SQLiteUserSource(path: path, patienceMilliseconds: 0) }

    /// What a new source reads of a realm.
    func snapshot(
        realm: String = "example.org", _ limits: UserSourceLimits = UserSourceLimits()
    ) throws -> UserSnapshot {
        var source = source()
        return try source.load(realm: Array(realm.utf8), limits: limits)
    }

    /// A row for a user, with a key of MD5.
    static func user(_ name: String, realm: String = "example.org") -> String {
        "INSERT INTO turnusers_lt VALUES ('\(realm)', '\(name)', '543e1aec5d3614f03141652d6ada51b2')"
    }

    /// Many of them: user1, user2 and so on.
    static func users(_ count: Int) -> String {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count)) "
            + "INSERT INTO turnusers_lt SELECT 'example.org', 'user' || i, '543e1aec5d3614f03141652d6ada51b2' FROM n"
    }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
