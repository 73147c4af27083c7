import Testing

@testable import Configuration

@Suite("Reading turnserver.conf")
struct FileParserTests {
    private func value(_ line: String) throws -> String? {
        var log = DiagnosticLog()
        let parsed = ConfigurationFileParser.parse(ConfigurationFile(text: line), log: &log)
        return try #require(parsed.first).text
    }

    @Test(
        "name and value are separated by an equals sign or blanks",
        arguments: [
            "realm=example.org", "realm example.org", "realm\texample.org", "realm = example.org",
            "  realm=example.org  ", "realm=example.org\r", "realm=\"example.org\"", "realm   \"example.org\"",
            "\u{FEFF}realm=example.org",
        ])
    func separators(line: String) throws {
        #expect(try value(line) == "example.org")
    }

    @Test(
        "a comment behind a value goes",
        arguments: [
            ("fingerprint # always", nil), ("fingerprint #always", nil), ("fingerprint=on # always", "on"),
            ("user-quota=12\t# a few", "12"), ("realm=a#b", "a#b"), ("realm=#b", "#b"), ("realm= # none", nil),
            ("realm=\"a # b\"", "a # b"), ("realm=\"a # b\" # c", "a # b"), ("realm=\"a # b", "\"a"),
        ] as [(String, String?)])
    func comments(line: String, expected: String?) throws {
        #expect(try value(line) == expected)
    }

