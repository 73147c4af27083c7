import Foundation
import TestSupport

/// A run of a program to its end.
struct Command {
    let exitCode: Int32
    let output: String
    let complaints: String

    /// Runs `tern` with these arguments.
    static func tern(_ arguments: String..., in directory: URL? = nil) async throws -> Command {
        try await run([Executable.path] + arguments, in: directory)
    }

    /// Runs a program; ten seconds at most.
    static func run(_ command: [String], in directory: URL? = nil) async throws -> Command {
        let own = try TernServer.makeDirectory()
        defer { try? FileManager.default.removeItem(at: own) }
        let files = ["output", "complaints"].map { own.appending(path: $0) }
        for file in files { try Data().write(to: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments = ["--kill-after=5", "10"] + command
        process.currentDirectoryURL = directory ?? own
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        let exitCode = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.runWithSignalsUnblocked() } catch { continuation.resume(throwing: error) }
        }
        return Command(
            exitCode: exitCode, output: try String(contentsOf: files[0], encoding: .utf8),
            complaints: try String(contentsOf: files[1], encoding: .utf8))
    }
}
