import Configuration
import TURN
import TestSupport
import Testing
import UserDatabase

@testable import ServerRuntime

/// A source that says what a test has written down for it.
private struct PlannedSource: UserSource, ~Copyable {
    enum Step: Sendable {
        case nothing
        case users([String])
        case deny(String)
        case failure(String)
    }

    var steps: [Step]

    mutating func hasNews() throws(UserSourceError) -> Bool {
        switch steps.first {
        case .users, .deny: return true
        case .failure(let words):
            steps.removeFirst()
            throw UserSourceError(.busy, words)
        case .nothing, nil:
            if !steps.isEmpty { steps.removeFirst() }
            return false
        }
    }

    mutating func load(realm: [UInt8], limits: UserSourceLimits) throws(UserSourceError) -> UserSnapshot {
        var snapshot = UserSnapshot()
        guard !steps.isEmpty else { return snapshot }
        switch steps.removeFirst() {
        case .users(let names):
            snapshot.users = names.map { StaticUser(name: Array($0.utf8), secret: .md5Key([1])) }
        case .deny(let range): snapshot.peerRules = [StoredPeerRule(.deny, range)]
        case .nothing, .failure: break
        }
        return snapshot
    }
}

@Suite("Looking at a database of users")
struct UserLookoutTests {
    private let selection: UserSelection

    init() throws {
        let file = ConfigurationFile(text: "realm=example.org\nuserdb=/users.db\n")
        let configuration = try #require(ServerConfiguration.load(file: file).configuration)
        selection = try #require(
            UserSelection(
                configuration, HostFacts(addresses: [], hostName: "host", openFilesMax: 1024, workerCount: 1)))
    }

    /// What is said while the source does these steps; `isTaken` answers for each of the news.
    private func words(_ steps: PlannedSource.Step..., isTaken: (Int) -> Bool = { _ in true }) -> [String] {
        var lookout = UserLookout(PlannedSource(steps: steps), selection)
        var words: [String] = []
        for _ in steps {
            _ = lookout.look { news in
                switch news {
                case .changed(let users, let selection):
                    words.append("\(text(selection.realm)): \(users.users.map { text($0.name) })")
                case .failed(let error): words.append("failed: \(error)")
                case .recovered: words.append("recovered")
                }
                return isTaken(words.count)
            }
        }
        return words
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("a change is said once, and nothing when there is none")
    func changes() {
        #expect(
            words(.users(["a"]), .nothing, .nothing, .users(["a", "b"])) == [
                #"example.org: ["a"]"#, #"example.org: ["a", "b"]"#,
            ])
    }

    @Test("one reason is said once, another one again, and that it is over")
    func failures() {
        #expect(
            words(.failure("locked"), .failure("locked"), .failure("damaged"), .users(["a"])) == [
                "failed: locked", "failed: damaged", "recovered", #"example.org: ["a"]"#,
            ])
    }

    @Test("news that nobody took are told again")
    func untaken() {
        #expect(
            words(.users(["a"]), .nothing, isTaken: { $0 > 1 }) == [#"example.org: ["a"]"#, "example.org: []"])
        #expect(words(.failure("locked"), .failure("locked"), isTaken: { $0 > 1 }).count == 2)
    }

    @Test("a rule that denies and cannot be read is a failure: nobody may lose it", .requirement("RI-users-4"))
    func badRule() {
        #expect(
            words(.deny("10.0.0.0/8"), .deny("10.0.0.0/99")) == [
                "example.org: []",
                "failed: /users.db: 10.0.0.0/99 in denied_peer_ip is no address, no range and no prefix; "
                    + "correct the row",
            ])
    }

    @Test("snapshots of the same content have the same fingerprint, and others another one")
    func fingerprints() {
        func snapshot(_ names: [String], _ secrets: [String] = []) -> UserSnapshot {
            var snapshot = UserSnapshot()
            snapshot.users = names.map { StaticUser(name: Array($0.utf8), secret: .md5Key([1])) }
            snapshot.secrets = secrets.map { Array($0.utf8) }
            return snapshot
        }
        #expect(snapshot(["a", "b"]).fingerprint == snapshot(["a", "b"]).fingerprint)
        #expect(snapshot(["ab"]).fingerprint != snapshot(["a", "b"]).fingerprint)
        #expect(snapshot(["a"]).fingerprint != snapshot([], ["a"]).fingerprint)
    }
}
