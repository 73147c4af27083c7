import LinuxSockets
import NetworkPrimitives
import SocketSupport
import Testing

@Suite("Connections from the address of a listener")
struct LentAddressTests {
    private static func lender(_ family: AddressFamily = .ipv4) throws -> TCPListener {
        var options = TCPListenerOptions()
        options.lendsAddress = true
        options.unacknowledgedSeconds = 0
        return try TCPListener(binding: .loopback(family), options: options)
    }

    @Test(
        "the other end sees the listener's address and port, and the listener goes on",
        arguments: AddressFamily.allCases)
    func connects(family: AddressFamily) throws {
        let lender = try Self.lender(family)
        let first = try TCPListener(binding: .loopback(family))
        let second = try TCPListener(binding: .loopback(family))
        let toFirst = try TCPConnection.connect(to: first.localAddress, lentBy: lender.localAddress)
        let toSecond = try TCPConnection.connect(to: second.localAddress, lentBy: lender.localAddress)
        #expect(try first.acceptSoon().remoteAddress == lender.localAddress)
        #expect(try second.acceptSoon().remoteAddress == lender.localAddress)
        try wait(for: .writable, on: toFirst.raw)
        try toFirst.finishConnecting()
        try toSecond.finishConnecting()
        let client = try TCPClient(to: lender.localAddress)
        #expect(try lender.acceptSoon().remoteAddress.port == client.port)
    }

    @Test("two connections to one place are refused")
    func twice() throws {
        let lender = try Self.lender()
        let peer = try TCPListener(binding: .loopback(.ipv4))
        let first = try TCPConnection.connect(to: peer.localAddress, lentBy: lender.localAddress)
        #expect(throws: SystemError.self) {
            _ = try TCPConnection.connect(to: peer.localAddress, lentBy: lender.localAddress).raw
        }
        try first.waitForReader()
    }

    @Test("nobody lends what another listener has")
    func taken() throws {
        let owner = try Self.lender()
        do throws(SystemError) {
            var options = TCPListenerOptions()
            options.lendsAddress = true
            _ = try TCPListener(binding: owner.localAddress, options: options).raw
            Issue.record("two listeners on one address")
        } catch {
            #expect(error.isAddressInUse)
        }
    }

    @Test("who refuses is told of when connecting is finished")
    func refused() throws {
        let lender = try Self.lender()
        let gone = try TCPListener(binding: .loopback(.ipv4)).localAddress
        let connection = try TCPConnection.connect(to: gone, lentBy: lender.localAddress)
        try wait(for: .writable, on: connection.raw)
        #expect(throws: SystemError.self) { try connection.finishConnecting() }
    }
}
