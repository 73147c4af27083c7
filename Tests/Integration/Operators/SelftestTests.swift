import Foundation
import NetworkPrimitives
import TLSClient
import TestSupport
import Testing

extension IntegrationTests {
    /// Each fault is planted, and its words are read.
    @Suite("Selftest: uses a server as its clients do, and says in words what is wrong")
    struct SelftestTests {
        /// What a selftest says as JSON.
        private struct Report: Decodable {
            struct Finding: Decodable {
                let severity: String
                let kind: String
                let message: String
            }

            struct Result: Decodable {
                let transport: String
                let server: String
                let ok: Bool
                let relayed: String?
            }

            let faults: Int
            let warnings: Int
            let results: [Result]
            let findings: [Finding]

            init(_ run: Command) throws {
                self = try JSONDecoder().decode(Report.self, from: Data(run.output.utf8))
            }

            func messages(_ kind: String) -> [String] { findings.filter { $0.kind == kind }.map(\.message) }
        }

        /// A certificate for this host.
        private static let ours = TestIdentity(names: "DNS:localhost,IP:127.0.0.1")

        /// A server for all transports, with a certificate.
        private static func plan(_ identity: TestIdentity = ours, _ options: String...) -> ServerPlan {
            var plan = ServerPlan("tls-listening-port=@PORT@")
            plan.options += TestCertificate.options + options
            plan.files = [
                "cert.pem": identity.certificate, "key.pem": identity.key, "password": Array("secret\n".utf8),
            ]
            return plan
        }

        /// Where no configuration is wanted, credentials are given, so that none of this host is looked for.
        private static func selftest(_ arguments: String..., for server: TernServer? = nil) async throws -> Report {
            let file = server.map { ["-c", $0.directory.path + "/turnserver.conf"] } ?? []
            let run = try await Command.run([Executable.path, "selftest", "--json"] + file + arguments)
            guard run.exitCode < 2 else { throw TestFailure("selftest: \(run.complaints)") }
            let report = try Report(run)
            #expect(run.exitCode == (report.faults == 0 ? 0 : 1))
            return report
        }

        // MARK: - Nothing is wrong

        @Test("a sound server is fine from inside, on each transport, in words and as JSON")
        func soundInside() async throws {
            try await TernServer.run(Self.plan()) { server in
                let ca = server.directory.path + "/cert.pem"
                let report = try await Self.selftest("--ca", ca, for: server)
                #expect(report.findings.map(\.message) == [])
                #expect(report.results.map(\.transport) == ["udp", "tcp", "tls", "dtls"])
                #expect(report.results.allSatisfy { $0.ok && $0.relayed?.hasPrefix("127.0.0.1:") == true })
                let words = try await Command.tern(
                    "selftest", "-c", server.directory.path + "/turnserver.conf", "--ca", ca)
                #expect(words.exitCode == 0)
                #expect(words.output.hasSuffix("nothing is wrong\n"))
                #expect(words.output.contains("dtls  \(server.address)  ok"))
                // Nothing of it stays.
                #expect(
                    try await eventually(seconds: 5) { server.output.components(separatedBy: ": delete,").count >= 8 })
            }
        }

        @Test("and from outside, by a name, with a user or with a secret, over IPv6 too")
        func soundOutside() async throws {
            var plan = Self.plan()
            plan.access = ["user=alice:secret", "static-auth-secret=north"]
            plan.files["secret"] = Array("north".utf8)
            plan.addresses = ["127.0.0.1", "::1"]
            try await TernServer.run(plan) { server in
                let (directory, port) = (server.directory.path, "\(server.address.port)")
                let byUser = try await Self.selftest(
                    "--host", "127.0.0.1", "--port", port, "--tls-port", port, "--user", "alice", "--password-file",
                    directory + "/password", "--ca", directory + "/cert.pem")
                #expect(byUser.findings.map(\.message) == [])
                #expect(byUser.results.map(\.transport) == ["udp", "tcp", "tls", "dtls"])
                let bySecret = try await Self.selftest(
                    "--host", "::1", "--port", port, "--secret-file", directory + "/secret")
                #expect(bySecret.findings.map(\.message) == [])
                #expect(bySecret.results.map(\.transport) == ["udp", "tcp"])
            }
        }

