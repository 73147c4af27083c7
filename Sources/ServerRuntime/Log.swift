package import Configuration
import EventLoop
package import LinuxSockets
import NetworkPrimitives
package import Telemetry

/// The server's log. Lines are posted from any thread and written by the one that calls `writePending`, so that a slow
/// disk delays nobody's media; when it is too slow, lines are lost and counted, and memory stays bounded.
package final class Log: Sendable {
    private let lines: Mailbox<LogLine>
    /// Behind a lock because a reload changes it; lines are too rare for that to count.
    private let minimum: Locked<LogLevel>
    private let lost = Locked(0)

    private static let linesMax = 8192
    /// How long lines may wait for others after one was written. At twenty thousand allocations a second the mailbox is
    /// a quarter full then.
    static let gatheringMilliseconds: UInt32 = 50

    package init(minimum: LogLevel) throws(SystemError) {
        self.minimum = Locked(minimum)
        lines = try Mailbox(limit: Self.linesMax)
    }

    /// Readable while lines wait.
    var raw: CInt { lines.raw }

    package func isWritten(_ level: LogLevel) -> Bool { minimum.withLock { level >= $0 } }

    /// The least that is written.
    package var minimumLevel: LogLevel { minimum.withLock { $0 } }

    /// Lines below this level are left out from now on.
    package func setMinimum(_ level: LogLevel) { minimum.withLock { $0 = level } }

    package func write(_ level: LogLevel, _ text: @autoclosure () -> String) {
        guard isWritten(level) else { return }
        if !lines.post(LogLine(level, at: Clock.wall(), text())) { lost.withLock { $0 += 1 } }
    }

    /// Writes what waits to the sinks.
    package func writePending(to sinks: LogSinks) {
        sinks.write(lines.drain())
        let lostNow = lost.withLock { count in
            defer { count = 0 }
            return count
        }
        if lostNow > 0 {
            sinks.write([
                LogLine(.warning, at: Clock.wall(), "\(lostNow) log lines were lost: the log could not keep up")
            ])
        }
    }
}

/// Where lines go.
package final class LogSinks {
    private let standardOutput: LineSink?
    private let file: LineSink?
    private let usesSystemLog: Bool

    /// Opens all destinations. A file that cannot be opened is an error: whoever asked for a log wants to have it.
    package init(_ destinations: [ServerConfiguration.Logging.Destination]) throws(SystemError) {
        var standardOutput: LineSink?
        var file: LineSink?
        var usesSystemLog = false
        for destination in destinations {
            switch destination {
            case .standardOutput: standardOutput = try LineSink.standardOutput()
            case .systemLog:
                SystemLog.open()
                usesSystemLog = true
            case .file(let path, let addsSuffix):
                file = try LineSink(appendingTo: addsSuffix ? Self.suffixed(path) : path)
            }
        }
        self.standardOutput = standardOutput
        self.file = file
        self.usesSystemLog = usesSystemLog
    }

    /// Writes lines, those for a file or a terminal by one system call.
    func write(_ lines: [LogLine]) {
        guard !lines.isEmpty else { return }
        if usesSystemLog {
            for line in lines { SystemLog.write(severity: Self.severity(line.level), line.text) }
        }
        let text = lines.formatted
        standardOutput?.write(text)
        file?.write(text)
    }

    /// `/var/log/turn.log` becomes `/var/log/turn_1234_2026-11-20.log`, as coturn does without `simple-log`.
    private static func suffixed(_ path: String) -> String {
        let date = "\(CivilTime(Clock.wall()))".prefix(10)
        let suffix = "_\(Process.id)_\(date)"
        guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return path + suffix }
        return path[..<dot] + suffix + path[dot...]
    }

    private static func severity(_ level: LogLevel) -> Int32 {
        switch level {
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug: 7
        }
    }
}
