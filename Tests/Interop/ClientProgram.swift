import Foundation
import TestSupport

/// One of the programs in `Clients`: it ends with exit code 0 when the server did what the client needs, with another
/// one when not, and prints one line that says so.
struct ClientProgram: Sendable {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Clients")
    private static let root = folder.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let stunclient = ClientProgram("stunclient.py", interpreter: "/usr/bin/python3")
    static let natdiscovery = ClientProgram("natdiscovery.py", interpreter: "/usr/bin/python3")
    static let discovery = ClientProgram("discovery_client.py", interpreter: python)
    static let uclient = ClientProgram("uclient.py", interpreter: "/usr/bin/python3")
    static let everyWay = ClientProgram("every_way_client.py", interpreter: python)
    static let certificate = ClientProgram("certificate.py", interpreter: "/usr/bin/python3")
    static let turnadmin = ClientProgram("turnadmin.py", interpreter: "/usr/bin/python3")
    static let opensslDTLS = ClientProgram("openssl_dtls.py", interpreter: "/usr/bin/python3")
    static let chromium = ClientProgram("chromium_client.py", interpreter: "/usr/bin/python3")
    /// gi comes from a Debian package and only Debian's own interpreter sees it.
    static let libnice = ClientProgram("libnice_client.py", interpreter: "/usr/bin/python3")
    static let aioice = ClientProgram("aioice_client.py", interpreter: python)

    // Of signaling. These read the server's configuration.
    static let websockets = ClientProgram("websockets_client.py", interpreter: python)
    static let refusals = ClientProgram("refusals_client.py", interpreter: python)
    static let gate = ClientProgram("gate_client.py", interpreter: python)
    static let resume = ClientProgram("resume_client.py", interpreter: python)
    static let curl = ClientProgram("curl_client.py", interpreter: python)
    static let relays = ClientProgram("relays_client.py", interpreter: python)
    static let whip = ClientProgram("whip_client.py", interpreter: python)
    static let janus = ClientProgram("janus_client.py", interpreter: python)
    static let nodeWS = ClientProgram("ws_client.js", interpreter: "/usr/bin/node")
    static let serverFiles = ClientProgram("server_files.py", interpreter: python)
    static let socketIO = ClientProgram("socketio_client.py", interpreter: python)
    /// Needs no server.
    static let socketIOScript = ClientProgram("socketio_script.js", interpreter: "/usr/bin/node")

    /// With what pip installed.
    private static let python = root.appending(path: ".build/venv/bin/python").path

    // Of the pages. These start a server of their own, from the executable that they are given.
    static let pagesCall = ClientProgram("pages_call_client.py", interpreter: "/usr/bin/python3")
    static let pagesGate = ClientProgram("pages_gate_client.py", interpreter: "/usr/bin/python3")
    static let pagesRecovery = ClientProgram("pages_recovery_client.py", interpreter: "/usr/bin/python3")
    static let pagesDashboard = ClientProgram("pages_dashboard_client.py", interpreter: "/usr/bin/python3")
    static let pagesRenewal = ClientProgram("pages_renewal_client.py", interpreter: "/usr/bin/python3")
    static let pagesSocketIO = ClientProgram("pages_socketio_client.py", interpreter: "/usr/bin/python3")

    /// What turnutils_uclient relays over each transport: by channels, by indications, with pairs of ports, many
    /// sessions at once, lengths that need padding, and a peer without a relay.
    static let relayingFlags = [
        ["-y", "-c", "-n", "100", "-z", "5"], ["-y", "-c", "-s", "-n", "100", "-z", "5"],
        ["-y", "-n", "50", "-z", "5"],
        ["-m", "20", "-y", "-c", "-n", "20"], ["-l", "101", "-y", "-c", "-n", "20"],
        ["--peer", "127.0.0.1", "-c", "-n", "50", "-z", "5"],
    ]

    private let script: String
    private let interpreter: String

    private init(_ name: String, interpreter: String) {
        script = Self.folder.appending(path: name).path
        self.interpreter = interpreter
    }

    /// What a run came to.
    struct Outcome: Sendable {
        let exitCode: Int32
        let output: String
    }

    /// Runs the program against `server` and waits for its end, two minutes at most.
    func run(
        against server: ServerUnderTest, user: String = "alice", password: String = "secret", flags: [String] = []
    ) async throws -> Outcome {
        try await run(arguments: [server.host, String(server.port), user, password] + flags)
    }

    /// Runs the program and waits for its end, `seconds` at most.
    func run(arguments: [String], seconds: Int = 120) async throws -> Outcome {
        guard FileManager.default.isExecutableFile(atPath: interpreter) else {
            throw TestFailure("\(interpreter) is missing: run Scripts/setup test")
        }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments = ["--kill-after=5", String(seconds), interpreter, script] + arguments
        // Where Debian keeps modules of node; a node that is not Debian's does not look there.
        process.environment = ProcessInfo.processInfo.environment.merging(["NODE_PATH": "/usr/share/nodejs"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        // Resumed by Foundation's thread: blocking here would hold up one of the few that run every other test.
        let exitCode = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.runWithSignalsUnblocked() } catch { continuation.resume(throwing: error) }
        }
        // What they print fits into the pipe, so reading after the end is soon enough.
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return Outcome(exitCode: exitCode, output: output.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
