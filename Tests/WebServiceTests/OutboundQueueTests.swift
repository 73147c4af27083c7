import Testing

@testable import WebService

@Suite struct OutboundQueueTests {
    @Test func piecesComeOutInOrderHoweverTheyAreTaken() {
        for step in 1...7 {
            var queue = OutboundQueue()
            for piece in [[1, 2, 3], [4], [5, 6], []] as [[UInt8]] { queue.append(piece) }
            var taken: [UInt8] = []
            while !queue.isEmpty {
                let bytes = Array(queue.next.joined())
                let count = min(step, bytes.count)
                taken += bytes[..<count]
                queue.consume(count)
            }
            #expect(taken == [1, 2, 3, 4, 5, 6])
            #expect(queue.next.isEmpty)
        }
    }

    @Test func oneCallGathersSixteen() {
        var queue = OutboundQueue()
        for number in 0..<17 { queue.append([UInt8(number)]) }
        #expect(queue.next.count == 16)
        queue.consume(16)
        #expect(queue.next == [[16]])
        #expect(queue.pieceCount == 1)
    }

    @Test func aQueueThatIsNeverEmptyForgetsWhatHasGone() {
        var queue = OutboundQueue()
        queue.append([0])
        for _ in 0..<1000 {
            queue.append([1])
            queue.consume(1)
        }
        #expect(queue.pieceCount == 1)
        #expect(queue.byteCount == 1)
    }

    @Test func whatIsDiscardedIsGone() {
        var queue = OutboundQueue()
        queue.append([1, 2, 3])
        queue.consume(1)
        queue.discard()
        #expect(queue.isEmpty)
        #expect(queue.next.isEmpty)
    }
}
