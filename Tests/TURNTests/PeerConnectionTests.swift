import NetworkPrimitives
import TestSupport
import Testing

@testable import TURN

@Suite("When a peer deserves a socket of its own")
struct PeerConnectionTests {
    private let first = SocketAddress(ip: .v4(IPv4Address(rawValue: 0xC000_0201)), port: 5000)
    private let second = SocketAddress(ip: .v4(IPv4Address(rawValue: 0xC000_0201)), port: 5001)
    private let socket = RelaySocketID(rawValue: 7)
    private var connection = PeerConnection()

    /// How many of `count` datagrams in a row ask for a connection.
    private mutating func wishes(_ count: Int, to peer: SocketAddress) -> Int {
        (0..<count).count { _ in connection.noteDatagram(to: peer).isWished }
    }

    @Test("after 64 datagrams in a row, and with each one from then on")
    mutating func steady() {
        #expect(wishes(63, to: first) == 0)
        #expect(wishes(70_000, to: first) == 70_000)
    }

    @Test("never while two peers take turns")
    mutating func alternating() {
        for _ in 0..<1000 { #expect(wishes(1, to: first) + wishes(1, to: second) == 0) }
    }

    @Test("the connection carries what goes to its peer, and nothing else")
    mutating func carries() {
        connection.connect(socket, to: first)
        #expect(connection.noteDatagram(to: first).socket == socket)
        #expect(connection.noteDatagram(to: second).socket == nil)
        #expect(connection.noteDatagram(to: first).socket == socket)
    }

    @Test("another peer takes over after 4096 datagrams without one to the former")
    mutating func replaced() {
        connection.connect(socket, to: first)
        #expect(wishes(4095, to: second) == 0)
        #expect(wishes(1, to: first) == 0)
        #expect(wishes(4095, to: second) == 0)
        #expect(wishes(1, to: second) == 1)
    }

    @Test("where a connection could not be had the next try comes after 4096 datagrams")
    mutating func refused() {
        #expect(wishes(64, to: first) == 1)
        connection.connect(nil, to: first)
        #expect(wishes(4095, to: first) == 0)
        #expect(wishes(1, to: first) == 1)
    }

    @Test("it ends with the relay of its family, and not with the other one")
    mutating func ends() {
        connection.connect(socket, to: first)
        connection.end(.ipv6)
        #expect(connection.socket == socket)
        connection.end(.ipv4)
        #expect(connection.socket == nil)
        #expect(connection.noteDatagram(to: first).socket == nil)
    }
}
