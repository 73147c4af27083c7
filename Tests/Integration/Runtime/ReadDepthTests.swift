import Testing

@testable import ServerRuntime

@Suite("How much to ask a relay socket for")
struct ReadDepthTests {
    private var depth = ReadDepth()

    /// How often `reads` reads asked for more than one, when so many datagrams were there each time.
    private mutating func deepReads(_ reads: Int, of count: Int) -> Int {
        var deep = 0
        for _ in 0..<reads {
            let limit = depth.limit(64)
            if limit > 1 { deep += 1 }
            depth.note(min(limit, count))
        }
        return deep
    }

    @Test("everything at first")
    mutating func beginning() { #expect(deepReads(64, of: 1) == 64) }

    @Test("one, once reads have brought single datagrams, and a look at more in every sixteenth")
    mutating func single() {
        _ = deepReads(64, of: 1)
        #expect(deepReads(640, of: 1) == 40)
    }

    @Test("sixteen sockets read in turn are all looked at")
    mutating func sixteenSockets() {
        _ = deepReads(64, of: 1)
        var probed: Set<Int> = []
        for read in 0..<1024 where deepReads(1, of: 1) == 1 { probed.insert(read % 16) }
        #expect(probed.count == 16)
    }

    @Test("everything again within two times sixteen reads when bursts come, and for as long as they do")
    mutating func bursts() {
        _ = deepReads(65, of: 1)
        #expect(deepReads(32, of: 8) >= 1)
        #expect(deepReads(640, of: 8) == 640)
    }

    @Test("a burst now and then does not change it for long")
    mutating func rareBursts() {
        _ = deepReads(64, of: 1)
        _ = deepReads(1, of: 8)
        _ = deepReads(63, of: 1)
        #expect(deepReads(640, of: 1) == 40)
    }

    @Test("never more than there is room for")
    func room() { #expect(depth.limit(3) == 3) }
}
