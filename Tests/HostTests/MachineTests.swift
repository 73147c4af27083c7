import EventLoop
import Glibc
import LinuxSockets
import NetworkPrimitives
import Testing

@Suite("The machine")
struct MachineTests {
    @Test("interfaces include loopback and no link-local address")
    func interfaces() {
        let addresses = NetworkInterfaces.addresses()
        #expect(addresses.contains(.v4(.loopback)))
        #expect(!addresses.contains { if case .v6(let six) = $0 { six.high >> 54 == 0x3FA } else { false } })
    }

    @Test("the limit of open files is the hard one afterwards")
    func openFiles() {
        let files = ResourceLimits.raiseOpenFiles()
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(7), &limit)  // RLIMIT_NOFILE
        #expect(limit.rlim_cur == limit.rlim_max)
        #expect(UInt64(files) == limit.rlim_max || files == Int(Int32.max))
        #expect(ResourceLimits.raiseOpenFiles() == files)
    }

    @Test("there is a processor")
    func processors() {
        #expect(ProcessorCount.available() >= 1)
    }

    @Test("threads get processors that they may run on, the first one again when there are no more")
    func processorsOfThreads() throws {
        let first = try #require(ProcessorCount.processor(forThread: 0))
        var seen: Set<Int> = [first]
        var number = 1
        while number < 1 << 16, let next = ProcessorCount.processor(forThread: number), seen.insert(next).inserted {
            number += 1
        }
        #expect(ProcessorCount.processor(forThread: number) == first)
        #expect(seen.count == number)
    }

    @Test(
        "a quota of processor time is rounded up",
        arguments: [
            ("200000 100000\n", 2), ("200001 100000\n", 3), ("1000 100000\n", 1), ("max 100000\n", nil), ("", nil),
            ("0 0\n", nil), ("x y\n", nil), ("-1 100000", nil),
        ] as [(String, Int?)])
    func unifiedQuota(text: String, expected: Int?) {
        let files = ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": text]
        #expect(ProcessorCount.quota { files[$0] } == expected)
    }

    @Test("the least quota on the way to the root counts")
    func nestedQuota() {
        let files = [
            "/proc/self/cgroup": "0::/a/b\n",
            "/sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
            "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
        ]
        #expect(ProcessorCount.quota { files[$0] } == 2)
    }

    @Test("cgroup v1 states quota and period in two files, and -1 for none")
    func legacyQuota() {
        var files = [
            "/proc/self/cgroup": "3:memory:/x\n2:cpu,cpuacct:/pod\n",
            "/sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us": "250000\n",
            "/sys/fs/cgroup/cpu/pod/cpu.cfs_period_us": "100000\n",
        ]
        #expect(ProcessorCount.quota { files[$0] } == 3)
        files["/sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us"] = "-1\n"
        #expect(ProcessorCount.quota { files[$0] } == nil)
        #expect(ProcessorCount.quota { _ in nil } == nil)
    }

    @Test("random values differ, also between copies and threads")
    func random() throws {
        var random = OSRandom()
        var copy = random
        var values = Set<UInt64>()
        for _ in 0..<100 {
            values.insert(random.next())
            values.insert(copy.next())
        }
        let others = Locked(Set<UInt64>())
        let thread = try WorkerThread.spawn(name: "random") {
            var random = OSRandom()
            for _ in 0..<100 { _ = others.withLock { $0.insert(random.next()) } }
        }
        thread.join()
        values.formUnion(others.withLock { $0 })
        #expect(values.count == 300)
    }

    @Test("random bytes fill exactly what is asked", arguments: [0, 1, 255, 256, 257, 1000])
    func randomBytes(count: Int) {
        var random = OSRandom()
        let first = random.bytes(count)
        #expect(first.count == count)
        if count >= 255 {
            #expect(first != random.bytes(count))
            #expect(Set(first).count > 100)
        }
    }
}

@Suite("Descriptors", .serialized)
struct DescriptorTests {
    @Test("every owner closes its descriptor")
    func noLeak() throws {
        // Other tests open descriptors at the same time, so counting them would prove nothing. Five hundred rounds that
        // leaked would use up two thousand numbers, and the lowest free one is always taken.
        var highest: CInt = 0
        for _ in 0..<500 {
            let socket = try UDPSocket(binding: .loopback(.ipv4))
            let poller = try Poller()
            try poller.add(socket.raw, token: 0, interest: .readable)
            let mailbox = try Mailbox<Int>(limit: 1)
            #expect(fcntl(mailbox.raw, F_GETFD) >= 0)
            // A failed open must give its descriptor back as well.
            #expect(throws: SystemError.self) { _ = try UDPSocket(binding: socket.localAddress).raw }
            highest = max(highest, socket.raw, mailbox.raw)
        }
        #expect(highest < 1000)
    }
}
