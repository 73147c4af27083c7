import Containers
import Testing

/// Has no copies, and tells when it is destroyed.
private struct Tenant: ~Copyable {
    final class Register {
        var destroyed: [Int] = []
    }

    var number: Int
    let register: Register

    init(_ number: Int, _ register: Register) {
        self.number = number
        self.register = register
    }

    deinit { register.destroyed.append(number) }
}

@Suite("Slab")
struct SlabTests {
    @Test("an element is found by its handle until it is removed, and never afterwards")
    func staleHandle() throws {
        var slab = Slab<Int>(limit: 10)
        let first = try unwrap(slab.insert(7))
        #expect(slab[first] == 7)
        #expect(slab.remove(first) == 7)
        let second = try unwrap(slab.insert(8))
        #expect(second.index == first.index)
        #expect(second.generation != first.generation)
        #expect(slab.contains(first) == false)
        #expect(slab.remove(first) == nil)
        #expect(slab[second] == 8)
        #expect(slab.count == 1)
    }

    @Test("handles that nobody was given find nothing")
    func foreignHandles() {
        var slab = Slab<Int>(limit: 10)
        _ = slab.insert(7)
        let bad = [
            SlabHandle(index: 0, generation: 0), SlabHandle(index: 1, generation: 0),
            SlabHandle(index: 1, generation: 1), SlabHandle(index: .max, generation: .max),
            SlabHandle(index: 128, generation: 1),
        ]
        for handle in bad {
            #expect(slab.contains(handle) == false)
            #expect(slab.remove(handle) == nil)
        }
        #expect(slab.handle(at: 1) == nil)
        #expect(slab.handle(at: .max) == nil)
        #expect(slab.count == 1)
    }

    @Test("limit elements fit, one more is refused and destroyed", arguments: [0, 1, 127, 128, 129, 300])
    func limit(limit: Int) {
        let register = Tenant.Register()
        var slab = Slab<Tenant>(limit: limit)
        for number in 0..<limit {
            #expect(slab.insert(Tenant(number, register))?.index == UInt32(number))
        }
        #expect(register.destroyed == [])
        let refused = slab.insert(Tenant(9999, register)) == nil
        #expect(refused)
        #expect(register.destroyed == [9999])
        #expect(slab.count == limit)
    }

    @Test("the end of the slab destroys each element once, and removal hands the element out")
    func ownership() throws {
        let register = Tenant.Register()
        do {
            var slab = Slab<Tenant>(limit: 400)
            var handles: [SlabHandle] = []
            for number in 0..<300 { handles.append(try unwrap(slab.insert(Tenant(number, register)))) }
            slab[handles[5]].number = 5000
            if let taken = slab.remove(handles[200]) {
                #expect(register.destroyed == [])
                let number = taken.number
                #expect(number == 200)
            }
            #expect(register.destroyed == [200])
        }
        #expect(register.destroyed.count == 300)
        #expect(Set(register.destroyed) == Set((0..<300).filter { $0 != 5 } + [5000]))
    }

    @Test("elements do not move when the slab grows")
    func stability() throws {
        var slab = Slab<Int>(limit: 10_000)
        let first = try unwrap(slab.insert(1))
        let before = withUnsafePointer(to: &slab[first]) { UInt(bitPattern: $0) }
        for number in 0..<5000 { _ = slab.insert(number) }
        let after = withUnsafePointer(to: &slab[first]) { UInt(bitPattern: $0) }
        #expect(before == after)
    }

    @Test("memory returns after ten thousand inserts and removals; one chunk stays as a spare")
    func memoryReturns() throws {
        var slab = Slab<Int>(limit: 10_000)
        var handles: [SlabHandle] = []
        for number in 0..<10_000 { handles.append(try unwrap(slab.insert(number))) }
        #expect(slab.chunksInMemory == 79)
        for handle in handles { #expect(slab.remove(handle) != nil) }
        #expect(slab.chunksInMemory == 1)
        #expect(slab.insert(1)?.index == 0)
        #expect(slab.chunksInMemory == 1)
        // Handles of released chunks stay stale when the memory is there again.
        for _ in 0..<9999 { _ = slab.insert(2) }
        for handle in handles {
            #expect(slab.contains(handle) == false)
        }
    }

    @Test("a new element takes the lowest free place")
    func lowestPlace() throws {
        var slab = Slab<Int>(limit: 10_000)
        var handles: [SlabHandle] = []
        for number in 0..<9000 { handles.append(try unwrap(slab.insert(number))) }
        for index in [8999, 8200, 130, 64, 63] { _ = slab.remove(handles[index]) }
        #expect((0..<6).map { _ in slab.insert(0)?.index } == [63, 64, 130, 8200, 8999, 9000])
    }

    @Test("the word of a handle gives the handle back")
    func rawValue() {
        let handle = SlabHandle(index: 0x89AB_CDEF, generation: 0x0123_4567)
        #expect(handle.rawValue == 0x0123_4567_89AB_CDEF)
        #expect(SlabHandle(rawValue: 0x0123_4567_89AB_CDEF) == handle)
    }

    @Test("a slab behaves like a dictionary of what was inserted", arguments: [1, 2, 3, 4] as [UInt64])
    func model(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let limit = 500
        var slab = Slab<UInt64>(limit: limit)
        var live: [SlabHandle: UInt64] = [:]
        var order: [SlabHandle] = []
        var stale: [SlabHandle] = []
        for step in 0..<20_000 {
            let place = "seed \(seed) step \(step)"
            // The balance swings so that the slab is full at times and empty at others.
            let growing = step / 1500 % 2 == 0
            switch random.next() % 10 {
            case 0..<(growing ? 6 : 2):
                let value = random.next()
                guard let handle = slab.insert(value) else {
                    try check(live.count == limit, place)
                    continue
                }
                try check(live[handle] == nil && Int(handle.index) < limit, place)
                live[handle] = value
                order.append(handle)
            case ..<8 where !order.isEmpty:
                let handle = order.remove(at: Int(random.next() % UInt64(order.count)))
                try check(slab.remove(handle) == live.removeValue(forKey: handle), place)
                stale.append(handle)
            case 8 where !order.isEmpty:
                let handle = order[Int(random.next() % UInt64(order.count))]
                slab[handle] ^= 1
                live[handle]? ^= 1
            default:
                guard let handle = stale.randomElement(using: &random) else { continue }
                try check(!slab.contains(handle), place)
                try check(slab.handle(at: handle.index) != handle, place)
            }
            try check(slab.count == live.count, place)
            if step % 500 == 0 { try compare(slab, live, place) }
        }
    }

    private func compare(
        _ slab: borrowing Slab<UInt64>, _ live: [SlabHandle: UInt64], _ place: String
    ) throws {
        var visited: [SlabHandle] = []
        slab.forEachHandle { visited.append($0) }
        try check(visited == live.keys.sorted { $0.index < $1.index }, place)
        for handle in visited {
            let value = slab[handle]
            try check(value == live[handle], place)
            try check(slab.handle(at: handle.index) == handle, place)
        }
    }
}
