import NetworkPrimitives
import STUN
import TestSupport
import Testing

@Suite("RFC 8656 §18 — STUN Attributes of TURN")
struct RFC8656Section18 {
    /// Reads the one attribute of a request with `read`.
    private func reading<Value>(
        _ type: UInt16, _ value: String, _ read: (STUNMessage, RawSpan) -> AttributeReading<Value>
    ) throws -> AttributeReading<Value> {
        let wire = message(0x0003, attribute(type, value))
        let parsed = try parse(wire)
        return wire.withRawSpan { read(parsed, $0) }
    }

    @Test("§18.1 CHANNEL-NUMBER: a number and two ignored bytes", .requirement("R8656-18.1-1"))
    func channelNumber() throws {
        #expect(try reading(0x000C, "40000000") { $0.channelNumber(in: $1) } == .value(0x4000))
        #expect(try reading(0x000C, "4FFFABCD") { $0.channelNumber(in: $1) } == .value(0x4FFF))
        // The range is for the request to judge, not for the reader.
        #expect(try reading(0x000C, "00000000") { $0.channelNumber(in: $1) } == .value(0))
        for wrong in ["", "4000", "400000", "4000000000"] {
            #expect(try reading(0x000C, wrong) { $0.channelNumber(in: $1) } == .malformed)
        }
    }

    @Test("§18.2 LIFETIME: seconds in 32 bits", .requirement("R8656-18.2-1"))
    func lifetime() throws {
        #expect(try reading(0x000D, "00000000") { $0.lifetime(in: $1) } == .value(0))
        #expect(try reading(0x000D, "FFFFFFFF") { $0.lifetime(in: $1) } == .value(4_294_967_295))
        for wrong in ["", "00", "000258", "0000025800", "0000000000000258"] {
            #expect(try reading(0x000D, wrong) { $0.lifetime(in: $1) } == .malformed)
        }
    }

    @Test("§18.3 XOR-PEER-ADDRESS", .requirement("R8656-18.3-1"))
    func xorPeerAddress() throws {
        let address = v4("192.0.2.1", 32853)
        #expect(try reading(0x0012, "0001A147E112A643") { $0.xorPeerAddress(in: $1) } == .value(address))
        for wrong in ["", "0001", "0001A147E112A6", "0003A147E112A643", "0002A147E112A643"] {
            #expect(try reading(0x0012, wrong) { $0.xorPeerAddress(in: $1) } == .malformed)
        }
    }

    @Test(
        "§18.6, §18.11 REQUESTED- and ADDITIONAL-ADDRESS-FAMILY: a number and three ignored bytes",
        .requirement("R8656-18.6-1"),
        arguments: [
            (0x0017, KnownAttribute.requestedAddressFamily), (0x8000, .additionalAddressFamily),
        ] as [(UInt16, KnownAttribute)])
    func addressFamily(type: UInt16, attribute: KnownAttribute) throws {
        #expect(try reading(type, "01000000") { $0.addressFamily(attribute, in: $1) } == .value(1))
        #expect(try reading(type, "02FFFFFF") { $0.addressFamily(attribute, in: $1) } == .value(2))
        #expect(try reading(type, "FF000000") { $0.addressFamily(attribute, in: $1) } == .value(0xFF))
        for wrong in ["", "01", "010000", "0100000000"] {
            #expect(try reading(type, wrong) { $0.addressFamily(attribute, in: $1) } == .malformed)
        }
    }

    @Test("§18.7 EVEN-PORT: one byte, of which the first bit counts", .requirement("R8656-18.7-1"))
    func evenPort() throws {
        #expect(try reading(0x0018, "80") { $0.evenPort(in: $1) } == .value(true))
        #expect(try reading(0x0018, "FF") { $0.evenPort(in: $1) } == .value(true))
        #expect(try reading(0x0018, "7F") { $0.evenPort(in: $1) } == .value(false))
        for wrong in ["", "8000", "80000000"] {
            #expect(try reading(0x0018, wrong) { $0.evenPort(in: $1) } == .malformed)
        }
    }