        // MARK: - Faults

        @Test("fault: a port where nobody listens")
        func closedPort() async throws {
            let port = "\(try TernServer.freePort(["127.0.0.1"]))"
            let report = try await Self.selftest("--host", "127.0.0.1", "--port", port, "-c", "/dev/null")
            let words = report.messages("port_closed")
            #expect(words.count == 2)
            #expect(words.first?.contains("port closed: nobody listens on UDP port \(port) (an ICMP message") == true)
            #expect(words.last?.contains("nobody listens on TCP port \(port) (a reset") == true)
        }

        @Test("fault: a firewall that drops what comes")
        func firewall() async throws {
            let silent = try UDPEndpoint("127.0.0.1")
            let report = try await Self.selftest(
                "--host", "127.0.0.1", "--port", "\(silent.address.port)", "--transport", "udp", "--timeout", "1",
                "-c", "/dev/null")
            #expect(report.messages("no_answer").count == 1)
            #expect(report.findings[0].message.contains("what a firewall that drops looks like"))
            #expect(report.findings[0].message.contains("Open UDP port \(silent.address.port) in the firewall"))
        }

        @Test("fault: an external-ip that is somebody else's")
        func wrongExternalAddress() async throws {
            try await TernServer.run(ServerPlan("external-ip=127.0.0.98")) { server in
                for outside in [[], ["--host", "127.0.0.1"]] {
                    let file = server.directory.path + "/turnserver.conf"
                    let run = try await Command.run(
                        [Executable.path, "selftest", "--json", "--transport", "udp", "-c", file] + outside)
                    let report = try Report(run)
                    #expect(report.faults == 1)
                    let words = try #require(report.messages("wrong_external_ip").first, "\(run.output)")
                    #expect(words.contains("wrong external-ip: clients are told 127.0.0.98"))
                    #expect(words.contains("The server is reached at 127.0.0.1"))
                }
            }
        }

        @Test("fault: a relayed address that nobody outside reaches")
        func privateRelay() async throws {
            guard NetworkNamespace.isPossible else { return }
            try await NetworkNamespace.with("198.51.100.1/32", "10.0.0.1/32") { network in
                var plan = ServerPlan()
                plan.network = ["listening-ip=198.51.100.1", "relay-ip=10.0.0.1"]
                plan.addresses = ["198.51.100.1"]
                plan.wrapper = network.wrapper
                try await TernServer.run(plan) { server in
                    let file = server.directory.path + "/turnserver.conf"
                    let run = try await Command.run(
                        network.wrapper + [
                            Executable.path, "selftest", "--json", "--transport", "udp", "-c", file, "--host",
                            "198.51.100.1",
                        ])
                    let report = try Report(run)
                    #expect(report.faults == 1, "\(run.output)")
                    let words = try #require(report.messages("private_relayed_address").first)
                    #expect(words.contains("is reached at 198.51.100.1 and tells its clients 10.0.0.1"))
                    #expect(words.contains("Write external-ip=198.51.100.1"))
                }
            }
        }

        @Test("fault: a certificate that has expired")
        func expiredCertificate() async throws {
            let old = TestIdentity(names: "IP:127.0.0.1", notAfter: "20210101000000Z")
            try await TernServer.run(Self.plan(old)) { server in
                let ca = server.directory.path + "/cert.pem"
                let report = try await Self.selftest(
                    "--host", "127.0.0.1", "--transport", "tls", "--ca", ca, for: server)
                #expect(report.findings.map(\.kind) == ["certificate_expired"])
                #expect(report.findings.first?.message.contains("certificate expired") == true)
            }
        }

