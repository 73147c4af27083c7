package import Foundation

/// What stopped a test before there was anything to expect.
package struct TestFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// The program that tests of the executable run.
package enum Executable {
    /// `TERN_BINARY`, or the one that was built beside the tests.
    package static let path: String = {
        if let chosen = ProcessInfo.processInfo.environment["TERN_BINARY"] { return URL(filePath: chosen).path }
        return URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appending(path: "tern").path
    }()
}

extension Process {
    /// Runs the process with no signal blocked.
    ///
    /// A child inherits the mask of the thread that starts it, and the threads that run tests block every signal:
    /// neither SIGTERM nor the alarm of timeout(1) would reach the child.
    package func runWithSignalsUnblocked() throws {
        var none = sigset_t()
        var previous = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        try run()
    }
}

extension Process {
    /// Whether the process sleeps, waiting for something.
    ///
    /// timeout(1) passes a signal on to its child only after fork(2) has told it which that is. The child may be ready
    /// before the parent has run again, and a signal in between ends timeout alone. A parent that sleeps knows.
    package var isSleeping: Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(processIdentifier)/stat", encoding: .utf8),
            let name = status.lastIndex(of: ")")
        else { return false }
        return status[name...].split(separator: " ").dropFirst().first == "S"
    }
}

/// Asks again every few milliseconds whether `condition` holds, and answers whether it came to.
package func eventually(seconds: Int, _ condition: () -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return condition()
}
