import TURN
import TestSupport
import Testing

@Suite("What waits for a client that reads slowly")
struct StreamQueueTests {
    private func frame(_ byte: UInt8, _ count: Int) -> ArraySlice<UInt8> { ArraySlice(repeating: byte, count: count) }

    /// Takes everything in writes of `size` bytes.
    private func drain(_ queue: inout StreamQueue, by size: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while !queue.isEmpty {
            let next = Array(queue.pieces.joined().prefix(size))
            bytes += next
            queue.wrote(next.count)
        }
        return bytes
    }

    @Test("answers overtake data, and each keeps its order", .requirement("RI-stream-4"))
    func order() {
        for size in 1...12 {
            var queue = StreamQueue()
            _ = queue.append(.data, [1, 1])
            _ = queue.append(.control, [2, 2, 2])
            _ = queue.append(.data, [3])
            _ = queue.append(.control, [4])
            #expect(queue.byteCount == 7)
            #expect(drain(&queue, by: size) == [2, 2, 2, 4, 1, 1, 3])
            #expect(queue.isEmpty && queue.byteCount == 0)
        }
    }

    @Test("a frame that was begun is finished before anything else", .requirement("RI-stream-4"))
    func begun() {
        var queue = StreamQueue()
        queue.resume([9, 9])
        _ = queue.append(.data, [1, 2, 3])
        _ = queue.append(.control, [5])
        #expect(queue.pieces.map(Array.init) == [[9, 9], [5], [1, 2, 3]])
        queue.wrote(4)
        // One byte of the data frame has left: an answer has to wait for the other two.
        _ = queue.append(.control, [6])
        _ = queue.append(.data, [7])
        #expect(drain(&queue, by: 1) == [2, 3, 6, 7])
    }

    @Test("frames can be taken one by one")
    func front() {
        var queue = StreamQueue()
        #expect(queue.front.isEmpty)
        _ = queue.append(.data, [1, 2])
        _ = queue.append(.data, [3])
        _ = queue.append(.control, [4, 5])
        var taken: [[UInt8]] = []
        queue.wrote(1)
        while let frame = queue.front.first {
            taken.append(Array(frame))
            queue.wrote(frame.count)
        }
        #expect(taken == [[5], [1, 2], [3]])
    }

    @Test("an answer that was begun is finished too")
    func begunAnswer() {
        var queue = StreamQueue()
        _ = queue.append(.control, [1, 2, 3])
        queue.wrote(1)
        _ = queue.append(.control, [4])
        #expect(drain(&queue, by: 2) == [2, 3, 4])
    }

    @Test("data at the limit stays, and beyond it the oldest goes", .requirement("RI-stream-5"))
    func dataLimit() {
        var queue = StreamQueue()
        for number in 0..<128 as Range<UInt8> {
            #expect(queue.append(.data, frame(number, 1024)) == .queued(dropped: 0))
        }
        #expect(queue.byteCount == StreamQueue.dataByteCountMax)
        #expect(queue.append(.data, [200]) == .queued(dropped: 1))
        #expect(queue.append(.data, frame(201, 1023)) == .queued(dropped: 0))
        #expect(queue.append(.data, frame(202, 2048)) == .queued(dropped: 2))
        let rest = drain(&queue, by: 5000)
        #expect(rest.first == 3)
        #expect(rest.suffix(2048 + 1024).first == 200)
        #expect(rest.count == StreamQueue.dataByteCountMax)
    }

    @Test("what was begun is not dropped", .requirement("RI-stream-5"))
    func begunStays() {
        var queue = StreamQueue()
        _ = queue.append(.data, frame(1, 1000))
        queue.wrote(1)
        for _ in 0..<10 { _ = queue.append(.data, frame(2, 65_540)) }
        let rest = drain(&queue, by: 3000)
        #expect(rest.prefix { $0 == 1 }.count == 999)
        #expect((rest.count - 999) % 65_540 == 0)
    }

    @Test("the longest frame always has room")
    func longest() {
        var queue = StreamQueue()
        _ = queue.append(.data, frame(1, StreamQueue.dataByteCountMax))
        #expect(queue.append(.data, frame(2, 65_540)) == .queued(dropped: 1))
        #expect(queue.byteCount == 65_540)
    }

    @Test("answers at the limit stay, and beyond it there is no room, whatever data waits", .requirement("RI-stream-6"))
    func controlLimit() {
        var queue = StreamQueue()
        for _ in 0..<16 { #expect(queue.append(.control, frame(1, 1024)) == .queued(dropped: 0)) }
        #expect(queue.append(.control, [2]) == .overflow)
        for _ in 0..<300 { _ = queue.append(.data, frame(3, 1024)) }
        #expect(queue.pieces.first?.count == StreamQueue.controlByteCountMax)
        queue.wrote(1024)
        #expect(queue.append(.control, frame(2, 1024)) == .queued(dropped: 0))
        #expect(queue.append(.control, [2]) == .overflow)
    }

    @Test("whatever is appended and taken, frames stay whole")
    func random() {
        var generator = SeededRandom(seed: 5)
        var queue = StreamQueue()
        var stream: [UInt8] = []
        for _ in 0..<5_000 {
            if Bool.random(using: &generator) {
                let count = Int.random(in: 1...255, using: &generator)
                let kind: StreamFrameKind = Int.random(in: 0..<8, using: &generator) == 0 ? .control : .data
                _ = queue.append(kind, frame(UInt8(count), count))
            } else {
                let count = min(queue.byteCount, Int.random(in: 0...400, using: &generator))
                stream += queue.pieces.joined().prefix(count)
                queue.wrote(count)
            }
        }
        stream += drain(&queue, by: 777)
        var position = 0
        while position < stream.count {
            let count = Int(stream[position])
            let end = position + count
            guard end <= stream.count, stream[position..<end].allSatisfy({ $0 == stream[position] }) else {
                Issue.record("a frame was torn at \(position)")
                return
            }
            position = end
        }
    }
}
