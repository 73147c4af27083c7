import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §11 — Send and Data indications")
struct RFC8656Section11 {
    private let harness = TURNHarness()
    private let client: TestClient
    private let peer = socket("8.0.0.1:9")

    init() {
        client = harness.client()
        client.allocate([.lifetime(3600)])
        client.permit("8.0.0.1")
    }

    private func sent(_ payload: [UInt8], to peer: String = "8.0.0.1:9", dontFragment: Bool = false)
        -> TURNHarness.ClientResult
    {
        .sent(
            .init(source: client.relay()!, peer: socket(peer), payload: payload, dontFragment: dontFragment))
    }

    /// A Send indication with these attributes and nothing else.
    private func send(_ attributes: [Attribute], peers: [SocketAddress] = []) -> TURNHarness.ClientResult {
        harness.clientSends(client.bare(.send, .indication, attributes, peers: peers).encoded, on: client.path)
    }

    @Test("DATA goes to the peer, byte for byte", .requirement("R8656-11.2-1"))
    func send() {
        for count in [1, 2, 3, 4, 5, 1200, 1201] {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            #expect(client.sendIndication(payload, to: "8.0.0.1:9") == sent(payload))
        }
    }

    @Test("empty DATA is an empty datagram", .requirement("R8656-11.2-2"))
    func sendEmpty() {
        #expect(client.sendIndication([], to: "8.0.0.1:9") == sent([]))
    }

    @Test("Send without XOR-PEER-ADDRESS or without DATA is dropped", .requirement("R8656-11.2-3"))
    func incomplete() {
        #expect(send([], peers: [peer]) == .dropped(.malformed))
        #expect(send([.data([1])]) == .dropped(.malformed))
        #expect(send([]) == .dropped(.malformed))
        #expect(send([.data([1]), Attribute(.xorPeerAddress, [0, 1, 2, 3])]) == .dropped(.malformed))
        #expect(send([.data([1]), Attribute(.xorPeerAddress, [])]) == .dropped(.malformed))
        #expect(send([.data([1]), Attribute(.xorPeerAddress, [0, 3, 0, 0, 0, 0, 0, 0])]) == .dropped(.malformed))
    }

    @Test("Send to a peer without a permission is dropped in silence", .requirement("R8656-11.2-4"))
    func noPermission() {
        #expect(client.sendIndication([1], to: "8.0.0.2:9") == .dropped(.noPermission))
        #expect(client.sendIndication([1], to: "[2600::1]:9") == .dropped(.noPermission))
        #expect(client.sendIndication([1], to: "127.0.0.1:9") == .dropped(.noPermission))
        #expect(harness.client("198.51.100.9:1").sendIndication([1], to: "8.0.0.1:9") == .dropped(.noAllocation))
        // The five-tuple counts, our end of it too.
        let elsewhere = harness.client("198.51.100.7:40000", .alice, server: socket("192.0.2.1:3479"))
        #expect(elsewhere.sendIndication([1], to: "8.0.0.1:9") == .dropped(.noAllocation))
    }

    @Test("Send refreshes no permission", .requirement("R8656-11.2-5"))
    func refreshesNothing() {
        for _ in 0..<30 {
            harness.advance(.seconds(10) - .milliseconds(1))
            #expect(client.sendIndication([1], to: "8.0.0.1:9") == sent([1]))
        }
        harness.advance(.milliseconds(40))
        #expect(client.sendIndication([1], to: "8.0.0.1:9") == .dropped(.noPermission))
    }

    @Test("Send to port 0 is dropped, and relaying goes on", .requirement("RI-peers-1"))
    func portZero() {
        #expect(client.sendIndication([1], to: "8.0.0.1:0") == .dropped(.refusedPeerPort))
        #expect(client.sendIndication([1], to: "8.0.0.1:1") == sent([1], to: "8.0.0.1:1"))
    }

    @Test("Send to a listener or a system port of this host is dropped", .requirement("RI-peers-2"))
    func ownPorts() {
        #expect(client.permit("192.0.2.1")?.isSuccess == true)
        #expect(client.sendIndication([1], to: "192.0.2.1:3478") == .dropped(.refusedPeerPort))
        #expect(client.sendIndication([1], to: "192.0.2.1:53") == .dropped(.refusedPeerPort))
        #expect(client.sendIndication([1], to: "192.0.2.1:1023") == .dropped(.refusedPeerPort))
        #expect(client.sendIndication([1], to: "192.0.2.1:1024") == sent([1], to: "192.0.2.1:1024"))
        // Elsewhere these are anybody's ports.
        #expect(client.sendIndication([1], to: "8.0.0.1:3478") == sent([1], to: "8.0.0.1:3478"))
        #expect(client.sendIndication([1], to: "8.0.0.1:53") == sent([1], to: "8.0.0.1:53"))
    }

