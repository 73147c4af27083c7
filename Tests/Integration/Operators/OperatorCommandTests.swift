import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("Commands of operators, as operators run them")
    struct OperatorCommandTests {
        private static let adminKey = "an-operator's-key-of-forty-characters-xx"

        /// A server with a control socket, signaling, and an operator's key in the file `key`.
        private static func run(_ body: (TernServer, _ url: String) async throws -> Void) async throws {
            let port = try TernServer.freePort(["127.0.0.1"])
            var plan = ServerPlan(
                "control-socket=@DIRECTORY@/control", "signaling-port=\(port)", "signaling-ip=127.0.0.1",
                "signaling-anonymous-rooms=*", "signaling-admin-key=\(adminKey)")
            plan.files = ["key": Array((adminKey + "\n").utf8), "wrong": Array(String(repeating: "x", count: 40).utf8)]
            try await TernServer.run(plan) { server in
                try await body(server, "http://127.0.0.1:\(port)")
            }
        }

        private static func object(_ run: Command) throws -> [String: Any] {
            let value = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
            return try #require(value as? [String: Any], "\(run.output)")
        }

        /// A word of the line that has another one.
        private static func word(_ index: Int, ofLineWith text: String, in output: String) throws -> String {
            let line = try #require(output.split(separator: "\n").first { $0.contains(text) }, "\(output)")
            return try String(#require(line.split(separator: " ").dropFirst(index).first))
        }

        // MARK: - What there is

        @Test("status, in words and as JSON, by the configuration, by the socket and by URL")
        func status() async throws {
            try await Self.run { server, url in
                let client = try server.allocatedClient()
                let (socket, key) = (server.directory.path + "/control", server.directory.path + "/key")
                let ways = [
                    ["-c", server.directory.path + "/turnserver.conf"], ["--socket", socket], ["--socket=\(socket)"],
                    ["--url", url, "--key-file", key],
                ]
                for way in ways {
                    let run = try await Command.run([Executable.path, "status"] + way)
                    #expect(run.exitCode == 0, "\(way): \(run.complaints)")
                    #expect(run.output.hasPrefix("server "))
                    #expect(run.output.contains("1 now (1 udp), 1 since the start"))
                    #expect(run.output.contains("0 rooms"))
                    let json = try Self.object(try await Command.run([Executable.path, "status", "--json"] + way))
                    #expect((json["allocations"] as? [String: Int])?["udp"] == 1)
                }
                let run = try await Command.run([
                    "/usr/bin/env", "TERN_ADMIN_KEY=\(Self.adminKey)", Executable.path, "status", "--url", url,
                ])
                #expect(run.exitCode == 0)
                _ = client
            }
        }

        @Test("sessions are listed, and ended by number and by user")
        func sessions() async throws {
            try await Self.run { server, _ in
                let socket = server.directory.path + "/control"
                let empty = try await Command.tern("sessions", "--socket", socket)
                #expect(empty.output == "no sessions\n")
                let first = try server.allocatedClient()
                let second = try server.allocatedClient()
                let list = try await Command.tern("allocations", "--socket", socket)
                let lines = list.output.split(separator: "\n")
                #expect(lines.count == 3)
                #expect(lines[0].hasPrefix("SESSION"))
                #expect(lines[1].contains("alice  udp  127.0.0.1:"))
                // Of those that do not fit, the busy ones are shown, whichever worker has them.
                let peer = try UDPEndpoint()
                #expect(try second.permit(peer.address) == nil)
                second.send([1, 2, 3], to: peer.address)
                #expect(peer.receive(within: .seconds(2)) != nil)
                let limited = try await Command.tern("sessions", "--limit", "1", "--socket", socket)
                #expect(limited.output.contains("\(second.socket.address)"))
                #expect(limited.output.contains("1 of 2; --limit shows more"))
                let others = try await Command.tern("sessions", "--user", "bob", "--json", "--socket", socket)
                #expect(try Self.object(others)["count"] as? Int == 0)
                let elsewhere = try await Command.tern("sessions", "--client", "192.0.2.1", "--socket", socket)
                #expect(elsewhere.output == "no sessions\n")

                let id = try Self.word(0, ofLineWith: "\(first.socket.address)", in: list.output)
                let kill = try await Command.tern("kill", id, "--socket", socket)
                #expect(kill.output == "ended 1 session\n")
                #expect(try first.refresh(60).errorCode == 437)
                let again = try await Command.tern("kill", id, "--socket", socket)
                #expect(again.exitCode == 1)
                #expect(again.complaints == "there is no such allocation\n")
                let all = try await Command.tern("kill", "--user", "alice", "--json", "--socket", socket)
                #expect(try Self.object(all)["ended"] as? Int == 1)
                #expect(try second.refresh(60).errorCode == 437)
            }
        }

        @Test("rooms, who is in one, putting one out, and closing it")
        func rooms() async throws {
            try await Self.run { server, url in
                let socket = server.directory.path + "/control"
                let address = try #require(SocketAddress(String(url.dropFirst(7))))
                let visitor = try TCPStream(to: address)
                #expect(visitor.enter("lobby"))
                let other = try TCPStream(to: address)
                #expect(other.enter("lobby"))
                let list = try await Command.tern("rooms", "--socket", socket)
                #expect(try Self.word(1, ofLineWith: "lobby", in: list.output) == "2")
                let detail = try await Command.tern("rooms", "lobby", "--socket", socket)
                #expect(detail.output.hasPrefix("lobby, of "))
                let json = try Self.object(try await Command.tern("rooms", "lobby", "--json", "--socket", socket))
                let participants = try #require(json["participants"] as? [[String: Any]])
                #expect(participants.count == 2)
                let session = try #require(participants[0]["session"] as? String)
                #expect(detail.output.contains(session))
                #expect(try await Command.tern("kill", session, "--socket", socket).exitCode == 0)
                let left = try Self.object(try await Command.tern("rooms", "--json", "--socket", socket))
                #expect((left["rooms"] as? [[String: Any]])?.first?["participants"] as? Int == 1)
                let close = try await Command.tern("close-room", "lobby", "--json", "--socket", socket)
                #expect(close.output == "{}\n")
                #expect(try await Command.tern("rooms", "--socket", socket).output == "no rooms\n")
                let gone = try await Command.tern("close-room", "lobby", "--socket", socket)
                #expect(gone.exitCode == 1)
                #expect(gone.complaints == "nobody is in a room of this name\n")
            }
        }

        // MARK: - What changes

        @Test("a reload tells what holds now and what after a restart; a broken file changes nothing and is explained")
        func reload() async throws {
            try await Self.run { server, _ in
                let file = server.directory.appending(path: "turnserver.conf")
                let sound = try String(contentsOf: file, encoding: .utf8)
                let unchanged = try await Command.tern("reload", "-c", file.path)
                #expect(unchanged.exitCode == 0, "\(unchanged.complaints)")
                #expect(unchanged.output.hasPrefix("reloaded; nothing has changed\n"))
                let changed = sound + "user=bob:hunter2\nrelay-threads=3\n"
                try changed.write(to: file, atomically: true, encoding: .utf8)
                let run = try await Command.tern("reload", "-c", file.path)
                #expect(run.exitCode == 0, "\(run.complaints)")
                #expect(run.output.contains("  user"))
                #expect(run.output.contains(": holds from now on\n"))
                #expect(run.output.contains("  relay-threads (\(file.path):"))
                #expect(run.output.contains(": holds after a restart\n"))
                #expect(try server.client(username: "bob", password: "hunter2").allocateError() == nil)

                try (sound + "min-port=none\n").write(to: file, atomically: true, encoding: .utf8)
                let broken = try await Command.tern("reload", "-c", file.path)
                #expect(broken.exitCode == 1)
                #expect(broken.output.isEmpty)
                #expect(broken.complaints.hasPrefix("not reloaded, and nothing has changed; correct the errors:\n"))
                #expect(broken.complaints.contains(": error: min-port: "), "\(broken.complaints)")
                let json = try Self.object(try await Command.tern("reload", "--json", "-c", file.path))
                #expect(json["applied"] as? Bool == false)
            }
        }

        @Test("the level of the log is told and set")
        func logLevel() async throws {
            try await Self.run { server, _ in
                let socket = server.directory.path + "/control"
                #expect(try await Command.tern("log-level", "--socket", socket).output == "info\n")
                #expect(try await Command.tern("log-level", "warning", "--socket", socket).output == "warning\n")
                let json = try Self.object(try await Command.tern("log-level", "--json", "--socket", socket))
                #expect(json["level"] as? String == "warning")
            }
        }

        @Test("the configuration in force is shown without its secrets")
        func configuration() async throws {
            try await Self.run { server, _ in
                let socket = server.directory.path + "/control"
                let run = try await Command.tern("config", "--socket", socket)
                #expect(run.output.hasPrefix("OPTION "))
                #expect(try Self.word(1, ofLineWith: "realm", in: run.output) == "example.org")
                #expect(run.output.contains("(not shown)"))
                let json = try await Command.tern("config", "--json", "--socket", socket)
                #expect(try Self.object(json)["options"] is [Any])
                for secret in ["secret", Self.adminKey] {
                    #expect(!run.output.contains(":\(secret)") && !json.output.contains("\"\(secret)"))
                }
            }
        }

        @Test("draining ends the server when the last session has gone")
        func drain() async throws {
            var plan = ServerPlan("control-socket=@DIRECTORY@/control")
            plan.endsByItself = true
            try await TernServer.run(plan) { server in
                let client = try server.allocatedClient()
                let socket = server.directory.path + "/control"
                let run = try await Command.tern("drain", "--socket", socket)
                #expect(run.output.hasPrefix("draining: 1 session left"), "\(run.complaints)")
                let json = try Self.object(try await Command.tern("drain", "--json", "--socket", socket))
                #expect(json["draining"] as? Bool == true)
                #expect(try client.refresh(0).type.messageClass == .success)
                #expect(try await eventually(seconds: 5) { !server.isRunning })
                #expect(try await Command.tern("status", "--socket", socket).exitCode == 3)
            }
        }

        // MARK: - What goes wrong

        @Test("no socket, nobody behind it, and no right to it are told apart")
        func sockets() async throws {
            try await Self.run { server, _ in
                let directory = server.directory.path
                let missing = try await Command.tern("status", "--socket", directory + "/none")
                #expect(missing.exitCode == 3)
                #expect(missing.complaints.contains("'control-socket=\(directory)/none'"))
                let json = try await Command.tern("status", "--json", "--socket", directory + "/none")
                #expect((try Self.object(json)["error"] as? [String: String])?["code"] == "no_answer")
                let dead = try await Command.tern("status", "--socket", directory + "/key")
                #expect(dead.exitCode == 3)
                #expect(dead.complaints.hasPrefix("nobody listens at \(directory)/key"))
                guard NetworkNamespace.isPossible else { return }
                let denied = try await Command.run([
                    "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", Executable.path, "status",
                    "--socket", directory + "/control",
                ])
                #expect(denied.exitCode == 3)
                #expect(denied.complaints.contains("members of the group 'root'"), "\(denied.complaints)")
            }
        }

        @Test("a configuration without a control socket says what to write; one with errors still leads to the server")
        func configurations() async throws {
            try await Self.run { server, _ in
                let file = server.directory.appending(path: "other.conf")
                try "realm=example.org\n".write(to: file, atomically: true, encoding: .utf8)
                let none = try await Command.tern("status", "-c", file.path)
                #expect(none.exitCode == 1)
                #expect(none.complaints.contains("control-socket=/run/tern/control"))
                let broken = "control-socket=\(server.directory.path)/control\nlistening-port=99999\nnonsense\n"
                try broken.write(to: file, atomically: true, encoding: .utf8)
                #expect(try await Command.tern("status", "-c", file.path).exitCode == 0)
            }
        }

        @Test("a wrong key, a wrong port and a wrong URL are told apart")
        func urls() async throws {
            try await Self.run { server, url in
                let directory = server.directory.path
                let wrong = try await Command.tern("status", "--url", url, "--key-file", directory + "/wrong")
                #expect(wrong.exitCode == 1)
                #expect(wrong.complaints.contains("does not accept the key"))
                let closed = try await Command.tern(
                    "status", "--url", "http://127.0.0.1:1", "--key-file", directory + "/key")
                #expect(closed.exitCode == 3)
                #expect(closed.complaints.contains("is that its signaling-port?"))
                let turn = try await Command.tern(
                    "status", "--url", "http://\(server.address)", "--key-file", directory + "/key")
                #expect(turn.exitCode == 3)
                let encrypted = try await Command.tern(
                    "status", "--url", "https://turn.example", "--key-file", directory + "/key")
                #expect(encrypted.exitCode == 2)
                #expect(encrypted.complaints.contains("SSH tunnel"))
                let keyless = try await Command.tern("status", "--url", url)
                #expect(keyless.exitCode == 2)
                #expect(keyless.complaints.contains("TERN_ADMIN_KEY"))
            }
        }

        @Test(
            "words that make no sense end with 2, and say what would",
            arguments: [
                ["nonsense"], ["status", "--nonsense"], ["status", "word"], ["kill"], ["kill", "a", "b"],
                ["sessions", "--limit", "0"], ["sessions", "--limit", "100001"], ["sessions", "--client", "x"],
                ["log-level", "loud"], ["close-room"], ["status", "--socket"], ["status", "--json=yes"],
                ["kill", "000000000001048576", "--user", "x"], ["completion", "tcsh"], ["completion"],
                ["status", "--socket", "/a", "--url", "http://b"], ["selftest", "--transport", "udp,sctp"],
                ["selftest", "--user", "x", "--host", "127.0.0.1"],
            ])
        func usage(words: [String]) async throws {
            let run = try await Command.run([Executable.path] + words)
            #expect(run.exitCode == 2)
            #expect(run.complaints.contains("tern"))
            #expect(run.output.isEmpty)
        }

        // MARK: - Help and completion

        @Test("each command of the overview has a page of its own")
        func help() async throws {
            let overview = try await Command.tern("--help")
            let names = overview.output.split(separator: "\n").filter { $0.hasPrefix("  tern ") }.map {
                String($0.split(separator: " ")[1])
            }
            #expect(names.count >= 16)
            for name in names where name != "serve" && name != "completion" {
                let page = try await Command.tern(name, "--help")
                #expect(page.exitCode == 0)
                #expect(page.output.hasPrefix("usage: tern \(name)"), "\(name): \(page.output)")
            }
        }

        @Test("the completion for bash is bash, and completes commands, options and levels")
        func bash() async throws {
            let script = try await Command.tern("completion", "bash")
            let directory = try TernServer.makeDirectory()
            defer { try? FileManager.default.removeItem(at: directory) }
            let file = directory.appending(path: "tern.bash")
            try script.output.write(to: file, atomically: true, encoding: .utf8)
            #expect(try await Command.run(["/bin/bash", "-n", file.path]).exitCode == 0)
            let cases: [(words: String, expected: String)] = [
                ("tern sess", "sessions"), ("tern sessions --li", "--limit"), ("tern log-level war", "warning"),
                ("tern serve --listening-p", "--listening-port"), ("tern completion z", "zsh"),
            ]
            for (words, expected) in cases {
                let count = words.split(separator: " ").count
                let run = try await Command.run([
                    "/bin/bash", "-c",
                    ". \(file.path); COMP_WORDS=(\(words)); COMP_CWORD=\(count - 1); _tern; echo \"${COMPREPLY[*]}\"",
                ])
                #expect(run.output == expected + "\n", "\(words): \(run.output)\(run.complaints)")
            }
        }

        @Test("the completions for zsh and fish have every command")
        func otherShells() async throws {
            for shell in ["zsh", "fish"] {
                let script = try await Command.tern("completion", shell)
                #expect(script.exitCode == 0)
                for name in ["serve", "status", "sessions", "allocations", "selftest", "close-room"] {
                    #expect(script.output.contains(name), "\(shell): \(name)")
                }
                // An odd number of quotes would open a string that nobody closes.
                #expect(script.output.count { $0 == "'" } % 2 == 0)
            }
        }
    }
}
