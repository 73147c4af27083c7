import Crypto
import Foundation
import TURN
import TestSupport
import Testing

/// Another program that has a database open, as an operator's scripts do: python, with the SQLite that it brings along.
private struct Script {
    static let interpreter = "/usr/bin/python3"
    static let isThere = FileManager.default.isExecutableFile(atPath: interpreter)

    /// Runs statements, and commits them.
    static func run(_ statements: String, in path: String) async throws {
        let program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()"
        let run = try await Command.run([interpreter, "-c", program, path, statements])
        #expect(run.exitCode == 0, "\(run.complaints)")
    }
}

extension IntegrationTests {
    @Suite("Users in a database")
    struct UserDatabaseTests {
        private let plan: ServerPlan

        init() {
            var plan = ServerPlan("userdb=@DIRECTORY@/users.db")
            plan.access = ["lt-cred-mech"]
            self.plan = plan
        }

        /// A server whose database has alice.
        private func run(_ plan: ServerPlan, _ body: (TernServer, String) async throws -> Void) async throws {
            let scratch = try TernServer.makeDirectory()
            defer { try? FileManager.default.removeItem(at: scratch) }
            let path = scratch.appending(path: "users.db").path
            try await users("add", "alice", in: path)
            var plan = plan
            plan.options = plan.options.map { $0.replacingOccurrences(of: "@DIRECTORY@/users.db", with: path) }
            try await TernServer.run(plan) { server in try await body(server, path) }
        }

        /// Adds or removes a user whose password is "secret".
        private func users(_ action: String, _ name: String, in path: String) async throws {
            let words = "printf 'secret\\n' | \"$0\" users \(action) \"$1\" --realm example.org -b \"$2\""
            let run = try await Command.run(["/bin/sh", "-c", words, Executable.path, name, path])
            #expect(run.exitCode == 0, "\(run.output) \(run.complaints)")
        }

        private func error(_ server: TernServer, _ name: String, _ password: String = "secret") -> Int? {
            do {
                let client = try server.client(username: name, password: password)
                return try client.allocateError()
            } catch { return -1 }
        }

        private func isLogged(_ words: String, _ server: TernServer, seconds: Int = 10) async throws -> Bool {
            try await eventually(seconds: seconds) { server.output.contains(words) }
        }

        @Test(
            "who is added while the server runs gets in; who is removed gets 401, and his call goes on for now",
            .requirement("RI-users-1"))
        func changes() async throws {
            try await run(plan) { server, path in
                let alice = try server.allocatedClient()
                #expect(error(server, "bob") == 401)
                try await users("add", "bob", in: path)
                let bob = try await isLogged("userdb: 2 users, 0 shared secrets", server, seconds: 2)
                #expect(bob, "\(server.output)")
                #expect(error(server, "bob") == nil)
                #expect(try alice.refresh(600).errorCode == nil)
                try await users("remove", "alice", in: path)
                #expect(try await isLogged("(before: 2 users", server, seconds: 2))
                #expect(error(server, "alice") == 401)
                #expect(try alice.refresh(600).errorCode == 401)
                #expect(error(server, "bob") == nil)
            }
        }

        @Test(
            "a shared secret that is added holds where the configuration wants shared secrets",
            .enabled(if: Script.isThere))
        func secrets() async throws {
            var plan = plan
            plan.access = ["use-auth-secret"]
            try await run(plan) { server, path in
                let name = "\(Int(Date().timeIntervalSince1970) + 3600):u"
                let secret = HMACSHA1Key(key: Array("north-wind".utf8))
                let password = String(
                    decoding: EphemeralCredential.password(of: Array(name.utf8), secret: secret), as: UTF8.self)
                #expect(error(server, name, password) == 401)
                try await Script.run("INSERT INTO turn_secret VALUES ('example.org', 'north-wind')", in: path)
                #expect(try await isLogged("0 users, 1 shared secret of", server, seconds: 2))
                #expect(error(server, name, password) == nil)
                // As in coturn.
                #expect(error(server, "alice") == 401)
                #expect(server.output.contains("1 user not served: use-auth-secret stands without lt-cred-mech"))
            }
        }

        @Test("rules about peers are of the database too", .enabled(if: Script.isThere))
        func peers() async throws {
            try await run(plan) { server, path in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint("127.0.0.1")
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                try await Script.run("INSERT INTO denied_peer_ip VALUES ('example.org', '127.0.0.1')", in: path)
                #expect(try await isLogged("1 rule about peers", server, seconds: 2))
                #expect(try client.bind(0x4000, to: peer.address) == 403)
                try await Script.run("UPDATE denied_peer_ip SET ip_range = 'everybody'", in: path)
                #expect(try await isLogged("in denied_peer_ip is no address, no range and no prefix", server))
                #expect(try client.bind(0x4000, to: peer.address) == 403)
            }
        }

