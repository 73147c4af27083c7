import Foundation
import NetworkPrimitives
import TestSupport
import Testing

/// What a server of the tests is told. The plainest one serves 127.0.0.1, and `alice` may relay.
struct ServerPlan {
    /// The test makes it end, and has seen that.
    var endsByItself = false
    /// Listened on and relayed from; the clients use the first one.
    var addresses = ["127.0.0.1"]
    /// Who may relay.
    var access = ["user=alice:secret"]
    /// Further lines of `turnserver.conf`; `@DIRECTORY@` stands for the directory of the test, `@PORT@` for the
    /// port. Tests ask more often than strangers may, so the rate limit is off by
    /// default.
    var options: [String] = []
    var isRateLimited = false
    /// Lines for listening and relaying instead of those for `addresses`.
    var network: [String]?
    /// A program, with arguments, that runs the server: to give it fewer files, or a network of its own.
    var wrapper: [String] = []

    /// Files that lie in the directory of the test, by name.
    var files: [String: [UInt8]] = [:]

    /// A plan with these further lines.
    init(_ options: String...) { self.options = options }

    func file(port: UInt16) -> String {
        let network = network ?? addresses.flatMap { ["listening-ip=\($0)", "relay-ip=\($0)"] }
        let limits = isRateLimited ? [] : ["unauthorized-ratelimit=off", "binding-ratelimit-rps=0"]
        let lines =
            ["listening-port=\(port)", "realm=example.org", "allow-loopback-peers"] + limits + network + access
            + options
        return lines.joined(separator: "\n") + "\n"
    }
}

/// The server as its users run it: a process, told by a configuration file or a command line, stopped by SIGTERM.
struct TernServer {
    let address: SocketAddress
    /// Files that the test and the server share; gone afterwards.
    let directory: URL
    private let process: Process

    /// Runs `body` with a server that is ready, and expects the server to survive it and to stop when asked.
    static func run(_ plan: ServerPlan = ServerPlan(), _ body: (TernServer) async throws -> Void) async throws {
        let port = try freePort(plan.addresses)
        let directory = try makeDirectory()
        let file = directory.appending(path: "turnserver.conf")
        let text = plan.file(port: port).replacingOccurrences(of: "@DIRECTORY@", with: directory.path)
            .replacingOccurrences(of: "@PORT@", with: "\(port)")
        for (name, bytes) in plan.files { try Data(bytes).write(to: directory.appending(path: name)) }
        try text.write(to: file, atomically: true, encoding: .utf8)
        let address = SocketAddress(ip: try .parsed(plan.addresses[0]), port: port)
        let command = plan.wrapper + [Executable.path, "serve", "-c", file.path]
        try await run(command, at: address, in: directory, endsByItself: plan.endsByItself, body)
    }

    /// Runs a server by a command of the test's own.
    static func run(
        _ command: [String], at address: SocketAddress, in directory: URL, endsByItself: Bool = false,
        _ body: (TernServer) async throws -> Void
    ) async throws {
        // What a failed test needs of the files is in its message.
        defer { try? FileManager.default.removeItem(at: directory) }
        let server = try TernServer(command, address: address, directory: directory)
        do {
            guard try await server.becomesReady() else { throw TestFailure("not ready: \(server.output)") }
            try await body(server)
        } catch {
            server.process.terminate()
            _ = try await eventually(seconds: 5) { !server.process.isRunning }
            throw error
        }
        try await server.stop(byItself: endsByItself)
    }

    private init(_ command: [String], address: SocketAddress, directory: URL) throws {
        self.address = address
        self.directory = directory
        let output = directory.appending(path: "output")
        try Data().write(to: output)
        process = Process()
        // timeout(1) passes SIGTERM on, makes it SIGKILL five seconds later, and ends the server if the tests are
        // killed before they can. In the foreground it signals the server only, and once, not its whole group.
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments = ["--foreground", "--kill-after=5", "180"] + command
        process.currentDirectoryURL = directory
        process.standardInput = FileHandle.nullDevice
        let handle = try FileHandle(forWritingTo: output)
        process.standardOutput = handle
        process.standardError = handle
        try process.runWithSignalsUnblocked()
    }

