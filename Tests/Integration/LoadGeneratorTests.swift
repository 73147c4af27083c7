import Foundation
import TestSupport
import Testing

/// `tern-bench`, run for a moment against a server. What it measures is of no interest here, only that it does.
@Suite("Load generator", .serialized)
struct LoadGeneratorTests {
    /// Beside the tests.
    private static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "tern-bench").path

    private func run(
        _ line: String, against server: TernServer?, password: String = "secret", _ more: [String] = []
    ) async throws -> Command {
        var words = [Self.program] + line.split(separator: " ").map(String.init)
        if let server {
            words += ["--server", "\(server.address)", "--user", "alice", "--password", password]
            words += ["--pid", "\(server.processID)"]
        }
        return try await Command.run(words + more)
    }

    /// A run's line of JSON.
    private func measure(
        _ line: String, against server: TernServer?, _ more: [String] = []
    ) async throws -> [String: Any] {
        let short = " --seconds 0.3 --warmup 0.05 --allocations 5 --json"
        let command = try await run(line + short, against: server, more)
        #expect(command.exitCode == 0, "\(line): \(command.complaints)")
        let object = try JSONSerialization.jsonObject(with: Data(command.output.utf8))
        return try #require(object as? [String: Any])
    }

    private func integer(_ run: [String: Any], _ name: String) throws -> Int {
        try #require(run[name] as? Int, "\(name) in \(run)")
    }

    @Test("every mode gets something done, and loses nothing where no more is sent than has room")
    func modes() async throws {
        let lines = [
            "channel", "channel --direction both --payload 1200 --burst 8", "channel --direction down --payload 11",
            "channel --no-gro --burst 4", "indication --direction both", "indication --direction down --payload 999",
            "binding", "binding --burst 4", "refresh", "churn --churn 50 --hold 0.05",
        ]
        try await TernServer.run { server in
            for line in lines {
                var run = try await measure(line + " --window 64", against: server)
                // On a machine that has other things to do a third of a second may pass without a turn.
                for _ in 0..<4 where run["delivered"] as? Int == 0 {
                    run = try await measure(line + " --window 64", against: server)
                }
                #expect(try integer(run, "delivered") > 0, "\(line)")
                #expect(try integer(run, "lostInAll") == 0, "\(line)")
                #expect(try integer(run, "unexpected") == 0, "\(line)")
                #expect(try integer(run, "failures") == 0, "\(line)")
                #expect(run["serverMicroseconds"] as? Double != nil, "\(line)")
                let isMeasured = run["latency"] as? [String: Any] != nil
                #expect(isMeasured != line.contains("--payload 11"), "\(line)")
            }
        }
    }

    @Test("cycles of allocations, and allocations that do nothing")
    func allocations() async throws {
        try await TernServer.run { server in
            let cycles = try await measure("allocate", against: server)
            #expect(try integer(cycles, "delivered") > 0)
            #expect(try integer(cycles, "failures") == 0)
            let idle = try await measure("idle", against: server)
            #expect(try integer(idle, "delivered") == 5)
            #expect(idle["idleCPUShare"] as? Double != nil)
        }
    }

    @Test("others that come and go are counted, and so are the probe's requests")
    func companions() async throws {
        try await TernServer.run { server in
            let run = try await measure("churn --churn 50 --hold 0.05 --probe", against: server)
            let churn = try #require(run["churn"] as? [String: Any])
            #expect(try integer(churn, "opened") > 0)
            #expect(try integer(churn, "failures") == 0)
            let probe = try #require(run["probe"] as? [String: Any])
            #expect(try integer(probe, "answered") > 0)
            #expect(probe["request"] as? String == "refresh")
        }
    }

    @Test("on a schedule, and as fast as it goes")
    func paces() async throws {
        try await TernServer.run { server in
            let paced = try await measure("channel --rate 2000", against: server)
            #expect(try integer(paced, "delivered") > 0)
            #expect(paced["lateness"] as? [String: Any] != nil)
            let flood = try await measure("channel --flood --probe", against: server)
            let arrived = try integer(flood, "sentInAll") - integer(flood, "lostInAll")
            #expect(arrived > 0)
            #expect(try integer(flood, "generatorDrops") >= 0)
        }
    }

    @Test("without a server there is the baseline")
    func direct() async throws {
        let run = try await measure("channel --direct --direction both --window 64", against: nil)
        #expect(try integer(run, "delivered") > 0)
        #expect(try integer(run, "lostInAll") == 0)
    }

    @Test("pages tell the figures of their runs, and need nothing from elsewhere")
    func pages() async throws {
        let directory = try TernServer.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        func file(_ name: String) -> URL { directory.appending(path: name) }
        try await TernServer.run { server in
            let short = "channel --allocations 5 --seconds 0.5 --warmup 0.05 --json"
            for name in ["a", "b"] {
                let run = try await run(
                    short, against: server, ["--name", "server <\(name)>", "--html", file("\(name).html").path])
                try Data(run.output.utf8).write(to: file("\(name).json"))
            }
        }
        let record = try JSONSerialization.jsonObject(with: Data(contentsOf: file("a.json"))) as? [String: Any]
        let page = try String(contentsOf: file("a.html"), encoding: .utf8)
        let delivered = try integer(try #require(record), "delivered")
        #expect(page.filter { $0 != "," }.contains("\(delivered)"))
        #expect(page.contains("<svg") && page.contains("server &lt;a&gt;") && !page.contains("server <a>"))
        #expect(!page.contains("secret"), "passwords stay at home")
        #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"))
        let both = try await Command.run([
            Self.program, "report", file("a.json").path, file("b.json").path, "--html", file("both.html").path,
        ])
        #expect(both.exitCode == 0, "\(both.complaints)")
        let comparison = try String(contentsOf: file("both.html"), encoding: .utf8)
        #expect(comparison.contains("server &lt;a&gt;") && comparison.contains("server &lt;b&gt;"))
    }

    @Test("who is refused hears why and what to try")
    func refused() async throws {
        try await TernServer.run { server in
            let run = try await run("channel --allocations 2", against: server, password: "wrong")
            #expect(run.exitCode == 1)
            #expect(run.complaints.contains("401") && run.complaints.contains("--password"), "\(run.complaints)")
        }
        try await TernServer.run(ServerPlan("user-quota=3")) { server in
            let run = try await run("channel --allocations 5", against: server)
            #expect(run.exitCode == 1)
            #expect(run.complaints.contains("486") && run.complaints.contains("quota"), "\(run.complaints)")
        }
    }

    @Test("a command line that makes no sense ends with 2, help with 0")
    func commandLine() async throws {
        let wrong = try await Command.run([Self.program, "channel", "--burst", "65"])
        #expect(wrong.exitCode == 2)
        #expect(wrong.complaints == "tern-bench: --burst 65: allowed is 1 to 64\nTry 'tern-bench --help'.\n")
        let help = try await Command.run([Self.program, "--help"])
        #expect(help.exitCode == 0)
        #expect(help.output.contains("coordinated omission") && help.output.contains("signal-relay"))
    }
}
