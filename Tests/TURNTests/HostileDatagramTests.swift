import Containers
import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("Bytes from strangers neither trap nor change anything")
struct HostileDatagramTests {
    private let harness = TURNHarness(.dual)

    @Test("the largest limits that a host can ask for make tables", .requirement("RI-limits-7"))
    func largestLimits() {
        let limits = Limits(allocationsMax: 1 << 20, permissionsPerAllocationMax: 4096, channelsPerAllocationMax: 4096)
        let large = TURNHarness(TestSetup(limits: limits))
        #expect(large.client().allocate()?.isSuccess == true)
    }

    @Test("a request above 2,048 bytes is not looked at", .requirement("RI-limits-8"))
    func longRequests() {
        let client = harness.client()
        for (byteCount, isAnswered) in [(2048, true), (2052, false)] {
            let filler = Attribute(type: 0x8FFF, [UInt8](repeating: 0, count: byteCount - 24))
            let request = client.bare(.binding, .request, [filler]).encoded
            #expect(request.count == byteCount)
            guard case .answered(let response) = harness.clientSends(request, on: client.path) else {
                Issue.record("a request goes to the control plane")
                return
            }
            #expect((response != nil) == isAnswered)
        }
    }

    @Test("random bytes behind every first byte", .requirement("RI-hostile-1"))
    func random() {
        let client = harness.client()
        client.allocate([.additionalIPv6])
        client.bind(0x4000, "8.0.0.1:9")
        var random = SplitMix64(seed: 7)
        for round in 0..<20_000 {
            let count = Int.random(in: 0...64, using: &random)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            if round % 2 == 0, count > 8 {
                // A plausible header gets further.
                bytes[0] = UInt8.random(in: 0...3, using: &random)
                bytes.replaceSubrange(4..<8, with: [0x21, 0x12, 0xA4, 0x42])
                bytes.replaceSubrange(2..<4, with: UInt16(max(0, count - 20)).wire)
            }
            if case .answered(let response?) = harness.clientSends(bytes, on: client.path) {
                #expect(response.bytes.count <= 3 * max(bytes.count, 40))
            }
        }
        #expect(harness.routes.counts == [1, 1, 1])
    }

    @Test("real requests with bytes changed", .requirement("RI-hostile-2"), arguments: [1, 2, 3])
    func mutated(seed: UInt64) {
        let client = harness.client()
        client.allocate([.additionalIPv6])
        client.bind(0x4000, "8.0.0.1:9")
        var random = SplitMix64(seed: seed)
        let originals = [
            client.make(.allocate, [.udp, .evenPortAndNext, .lifetime(700)]).encoded,
            client.make(.refresh, [.lifetime(700), .family(1)]).encoded,
            client.make(.createPermission, peers: [socket("8.0.0.1:9"), socket("[2600::1]:9")]).encoded,
            client.make(.channelBind, [.channel(0x4001)], peers: [socket("8.0.0.2:9")]).encoded,
            client.bare(.send, .indication, [.data([1, 2, 3])], peers: [socket("8.0.0.1:9")]).encoded,
            client.bare(.binding).encoded,
        ]
        for _ in 0..<5_000 {
            var bytes = originals[Int.random(in: 0..<originals.count, using: &random)]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[Int.random(in: 8..<bytes.count, using: &random)] ^= 1
                case 2 where bytes.count > 28: bytes.removeLast(Int.random(in: 1...4, using: &random))
                default: bytes += [0, 0, 0, 0]
                }
                if Bool.random(using: &random) { bytes.replaceSubrange(2..<4, with: UInt16(bytes.count - 20).wire) }
                guard bytes.count > 24 else { break }
            }
            // What only grew an attribute behind its integrity is still signed.
            if originals.contains(where: { bytes.dropFirst(4).starts(with: $0.dropFirst(4)) }) { continue }
            _ = harness.clientSends(bytes, on: client.path)
        }
        // Nothing that is not signed has changed anything.
        #expect(harness.routes.counts == [1, 1, 1])
        #expect(client.refresh()?.lifetime == 600)
    }

    @Test("signed requests of a client that means no good", .requirement("RI-hostile-3"), arguments: [1, 2, 3])
    func signedNonsense(seed: UInt64) {
        let client = harness.client()
        client.challenge()
        var random = SplitMix64(seed: seed)
        let types: [UInt16] = [
            0x0C, 0x0D, 0x12, 0x13, 0x17, 0x18, 0x19, 0x1A, 0x1D, 0x22, 0x8000, 0x8002, 0x01, 0x09, 0x20, 0x24, 0x8022,
        ]
        let methods: [STUN.Method] = [.allocate, .refresh, .createPermission, .channelBind]
        for _ in 0..<3_000 {
            let attributes = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                let count = [0, 1, 2, 4, 4, 4, 8, 8, 20].randomElement(using: &random)!
                return Attribute(
                    type: types.randomElement(using: &random)!,
                    (0..<count).map { _ in [0, 1, 2, 17, 0x40, 0x80, 0xFF].randomElement(using: &random)! })
            }
            var request = client.make(methods.randomElement(using: &random)!, attributes)
            if Int.random(in: 0..<4, using: &random) == 0 {
                request.attributes.insert(.udp, at: 0)
            }
            let response = client.send(request)
            #expect(response?.isProtected == true || response?.errorCode == 400)
        }
    }
}
