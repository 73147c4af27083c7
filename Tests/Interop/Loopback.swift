import Foundation
import TestSupport

/// What the loopback interface of this machine offers.
enum Loopback {
    /// Containers are often built without IPv6. Tests of it are then skipped, visibly and with this reason.
    static let hasIPv6 = (try? freePort(on: ["::1"])) != nil

    /// A port that is free on every one of `addresses`, over UDP and over TCP.
    static func freePort(on addresses: [String]) throws -> UInt16 {
        for _ in 0..<100 {
            let candidate = quietPort()
            let isFree = addresses.allSatisfy { address in
                [SOCK_DGRAM, SOCK_STREAM].allSatisfy { (try? bind(address, port: candidate, $0)) != nil }
            }
            if isFree { return candidate }
        }
        throw TestFailure("no port is free on \(addresses)")
    }

    /// A TCP port that is free on `address`.
    static func freeTCPPort(on address: String) throws -> UInt16 {
        for _ in 0..<100 {
            if let port = try? bind(address, port: quietPort(), SOCK_STREAM) { return port }
        }
        throw TestFailure("no port is free on \(address)")
    }

    /// A port below those that the kernel gives to whoever asks for any, so that it is still free a moment later.
    private static func quietPort() -> UInt16 { .random(in: 10_000..<32_000) }

    /// Binds a socket for a moment and answers its port.
    private static func bind(
        _ address: String, port: UInt16, _ kind: __socket_type = SOCK_DGRAM
    ) throws -> UInt16 {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Int32(kind.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, String(port), &hints, &list) == 0, let first = list?.pointee else {
            throw TestFailure("\(address) is not an address")
        }
        defer { freeaddrinfo(list) }
        let descriptor = socket(first.ai_family, first.ai_socktype, 0)
        defer { close(descriptor) }
        guard Glibc.bind(descriptor, first.ai_addr, first.ai_addrlen) == 0 else {
            throw TestFailure("cannot bind \(address): errno \(errno)")
        }
        // The port sits at the same place in sockaddr_in and sockaddr_in6.
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let status = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard status == 0 else { throw TestFailure("getsockname: errno \(errno)") }
        return UInt16(bigEndian: storage.sin6_port)
    }
}
