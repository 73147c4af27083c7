import Configuration
import Testing

@Suite("Secrets that stand outside of the configuration")
struct OutsideValueTests {
    private static let files: [String: [UInt8]] = [
        "/run/secret": Array("north-wind\n".utf8), "/run/dos": Array("north-wind\r\n".utf8),
        "/run/bare": Array(" north wind#1 ".utf8), "/run/empty": Array("\n".utf8), "/run/two": Array("a\nb\n".utf8),
        "/run/zero": [0x61, 0], "/run/latin": [0xE9, 0x0A],
        "/run/long": [UInt8](repeating: 0x61, count: OutsideValues.byteCountMax) + [0x0A],
        "/run/longer": [UInt8](repeating: 0x61, count: OutsideValues.byteCountMax + 1),
    ]

    private static let outside = OutsideValues(
        file: { path in files[path].map { .bytes($0) } ?? .unreadable("open \(path): No such file") },
        variable: { ["SECRET": "south-wind", "EMPTY": ""][$0] })

    private func load(_ text: String) -> ServerConfiguration.LoadResult {
        ServerConfiguration.load(file: ConfigurationFile(text: text), outside: Self.outside)
    }

    private func secrets(_ value: String) throws -> [String] {
        let result = load("static-auth-secret=\(value)\n")
        return try #require(result.configuration, "\(result.diagnostics)").authentication.sharedSecrets
    }

    @Test(
        "a file or a variable has the value, without what ends its line",
        arguments: [
            ("@file:/run/secret", "north-wind"), ("@file:/run/dos", "north-wind"),
            ("@file:/run/bare", " north wind#1 "), ("@env:SECRET", "south-wind"),
        ])
    func values(written: String, value: String) throws {
        #expect(try secrets(written) == [value])
    }

    @Test("a file of the longest secret is read")
    func longest() throws {
        #expect(try secrets("@file:/run/long").map(\.utf8.count) == [OutsideValues.byteCountMax])
    }

    @Test(
        "every other @ stays as it is, and another one before it escapes the two words",
        arguments: [
            ("@secret", "@secret"), ("@@secret", "@@secret"), ("a@file:/run/secret", "a@file:/run/secret"),
            ("@@file:/run/secret", "@file:/run/secret"), ("@@env:SECRET", "@env:SECRET"), ("@File:/x", "@File:/x"),
        ])
    func escapes(written: String, value: String) throws {
        #expect(try secrets(written) == [value])
    }

    @Test(
        "what is wrong is said with the line, and without the secret",
        arguments: [
            ("@file:/run/none", "the file of the secret cannot be read: open /run/none: No such file"),
            (
                "@file:run/secret",
                "@file: must be followed by a path that begins with /, such as @file:/run/secrets/turn"
            ),
            ("@file:/run/empty", "the file \"/run/empty\" is empty; write the secret into it"),
            ("@file:/run/two", "the file \"/run/two\" must have one line of text: the secret and nothing else"),
            ("@file:/run/zero", "the file \"/run/zero\" must have one line of text: the secret and nothing else"),
            ("@file:/run/latin", "the file \"/run/latin\" must have one line of text: the secret and nothing else"),
            ("@file:/run/longer", "the file \"/run/longer\" has more than 4096 bytes, which is no secret"),
            ("@env:NONE", "there is no variable \"NONE\" in the environment of this process; set it"),
            ("@env:EMPTY", "the variable \"EMPTY\" is empty; write the secret into it"),
        ])
    func errors(written: String, message: String) {
        let result = load("realm=x\nstatic-auth-secret=\(written)\n")
        #expect(result.configuration == nil)
        #expect(
            result.diagnostics.map(\.description).contains(
                "turnserver.conf:2: error: static-auth-secret: \(message)"), "\(result.diagnostics)")
    }

    @Test("users, keys and passwords of keys may stand there too; what is no secret may not")
    func kinds() throws {
        let result = load("user=@env:SECRET\n")
        #expect(result.errors == ["turnserver.conf:1: error: user: there is no colon; write name:password"])
        let plain = load("user=a:b\nrealm=@env:SECRET\n")
        #expect(plain.configuration?.authentication.realm == "@env:SECRET")
    }

    @Test("whoever gives nothing to read from gets an error, and no file is touched")
    func nothing() {
        let result = ServerConfiguration.load(file: ConfigurationFile(text: "static-auth-secret=@file:/etc/hostname\n"))
        #expect(result.errors.count == 1)
        let words = "the file of the secret cannot be read: files are not read here"
        #expect(result.errors.first?.hasSuffix(words) == true)
    }
}

@Suite("A database of users in the configuration")
struct UserDatabaseOptionTests {
    private func database(_ text: String) throws -> ServerConfiguration.Authentication.Database? {
        try configuration(text).authentication.database
    }

    @Test(
        "users count unless shared secrets alone are wanted, and secrets where they are wanted",
        arguments: [
            ("", true, false), ("lt-cred-mech\n", true, false), ("use-auth-secret\n", false, true),
            ("static-auth-secret=x\n", false, true), ("lt-cred-mech\nuse-auth-secret\n", true, true),
        ])
    func kinds(text: String, users: Bool, secrets: Bool) throws {
        let database = try #require(try database(text + "userdb=/var/lib/turn/turndb\n"))
        #expect(database.path == "/var/lib/turn/turndb")
        #expect(database.servesUsers == users)
        #expect(database.servesSecrets == secrets)
        #expect(try configuration(text + "userdb=/b").relaying == .enabled)
    }

    @Test("none is looked for when none is written, and none is read with no-auth")
    func none() throws {
        #expect(try database("lt-cred-mech\nuser=a:b\n") == nil)
        let result = load("no-auth\nuserdb=/b\n")
        #expect(try #require(result.configuration).authentication.database == nil)
        #expect(
            result.warnings.contains {
                $0.hasSuffix("it is not read, because no-auth asks nobody for credentials; remove one of them")
            })
    }
}
