import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("Start: a server that cannot serve says why, and ends with status 1")
    struct FailedStartTests {
        @Test("every mistake of a configuration is named with file and line")
        func badConfiguration() async throws {
            let directory = try TernServer.makeDirectory()
            let file = directory.appending(path: "turnserver.conf").path
            let text = "listening-port=70000\n\nuser=hunter2\nstatic-auth-secet=hunter3\n"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let run = try await Command.tern("serve", "-c", file)
            #expect(run.exitCode == 1)
            #expect(run.complaints.contains("\(file):1: error: listening-port"))
            #expect(run.complaints.contains("\(file):3: error: user"))
            #expect(run.complaints.contains("\(file):4: warning:"))
            #expect(run.complaints.contains("not started; correct the errors above"))
            #expect(!run.complaints.contains("hunter"))
            try FileManager.default.removeItem(at: directory)
        }

        @Test("a file that is not there is an error, not a default")
        func missingFile() async throws {
            let run = try await Command.tern("serve", "-c", "/nonexistent/turnserver.conf")
            #expect(run.exitCode == 1)
            #expect(run.complaints.contains("/nonexistent/turnserver.conf"))
        }

        @Test("unknown options of the command line are errors", arguments: ["--no-such-option", "-y", "stray"])
        func unknownOption(argument: String) async throws {
            let run = try await Command.tern("serve", "-n", argument)
            #expect(run.exitCode == 1)
            #expect(run.complaints.contains("not started"))
        }

        @Test("a port that another program has is a clear sentence")
        func portInUse() async throws {
            let holder = try UDPEndpoint()
            let run = try await Command.tern(
                "serve", "-n", "-L", "127.0.0.1", "-p", "\(holder.address.port)", "-u", "alice:secret", "-r", "x")
            #expect(run.exitCode == 1)
            #expect(run.complaints.contains("cannot listen on \(holder.address)"))
            #expect(run.complaints.contains("another server has the port"))
        }

        /// SO_REUSEPORT would let both have it, and each would get half of the clients.
        @Test("a port that another Tern of the same user has is one too")
        func portOfAnotherTern() async throws {
            for ip in ["127.0.0.1", "::"] {
                var plan = ServerPlan()
                if ip == "::" { plan.network = [] }
                try await TernServer.run(plan) { server in
                    let run = try await Command.tern(
                        "serve", "-n", "-L", ip, "-p", "\(server.address.port)", "-u", "alice:secret", "-r", "x")
                    #expect(run.exitCode == 1)
                    #expect(run.complaints.contains("another server has the port"))
                    #expect(try server.client().ask(.binding) != nil)
                }
            }
        }

        @Test("an address that the host does not have is a clear sentence")
        func foreignAddress() async throws {
            let run = try await Command.tern("serve", "-n", "-L", "192.0.2.1", "-u", "alice:secret", "-r", "x")
            #expect(run.exitCode == 1)
            #expect(run.complaints.contains("this host does not have the address; check listening-ip"))
        }

        @Test("a log or process id that cannot be written is a clear sentence")
        func unwritable() async throws {
            let port = "\(try TernServer.freePort([]))"
            for (option, words) in [
                ("log-file", "the log cannot be opened"), ("pidfile", "cannot write the process id"),
            ] {
                let run = try await Command.tern(
                    "serve", "-n", "-L", "127.0.0.1", "-p", port, "-u", "alice:secret", "-r", "x",
                    "--\(option)", "/nonexistent/directory/file")
                #expect(run.exitCode == 1)
                #expect(run.complaints.contains(words), "\(run.complaints)")
            }
        }

        @Test("a user or group that there is none of is a clear sentence", .enabled(if: geteuid() == 0, "needs root"))
        func unknownUser() async throws {
            let port = "\(try TernServer.freePort([]))"
            for option in ["proc-user", "proc-group"] {
                let run = try await Command.tern(
                    "serve", "-n", "-L", "127.0.0.1", "-p", port, "-u", "alice:secret", "-r", "x",
                    "--\(option)", "no-such-name")
                #expect(run.exitCode == 1)
                #expect(run.complaints.contains("no-such-name"), "\(run.complaints)")
                #expect(run.complaints.contains("check \(option)"), "\(run.complaints)")
            }
        }
    }

    @Suite("Start: the process")
    struct ProcessTests {
        @Test("log-file and pidfile are written, and the log tells of sessions")
        func files() async throws {
            let plan = ServerPlan(
                "log-file=@DIRECTORY@/turn.log", "simple-log", "pidfile=@DIRECTORY@/turn.pid", "verbose")
            try await TernServer.run(plan) { server in
                let pid = try String(contentsOf: server.directory.appending(path: "turn.pid"), encoding: .utf8)
                #expect(pid == "\(server.processID)\n")
                let client = try server.allocatedClient()
                try client.refresh(0)
                let isWritten = try await eventually(seconds: 2) {
                    let log = try? String(contentsOf: server.directory.appending(path: "turn.log"), encoding: .utf8)
                    return log?.contains("username=<alice>, deleted by the client") == true
                }
                #expect(isWritten)
            }
        }

        @Test(
            "the pidfile is gone when the server is, and stays if it is another's by then",
            .requirement("RI-service-2"))
        func endOfProcessIDFile() async throws {
            let directory = try TernServer.makeDirectory()
            defer { try? FileManager.default.removeItem(at: directory) }
            let file = directory.appending(path: "turn.pid")
            // What was left by a server that was killed is in nobody's way.
            try "1\n".write(to: file, atomically: false, encoding: .utf8)
            try await TernServer.run(ServerPlan("pidfile=\(file.path)")) { server in
                let pid = try String(contentsOf: file, encoding: .utf8)
                #expect(pid == "\(server.processID)\n")
            }
            #expect(!FileManager.default.fileExists(atPath: file.path))
            try await TernServer.run(ServerPlan("pidfile=\(file.path)")) { _ in
                try "1\n".write(to: file, atomically: false, encoding: .utf8)
            }
            #expect(try String(contentsOf: file, encoding: .utf8) == "1\n")
        }

        @Test("a pidfile in a folder of root's is empty afterwards", .enabled(if: geteuid() == 0, "needs root"))
        func processIDFileOfRoot() async throws {
            let directory = try TernServer.makeDirectory()
            defer { try? FileManager.default.removeItem(at: directory) }
            let file = directory.appending(path: "turn.pid")
            var plan = ServerPlan("pidfile=\(file.path)")
            plan.options += ["proc-user=nobody"]
            try await TernServer.run(plan) { server in
                let pid = try String(contentsOf: file, encoding: .utf8)
                #expect(pid == "\(server.processID)\n")
            }
            #expect(try Data(contentsOf: file).isEmpty)
        }

        @Test("without simple-log the log's name has process id and date")
        func logName() async throws {
            try await TernServer.run(ServerPlan("log-file=@DIRECTORY@/turn.log")) { server in
                let names = try FileManager.default.contentsOfDirectory(atPath: server.directory.path)
                #expect(names.contains { $0.hasPrefix("turn_\(server.processID)_20") && $0.hasSuffix(".log") })
            }
        }

        @Test("proc-user and proc-group give up root for good", .enabled(if: geteuid() == 0, "needs root"))
        func privileges() async throws {
            for options in [["proc-user=nobody", "proc-group=nogroup"], ["proc-user=nobody"]] {
                var plan = ServerPlan()
                plan.options = options
                try await TernServer.run(plan) { server in
                    // Real, effective, saved and file system identity of nobody and nogroup in Debian.
                    #expect(server.status("Uid") == "65534\t65534\t65534\t65534")
                    #expect(server.status("Gid") == "65534\t65534\t65534\t65534")
                    #expect(server.status("Groups") == "65534")
                    let client = try server.allocatedClient()
                    #expect(try client.refresh(0).lifetime == 0)
                }
            }
        }

        @Test("the limit of open files is raised to what the system allows")
        func openFiles() async throws {
            var plan = ServerPlan()
            plan.wrapper = ["/usr/bin/prlimit", "--nofile=300:2000"]
            try await TernServer.run(plan) { server in
                let limits = try String(contentsOfFile: "/proc/\(server.processID)/limits", encoding: .utf8)
                let line = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") } ?? ""
                #expect(line.split(separator: " ")[3...4] == ["2000", "2000"])
            }
        }

        @Test("a link named turnserver takes coturn's command line")
        func coturnCommandLine() async throws {
            let directory = try TernServer.makeDirectory()
            let link = directory.appending(path: "turnserver")
            try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: Executable.path)
            let address = SocketAddress(ip: try .parsed("127.0.0.3"), port: try TernServer.freePort(["127.0.0.3"]))
            let command = [
                link.path, "-n", "-L", "127.0.0.3", "-E", "127.0.0.4", "-X", "203.0.113.9/127.0.0.4", "-p",
                "\(address.port)", "-r", "north.example", "-u", "alice:secret", "-a", "-f", "-m", "2", "-v", "-V",
                "--min-port", "20000", "--max-port=31999", "--no-tls", "--no-dtls", "--allow-loopback-peers",
            ]
            try await TernServer.run(command, at: address, in: directory) { server in
                let client = try server.client()
                let challenge = try #require(client.ask(.allocate, [.udpTransport]))
                #expect(challenge.value(.realm) == Array("north.example".utf8))
                // -f: FINGERPRINT also for clients that send none.
                #expect(challenge.value(.fingerprint) != nil)
                try client.allocate()
                let relayed = try #require(client.relayed)
                let advertised = try IPAddress.parsed("203.0.113.9")
                #expect(relayed.ip == advertised)
                #expect((20_000...31_999).contains(relayed.port))
                #expect(server.output.contains("2 workers listen on \(address)"))
                let peer = try UDPEndpoint()
                #expect(try client.permit(peer.address) == nil)
                client.send([1], to: peer.address)
                let (_, source) = try #require(peer.receive())
                let local = try IPAddress.parsed("127.0.0.4")
                #expect(source == SocketAddress(ip: local, port: relayed.port))
            }
        }

        @Test("-c reads a file, and the command line overrides it")
        func overriding() async throws {
            let directory = try TernServer.makeDirectory()
            let file = directory.appending(path: "mine.conf").path
            let text = "listening-port=1\nlistening-ip=127.0.0.1\nrealm=file.example\nuser=alice:secret\n"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let address = SocketAddress(ip: .v4(.loopback), port: try TernServer.freePort([]))
            let command = [Executable.path, "serve", "-c", file, "-p", "\(address.port)", "-r", "line.example"]
            try await TernServer.run(command, at: address, in: directory) { server in
                let answer = try #require(try server.client().ask(.allocate, [.udpTransport]))
                #expect(answer.value(.realm) == Array("line.example".utf8))
            }
        }

        static let fixtures = [
            "bigbluebutton", "jitsi", "matrix-ansible", "nextcloud-talk", "nixos", "single-user", "synapse",
        ]

        @Test("configurations from the field start and challenge", arguments: fixtures)
        func fieldConfiguration(name: String) async throws {
            let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "ConfigurationTests/Fixtures/\(name).conf")
            let directory = try TernServer.makeDirectory()
            let address = SocketAddress(ip: .v4(.loopback), port: try TernServer.freePort([]))
            // Addresses, ports and paths are this machine's; all else stays.
            let replaced = [
                "listening-ip", "relay-ip", "listening-port", "log-file", "pidfile", "syslog", "cert", "pkey",
                "tls-listening-port",
            ]
            let lines = try String(contentsOf: source, encoding: .utf8).split(separator: "\n")
            let kept = lines.filter { line in !replaced.contains { line.hasPrefix($0) } }
            for (file, bytes) in TestCertificate.shared.files {
                try Data(bytes).write(to: directory.appending(path: file))
            }
            let certificates = [
                "cert=\(directory.path)/cert.pem", "pkey=\(directory.path)/key.pem",
                "tls-listening-port=\(try TernServer.freePort([]))",
            ]
            let own = [
                "listening-ip=127.0.0.1", "relay-ip=127.0.0.1", "listening-port=\(address.port)",
                "log-file=\(directory.path)/log", "pidfile=\(directory.path)/pid",
            ]
            let all = kept.map(String.init) + own + (lines.contains { $0.hasPrefix("cert") } ? certificates : [])
            let file = directory.appending(path: "turnserver.conf").path
            try all.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
            let command = [Executable.path, "serve", "-c", file]
            try await TernServer.run(command, at: address, in: directory) { server in
                let client = try server.client()
                if name != "nixos" { #expect(client.ask(.binding)?.address(.xorMappedAddress) != nil) }
                let challenge = client.ask(.allocate, [.udpTransport])
                #expect(challenge?.errorCode == 401)
                #expect(challenge?.value(.realm) != nil)
            }
        }
    }

    @Suite("The commands of an operator")
    struct CommandTests {
        @Test("--version, --help and a wrong command")
        func overview() async throws {
            for word in ["--version", "-V", "version"] {
                let run = try await Command.tern(word)
                #expect(run.exitCode == 0)
                #expect(run.output.hasPrefix("Tern "))
            }
            for word in ["--help", "-h", "help"] {
                let run = try await Command.tern(word)
                #expect(run.exitCode == 0)
                #expect(run.output.contains("tern check-config FILE"))
            }
            let options = try await Command.tern("serve", "--help")
            #expect(options.exitCode == 0)
            #expect(options.output.contains("--listening-port"))
            #expect(try await Command.tern("serve", "--version").output.hasPrefix("Tern "))
            #expect(try await Command.tern().exitCode == 2)
            let wrong = try await Command.tern("frobnicate")
            #expect(wrong.exitCode == 2)
            #expect(wrong.complaints.contains("'frobnicate' is no command"))
        }

        @Test("check-config reports everything, and its status tells whether the server would start")
        func checkConfig() async throws {
            let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "ConfigurationTests/Fixtures")
            let good = try await Command.tern("check-config", fixtures.appending(path: "single-user.conf").path)
            #expect(good.exitCode == 0)
            #expect(good.output.contains("0 errors"))
            let broken = fixtures.appending(path: "broken.conf").path
            let bad = try await Command.tern("check-config", broken)
            #expect(bad.exitCode == 1)
            #expect(bad.output.contains("\(broken):2: error: listening-port"))
            #expect(bad.output.contains("21 errors, 3 warnings"))
            #expect(!bad.output.contains("hunter2"))
            #expect(try await Command.tern("check-config", "/nonexistent").exitCode == 1)
            #expect(try await Command.tern("check-config").exitCode == 2)
        }

        @Test(
            "check-peer tells the verdict and the rule",
            arguments: [
                ("8.8.8.8", 0, "allowed by built in"), ("8.8.8.8:53", 0, "allowed by built in"),
                ("10.0.0.1", 1, "denied by built in"), ("[::1]:80", 1, "denied by built in: loopback"),
                ("192.0.2.300", 2, "is no address"),
            ])
        func checkPeer(peer: String, exitCode: Int32, words: String) async throws {
            let run = try await Command.tern("check-peer", peer, "-n")
            #expect(run.exitCode == exitCode)
            #expect((run.output + run.complaints).contains(words))
        }

        @Test("check-peer knows the rules of a configuration")
        func checkPeerRules() async throws {
            let allowed = try await Command.tern("check-peer", "10.0.0.1", "-n", "--allowed-peer-ip=10.0.0.0/24")
            #expect(allowed.exitCode == 0)
            #expect(allowed.output.contains("allowed-peer-ip"))
            let denied = try await Command.tern("check-peer", "8.8.8.8", "-n", "--denied-peer-ip=8.8.0.0/16")
            #expect(denied.exitCode == 1)
            #expect(denied.output.contains("denied-peer-ip"))
        }

        @Test("credentials needs a secret, and a time to live that makes sense")
        func credentials() async throws {
            let none = try await Command.tern("credentials", "-n")
            #expect(none.exitCode == 1)
            #expect(none.complaints.contains("no static-auth-secret"))
            for ttl in ["0", "-1", "43201", "soon"] {
                #expect(try await Command.tern("credentials", "--ttl", ttl).exitCode == 2)
            }
            #expect(try await Command.tern("credentials", "--help").exitCode == 0)
        }
    }
}
