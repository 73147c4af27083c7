import NetworkPrimitives
import STUN
import TURN

/// The first byte chooses: what a connection brings, or what waits to be written to one.
package func checkStreams(_ input: RawSpan) {
    var script = Script(input.array())
    if script.byte() & 1 == 0 { checkDeframing(&script) } else { checkQueueing(&script) }
}

// MARK: - What comes

/// A byte for the limits, two for the cuts, then what a client sends. However it is cut, the same frames come of it,
/// and they are what a reading of the whole finds.
private func checkDeframing(_ script: inout Script) {
    let choice = script.byte()
    let numbers: ChannelNumberRange = choice & 1 == 0 ? .rfc8656 : .rfc5766
    let limit = choice & 2 == 0 ? Limits.requestByteCountMax : StreamDeframer.frameByteCountMax
    let cuts = [Int(script.byte()) + 1, Int(script.byte()) * 16 + 1]
    let stream = pour(&script)
    let whole = StreamReading(stream, accepts: numbers, limit)
    var frames: [[UInt8]] = []
    var isBroken = false
    var held = 0
    var deframer = StreamDeframer(channelNumbers: numbers)
    var start = 0
    var turn = 0
    var room = [UInt8](repeating: 0, count: StreamDeframer.frameByteCountMax + 4_096)
    while start < stream.count, !isBroken {
        // The bound keeps an execution short.
        let end = min(stream.count, start + (turn < 1_000 ? cuts[turn % 2] : 4_096))
        turn += 1
        do {
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            held = deframer.resume(in: &bytes)
        }
        require(deframer.heldByteCount == 0, "what has gone before is not kept")
        room.replaceSubrange(held..<held + end - start, with: stream[start..<end])
        (isBroken, held) = takeFrames(Array(room[..<(held + end - start)]), &deframer, limit, &frames)
        require(held < limit, "less is kept than the longest frame has")
        start = end
    }
    require(frames == whole.frames.map { Array(stream[$0]) }, "the same frames, however they are cut")
    require(isBroken == whole.isBroken, "a stream that cannot be read is known for it, however it is cut")
    require(isBroken || held == whole.rest, "what is left is kept")
}

private func takeFrames(
    _ bytes: [UInt8], _ deframer: inout StreamDeframer, _ limit: Int, _ frames: inout [[UInt8]]
) -> (isBroken: Bool, held: Int) {
    var start = 0
    while true {
        switch deframer.step(in: bytes.span.bytes, from: start, byteCountMax: limit) {
        case .frame(let range):
            require(range.lowerBound == start && range.count >= 4 && range.count <= limit, "a frame goes on from there")
            require(range.upperBound <= bytes.count, "a frame has come")
            frames.append(Array(bytes[range]))
            start = range.upperBound
        case .incomplete:
            deframer.keep(bytes.span.bytes.extracting(start..<bytes.count))
            require(deframer.heldByteCount == bytes.count - start, "what has come is kept")
            return (false, bytes.count - start)
        case .unframable: return (true, 0)
        }
    }
}

/// What RFC 8489 §6.2.2 and RFC 8656 §12.5 find in all of a stream at once.
private struct StreamReading {
    var frames: [Range<Int>] = []
    var isBroken = false
    var rest = 0

    init(_ stream: [UInt8], accepts numbers: ChannelNumberRange, _ limit: Int) {
        let channels: ClosedRange<UInt8> = numbers == .rfc8656 ? 0x40...0x4F : 0x40...0x7F
        var start = 0
        while start < stream.count {
            let isChannel = channels.contains(stream[start])
            isBroken = !isChannel && stream[start] > 3
            rest = stream.count - start
            guard !isBroken, rest >= 4 else { return }
            var count = Int(stream[start + 2]) * 256 + Int(stream[start + 3])
            isBroken = !isChannel && count % 4 != 0
            while count % 4 != 0 { count += 1 }
            count += isChannel ? 4 : 20
            isBroken = isBroken || count > limit
            guard !isBroken, rest >= count else { return }
            frames.append(start..<start + count)
            start += count
            rest = 0
        }
    }
}

/// Frames with lengths that fit, so that a script comes to more than its first one; or bytes as they are.
private func pour(_ script: inout Script) -> [UInt8] {
    var stream: [UInt8] = []
    while !script.isOver, stream.count < 100_000 {
        let kind = script.byte()
        switch kind >> 5 {
        case 0, 1, 2: stream += channelData(Int(script.byte()), first: 0x40 | kind & 0x0F)
        case 3: stream += channelData(Int(script.uint16()), first: 0x40)
        case 4, 5: stream += message(Int(script.byte()) * 4, first: kind & 3)
        case 6: stream += message(Int(script.uint16()) & ~0b11, first: 0)
        default: stream += script.take(Int(script.byte()))
        }
    }
    return stream
}

