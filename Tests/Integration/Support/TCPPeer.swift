import Foundation
import NetworkPrimitives
import STUN
import TestSupport

/// A peer that can be connected to.
final class TCPPeerListener {
    private let descriptor: Int32
    let address: SocketAddress

    init(_ ip: String = "127.0.0.1") throws {
        let wanted = SocketAddress(ip: try .parsed(ip), port: 0)
        let descriptor = socket(wanted.family == .ipv4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        let isBound = wanted.withSockaddr { Glibc.bind(descriptor, $0, $1) } == 0
        guard isBound, listen(descriptor, 16) == 0 else { throw TestFailure("listen \(wanted): errno \(errno)") }
        var name = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        self.descriptor = descriptor
        address = SocketAddress(name)
    }

    deinit { close(descriptor) }

    func accept() throws -> TCPStream { try acceptWithSource().stream }

    func acceptWithSource() throws -> (stream: TCPStream, source: SocketAddress) {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, 5_000) > 0 else { throw TestFailure("nobody connects to the peer") }
        var name = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let connection = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.accept(descriptor, $0, &length) }
        }
        guard connection >= 0 else { throw TestFailure("accept: errno \(errno)") }
        return (TCPStream(adopting: connection), SocketAddress(name))
    }
}

extension Attribute {
    static let tcpTransport = Attribute(.requestedTransport, [6, 0, 0, 0])
    static func connection(_ id: [UInt8]) -> Attribute { Attribute(.connectionID, id) }
}

// RFC 6062.
extension TURNClient {
    func allocateTCP(_ attributes: [Attribute] = []) throws {
        let answer = try request(.allocate, [.tcpTransport] + attributes)
        guard answer.errorCode == nil, let address = answer.address(.xorRelayedAddress) else {
            throw TestFailure("Allocate was answered with \(answer.errorCode ?? 0)")
        }
        relayed = address
    }

    /// CONNECTION-ID of a Connect that succeeds.
    func connect(to peer: SocketAddress) throws -> [UInt8] {
        let answer = try request(.connect, [.peer(peer)])
        guard answer.errorCode == nil, let id = answer.value(.connectionID) else {
            throw TestFailure("Connect was answered with \(answer.errorCode ?? 0)")
        }
        return id
    }

    /// A data connection to a peer, by both of its ends.
    func splice(with listener: TCPPeerListener) throws -> (data: TCPStream, peer: TCPStream) {
        let id = try connect(to: listener.address)
        let peer = try listener.accept()
        let stream = try TCPStream(to: server)
        let client = try TURNClient(over: stream, to: server)
        let answer = try client.request(.connectionBind, [.connection(id)])
        guard answer.errorCode == nil else {
            throw TestFailure("ConnectionBind was answered with \(answer.errorCode ?? 0)")
        }
        return (stream, peer)
    }
}
