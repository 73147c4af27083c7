import EventLoop
import Glibc
import LinuxSockets
import NetworkPrimitives
import SocketSupport
import Testing

@Suite("Out of descriptors")
struct OutOfFilesTests {
    // In a process of its own: the limit is the whole process's, and other tests open sockets meanwhile.
    @Test("accepting says so and leaves the connection waiting; later it is accepted whole")
    func outOfFiles() async {
        await #expect(processExitsWith: .success) {
            let listener = try TCPListener(binding: .loopback(.ipv4))
            let client = try TCPClient(to: listener.localAddress)
            client.send([1, 2, 3])
            try wait(for: .readable, on: listener.raw)

            var limit = rlimit()
            getrlimit(__rlimit_resource_t(7), &limit)  // RLIMIT_NOFILE
            var none = rlimit(rlim_cur: 3, rlim_max: limit.rlim_max)
            setrlimit(__rlimit_resource_t(7), &none)
            for _ in 0..<3 {
                guard case .outOfFiles(let error) = listener.accept() else { exit(1) }
                #expect(error == SystemError(operation: "accept", errno: EMFILE))
                #expect(error.isOutOfDescriptors)
            }
            setrlimit(__rlimit_resource_t(7), &limit)

            let connection = try listener.acceptSoon().take()
            #expect(try connection.readSoon() == (.bytes(3), [1, 2, 3]))
            guard case .none = listener.accept() else { exit(2) }
            withExtendedLifetime(client) {}
        }
    }
}