        @Test(
            "a database that another program holds leaves the users known so far, and the log says so",
            .requirement("RI-users-2"), .enabled(if: Script.isThere))
        func locked() async throws {
            try await run(plan) { server, path in
                let program = """
                    import sqlite3, sys
                    c = sqlite3.connect(sys.argv[1], isolation_level=None)
                    c.execute("BEGIN EXCLUSIVE")
                    c.execute("DELETE FROM turnusers_lt")
                    print("held", flush=True)
                    sys.stdin.read()
                    c.execute("COMMIT")
                    """
                let holder = Process()
                holder.executableURL = URL(filePath: "/usr/bin/timeout")
                holder.arguments = ["30", Script.interpreter, "-c", program, path]
                let (input, output) = (Pipe(), Pipe())
                holder.standardInput = input
                holder.standardOutput = output
                try holder.runWithSignalsUnblocked()
                defer { try? input.fileHandleForWriting.close() }
                #expect(try output.fileHandleForReading.read(upToCount: 4) == Data("held".utf8))
                #expect(try await isLogged("is locked: another program is writing it", server))
                #expect(server.output.contains("the users known so far stay"))
                #expect(error(server, "alice") == nil)
                try input.fileHandleForWriting.close()
                #expect(try await isLogged("userdb: it can be read again", server))
                #expect(try await isLogged("userdb: 0 users", server))
                #expect(error(server, "alice") == 401)
            }
        }

        @Test(
            "a file that is damaged, or gone, leaves the users known so far, and a good one is read again",
            .requirement("RI-users-2"))
        func damaged() async throws {
            try await run(plan) { server, path in
                let good = try Data(contentsOf: URL(filePath: path))
                // In its place, and not beside it: the server has this very file open.
                func fill(_ data: Data) throws {
                    let handle = try FileHandle(forWritingTo: URL(filePath: path))
                    try handle.truncate(atOffset: 0)
                    try handle.write(contentsOf: data)
                    try handle.close()
                }
                try fill(Data(repeating: 0x2A, count: 8192))
                #expect(try await isLogged("users.db is no SQLite database; the users known so far stay", server))
                #expect(error(server, "alice") == nil)
                try fill(good)
                #expect(try await isLogged("userdb: it can be read again", server))
                try FileManager.default.removeItem(atPath: path)
                #expect(try await isLogged("there is no \(path)", server))
                #expect(error(server, "alice") == nil)
                try await users("add", "bob", in: path)
                #expect(try await eventually(seconds: 5) { error(server, "bob") == nil })
                #expect(error(server, "alice") == 401)
            }
        }

        @Test("a reload goes to another database, another realm of it, or to none")
        func reloads() async throws {
            try await run(plan) { server, path in
                var next = plan
                next.access.append("user=carol:secret")
                next.options = ["userdb=\(path).other"]
                try await server.reload(next)
                // A file that may come is waited for; where there are other credentials it may.
                #expect(error(server, "alice") == 401)
                #expect(error(server, "carol") == nil)
                try await users("add", "bob", in: "\(path).other")
                #expect(try await eventually(seconds: 5) { error(server, "bob") == nil })
                next.access = ["lt-cred-mech"]
                next.options = ["userdb=\(path).none"]
                try await server.reload(next)
                #expect(server.output.contains("error: userdb: there is no \(path).none"))
                #expect(error(server, "bob") == nil)
                next.options = ["userdb=\(path)"]
                try await server.reload(next)
                #expect(error(server, "alice") == nil)
                #expect(error(server, "bob") == 401)
            }
        }