private func channelData(_ count: Int, first: UInt8) -> [UInt8] {
    let padded = (count + 3) / 4 * 4
    return [first, 1, UInt8(count >> 8), UInt8(count & 0xFF)] + [UInt8](repeating: first, count: padded)
}

private func message(_ count: Int, first: UInt8) -> [UInt8] {
    [first, 1, UInt8(count >> 8), UInt8(count & 0xFF)] + [UInt8](repeating: 0x5A, count: 16 + count)
}

// MARK: - What waits

/// Frames come and the kernel takes bytes; a plain list of frames says what has to be written next.
private func checkQueueing(_ script: inout Script) {
    var queue = StreamQueue()
    var model = QueueModel()
    var serial: UInt8 = 0
    for _ in 0..<400 where !script.isOver {
        let choice = script.byte()
        serial = serial == .max ? 0 : serial + 1
        switch choice >> 6 {
        case 0, 1:
            let kind: StreamFrameKind = choice & 0x60 == 0 ? .control : .data
            let frame = [UInt8](repeating: serial, count: lengths[Int(choice & 0x1F) % lengths.count])
            require(queue.append(kind, frame[...]) == model.append(kind, frame), "what is admitted is what has room")
        case 2 where model.isEmpty: resume(&queue, &model, serial)
        case 2: write(script.uint16(), queue.front, &queue, &model)
        default: write(script.uint16(), queue.pieces, &queue, &model)
        }
        require(queue.isEmpty == model.isEmpty, "a queue is empty when nothing waits")
        require(queue.byteCount == model.bytes.count, "what waits has a length")
        require(Array(queue.pieces.joined()) == model.bytes, "what waits is written in order")
        require(queue.pieces.count <= 3, "pieces are few")
        require(Array(queue.front.joined()) == model.front, "a frame is written as a whole")
        let bound = StreamQueue.dataByteCountMax + StreamQueue.controlByteCountMax + 2 * 65_552
        require(queue.byteCount <= bound, "what waits is bounded")
    }
}

private let lengths = [4, 8, 20, 100, 101, 1_200, 1_203, 4_096, 16_384, 16_380, 32_768, 65_536, 65_551, 1]

private func resume(_ queue: inout StreamQueue, _ model: inout QueueModel, _ serial: UInt8) {
    let rest = [UInt8](repeating: serial, count: 77)
    queue.resume(rest[...])
    model.unfinished = rest
}

/// The kernel takes a part of what it is offered.
private func write(
    _ share: UInt16, _ offered: [ArraySlice<UInt8>], _ queue: inout StreamQueue, _ model: inout QueueModel
) {
    let count = offered.reduce(0) { $0 + $1.count }
    let taken = share == .max ? count : min(count, Int(share))
    queue.wrote(taken)
    model.wrote(taken)
}

private struct QueueModel {
    var unfinished: [UInt8] = []
    var control: [[UInt8]] = []
    var data: [[UInt8]] = []

    var isEmpty: Bool { unfinished.isEmpty && control.isEmpty && data.isEmpty }
    var bytes: [UInt8] { unfinished + control.joined() + data.joined() }
    var front: [UInt8] { unfinished.isEmpty ? control.first ?? data.first ?? [] : unfinished }

    mutating func append(_ kind: StreamFrameKind, _ frame: [UInt8]) -> StreamQueue.Admission {
        switch kind {
        case .control:
            guard Self.count(control) + frame.count <= StreamQueue.controlByteCountMax else { return .overflow }
            control.append(frame)
            return .queued(dropped: 0)
        case .data:
            let before = data.count
            while !data.isEmpty, Self.count(data) + frame.count > StreamQueue.dataByteCountMax { data.removeFirst() }
            let dropped = before - data.count
            data.append(frame)
            return .queued(dropped: dropped)
        }
    }

    mutating func wrote(_ count: Int) {
        var left = count
        while left > 0 {
            if unfinished.isEmpty { unfinished = control.isEmpty ? data.removeFirst() : control.removeFirst() }
            let part = min(left, unfinished.count)
            unfinished.removeFirst(part)
            left -= part
        }
    }

    private static func count(_ frames: [[UInt8]]) -> Int { frames.reduce(0) { $0 + $1.count } }
}
