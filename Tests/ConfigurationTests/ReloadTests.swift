import Foundation
import Testing

@testable import Configuration

@Suite("Another reading of the configuration")
struct ReloadTests {
    /// What a server that runs with `before` makes of `after`.
    private func change(
        _ before: String, _ after: String, _ arguments: [String] = []
    ) throws -> ConfigurationChange {
        try load(after, arguments).change(from: load(before, arguments).source)
    }

    @Test("every option that acts says what a reload does, and no other does", arguments: OptionTable.all)
    func everyOptionSays(option: Option) {
        #expect((option.reload != nil) == (option.support == .acts))
    }

    @Test("without a change there is nothing to adopt, whatever the lines look like")
    func same() throws {
        let change = try change(
            "listening-port=3478\nuser=a:b\nrealm=r", "# moved\n\nrealm r\nuser=a:b\nverbose=no\nmin-port=49152")
        #expect(change.adopted == [])
        #expect(change.awaitingRestart == [])
        #expect(change.configuration == (try configuration("user=a:b\nrealm=r")))
    }

    @Test("what may change is adopted and named with its line, never with its value")
    func adopted() throws {
        let before = "realm=r\nuser=a:secret1\ndenied-peer-ip=10.0.0.0/8\nuser-quota=3"
        let change = try change(
            before, "realm=q\nuser=a:secret1\nuser=b:secret2\n\ndenied-peer-ip=11.0.0.0/8\nlog-min-level=error")
        #expect(
            change.adopted.map(\.description) == [
                "user (turnserver.conf:3)", "realm (turnserver.conf:1)", "user-quota (removed)",
                "denied-peer-ip (turnserver.conf:5)", "log-min-level (turnserver.conf:6)",
            ])
        #expect(change.awaitingRestart == [])
        #expect(change.configuration.authentication.staticUsers.map(\.name) == ["a", "b"])
        #expect(change.configuration.quotas.allocationsPerUser == nil)
        #expect(!"\(change)".contains("secret2"))
    }

    @Test("fewer lines are a change without a place")
    func fewer() throws {
        let change = try change("user=a:b\nuser=c:d", "user=c:d")
        #expect(change.adopted.map(\.description) == ["user (removed)"])
    }

    @Test("what needs a restart keeps its value, and is named by each reload until then")
    func awaitingRestart() throws {
        let before = "listening-port=3478\nuser=a:b\nlistening-ip=127.0.0.1"
        let after = "\n\nlistening-port=3500\nuser=a:c\nmax-port=60000"
        let first = try change(before, after)
        #expect(
            first.awaitingRestart.map(\.description) == [
                "listening-port (turnserver.conf:3)", "listening-ip (removed)", "max-port (turnserver.conf:5)",
            ])
        #expect(first.adopted.map(\.name) == ["user"])
        #expect(first.configuration.listeners == (try configuration(before).listeners))
        #expect(first.configuration.relay.ports == .dynamicPorts)
        let second = try load(after).change(from: first.source)
        #expect(second.awaitingRestart == first.awaitingRestart)
        #expect(second.adopted == [])
        let undone = try load(before).change(from: second.source)
        #expect(undone.awaitingRestart == [])
    }

    @Test("the command line holds as it did at the start")
    func commandLine() throws {
        let change = try change("realm=a", "realm=b\nuser=a:b", ["--realm=c", "-p", "3500"])
        #expect(change.adopted.map(\.name) == ["user"])
        #expect(change.configuration.authentication.realm == "c")
        #expect(change.configuration.listeners.port == 3500)
    }

    @Test("a file with an error changes nothing")
    func broken() throws {
        let running = load("realm=r\nuser=a:b")
        do {
            _ = try load("realm=r\ndenied-peer-ip=10.0.0.0/99\nuser").change(from: running.source)
            Issue.record("the file has errors")
        } catch {
            #expect(error.diagnostics.contains { $0.description.hasPrefix("turnserver.conf:2: error: denied-peer-ip") })
            #expect(error.diagnostics.contains { $0.description.hasPrefix("turnserver.conf:3: error: user") })
        }
    }

    @Test("a file that only a restart could use as a whole changes nothing, and says so")
    func mixture() throws {
        // The port needs somebody who is trusted, and is there until the restart.
        let running = load("tcp-proxy-port=5555\nproxy-protocol-trusted=192.0.2.7")
        #expect(load("user=a:b").errors == [])
        do {
            _ = try load("user=a:b").change(from: running.source)
            Issue.record("the port is left without anybody who is trusted")
        } catch {
            #expect(
                error.diagnostics.contains {
                    $0.message.hasSuffix("tcp-proxy-port changed too and needs a restart: restart")
                })
        }
    }

    @Test("certificates may change, but not come or go")
    func certificates() throws {
        let plain = "user=a:b"
        let encrypted = plain + "\ncert=a.pem\npkey=a.key\ncipher-list=DEFAULT"
        let first = try change(plain, encrypted)
        #expect(first.awaitingRestart.map(\.name) == ["cert", "pkey", "cipher-list"])
        #expect(first.configuration.encryption == nil)
        let last = try change(encrypted, plain)
        #expect(last.awaitingRestart.map(\.name) == ["cert", "pkey", "cipher-list"])
        #expect(last.configuration.encryption?.certificates.count == 1)
        let other = try change(encrypted, plain + "\ncert=b.pem")
        #expect(other.awaitingRestart == [])
        #expect(other.adopted.map(\.name) == ["cert", "pkey", "cipher-list"])
        #expect(other.configuration.encryption?.certificates.first?.chain.text == "b.pem")
    }

    @Test("the page has the table that the options generate")
    func page() throws {
        let url = treeRoot.appendingPathComponent("Docs/Operating/Reload.md")
        let inTree = try String(contentsOf: url, encoding: .utf8)
        let generated = try #require(ReloadReference.updated(inTree))
        if ProcessInfo.processInfo.environment["TERN_WRITE_REFERENCE"] == "1" {
            try generated.write(to: url, atomically: true, encoding: .utf8)
        } else {
            #expect(inTree == generated, "run TERN_WRITE_REFERENCE=1 swift test --filter ConfigurationTests")
        }
        for option in OptionTable.all where option.reload != nil { #expect(generated.contains("`\(option.name)`")) }
    }
}