        @Test("without the file, and with nobody else to serve, the server does not start and says how to make it")
        func missing() async throws {
            let run = try await Command.tern(
                "serve", "-n", "--lt-cred-mech", "--userdb=/nonexistent/users.db", "--listening-ip=127.0.0.1")
            #expect(run.exitCode == 1)
            #expect(
                run.complaints.contains("there is no /nonexistent/users.db; 'tern users add -b /nonexistent/users.db'"))
        }
    }

    @Suite("tern users")
    struct UsersCommandTests {
        private func withDirectory(_ body: (URL, String) async throws -> Void) async throws {
            let directory = try TernServer.makeDirectory()
            defer { try? FileManager.default.removeItem(at: directory) }
            try "secret\r\n".write(to: directory.appending(path: "password"), atomically: true, encoding: .utf8)
            try await body(directory, directory.appending(path: "users.db").path)
        }

        @Test("users are added, listed and removed; the file is for its owner alone")
        func life() async throws {
            try await withDirectory { directory, path in
                func add(_ name: String, _ realm: String) async throws -> Command {
                    try await .tern(
                        "users", "add", name, "--realm=\(realm)", "--password-file", "password", "-b", path,
                        in: directory)
                }
                var run = try await add("alice", "example.org")
                #expect(run.output == "alice was added to realm example.org\n")
                #expect(run.complaints.contains("made \(path)"))
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                #expect(attributes[.posixPermissions] as? Int == 0o600)
                run = try await add("alice", "example.org")
                #expect(run.output == "alice of realm example.org has another password\n")
                #expect(run.complaints == "")
                _ = try await add("o'hara\u{1B}[2J", "example.net")
                #expect(try await add("o'hara", "example.net").exitCode == 0)

                run = try await .tern("users", "list", "-b", path)
                #expect(
                    run.output == """
                        NAME    REALM        KEY
                        o'hara  example.net  MD5
                        alice   example.org  MD5

                        """)
                run = try await .tern("users", "list", "-b", path, "--json", "--realm", "example.org")
                #expect(
                    run.output
                        == #"{"database":"\#(path)","users":[{"name":"alice","realm":"example.org","key":"md5"}]}"#
                        + "\n")

                run = try await .tern("users", "remove", "alice", "-r", "example.org", "-b", path)
                #expect(run.output == "alice was removed from realm example.org\n")
                run = try await .tern("users", "remove", "alice", "-r", "example.org", "-b", path)
                #expect(run.exitCode == 1)
                #expect(run.complaints.hasPrefix("there is no user alice in realm example.org"))
            }
        }

        @Test("database and realm are those of the configuration")
        func configuration() async throws {
            try await withDirectory { directory, path in
                try "realm=example.org\nlt-cred-mech\nuserdb=\(path)\n".write(
                    to: directory.appending(path: "t.conf"), atomically: true, encoding: .utf8)
                let file = directory.appending(path: "t.conf").path
                let run = try await Command.tern(
                    "users", "add", "alice", "--password-file", "password", "-c", file, in: directory)
                #expect(run.output == "alice was added to realm example.org\n")
                #expect(try await Command.tern("users", "list", "-c", file).output.contains("alice  example.org  MD5"))
                let check = try await Command.tern("check-config", file)
                #expect(check.output.contains("note: userdb: 1 user, 0 shared secrets"))
            }
        }

        @Test("what cannot be done is said in words, and nothing is left behind")
        func refusals() async throws {
            try await withDirectory { directory, path in
                try Data().write(to: directory.appending(path: "empty"))
                var run = try await Command.tern(
                    "users", "add", "alice", "-r", "x", "--password-file", "empty", "-b", path, in: directory)
                #expect(run.exitCode == 1)
                #expect(run.complaints.hasPrefix("the password must be one line"))
                #expect(!FileManager.default.fileExists(atPath: path))
                run = try await .tern("users", "list", "-b", path)
                #expect(run.complaints.hasPrefix("there is no \(path)"))
                run = try await .tern("users", "list", "-b", directory.appending(path: "password").path)
                #expect(run.complaints.contains("is no SQLite database"))
                run = try await .tern("users", "add", "alice", "secret")
                #expect(run.exitCode == 2)
                #expect(!run.complaints.contains("secret\""))
                run = try await .tern("users", "grow")
                #expect(run.exitCode == 2)
            }
        }
    }

    @Suite("Secrets from files and from the environment")
    struct OutsideSecretTests {
        @Test("a secret of a file is read at the start and by each reload")
        func file() async throws {
            var plan = ServerPlan()
            plan.access = ["user=@file:@DIRECTORY@/user"]
            plan.files = ["user": Array("alice:secret\n".utf8)]
            try await TernServer.run(plan) { server in
                try server.client().allocate()
                let file = server.directory.appending(path: "user")
                try Data("alice:other\n".utf8).write(to: file)
                try await server.reload(plan)
                #expect(try server.client().allocateError() == 401)
                try server.client(password: "other").allocate()
                try FileManager.default.removeItem(at: file)
                try await server.reload(plan)
                #expect(server.output.contains("error: user: the file of the secret cannot be read"))
                #expect(server.output.contains("turnserver.conf:8: error: user:"), "\(server.output)")
                try server.client(password: "other").allocate()
            }
        }

        @Test("a secret of the environment is read at the start")
        func variable() async throws {
            var plan = ServerPlan()
            plan.access = ["user=@env:TERN_TEST_USER"]
            plan.wrapper = ["/usr/bin/env", "TERN_TEST_USER=alice:secret"]
            try await TernServer.run(plan) { server in try server.client().allocate() }
        }
    }
}