    static func makeDirectory() throws -> URL {
        let directory = FileManager.default.temporaryDirectory.appending(path: "tern-integration-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        return directory
    }

    /// A port that is free on every one of the addresses at this moment, over UDP and over TCP.
    static func freePort(_ addresses: [String]) throws -> UInt16 {
        for _ in 0..<100 {
            // Below the range from which the kernel gives ports to whoever does not ask for one.
            let port = UInt16.random(in: 10_000..<16_000)
            guard (try? UDPEndpoint("127.0.0.1", port: port)) != nil else { continue }
            // An address of another network namespace cannot be tried, nor is it taken.
            let isTaken = addresses.contains { $0.hasPrefix("127.") && (try? UDPEndpoint($0, port: port)) == nil }
            if !isTaken, TCPStream.canListen(on: port) { return port }
        }
        throw TestFailure("no port is free on \(addresses)")
    }

    /// The first of `count` ports in a row, an even one, that are free at this moment. Below the range from which the
    /// kernel gives ports to whoever does not ask for one.
    static func freePorts(_ count: UInt16) throws -> UInt16 {
        for _ in 0..<1000 {
            let first = UInt16.random(in: 8_000..<15_000) * 2
            if (first..<first + count).allSatisfy({ (try? UDPEndpoint(port: $0)) != nil }) { return first }
        }
        throw TestFailure("no \(count) UDP ports in a row are free")
    }

    /// What the server has written to standard output and standard error.
    var output: String { (try? String(contentsOf: directory.appending(path: "output"), encoding: .utf8)) ?? "" }

    private func becomesReady() async throws -> Bool {
        try await eventually(seconds: 10) {
            !process.isRunning || output.contains("ready on") && process.isSleeping
        } && process.isRunning
    }

    /// RFC-less promise of every unit file: SIGTERM ends the server with status 0, and soon.
    private func stop(byItself: Bool) async throws {
        let start = ContinuousClock.now
        if !byItself {
            #expect(process.isRunning, "the server died: \(output.suffix(2000))")
            process.terminate()
        }
        let ended = try await eventually(seconds: 10) { !process.isRunning }
        #expect(ended && process.terminationStatus == 0, "SIGTERM did not end it well: \(output.suffix(2000))")
        #expect(ContinuousClock.now - start < .seconds(2))
    }

    // MARK: - The process

    var isRunning: Bool { process.isRunning }

    /// The server itself, which is the only child of timeout(1).
    var processID: Int {
        let parent = process.processIdentifier
        let children = try? String(contentsOfFile: "/proc/\(parent)/task/\(parent)/children", encoding: .utf8)
        return children?.split(separator: " ").first.flatMap { Int($0) } ?? -1
    }

    /// A line of `/proc/PID/status`, without its name.
    func status(_ name: String) -> String {
        let text = (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") } ?? ""
        return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }

    /// Resident memory.
    var residentKiB: Int { Int(status("VmRSS").prefix { $0.isNumber }) ?? 0 }

    var openFiles: Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/fd").count) ?? 0 }

    // MARK: - Clients

    func client(
        from ip: String? = nil, username: String = "alice", password: String = "secret"
    ) throws -> TURNClient {
        try TURNClient(address, from: ip, username: username, password: password)
    }

    /// A client over TCP.
    func streamClient(from ip: String? = nil, receiveBuffer: Int32? = nil) throws -> TURNClient {
        try TURNClient(over: try TCPStream(to: address, from: ip, receiveBuffer: receiveBuffer), to: address)
    }

    /// A client with an allocation.
    func allocatedClient(
        from ip: String? = nil, username: String = "alice", _ attributes: [Attribute] = []
    ) throws -> TURNClient {
        let client = try client(from: ip, username: username)
        try client.allocate(attributes)
        return client
    }
}