    @Test("in secrets a hash sign is data, and that is said")
    func hashInSecrets() throws {
        let result = load("user=alice:pass # word\nstatic-auth-secret=se#cret\n")
        let authentication = try #require(result.configuration).authentication
        #expect(authentication.staticUsers.map(\.secret) == [.password("pass # word")])
        #expect(authentication.sharedSecrets == ["se#cret"])
        #expect(
            result.lines == [
                "turnserver.conf:1: warning: user: the text from \" #\" on counts as part of the value; if it is a "
                    + "comment, move it to a line of its own"
            ])
    }

    @Test("one pair of quotes is removed")
    func quotes() throws {
        #expect(try value("realm=\"\"a\"\"") == "\"a\"")
        #expect(try value("realm=\"") == "\"")
        #expect(try value("realm=\"\"") == nil)
    }

    @Test("comments and empty lines say nothing", arguments: ["", "\n\n", "# x", "   # x", "#realm=a", "\r\n\r\n"])
    func silence(text: String) {
        var log = DiagnosticLog()
        #expect(ConfigurationFileParser.parse(ConfigurationFile(text: text), log: &log).isEmpty)
        #expect(log.finished() == [])
    }

    @Test(
        "flags understand coturn's words",
        arguments: [
            ("", true), ("=1", true), ("=9", true), ("=yes", true), ("=Y", true), ("=true", true), ("=on", true),
            ("=ON", true), ("=0", false), ("=no", false), ("=False", false), ("=off", false),
        ])
    func flags(suffix: String, expected: Bool) throws {
        #expect(try configuration("fingerprint\(suffix)").protocolSwitches.alwaysAddsFingerprint == expected)
    }

    @Test("a flag that is switched off is off, even where coturn ignores the value")
    func flagsAreHonoured() throws {
        let result = load("prometheus=false\nuse-auth-secret=false\nserver-relay=off\nmultiplex-peer=no\nno-auth=0\n")
        #expect(result.errors == [])
        #expect(result.configuration?.authentication.anonymous == false)
        #expect(result.lines.count == 1)
    }

    @Test("an unknown name is a warning with the nearest known one")
    func unknownNames() {
        let text = """
            listen-ip=192.0.2.1
            allowed-peer=192.0.2.1
            dtls-listening-port=5349
            no-sqlite
            static-auth-secet=hidden
            realn=example.org
            Realm=example.org
            --verbose
            quite-something-else=1
            """
        #expect(
            load(text).warnings.dropLast() == [
                "turnserver.conf:1: warning: listen-ip: unknown option; did you mean `listening-ip`?",
                "turnserver.conf:2: warning: allowed-peer: unknown option; did you mean `allowed-peer-ip`?",
                "turnserver.conf:3: warning: dtls-listening-port: unknown option; did you mean `tls-listening-port`?",
                "turnserver.conf:4: warning: no-sqlite: unknown option; remove it: Tern reads no user database unless "
                    + "`userdb` is written",
                "turnserver.conf:5: warning: static-auth-secet: unknown option; did you mean `static-auth-secret`?",
                "turnserver.conf:6: warning: realn: unknown option; did you mean `realm`?",
                "turnserver.conf:7: warning: Realm: unknown option; did you mean `realm`?",
                "turnserver.conf:8: warning: --verbose: unknown option; did you mean `verbose`?",
                "turnserver.conf:9: warning: quite-something-else: unknown option; the line has no effect; remove it",
            ])
    }

    @Test(
        "a line that may be a lost secret is not repeated",
        arguments: ["alice:hunter2", "hunter2", "Zm9vYmFy==", "swordfish", "a:b=c", "correcthorsebatterystaple"])
    func strayWords(line: String) {
        let messages = load(line).warnings.dropLast()
        #expect(
            messages == [
                "turnserver.conf:1: warning: the line does not begin with a known option name; it has no effect. "
                    + "Write name=value"
            ])
    }

    @Test("bytes that are no text")
    func notText() throws {
        let latin = ConfigurationFile(bytes: Array("user=alice:p".utf8) + [0xE4, 0x0A])
        #expect(
            ServerConfiguration.load(file: latin).errors == [
                "turnserver.conf:1: error: user: the value is not UTF-8; save the file as UTF-8"
            ])
        let ignored = ConfigurationFile(bytes: Array("cli-password=p".utf8) + [0xE4, 0x0A])
        #expect(ServerConfiguration.load(file: ignored).errors == [])
        let comment = ConfigurationFile(bytes: Array("# gr".utf8) + [0xFC, 0xDF, 0x65])
        #expect(ServerConfiguration.load(file: comment).lines.count == 1)
        #expect(
            load("realm=a\0b").errors == [
                "turnserver.conf:1: error: realm: the line contains a control character; is the file damaged? "
                    + "Write the line anew"
            ])
        let wide = ConfigurationFile(bytes: [0xFF, 0xFE, 0x72, 0x00])
        #expect(
            ServerConfiguration.load(file: wide).errors == [
                "turnserver.conf: error: the file is UTF-16; save it as UTF-8"
            ])
    }

    @Test("a file of 4 MiB is read, one byte more is not")
    func sizeLimit() {
        let most = [UInt8](repeating: UInt8(ascii: "#"), count: 4_194_304)
        #expect(ServerConfiguration.load(file: ConfigurationFile(bytes: most)).errors == [])
        #expect(
            ServerConfiguration.load(file: ConfigurationFile(bytes: most + most.prefix(1))).errors == [
                "turnserver.conf: error: the file is larger than 4 MiB; is it a configuration file?"
            ])
    }

    @Test("200 messages are kept, and the rest is counted")
    func diagnosticsLimit() {
        let twoHundred = String(repeating: "listening-port=x\n", count: 200)
        // The server that relays nothing adds a warning, which an error displaces.
        #expect(load("no-auth\n" + twoHundred).errors.count == 200)
        let more = load(twoHundred + "listening-port=y\n")
        #expect(more.diagnostics.count == 201)
        #expect(
            more.lines.last
                == "configuration: error: 2 further messages left out, 1 of them errors; correct those above first")
        let warnings = load(String(repeating: "unknown-thing=1\n", count: 250))
        #expect(warnings.configuration != nil)
        #expect(
            warnings.lines.last
                == "configuration: note: 51 further messages left out, 0 of them errors; correct those above first")
    }

    @Test("an error behind many warnings is kept")
    func errorsArePreferred() {
        let result = load(String(repeating: "unknown-thing=1\n", count: 300) + "max-port=x\n")
        #expect(result.configuration == nil)
        #expect(result.errors.count == 1)
    }

    @Test("each option without effect is named once")
    func announcements() {
        let result = load(
            "no-auth\ncli\ncli-password=hidden\nredis-statsdb=x\nredis-statsdb=x\nsyslog-facility=user\nno-cli\nprod\n"
        )
        #expect(
            result.lines.dropFirst() == [
                "turnserver.conf:2: note: cli: accepted without effect: there is no telnet console",
                "turnserver.conf:3: note: cli-password: accepted without effect: there is no telnet console",
                "turnserver.conf:4: note: redis-statsdb: accepted without effect: figures are published as metrics",
                "turnserver.conf:6: note: syslog-facility: accepted; takes effect with a later release: other "
                    + "facilities than daemon",
            ])
    }

    @Test("a second value replaces the first, and that is said")
    func repetition() throws {
        let result = load("no-auth\nmin-port=50000\nmin-port=51000\n")
        #expect(try #require(result.configuration).relay.ports.bounds == 51000...65535)
        #expect(
            result.lines.dropFirst() == [
                "turnserver.conf:3: warning: min-port: it occurs a second time; this value replaces the one of line 2"
            ])
    }
}
