import CLinux
import Glibc
package import NetworkPrimitives

/// The program that started this one and keeps it running (systemd), and what it is told: sd_notify(3), which is one
/// datagram to the socket that the environment names. Without such a program nothing is sent.
package struct Supervisor: Equatable, Sendable {
    /// Something that a manager wants to know.
    package enum Notice: Equatable, Sendable {
        /// Everything serves: after the start, and after each reload.
        case ready
        /// The configuration is being read again; `ready` ends it, whatever came of it.
        case reloading
        case stopping
        /// Every thread does its work; the watchdog waits for this.
        case alive
        /// A few words that `systemctl status` shows.
        case status(String)
        /// Another process is the server from now on.
        case mainProcess(Int32)
    }

    /// That of this process. The environment is read once, before there are threads that could change it.
    package static let current = Supervisor(processID: getpid(), environment: variable)

    /// A day: who waits longer does not wait for us.
    private static let watchdogMicrosecondsMax: UInt64 = 86_400_000_000

    private let socket: String?
    /// How long the manager waits for `alive` before it takes the server for dead; nil when it does not.
    package let watchdogNanoseconds: UInt64?

    /// `environment` is a parameter so that tests can describe one.
    package init(processID: Int32, environment: (String) -> String?) {
        let name = environment("NOTIFY_SOCKET")
        socket = name
        // sd_watchdog_enabled(3): the variables of a parent that was watched may still be there.
        let isMeant = environment("WATCHDOG_PID").map { Int32($0) == processID } ?? true
        let microseconds = isMeant && name != nil ? environment("WATCHDOG_USEC").flatMap { UInt64($0) } : nil
        watchdogNanoseconds = microseconds.flatMap { $0 > 0 ? min($0, Self.watchdogMicrosecondsMax) * 1000 : nil }
    }

    /// Tells the manager of this process; see `notify(_:)`.
    package static func notify(_ notices: Notice...) { current.notify(notices) }

    /// Tells the manager all of it at once. What cannot be sent is lost after half a second: a manager that does not
    /// listen must not stop a server that serves.
    @discardableResult
    package func notify(_ notices: [Notice]) -> Bool {
        guard let socket else { return false }
        let bytes = Array(Self.text(of: notices, at: Clock.monotonic()).utf8)
        return unsafe bytes.withUnsafeBufferPointer { text in
            guard let start = text.baseAddress else { return false }
            return unsafe tern_notify(socket, start, text.count) == 0
        }
    }

    /// The datagram: an assignment a line.
    package static func text(of notices: [Notice], at now: Instant) -> String {
        notices.map { assignment($0, at: now) }.joined(separator: "\n")
    }

    private static func assignment(_ notice: Notice, at now: Instant) -> String {
        switch notice {
        case .ready: "READY=1"
        // The time tells the manager which of its requests this answers.
        case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(now.nanoseconds / 1000)"
        case .stopping: "STOPPING=1"
        case .alive: "WATCHDOG=1"
        // A line feed would begin another assignment.
        case .status(let words): "STATUS=" + String(words.map { $0.isNewline ? " " : $0 })
        case .mainProcess(let number): "MAINPID=\(number)"
        }
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
