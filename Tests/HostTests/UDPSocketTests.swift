import Glibc
import LinuxSockets
import NetworkPrimitives
import Testing

@Suite("UDP sockets")
struct UDPSocketTests {
    @Test("a socket knows the port that the kernel chose", arguments: AddressFamily.allCases)
    func chosenPort(family: AddressFamily) throws {
        let socket = try UDPSocket(binding: .loopback(family))
        #expect(socket.localAddress.ip == .loopback(family))
        #expect(socket.localAddress.port != 0)
    }

    @Test("a taken address is a typed error with a readable text", arguments: AddressFamily.allCases)
    func addressInUse(family: AddressFamily) throws {
        let first = try UDPSocket(binding: .loopback(family))
        do throws(SystemError) {
            _ = try UDPSocket(binding: first.localAddress)
            Issue.record("two sockets on one address")
        } catch {
            #expect(error == SystemError(operation: "bind", errno: 98))
            #expect(error.isAddressInUse)
            #expect(error.description == "bind: Address already in use (98)")
        }
    }

    @Test("an address of another machine is a typed error")
    func addressNotAvailable() throws {
        do throws(SystemError) {
            _ = try UDPSocket(binding: .ipv4(0xC000_0201, port: 0))
            Issue.record("192.0.2.1 is for documentation only")
        } catch {
            #expect(error.isAddressNotAvailable)
        }
    }

    @Test("two sockets share a port when both ask for it", arguments: AddressFamily.allCases)
    func reusePort(family: AddressFamily) throws {
        let options = UDPSocketOptions(reusePort: true)
        let first = try UDPSocket(binding: .loopback(family), options: options)
        let second = try UDPSocket(binding: first.localAddress, options: options)
        #expect(second.localAddress == first.localAddress)
    }

    @Test("an IPv6 wildcard socket leaves the port free for IPv4")
    func v6Only() throws {
        let six = try UDPSocket(binding: SocketAddress(ip: .any(.ipv6), port: 0))
        let four = try UDPSocket(binding: SocketAddress(ip: .any(.ipv4), port: six.localAddress.port))
        #expect(four.localAddress.port == six.localAddress.port)
    }

    @Test("a socket is non-blocking and closed on exec")
    func flags() throws {
        let socket = try UDPSocket(binding: .loopback(.ipv4))
        #expect(fcntl(socket.raw, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(socket.raw, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test("the DF bit is off, on when asked, and off again", arguments: AddressFamily.allCases)
    func dontFragment(family: AddressFamily) throws {
        // IP_PMTUDISC_OMIT is 5, IPV6_PMTUDISC_DONT 0, and DO 2 in both families (linux/in.h, linux/in6.h).
        let off: CInt = family == .ipv4 ? 5 : 0
        let socket = try UDPSocket(binding: .loopback(family))
        #expect(mtuDiscovery(socket.raw, family) == off)
        try socket.setDontFragment(true)
        #expect(mtuDiscovery(socket.raw, family) == 2)
        try socket.setDontFragment(false)
        #expect(mtuDiscovery(socket.raw, family) == off)
    }

    @Test("the receive buffer grows when asked")
    func receiveBuffer() throws {
        let small = try UDPSocket(
            binding: .loopback(.ipv4), options: UDPSocketOptions(receiveBufferBytes: 8192, sendBufferBytes: 8192))
        let large = try UDPSocket(
            binding: .loopback(.ipv4), options: UDPSocketOptions(receiveBufferBytes: 131_072, sendBufferBytes: 131_072))
        #expect(option(small.raw, SOL_SOCKET, SO_RCVBUF) < option(large.raw, SOL_SOCKET, SO_RCVBUF))
        #expect(option(small.raw, SOL_SOCKET, SO_SNDBUF) < option(large.raw, SOL_SOCKET, SO_SNDBUF))
    }

    @Test("an unknown device is a typed error")
    func device() throws {
        do throws(SystemError) {
            _ = try UDPSocket(binding: .loopback(.ipv4), options: UDPSocketOptions(device: "no-such-device"))
            Issue.record("bound to a device that does not exist")
        } catch {
            #expect(error.operation == "setsockopt(SO_BINDTODEVICE)")
        }
        let socket = try UDPSocket(binding: .loopback(.ipv4), options: UDPSocketOptions(device: "lo"))
        #expect(socket.localAddress.port != 0)
    }

    private func mtuDiscovery(_ raw: CInt, _ family: AddressFamily) -> CInt {
        switch family {
        case .ipv4: option(raw, CInt(IPPROTO_IP), IP_MTU_DISCOVER)
        case .ipv6: option(raw, CInt(IPPROTO_IPV6), IPV6_MTU_DISCOVER)
        }
    }

    private func option(_ raw: CInt, _ level: CInt, _ name: CInt) -> CInt {
        var value: CInt = -1
        var length = socklen_t(MemoryLayout<CInt>.size)
        #expect(getsockopt(raw, level, name, &value, &length) == 0)
        return value
    }
}
