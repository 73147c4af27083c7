import Foundation
import TestSupport
import Testing

/// How a server differs from the plainest one: IPv4 on loopback, long-term credentials of `alice`.
struct ServerConfiguration: Sendable {
    /// The addresses to listen and relay on, the one the clients use first.
    var addresses = ["127.0.0.1"]
    /// Who may allocate. A test about other credentials replaces this line.
    var credentials = ["lt-cred-mech", "user=alice:secret"]
    /// Further lines of `turnserver.conf`. `@DIRECTORY@` stands for the folder in which it lies, `@PORT@` for the
    /// port that it listens on, `@NEXT-PORT@` for the one behind it.
    var options: [String] = []
    /// Makes files in that folder before the server starts.
    var preparation: ClientProgram?

    static let plain = ServerConfiguration()

    /// turnutils_uclient picks channel numbers up to 0x7FFF, as RFC 5766 §11 allowed and RFC 8656 §12 does not.
    static let wideChannels = ServerConfiguration(options: ["rfc5766-channel-numbers"])

    /// TLS and DTLS too, with a certificate for the addresses of this machine.
    static var encrypted: ServerConfiguration {
        var configuration = ServerConfiguration.wideChannels
        configuration.options += ["cert=@DIRECTORY@/cert.pem", "pkey=@DIRECTORY@/key.pem"]
        configuration.preparation = .certificate
        return configuration
    }

    /// Two addresses with two ports each, for NAT behaviour discovery.
    static let fourAddresses = ServerConfiguration(addresses: ["127.0.0.1", "127.0.0.2"], options: ["rfc5780"])

    /// Sends everybody to its second port, where nobody is sent on.
    static let redirecting = ServerConfiguration(
        options: [
            "rfc5766-channel-numbers", "aux-server=127.0.0.1:@NEXT-PORT@", "alternate-server=127.0.0.1:@NEXT-PORT@",
        ])

    /// Both families; what the clients of ``wideChannels`` need besides.
    static let dualStack = ServerConfiguration(
        addresses: ["::1", "127.0.0.1"], options: ["rfc5766-channel-numbers"])

    func file(port: UInt16) -> String {
        let isEncrypted = options.contains { $0.hasPrefix("cert=") }
        let lines =
            ["listening-port=\(port)", "realm=example.org", "allow-loopback-peers"]
            + (isEncrypted ? ["tls-listening-port=\(port)"] : ["no-tls", "no-dtls"])
            + addresses.flatMap { ["listening-ip=\($0)", "relay-ip=\($0)"] } + credentials + options
        return lines.joined(separator: "\n") + "\n"
    }
}

/// The server as its users run it: one process, told by a configuration file, stopped by SIGTERM.
final class ServerUnderTest {
    let host: String
    let port: UInt16
    /// Where its configuration lies, and its log.
    let directory: URL
    private var process: Process

    private init(_ configuration: ServerConfiguration, directory: URL, port: UInt16) throws {
        host = configuration.addresses[0]
        self.directory = directory
        self.port = port
        process = try Self.launch(in: directory)
    }

    /// Runs `body` with a server that is ready, and expects the server to survive it and to stop when asked.
    static func run(
        _ configuration: ServerConfiguration, _ body: (ServerUnderTest) async throws -> Void
    ) async throws {
        let server = try await start(configuration)
        do {
            try await body(server)
        } catch {
            try await server.stop()
            throw error
        }
        try await server.stop()
    }

    private static func start(_ configuration: ServerConfiguration) async throws -> ServerUnderTest {
        let directory = FileManager.default.temporaryDirectory.appending(path: "tern-interop-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        if let preparation = configuration.preparation {
            let outcome = try await preparation.run(arguments: [directory.path])
            guard outcome.exitCode == 0 else { throw TestFailure("nothing could be prepared: \(outcome.output)") }
        }
        let port = try Loopback.freePort(on: configuration.addresses)
        let text = configuration.file(port: port)
            .replacingOccurrences(of: "@DIRECTORY@", with: directory.path)
            .replacingOccurrences(of: "@NEXT-PORT@", with: "\(port + 1)")
            .replacingOccurrences(of: "@PORT@", with: "\(port)")
        try text.write(to: directory.appending(path: "turnserver.conf"), atomically: true, encoding: .utf8)

        let server = try ServerUnderTest(configuration, directory: directory, port: port)
        guard try await server.becomesReady() else {
            let log = server.log
            try await server.stop()
            throw TestFailure("\(Executable.path) did not become ready: \(log)")
        }
        return server
    }

    private static func launch(in directory: URL) throws -> Process {
        let log = directory.appending(path: "log")
        try Data().write(to: log)
        let process = Process()
        // timeout(1) passes SIGTERM on, makes it SIGKILL five seconds later, and ends the server if the tests are
        // killed before they can. In the foreground it signals the server only, and once, not its whole group.
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        let file = directory.appending(path: "turnserver.conf")
        process.arguments = ["--foreground", "--kill-after=5", "180", Executable.path, "serve", "-c", file.path]
        process.standardInput = FileHandle.nullDevice
        let output = try FileHandle(forWritingTo: log)
        process.standardOutput = output
        process.standardError = output
        try process.runWithSignalsUnblocked()
        return process
    }

    /// Stops it and starts it again with the same configuration, as an update does.
    func restart() async throws {
        try await end()
        process = try Self.launch(in: directory)
        let isReady = try await becomesReady()
        #expect(isReady, "it did not come back: \(log)")
    }

    private var log: String {
        let text = (try? String(contentsOf: directory.appending(path: "log"), encoding: .utf8)) ?? ""
        return String(text.suffix(2000))
    }

    private func becomesReady() async throws -> Bool {
        try await eventually(seconds: 10) {
            !process.isRunning || log.contains("ready") && process.isSleeping
        } && process.isRunning
    }

    private func stop() async throws {
        try await end()
        try FileManager.default.removeItem(at: directory)
    }

    private func end() async throws {
        #expect(process.isRunning, "the server died: \(log)")
        process.terminate()
        let ended = try await eventually(seconds: 10) { !process.isRunning }
        #expect(ended && process.terminationStatus == 0, "SIGTERM did not end the server well: \(log)")
    }
}
