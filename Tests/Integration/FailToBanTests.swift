import Foundation
import TestSupport
import Testing

extension IntegrationTests {
    /// The filter that the package brings along, against lines that the server writes.
    @Suite("fail2ban")
    struct FailToBanTests {
        static let filter = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Packaging/fail2ban/filter.d/tern.conf")
        static let program = "/usr/bin/fail2ban-regex"

        static let banned = [
            "2026-11-20T19:07:19Z warning: 401 Unauthenticated for <alice> from 198.51.100.7:40000": "198.51.100.7",
            "2026-11-20T19:07:19Z warning: 401 Unauthenticated for <> from [2001:db8::7]:9 (12 such lines left out)":
                "2001:db8::7",
            "Nov 20 19:07:20 h tern[9]: 2026-11-20T19:07:20Z warning: 401 Unauthenticated for <b c> from 192.0.2.8:1":
                "192.0.2.8",
            "Nov 20 19:07:20 host tern[123]: 401 Unauthenticated for <bob> from 192.0.2.9:40000": "192.0.2.9",
            "2026-11-20T19:07:21Z info: HTTP from 192.0.2.10: wrong token or key (3 like it left out)": "192.0.2.10",
            "2026-11-20T19:07:21Z info: signaling from 2001:db8::11: wrong token": "2001:db8::11",
        ]

        static let spared = [
            "2026-11-20T19:07:19Z warning: 401 Unauthenticated for <alice>, address not proven: 198.51.100.7:40000",
            // What strangers would write to have somebody else banned.
            #"2026-11-20T19:07:19Z warning: 401 Nobody for <a\x3e from 192.0.2.1:5>, address not proven: 192.0.2.9:5"#,
            "2026-11-20T19:07:19Z info: HTTP from 198.51.100.7: foreign origin <HTTP from 192.0.2.1: wrong token>",
            "2026-11-20T19:07:19Z info: session 1: new, realm=<x>, username=<401 Unauthenticated for >, lifetime=600",
            "2026-11-20T19:07:19Z warning: 403 Forbidden: peer 10.0.0.1:0 refused to 198.51.100.7:40000",
            "2026-11-20T19:07:19Z info: signaling from 198.51.100.7: token expired or not valid yet",
        ]

        /// The address that the filter finds in a line, read as fail2ban reads it.
        static func address(in line: String) throws -> String? {
            let text = try String(contentsOf: filter, encoding: .utf8)
            func value(_ name: String) throws -> [String] {
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                let start = try #require(lines.firstIndex { $0.hasPrefix("\(name) = ") })
                let more = lines[(start + 1)...].prefix { $0.hasPrefix(" ") }
                return ([String(lines[start].dropFirst(name.count + 3))] + more).map {
                    $0.trimmingCharacters(in: .whitespaces)
                }
            }
            let (prefix, more) = (try value("prefix")[0], try value("more")[0])
            for pattern in try value("failregex") {
                let whole = pattern.replacingOccurrences(of: "%(prefix)s", with: prefix)
                    .replacingOccurrences(of: "%(more)s", with: more)
                    .replacingOccurrences(
                        of: "<ADDR>", with: "((?:[0-9]{1,3}\\.){3}[0-9]{1,3}|[0-9a-fA-F:]*:[0-9a-fA-F:]+)")
                let expression = try NSRegularExpression(pattern: whole)
                // fail2ban cuts out the date.
                let body = line.replacing(/^(Nov 20 19:07:20|20[0-9-]+T[0-9:]+Z)/, with: "")
                let match = expression.firstMatch(in: body, range: NSRange(body.startIndex..., in: body))
                if let match, let range = Range(match.range(at: 1), in: body) { return String(body[range]) }
            }
            return nil
        }

        @Test("the filter finds who fails, however the line came to the log", arguments: banned)
        func found(line: String, address: String) throws {
            #expect(try Self.address(in: line) == address)
        }

        @Test("the filter finds nobody else", arguments: spared)
        func notFound(line: String) throws {
            #expect(try Self.address(in: line) == nil)
        }

        @Test(
            "what the server writes of a wrong password is found, over UDP and over TCP", .requirement("RI-service-3"))
        func realLines() async throws {
            let plan = ServerPlan("log-file=@DIRECTORY@/turn.log", "simple-log", "no-stdout-log")
            try await TernServer.run(plan) { server in
                let name = "mallory> from 192.0.2.1:5 (1 such lines left out)"
                let client = try server.client(username: name, password: "wrong")
                #expect(try client.allocateError() == 401)
                let stream = try server.streamClient(from: "127.0.0.7")
                (stream.username, stream.password) = (name, "wrong")
                #expect(try stream.allocateError() == 401)
                let log = server.directory.appending(path: "turn.log")
                var lines: [String] = []
                let isWritten = try await eventually(seconds: 2) {
                    let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
                    lines = text.split(separator: "\n").map(String.init).filter { $0.contains("401") }
                    return lines.count == 2
                }
                #expect(isWritten, "\(lines)")
                let found = try lines.map { try Self.address(in: $0) }
                #expect(found == ["127.0.0.1", "127.0.0.7"])
            }
        }

        @Test(
            "fail2ban itself reads the filter so",
            .enabled(if: FileManager.default.isExecutableFile(atPath: program), "needs fail2ban"))
        func regularExpressions() async throws {
            let directory = try TernServer.makeDirectory()
            defer { try? FileManager.default.removeItem(at: directory) }
            for (lines, hits) in [(Array(Self.banned.keys), Self.banned.count), (Self.spared, 0)] {
                let log = directory.appending(path: "log")
                try (lines.joined(separator: "\n") + "\n").write(to: log, atomically: true, encoding: .utf8)
                let run = try await Command.run([Self.program, log.path, Self.filter.path])
                #expect(run.output.contains("\(lines.count) lines, 0 ignored, \(hits) matched"), "\(run.output)")
            }
        }
    }
}
