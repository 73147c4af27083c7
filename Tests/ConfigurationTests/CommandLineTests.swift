import NetworkPrimitives
import Testing

@testable import Configuration

@Suite("The command line")
struct CommandLineTests {
    @Test(
        "a value follows in each of getopt's forms",
        arguments: [
            ["-p", "3479"], ["-p3479"], ["--listening-port=3479"], ["--listening-port", "3479"],
            ["--listening-po", "3479"], ["-vfp", "3479"], ["-vp3479"],
        ])
    func forms(arguments: [String]) throws {
        #expect(try configuration("", arguments).listeners.port == 3479)
    }

    @Test("flags may be joined")
    func joinedFlags() throws {
        let result = try configuration("", ["-vfn", "-S"])
        #expect(result.logging.verbosity == .verbose)
        #expect(result.protocolSwitches.alwaysAddsFingerprint)
        #expect(result.relaying == .stunOnly(reason: "stun-only is written"))
        #expect(CommandLineOptions(parsing: ["-vfn"]).file == .none)
    }

    @Test("chooses the file")
    func files() {
        #expect(CommandLineOptions(parsing: []).file == .search)
        #expect(CommandLineOptions(parsing: ["-c", "/etc/x.conf"]).file == .path("/etc/x.conf"))
        #expect(CommandLineOptions(parsing: ["-vc/etc/x.conf"]).file == .path("/etc/x.conf"))
        #expect(CommandLineOptions(parsing: ["-n"]).file == .none)
        #expect(
            CommandLineOptions(parsing: ["-c"]).diagnostics.map(\.description) == [
                "command line, -c: error: name the configuration file: -c turnserver.conf"
            ])
    }

    @Test("help and version")
    func helpAndVersion() {
        #expect(CommandLineOptions(parsing: ["-h"]).wantsHelp)
        #expect(CommandLineOptions(parsing: ["--help"]).wantsHelp)
        #expect(CommandLineOptions(parsing: ["--version"]).wantsVersion)
        #expect(!CommandLineOptions(parsing: ["-v"]).wantsVersion)
    }

    @Test(
        "stale-nonce takes its value in both forms",
        arguments: [(["--stale-nonce", "10"], 10), (["--stale-nonce=10"], 10), (["--stale-nonce"], 600)]
            as [([String], UInt32)])
    func staleNonce(arguments: [String], seconds: UInt32) throws {
        #expect(try configuration("stale-nonce=700", arguments).authentication.nonceLifetimeSeconds == seconds)
        #expect(try configuration("", arguments + ["-f"]).protocolSwitches.alwaysAddsFingerprint)
    }

    @Test("is applied after the file: single values are replaced, repeated ones added to")
    func precedence() throws {
        let text = "listening-port=1111\nlistening-ip=192.0.2.1\nfingerprint\nuser=alice:file\nuser=bob:file\n"
        let result = try configuration(
            text, ["-p", "2222", "-L", "192.0.2.2", "--fingerprint=off", "-u", "alice:line", "-u", "carol:line"])
        #expect(result.listeners.port == 2222)
        #expect(
            result.listeners.addresses
                == .these([try #require(IPAddress("192.0.2.1")), try #require(IPAddress("192.0.2.2"))]))
        #expect(!result.protocolSwitches.alwaysAddsFingerprint)
        #expect(result.authentication.staticUsers.map(\.name) == ["alice", "bob", "carol"])
        #expect(
            result.authentication.staticUsers.map(\.secret) == [
                .password("line"), .password("file"), .password("line"),
            ])
    }

    @Test("quotes and hash signs were the shell's business")
    func valuesAreVerbatim() throws {
        let result = try configuration("", ["--realm=\"a # b\"", "-u", "alice:x # y"])
        #expect(result.authentication.realm == "\"a # b\"")
        #expect(result.authentication.staticUsers.map(\.secret) == [.password("x # y")])
    }

    @Test("mistakes are errors, without values")
    func mistakes() {
        let arguments = [
            "--usr=alice:hunter2", "hunter2", "--no-such-thing-at-all", "-k", "hunter2", "--prom", "-u", "hunter2",
            "--listening-port=x", "--", "rest", "--hunter2", "-é",
        ]
        #expect(
            load("no-auth=no", arguments).errors == [
                "command line, --usr: error: no such option; did you mean `user`?",
                "command line, argument 2: error: the word belongs to no option; write --name=value, and quote values "
                    + "that contain blanks",
                "command line, --no-such-thing-at-all: error: no such option; -h lists them",
                "command line, -k: error: no such option; -h lists them",
                "command line, argument 5: error: the word belongs to no option; write --name=value, and quote values "
                    + "that contain blanks",
                "command line, --prom: error: this may mean --prometheus, --prometheus-port, --prometheus-address, "
                    + "--prometheus-path …; write one of them",
                "command line, argument 11: error: the word belongs to no option; write --name=value, and quote values "
                    + "that contain blanks",
                "command line, argument 12: error: the word belongs to no option; write --name=value, and quote values "
                    + "that contain blanks",
                "command line, argument 13: error: the word belongs to no option; write --name=value, and quote values "
                    + "that contain blanks",
                "command line, -u: error: user: there is no colon; write name:password",
                "command line, --listening-port: error: listening-port: \"x\" must be a port from 0 to 65535",
            ])
    }

    @Test("a missing value is an error")
    func missingValue() {
        #expect(
            load("", ["--user"]).errors == ["command line, --user: error: user: a value must follow"])
    }

    @Test(
        "the command lines of packages and images",
        arguments: [
            ["-c", "/etc/turnserver.conf", "--pidfile=", "-o"],
            [
                "-o", "-v", "-c", "/etc/turnserver.conf", "--pidfile", "/run/turnserver.pid", "--no-stdout-log",
                "--simple-log",
                "--log-file", "/var/log/turnserver.log",
            ],
            [
                "-n", "--log-file=stdout", "--lt-cred-mech", "--fingerprint", "--no-multicast-peers", "--no-cli",
                "--no-tlsv1", "--no-tlsv1_1", "--realm=my.realm.example", "--external-ip=203.0.113.7",
            ],
            [
                "-L", "192.0.2.1", "-E", "192.0.2.1", "-X", "203.0.113.7/192.0.2.1", "-p", "3478", "-r", "example.org",
                "-u",
                "alice:pass", "-a", "-f", "-m", "4",
            ],
        ])
    func packaged(arguments: [String]) {
        #expect(load("", arguments).errors == [])
    }
}