        @Test("fault: a certificate for another name, and one that nobody vouches for")
        func foreignCertificate() async throws {
            try await TernServer.run(Self.plan(TestIdentity(names: "DNS:turn.example"))) { server in
                let report = try await Self.selftest(
                    "--host", "127.0.0.1", "--transport", "tls,dtls", for: server)
                #expect(
                    report.findings.map(\.kind) == [
                        "certificate_for_another_name", "certificate_not_trusted", "certificate_for_another_name",
                        "certificate_not_trusted",
                    ])
                #expect(report.findings[0].message.contains("it is not for 127.0.0.1"))
                #expect(report.findings[1].message.contains("no authority that this host knows vouches for it"))
            }
        }

        @Test("fault: TLS where there is none")
        func noTLS() async throws {
            try await TernServer.run(ServerPlan()) { server in
                let report = try await Self.selftest(
                    "--host", "127.0.0.1", "--transport", "tls", "--tls-port", "\(server.address.port)",
                    "--timeout", "2", for: server)
                #expect(report.faults == 1)
                #expect(["tls_failed", "connection_cut", "no_answer"].contains(report.findings[0].kind))
            }
        }

        @Test("fault: a password that is none of the server's")
        func wrongPassword() async throws {
            var plan = ServerPlan()
            plan.files = ["wrong": Array("hunter2\n".utf8)]
            try await TernServer.run(plan) { server in
                let file = server.directory.path + "/wrong"
                let port = "\(server.address.port)"
                let byUser = try await Self.selftest(
                    "--host", "127.0.0.1", "--port", port, "--transport", "udp", "--user", "alice", "--password-file",
                    file)
                #expect(byUser.findings.map(\.kind) == ["credentials_refused"])
                #expect(
                    byUser.findings.first?.message.contains("the password of 'alice' is not that of the server") == true
                )
                let bySecret = try await Self.selftest(
                    "--host", "127.0.0.1", "--port", port, "--transport", "tcp", "--secret-file", file)
                #expect(bySecret.findings.map(\.kind) == ["credentials_refused"])
                #expect(bySecret.findings.first?.message.contains("none of the server's static-auth-secret") == true)
            }
        }

        @Test("fault: no relay port is left")
        func noRelayPort() async throws {
            let first = try TernServer.freePorts(1)
            try await TernServer.run(ServerPlan("min-port=\(first)", "max-port=\(first)")) { server in
                let holder = try server.allocatedClient()
                let report = try await Self.selftest("--transport", "udp", for: server)
                #expect(report.findings.map(\.kind) == ["no_relay_port"])
                #expect(report.findings.first?.message.contains("no relay port is left (508)") == true)
                _ = holder
            }
        }

        // MARK: - Clocks

        /// Makes a server believe in another time; nil where there is no compiler for the few lines it takes.
        private static func wrongClock(_ seconds: Int, in directory: URL) async throws -> [String]? {
            let source = """
                #define _GNU_SOURCE
                #include <sys/syscall.h>
                #include <time.h>
                #include <unistd.h>
                int clock_gettime(clockid_t clock, struct timespec *now) {
                    long result = syscall(SYS_clock_gettime, clock, now);
                    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += \(seconds);
                    return (int)result;
                }
                """
            let (file, library) = (directory.appending(path: "clock.c"), directory.appending(path: "clock.so"))
            try source.write(to: file, atomically: true, encoding: .utf8)
            let made = try await Command.run([
                "/usr/bin/env", "clang", "-shared", "-fPIC", "-o", library.path, file.path,
            ])
            return made.exitCode == 0 ? ["/usr/bin/env", "LD_PRELOAD=\(library.path)"] : nil
        }

        @Test(
            "fault: a clock that is ahead, and one that is behind",
            arguments: [
                (7200, "clock_ahead", "the server's clock is ahead of this host's"),
                (-7200, "clock_behind", "credentials that expired 60 min ago are still taken"),
            ])
        func clock(seconds: Int, kind: String, words: String) async throws {
            let directory = try TernServer.makeDirectory()
            defer { try? FileManager.default.removeItem(at: directory) }
            guard let wrapper = try await Self.wrongClock(seconds, in: directory) else { return }
            var plan = ServerPlan()
            plan.access = ["static-auth-secret=north"]
            plan.wrapper = wrapper
            try await TernServer.run(plan) { server in
                let report = try await Self.selftest("--host", "127.0.0.1", "--transport", "udp", for: server)
                #expect(report.findings.map(\.kind) == [kind])
                #expect(report.findings.first?.message.contains(words) == true, "\(report.findings)")
            }
        }
    }
}
