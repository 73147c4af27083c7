import Containers
import Testing

@Suite("RingQueue")
struct RingQueueTests {
    @Test("first in, first out")
    func order() {
        var queue = RingQueue<Int>(limit: 10)
        #expect(queue.popFirst() == nil)
        for number in 1...3 { #expect(queue.append(number) == true) }
        #expect(queue.count == 3)
        #expect((0..<4).map { _ in queue.popFirst() } == [1, 2, 3, nil])
        #expect(queue.isEmpty == true)
    }

    @Test("limit elements fit and one more does not, until one leaves", arguments: [0, 1, 7, 8, 9, 100])
    func limit(limit: Int) {
        var queue = RingQueue<Int>(limit: limit)
        for number in 0..<limit { #expect(queue.append(number) == true) }
        #expect(queue.append(-1) == false)
        #expect(queue.count == limit)
        guard limit > 0 else { return }
        #expect(queue.popFirst() == 0)
        #expect(queue.append(-2) == true)
        #expect(queue.append(-3) == false)
    }

    @Test("memory follows the length both ways")
    func capacity() {
        var queue = RingQueue<Int>(limit: 1 << 20)
        #expect(queue.capacity == 0)
        for number in 0..<10_000 { _ = queue.append(number) }
        #expect(queue.capacity == 16_384)
        for _ in 0..<9990 { _ = queue.popFirst() }
        #expect(queue.capacity == 32)
        #expect((0..<11).map { _ in queue.popFirst() } == (9990..<10_000).map { $0 } + [nil])
        #expect(queue.capacity == 8)
    }

    @Test("what is refused, taken, or left behind is destroyed once")
    func ownership() {
        final class Token {}
        weak var taken: Token?
        weak var left: Token?
        weak var refused: Token?
        do {
            var queue = RingQueue<Token>(limit: 2)
            do {
                let tokens = [Token(), Token(), Token()]
                (taken, left, refused) = (tokens[0], tokens[1], tokens[2])
                for token in tokens { _ = queue.append(token) }
            }
            #expect(refused == nil)
            #expect(taken != nil)
            _ = queue.popFirst()
            #expect(taken == nil)
            #expect(left != nil)
        }
        #expect(left == nil)
    }

    @Test("a ring behaves like an array", arguments: [1, 2, 3, 4] as [UInt64])
    func model(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var queue = RingQueue<UInt64>(limit: 200)
        var model: [UInt64] = []
        for step in 0..<20_000 {
            let place = "seed \(seed) step \(step)"
            if random.next() % 8 < (step / 700 % 2 == 0 ? 5 : 3) {
                let value = random.next()
                let fits = model.count < 200
                try check(queue.append(value) == fits, place)
                if fits { model.append(value) }
            } else {
                try check(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()), place)
            }
            try check(queue.count == model.count, place)
        }
    }
}