    @Test("DONT-FRAGMENT is handed on with the datagram", .requirement("R8656-11.2-6"))
    func dontFragment() {
        #expect(
            client.sendIndication([1], to: "8.0.0.1:9", [Attribute(.dontFragment, [])]) == sent([1], dontFragment: true)
        )
    }

    @Test("an unknown comprehension-required attribute discards the indication", .requirement("R8489-6.3.2-1"))
    func unknownAttribute() {
        #expect(client.sendIndication([1], to: "8.0.0.1:9", [Attribute(type: 0x7FFF)]) == .dropped(.ignoredMessage))
        #expect(client.sendIndication([1], to: "8.0.0.1:9", [Attribute(type: 0xFFFF)]) == sent([1]))
    }

    @Test("of two DATA or two XOR-PEER-ADDRESS the first counts", .requirement("R8489-14-4"))
    func duplicates() {
        client.permit("8.0.0.2")
        #expect(send([.data([1]), .data([2, 3])], peers: [peer, socket("8.0.0.2:9")]) == sent([1]))
    }

    @Test("an indication is not authenticated", .requirement("R8656-5-4"))
    func unauthenticated() {
        var request = client.make(.send, [.data([5])], peers: [peer])
        request.type = MessageType(.send, .indication)
        request.protection = .sha1(key: [9, 9])
        #expect(harness.clientSends(request.encoded, on: client.path) == sent([5]))
        // What follows the integrity is ignored as everywhere.
        var late = client.bare(.send, .indication, [], peers: [peer])
        late.protection = .sha1(key: [9, 9])
        late.trailing = [.data([6])]
        #expect(harness.clientSends(late.encoded, on: client.path) == .dropped(.malformed))
    }

    @Test("FINGERPRINT of a Send indication is checked", .requirement("R8489-7-4"))
    func fingerprint() {
        var request = client.bare(.send, .indication, [.data([5])], peers: [peer])
        request.addsFingerprint = true
        var bytes = request.encoded
        #expect(harness.clientSends(bytes, on: client.path) == sent([5]))
        bytes[bytes.count - 1] ^= 0xFF
        #expect(harness.clientSends(bytes, on: client.path) == .dropped(.badFingerprint))
        bytes[bytes.count - 1] ^= 0xFF
        bytes[24] ^= 0xFF
        #expect(harness.clientSends(bytes, on: client.path) == .dropped(.badFingerprint))
    }

    @Test("a Send indication whose lengths contradict each other is dropped", .requirement("RI-framing-2"))
    func badLengths() {
        let good = client.bare(.send, .indication, [.data([1, 2, 3, 4])], peers: [peer]).encoded
        #expect(harness.clientSends(good, on: client.path) == sent([1, 2, 3, 4]))
        for change in [
            { $0.append(0) }, { $0.removeLast() }, { $0.removeLast(4) }, { $0[3] += 4 }, { $0[3] -= 4 },
            // DATA that claims more than there is.
            { $0[23] = 5 }, { $0[22] = 0xFF }, { $0[4] ^= 1 },
        ] as [(inout [UInt8]) -> Void] {
            var bytes = good
            change(&bytes)
            #expect(harness.clientSends(bytes, on: client.path) == .dropped(.malformed))
        }
        for count in 0..<20 {
            let result = harness.clientSends(Array(good.prefix(count)), on: client.path)
            #expect(result == .dropped(.malformed) || result == .dropped(.notForUs) || result == .answered(nil))
        }
    }

    @Test("a Send request is not an indication, a Data indication is not for us", .requirement("R8656-11.2-7"))
    func otherClasses() {
        let request = client.bare(.send, .request, [.data([1])], peers: [peer])
        #expect(harness.clientSends(request.encoded, on: client.path) == .answered(nil))
        let data = client.bare(.data, .indication, [.data([1])], peers: [peer])
        #expect(harness.clientSends(data.encoded, on: client.path) == .answered(nil))
    }

    // MARK: - Peer to client

    /// The bytes that are the same in every run: all but the transaction id.
    private func split(_ result: TURNHarness.PeerResult) -> (fixed: [UInt8], id: [UInt8])? {
        guard case .delivered(client.path, let bytes) = result, bytes.count >= 20 else { return nil }
        return (Array(bytes[..<8] + bytes[20...]), Array(bytes[8..<20]))
    }

    @Test("a Data indication has XOR-PEER-ADDRESS and DATA, in this layout", .requirement("R8656-11.3-1"))
    func dataIndication() throws {
        // 8.0.0.1 ^ 0x2112A442 = 0x2912A443, port 9 ^ 0x2112 = 0x211B.
        let header = "0017 %% 2112A442 0012 0008 0001 211B 2912A443 0013"
        for (payload, length, data) in [
            ("", "0010", "0000"), ("AA", "0014", "0001 AA000000"), ("AABB", "0014", "0002 AABB0000"),
            ("AABBCC", "0014", "0003 AABBCC00"), ("AABBCCDD", "0014", "0004 AABBCCDD"),
            ("AABBCCDDEE", "0018", "0005 AABBCCDDEE000000"),
        ] {
            let found = try #require(split(client.hears(hex(payload), from: "8.0.0.1:9")))
            #expect(found.fixed == hex(header.replacingPercent(length) + data))
        }
    }

    @Test("a Data indication from an IPv6 peer has its address xored with the id", .requirement("R8656-11.3-2"))
    func dataIndicationIPv6() throws {
        let harness = TURNHarness(.dual)
        let client = harness.client()
        client.allocate([.family(2)])
        client.permit("2600::1")
        guard case .delivered(let path, let bytes) = client.hears([0xAA], from: "[2600::1]:9", .ipv6) else {
            Issue.record("nothing was delivered")
            return
        }
        #expect(bytes.count == 20 + 24 + 8)
        #expect(Array(bytes[..<8]) == hex("0017 0020 2112A442"))
        let response = TestResponse(bytes, path: path)
        #expect(response.peer == socket("[2600::1]:9"))
        #expect(response[.data] == [0xAA])
    }

    @Test("each Data indication has an id of its own, and no integrity", .requirement("R8656-11.3-3"))
    func freshIDs() {
        let found = (0..<50).compactMap { _ in split(client.hears([1], from: "8.0.0.1:9")) }
        #expect(found.count == 50)
        #expect(Set(found.map(\.id)).count == 50)
        #expect(Set(found.map(\.fixed)).count == 1)
    }

    @Test("a peer without a permission is not heard", .requirement("R8656-11.3-4"))
    func unheard() {
        #expect(client.hears([1], from: "8.0.0.2:9") == .dropped(.noPermission))
        #expect(client.hears([1], from: "[2600::1]:9") == .dropped(.noPermission))
    }

    @Test("what a peer sends is not looked at", .requirement("RI-peers-3"))
    func opaque() {
        let binding = hex("0001 0000 2112A442 B7E7A701BC34D686FA87DFAE")
        for payload in [binding, hex("4000 0001 FF"), [0], [0xFF, 0xFF]] {
            guard case .delivered(_, let bytes) = client.hears(payload, from: "8.0.0.1:9") else {
                Issue.record("not delivered")
                continue
            }
            #expect(TestResponse(bytes, path: client.path)[.data] == payload)
        }
    }

    @Test("a datagram that does not fit into an indication is dropped whole", .requirement("R8656-11.3-5"))
    func tooLong() {
        let fits = [UInt8](repeating: 7, count: 65_456)
        guard case .delivered(_, let bytes) = client.hears(fits, from: "8.0.0.1:9") else {
            Issue.record("65,456 bytes fit")
            return
        }
        #expect(bytes.count <= 65_507)
        #expect(TestResponse(bytes, path: client.path)[.data] == fits)
        let tooLong = [UInt8](repeating: 7, count: 65_507)
        #expect(client.hears(tooLong, from: "8.0.0.1:9") == .dropped(.tooLong))
        #expect(client.hears(Array(tooLong.dropLast(35)), from: "8.0.0.1:9") == .dropped(.tooLong))
        // A big one in the way does not stop the next.
        #expect(client.hears([1], from: "8.0.0.1:9") != .dropped(.tooLong))
    }

    @Test("data in either direction does not extend the allocation", .requirement("R8656-6-2"))
    func dataExtendsNothing() {
        let harness = TURNHarness()
        let client = harness.client()
        client.allocate()
        for second in 0..<600 {
            if second % 250 == 0 { client.bind(0x4000, "8.0.0.1:9") }
            #expect(client.hears([1], from: "8.0.0.1:9") == .delivered(client.path, hex("4000 0001 01")))
            _ = client.channelData(0x4000, [1])
            harness.advance(.seconds(1))
        }
        harness.advance(.milliseconds(2))
        #expect(harness.sessions.isEmpty)
    }
}

extension String {
    /// With the two percent signs replaced.
    fileprivate func replacingPercent(_ text: String) -> String {
        split(separator: "%%", omittingEmptySubsequences: false).joined(separator: text)
    }
}
