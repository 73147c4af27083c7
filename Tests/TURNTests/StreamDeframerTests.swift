import STUN
import TURN
import TestSupport
import Testing

/// A stream that arrives in reads of any size, and the frames that come of it.
struct StreamReader {
    var deframer: StreamDeframer
    var byteCountMax = StreamDeframer.frameByteCountMax
    private(set) var frames: [[UInt8]] = []
    private(set) var isUnframable = false

    init(_ numbers: ChannelNumberRange = .rfc8656) { deframer = StreamDeframer(channelNumbers: numbers) }

    /// What a worker does with one read.
    mutating func receive(_ bytes: some Collection<UInt8>) {
        guard !isUnframable else { return }
        var room = [UInt8](repeating: 0xEE, count: StreamDeframer.frameByteCountMax + bytes.count)
        let held: Int
        do {
            var span = room.mutableSpan
            var raw = span.mutableBytes
            held = deframer.resume(in: &raw)
        }
        room.replaceSubrange(held..<held + bytes.count, with: bytes)
        let end = held + bytes.count
        var start = 0
        while true {
            switch deframer.step(in: room.span.bytes.extracting(0..<end), from: start, byteCountMax: byteCountMax) {
            case .frame(let range):
                frames.append(Array(room[range]))
                start = range.upperBound
            case .incomplete: return deframer.keep(room.span.bytes.extracting(start..<end))
            case .unframable:
                isUnframable = true
                return
            }
        }
    }
}

@Suite("RFC 8489 §6.2.2, RFC 8656 §12.5 — messages in a stream")
struct StreamDeframerTests {
    /// A Binding request without attributes, and one with four bytes of them.
    private static let binding = hex("0001 0000 2112A442 000102030405060708090A0B")
    private static let longer = hex("0001 0004 2112A442 000102030405060708090A0B 80220000")
    private static let messages = [
        binding, hex("4000 0003 AABBCC 00"), longer, hex("4FFF 0000"), hex("4001 0004 01020304"), binding,
    ]

    @Test("however a stream is cut, the same frames come of it", .requirement("R8489-6.2.2-1"))
    func cuts() {
        let stream = Self.messages.flatMap { $0 }
        for size in 1...stream.count {
            var reader = StreamReader()
            var rest = stream[...]
            while !rest.isEmpty {
                reader.receive(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(reader.frames == Self.messages, "reads of \(size)")
            #expect(reader.deframer.heldByteCount == 0)
        }
    }

    @Test("every place of a cut is a good one")
    func oneCut() {
        let stream = Self.messages.flatMap { $0 }
        for cut in 0...stream.count {
            var reader = StreamReader()
            reader.receive(stream[..<cut])
            reader.receive(stream[cut...])
            #expect(reader.frames == Self.messages, "cut at \(cut)")
        }
    }

    @Test("padding belongs to the frame before it", .requirement("RI-stream-1"))
    func padding() {
        for (text, whole) in [("4000 0001 AA", false), ("4000 0001 AA 0000", false), ("4000 0001 AA FFFFFF", true)] {
            var reader = StreamReader()
            reader.receive(hex(text))
            #expect(reader.frames.isEmpty != whole, "\(text)")
        }
    }

    @Test(
        "what begins no message is refused at its first byte", .requirement("RI-stream-2"),
        arguments: [0x04, 0x10, 0x14, 0x16, 0x3F, 0x50, 0x7F, 0x80, 0xFF] as [UInt8])
    func badStart(first: UInt8) {
        var reader = StreamReader()
        reader.receive([first])
        #expect(reader.isUnframable)
        var later = StreamReader()
        later.receive(Self.binding + [first])
        #expect(later.isUnframable && later.frames == [Self.binding])
    }

    @Test("channel numbers of RFC 5766 are framed if they are served")
    func oldNumbers() {
        for first in [0x50, 0x7F] as [UInt8] {
            var reader = StreamReader(.rfc5766)
            reader.receive([first, 0, 0, 1, 9, 0, 0, 0])
            #expect(reader.frames == [[first, 0, 0, 1, 9, 0, 0, 0]])
        }
        var reader = StreamReader(.rfc5766)
        reader.receive([0x80])
        #expect(reader.isUnframable)
    }

    @Test("a STUN length that is no multiple of four is refused", arguments: [1, 2, 3, 5, 65_535])
    func oddLength(length: UInt16) {
        var reader = StreamReader()
        reader.receive([0, 1] + length.wire)
        #expect(reader.isUnframable)
    }

    @Test("a frame may be as long as the limit, and not one step longer", .requirement("RI-stream-3"))
    func limit() {
        for (header, count) in [([0, 1] + UInt16(2028).wire, 2048), ([0x40, 0] + UInt16(2044).wire, 2048)] {
            var reader = StreamReader()
            reader.byteCountMax = 2048
            reader.receive(header + [UInt8](repeating: 0, count: count - 4))
            #expect(reader.frames.map(\.count) == [count])
        }
        for header in [[0, 1] + UInt16(2032).wire, [0x40, 0] + UInt16(2045).wire] {
            var reader = StreamReader()
            reader.byteCountMax = 2048
            reader.receive(header)
            #expect(reader.isUnframable)
            #expect(reader.deframer.heldByteCount == 0)
        }
    }

    @Test("the longest messages are framed whole, in one read and byte by byte's neighbours")
    func longest() {
        let message = [0, 1] + UInt16(65_532).wire + [UInt8](repeating: 7, count: 65_548)
        let channelData = [0x40, 0] + UInt16(65_535).wire + [UInt8](repeating: 8, count: 65_536)
        for frame in [message, channelData] {
            for cut in [1, 3, 4, 20, 32_768, frame.count - 1, frame.count] {
                var reader = StreamReader()
                reader.receive(frame[..<cut])
                reader.receive(frame[cut...] + Self.binding)
                #expect(reader.frames.map(\.count) == [frame.count, 20])
                #expect(reader.frames.first == frame)
            }
        }
    }

    @Test("random bytes never trap, and are refused or kept within the limit")
    func random() {
        var generator = SeededRandom(seed: 11)
        for _ in 0..<2_000 {
            var reader = StreamReader()
            reader.byteCountMax = 2048
            for _ in 0..<8 {
                // First bytes that pass are frequent, so that lengths are looked at too.
                var bytes = (0..<Int.random(in: 0..<64, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                if !bytes.isEmpty, Bool.random(using: &generator) { bytes[0] = bytes[0] & 0x43 }
                reader.receive(bytes)
                #expect(reader.deframer.heldByteCount < 2048)
            }
        }
    }
}
