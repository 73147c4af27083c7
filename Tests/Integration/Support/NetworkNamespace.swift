import Foundation
import TestSupport

/// A network of a test's own, with one interface, `lo`. Only root can make one.
struct NetworkNamespace {
    static let isPossible = geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/sbin/ip")

    let name: String

    /// Runs `body` with a network whose interface has these addresses, each with its prefix length.
    static func with(
        _ addresses: String..., mtu: Int = 1500, _ body: (NetworkNamespace) async throws -> Void
    ) async throws {
        let namespace = NetworkNamespace(name: "tern-test-\(UUID().uuidString.prefix(8))")
        try await ip("netns", "add", namespace.name)
        do {
            try await ip("-n", namespace.name, "link", "set", "lo", "mtu", "\(mtu)", "up")
            for address in addresses {
                let flags = address.contains(":") ? ["nodad"] : []
                try await ip(["-n", namespace.name, "address", "add", address, "dev", "lo"] + flags)
            }
            try await body(namespace)
        } catch {
            try await ip("netns", "delete", namespace.name)
            throw error
        }
        try await ip("netns", "delete", namespace.name)
    }

    /// What a program is run by to be in this network.
    var wrapper: [String] { ["/usr/sbin/ip", "netns", "exec", name] }

    /// Runs `body` with the thread inside; sockets stay where they were made.
    func inside<Result>(_ body: () throws -> Result) throws -> Result {
        let outer = open("/proc/thread-self/ns/net", O_RDONLY)
        let inner = open("/run/netns/\(name)", O_RDONLY)
        defer {
            close(outer)
            close(inner)
        }
        try Self.enter(inner)
        let result = Swift.Result { try body() }
        try Self.enter(outer)
        return try result.get()
    }

    private static func enter(_ descriptor: Int32) throws {
        // setns(2) is not among what Glibc's module shows.
        typealias SetNS = @convention(c) (Int32, Int32) -> Int32
        guard let symbol = dlsym(nil, "setns"), unsafeBitCast(symbol, to: SetNS.self)(descriptor, 0) == 0 else {
            throw TestFailure("setns: errno \(errno)")
        }
    }

    private static func ip(_ arguments: String...) async throws { try await ip(arguments) }

    private static func ip(_ arguments: [String]) async throws {
        let run = try await Command.run(["/usr/sbin/ip"] + arguments)
        guard run.exitCode == 0 else { throw TestFailure("ip \(arguments): \(run.complaints)") }
    }
}
