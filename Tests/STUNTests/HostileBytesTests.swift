import FuzzOracles
import NetworkPrimitives
import STUN
import TestSupport
import Testing

/// What fuzzing does for hours, for a second and from a fixed seed, so that it runs on every save.
@Suite("RFC 8489 §14 — hostile bytes")
struct HostileBytesTests {
    /// Types that Tern knows, and a few that it does not.
    private static let types: [UInt16] = [
        0x0001, 0x0003, 0x0006, 0x0008, 0x0009, 0x000A, 0x000C, 0x000D, 0x0012, 0x0013, 0x0014, 0x0015, 0x0016, 0x0017,
        0x0018, 0x0019, 0x001A, 0x001C, 0x001D, 0x001E, 0x0020, 0x0022, 0x0024, 0x002A, 0x7FFF, 0x8000, 0x8002, 0x8022,
        0x8028, 0x8030, 0xFFFF,
    ]

    @Test("every attribute has a place, whatever its type")
    func places() throws {
        var known = Set<KnownAttribute>()
        for type in 0...UInt16.max {
            guard let attribute = KnownAttribute(AttributeType(rawValue: type)), attribute != .fingerprint else {
                continue
            }
            let wire = Self.request(with: type)
            #expect(try STUNMessage(parsing: wire.span.bytes).has(attribute))
            known.insert(attribute)
        }
        #expect(known.count == KnownAttribute.allCases.count - 1)
    }

    /// A Binding request with an empty attribute.
    private static func request(with type: UInt16) -> [UInt8] {
        [0, 1, 0, 4, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 7, count: 12) + [
            UInt8(type >> 8), UInt8(type & 0xFF), 0, 0,
        ]
    }

    @Test("no bytes trap the parser or a reader, and what is read is read consistently", arguments: 1...4)
    func randomAndMutated(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var accepted = 0
        var seedMessage = message()
        for round in 0..<50_000 {
            if round % 16 == 0 { seedMessage = Self.randomMessage(&random) }
            var wire = seedMessage
            Self.mutate(&wire, &random)
            accepted += Self.readEverything(wire) ? 1 : 0
        }
        // Of mutants a good part must get past the header, or the test shows nothing.
        #expect(accepted > 10_000)
    }

    @Test("the oracle of the fuzz program holds for random messages", arguments: 1...4)
    func oracle(seed: UInt64) {
        var random = SeededRandom(seed: 100 + seed)
        for _ in 0..<100 {
            var wire = Self.randomMessage(&random)
            Self.mutate(&wire, &random)
            checkSTUN(wire.span.bytes)
        }
    }

    private static func randomMessage(_ random: inout SeededRandom) -> [UInt8] {
        let attributes = (0..<random.below(6)).flatMap { _ in
            let natural = [0, 1, 4, 8, 20, 32, random.below(40)][random.below(7)]
            return attribute(types[random.below(types.count)], random.bytes(natural))
        }
        return message(UInt16(random.below(0x4000)), attributes)
    }

    /// Flips, overwrites, cuts or appends; one time in eight leaves the message as it is.
    private static func mutate(_ wire: inout [UInt8], _ random: inout SeededRandom) {
        switch random.below(8) {
        case 0: break
        case 1, 2: wire[random.below(wire.count)] ^= 1 << random.below(8)
        case 3, 4: if wire.count > 20 { wire[20 + random.below(wire.count - 20)] = UInt8(random.below(48)) }
        case 5: wire.removeLast(random.below(wire.count))
        case 6: wire += random.bytes(random.below(8))
        default: wire = random.bytes(random.below(60))
        }
    }

    /// Whether the bytes are a message; if so every reader has been called.
    private static func readEverything(_ wire: [UInt8]) -> Bool {
        wire.withRawSpan { span in
            guard let parsed = try? STUNMessage(parsing: span) else {
                _ = ClassicBinding.isRequest(span)
                return false
            }
            var peers = 0
            parsed.forEachXORPeerAddress(in: span) { _ in
                peers += 1
                return true
            }
            let expectsPeer = parsed.xorPeerAddress(in: span) != .absent
            let malformed = [
                parsed.lifetime(in: span) == .malformed, parsed.channelNumber(in: span) == .malformed,
                parsed.requestedTransport(in: span) == .malformed, parsed.evenPort(in: span) == .malformed,
                parsed.reservationToken(in: span) == .malformed,
                parsed.addressFamily(.requestedAddressFamily, in: span) == .malformed,
                parsed.addressFamily(.additionalAddressFamily, in: span) == .malformed,
            ]
            // These name attributes that are there, or nothing at all.
            let known: [KnownAttribute] = [
                .lifetime, .channelNumber, .requestedTransport, .evenPort, .reservationToken, .requestedAddressFamily,
                .additionalAddressFamily,
            ]
            for (isMalformed, attribute) in zip(malformed, known) where isMalformed && !parsed.has(attribute) {
                Issue.record("\(attribute) is malformed and absent in \(hexadecimal(wire))")
            }
            if expectsPeer != (peers > 0) { Issue.record("peers differ in \(hexadecimal(wire))") }
            return true
        }
    }
}