    @Test("§18.8 REQUESTED-TRANSPORT: a protocol number and three ignored bytes", .requirement("R8656-18.8-1"))
    func requestedTransport() throws {
        #expect(try reading(0x0019, "11000000") { $0.requestedTransport(in: $1) } == .value(17))
        #expect(try reading(0x0019, "06ABCDEF") { $0.requestedTransport(in: $1) } == .value(6))
        for wrong in ["", "11", "110000", "1100000000"] {
            #expect(try reading(0x0019, wrong) { $0.requestedTransport(in: $1) } == .malformed)
        }
    }

    @Test("§18.9 DONT-FRAGMENT: there or not there", .requirement("R8656-18.9-1"))
    func dontFragment() throws {
        #expect(try parse(message(0x0003, attribute(0x001A, ""))).has(.dontFragment))
        #expect(try !parse(message(0x0003)).has(.dontFragment))
    }

    @Test("§18.10 RESERVATION-TOKEN: eight bytes", .requirement("R8656-18.10-1"))
    func reservationToken() throws {
        #expect(
            try reading(0x0022, "0102030405060708") { $0.reservationToken(in: $1) } == .value(0x0102_0304_0506_0708))
        for wrong in ["", "01020304", "01020304050607", "010203040506070809"] {
            #expect(try reading(0x0022, wrong) { $0.reservationToken(in: $1) } == .malformed)
        }
    }

    @Test("what is not there is absent, not malformed")
    func absent() throws {
        let wire = message(0x0003)
        let parsed = try parse(wire)
        wire.withRawSpan { span in
            #expect(parsed.lifetime(in: span) == .absent)
            #expect(parsed.channelNumber(in: span) == .absent)
            #expect(parsed.requestedTransport(in: span) == .absent)
            #expect(parsed.addressFamily(.requestedAddressFamily, in: span) == .absent)
            #expect(parsed.addressFamily(.additionalAddressFamily, in: span) == .absent)
            #expect(parsed.evenPort(in: span) == .absent)
            #expect(parsed.reservationToken(in: span) == .absent)
            #expect(parsed.xorPeerAddress(in: span) == .absent)
        }
        #expect(parsed.range(of: .data) == nil)
    }

    @Test("a reading falls back when absent, and not when malformed")
    func fallback() {
        #expect(AttributeReading<Int>.absent.or(7) == 7)
        #expect(AttributeReading.value(5).or(7) == 5)
        #expect(AttributeReading<Int>.malformed.or(7) == nil)
    }

    @Test("§18.4 DATA: any bytes, none too", .requirement("R8656-18.4-1"))
    func data() throws {
        let wire = message(0x0016, attribute(0x0013, Array("hello".utf8)), attribute(0x0013, Array("again".utf8)))
        #expect(try parse(wire).bytes(of: .data, in: wire) == Array("hello".utf8))
        let empty = message(0x0016, attribute(0x0013, ""))
        #expect(try parse(empty).bytes(of: .data, in: empty) == [])
    }

    @Test("integers are written in network order")
    func written() {
        let response = write(MessageType(.allocate, .success)) { writer in
            writer.append(.lifetime, UInt32(600))
            writer.append(.reservationToken, UInt64(0x0102_0304_0506_0708))
        }
        #expect(
            response == message(0x0103, attribute(0x000D, "00000258"), attribute(0x0022, "0102030405060708")))
    }
}

@Suite("RFC 8656 §10.1 — Several XOR-PEER-ADDRESS attributes", .requirement("R8656-10.1-1"))
struct RFC8656Section10_1 {
    private let wire = message(
        0x0008, attribute(0x8022, "61"), attribute(0x0012, "0001 A147 E112A643"),
        attribute(0x0012, "0003 A147 E112A643"),
        attribute(0x000D, "00000258"), attribute(0x0012, "0001 2112 2112A442"))

    @Test("each is visited in order, a malformed one as nil")
    func all() throws {
        let parsed = try parse(wire)
        var visited: [SocketAddress?] = []
        wire.withRawSpan { span in
            parsed.forEachXORPeerAddress(in: span) { address in
                visited.append(address)
                return true
            }
        }
        #expect(visited == [v4("192.0.2.1", 32853), nil, v4("0.0.0.0", 0)])
    }

    @Test("visiting stops when told")
    func stops() throws {
        let parsed = try parse(wire)
        var visited = 0
        wire.withRawSpan { span in
            parsed.forEachXORPeerAddress(in: span) { _ in
                visited += 1
                return false
            }
        }
        #expect(visited == 1)
    }
}
