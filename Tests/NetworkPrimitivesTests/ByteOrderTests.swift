import NetworkPrimitives
import TestSupport
import Testing

@Suite("Network byte order")
struct ByteOrderTests {
    private let data = bytes("00 01 02 03 04 05 06 07 08 FF FE")

    @Test("integers are read at even and odd offsets, up to the last byte")
    func read() {
        data.withRawSpan { span in
            #expect(span.byte(at: 0) == 0x00)
            #expect(span.byte(at: 10) == 0xFE)
            #expect(span.bigEndianUInt16(at: 1) == 0x0102)
            #expect(span.bigEndianUInt16(at: 9) == 0xFFFE)
            #expect(span.bigEndianUInt32(at: 2) == 0x0203_0405)
            #expect(span.bigEndianUInt32(at: 7) == 0x0708_FFFE)
            #expect(span.bigEndianUInt64(at: 0) == 0x0001_0203_0405_0607)
            #expect(span.bigEndianUInt64(at: 3) == 0x0304_0506_0708_FFFE)
            #expect(span.array() == data)
            #expect(span.extracting(3..<3).array() == [])
        }
    }

    @Test("runs are the same when every byte is, however long they are", arguments: [0, 1, 7, 8, 9, 15, 16, 17])
    func sameBytes(count: Int) {
        let one = [UInt8](repeating: 0x5A, count: count)
        #expect(areSame(one, one))
        #expect(!areSame(one, one + [0x5A]))
        for place in one.indices {
            var other = one
            other[place] ^= 0x80
            #expect(!areSame(one, other))
        }
    }

    private func areSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.span.bytes.hasSameBytes(as: right.span.bytes)
    }

    @Test("integers are written at even and odd offsets, and touch their own bytes only")
    func write() {
        var buffer = [UInt8](repeating: 0xEE, count: 17)
        var span = buffer.mutableSpan
        var raw = span.mutableBytes
        raw.storeBigEndian(UInt16(0x0102), at: 1)
        raw.storeBigEndian(UInt32(0x0304_0506), at: 3)
        raw.storeBigEndian(UInt64(0x0708_090A_0B0C_0D0E), at: 9)
        #expect(buffer == bytes("EE 0102 03040506 EEEE 0708090A0B0C0D0E"))
    }

    @Test("a span is copied to its place, also to the very end, also when empty")
    func store() {
        var buffer = [UInt8](repeating: 0xEE, count: 6)
        var span = buffer.mutableSpan
        var raw = span.mutableBytes
        bytes("010203").withRawSpan { raw.store($0, at: 3) }
        [UInt8]().withRawSpan { raw.store($0, at: 6) }
        #expect(buffer == bytes("EEEEEE 010203"))
    }
}
