import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8489 §6.3 — Receiving a STUN Message")
struct RFC8489Section6_3 {
    private let harness = TURNHarness()

    @Test("a request of a method that the server does not know is dropped", .requirement("R8489-6.3-1"))
    func unknownMethod() {
        let client = harness.client()
        for method in [0x000, 0x002, 0x005, 0x006, 0x007, 0x00C, 0xFFF] as [UInt16] {
            #expect(client.send(client.bare(Method(rawValue: method))) == nil)
        }
        #expect(harness.server.counters.drops[.ignoredMessage] == 7)
        #expect(harness.outputs.isEmpty)
    }

    @Test("responses from a client change nothing and are not answered", .requirement("R8489-6.3-2"))
    func responses() {
        let client = harness.client()
        client.allocate()
        let before = harness.server.liveCounts
        let methods: [STUN.Method] = [.binding, .allocate, .refresh, .createPermission, .channelBind, .data]
        for method in methods {
            for messageClass in [.success, .error] as [MessageClass] {
                var request = client.make(method, [.lifetime(0)])
                request.type = MessageType(method, messageClass)
                #expect(client.send(request) == nil)
                #expect(harness.outputs.isEmpty)
            }
        }
        #expect(harness.server.liveCounts == before)
        #expect(client.refresh()?.lifetime == 600)
    }

    @Test("indications of requests' methods are not answered and create nothing", .requirement("R8489-6.3-3"))
    func indications() {
        let client = harness.client()
        client.challenge()
        for method in [.binding, .allocate, .refresh, .createPermission, .channelBind] as [STUN.Method] {
            var request = client.make(method, [.udp])
            request.type = MessageType(method, .indication)
            #expect(client.send(request) == nil)
        }
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
    }

    @Test(
        "an answer has the method and the transaction id of its request", .requirement("R8489-6.3-4"),
        arguments: [
            (STUN.Method.binding, 0x0101), (.allocate, 0x0113), (.refresh, 0x0114), (.createPermission, 0x0118),
            (.channelBind, 0x0119),
        ] as [(STUN.Method, UInt16)])
    func echoes(method: STUN.Method, errorType: UInt16) {
        let client = harness.client()
        let id = TransactionID(high: 0x0102_0304, low: 0x0506_0708_090A_0B0C)
        var request = client.bare(method)
        request.id = id
        let response = client.send(request)
        #expect(response?.id == id)
        #expect(response?.type == (method == .binding ? 0x0101 : errorType))
        #expect(response?.path == client.path)
    }

    @Test("unknown comprehension-required attributes of a request are all named in 420", .requirement("R8489-6.3-5"))
    func unknownRequired() {
        let client = harness.client()
        let odd = [Attribute(type: 0x0003, [0, 0, 0, 6]), Attribute(type: 0x7FFF, [1]), Attribute(type: 0x0026)]
        for method in [.binding, .allocate, .refresh, .createPermission, .channelBind] as [STUN.Method] {
            let response = client.request(method, odd)
            #expect(response?.errorCode == 420)
            #expect(response?[.unknownAttributes] == [0x00, 0x03, 0x7F, 0xFF, 0x00, 0x26])
        }
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
    }

    @Test("CHANGE-REQUEST is unknown while RFC 5780 is not served", .requirement("R8489-6.3-6"))
    func changeRequest() {
        let client = harness.client()
        let response = client.send(client.bare(.binding, .request, [Attribute(type: 0x0003, [0, 0, 0, 2])]))
        #expect(response?.errorCode == 420)
        #expect(response?[.unknownAttributes] == [0x00, 0x03])
    }

    @Test("ACCESS-TOKEN is unknown, because there is no third-party authorization", .requirement("RI-oauth-1"))
    func accessToken() {
        let response = harness.client().request(.allocate, [.udp, Attribute(type: 0x001B, [1, 2, 3, 4])])
        #expect(response?.errorCode == 420)
        #expect(response?[.unknownAttributes] == [0x00, 0x1B])
    }

    @Test("420 lists sixteen types, and of more the first sixteen", .requirement("RI-limits-1"))
    func unknownAtMost() {
        let client = harness.client()
        for count in [16, 17, 200] {
            let odd = (0..<count).map { Attribute(type: 0x4000 + UInt16($0)) }
            let list = client.send(client.bare(.binding, .request, odd))?[.unknownAttributes]
            #expect(list == (0..<16).flatMap { [0x40, UInt8($0)] })
        }
    }

    @Test("unknown comprehension-optional attributes are ignored", .requirement("R8489-6.3-7"))
    func unknownOptional() {
        let client = harness.client()
        let odd = [Attribute(type: 0x8000 + 0x0FFF, [1, 2, 3]), Attribute(type: 0xC001), Attribute(type: 0xFFFF, [9])]
        #expect(client.send(client.bare(.binding, .request, odd))?.isSuccess == true)
        #expect(client.allocate(odd)?.isSuccess == true)
    }

    @Test("credentials are asked for before unknown attributes are complained of", .requirement("R8489-6.3-8"))
    func authenticationComesFirst() {
        let client = harness.client()
        let response = client.send(client.bare(.allocate, .request, [Attribute(type: 0x7FFF)]))
        #expect(response?.errorCode == 401)
        #expect(response?.has(.unknownAttributes) == false)
    }

    @Test("of duplicate attributes the first counts", .requirement("R8489-14-4"))
    func firstOfDuplicates() {
        let client = harness.client()
        #expect(client.allocate([.lifetime(1200), .lifetime(0), .lifetime(3600)])?.lifetime == 1200)
        #expect(client.request(.refresh, [.lifetime(900), .lifetime(0)])?.lifetime == 900)
        let bound = client.request(
            .channelBind, [.channel(0x4001), .channel(0x4002)], peers: [socket("8.0.0.1:9"), socket("8.0.0.2:9")])
        #expect(bound?.isSuccess == true)
        #expect(client.hears([1], from: "8.0.0.1:9") == .delivered(client.path, hex("4001 0001 01")))
        #expect(client.hears([1], from: "8.0.0.2:9") == .dropped(.noPermission))
    }

    @Test("what follows MESSAGE-INTEGRITY is ignored", .requirement("R8489-14.5-3"))
    func afterIntegrity() {
        let client = harness.client()
        client.challenge()
        var allocate = client.make(.allocate, [.udp])
        allocate.trailing = [.lifetime(3600), Attribute(type: 0x7FFF), Attribute(.requestedTransport, [6, 0, 0, 0])]
        #expect(client.send(allocate)?.lifetime == 600)

        var permission = client.make(.createPermission, peers: [socket("8.0.0.1:0")])
        permission.trailing = [.peer(socket("8.0.0.2:0"), in: permission.id)]
        #expect(client.send(permission)?.isSuccess == true)
        #expect(client.sendIndication([1], to: "8.0.0.2:9") == .dropped(.noPermission))

        var empty = client.make(.createPermission)
        empty.trailing = [.peer(socket("8.0.0.3:0"), in: empty.id)]
        #expect(client.send(empty)?.errorCode == 400)

        var refresh = client.make(.refresh)
        refresh.trailing = [.lifetime(0)]
        #expect(client.send(refresh)?.lifetime == 600)
    }

    @Test("what follows MESSAGE-INTEGRITY-SHA256 is ignored, an integrity of SHA-1 too", .requirement("R8489-14.6-3"))
    func afterIntegritySHA256() {
        let client = harness.client()
        client.style = .modern
        client.challenge()
        var allocate = client.make(.allocate, [.udp])
        allocate.trailing = [.lifetime(3600), Attribute(.messageIntegrity, [UInt8](repeating: 7, count: 20))]
        let response = client.send(allocate)
        #expect(response?.lifetime == 600)
        #expect(response?.isProtected(sha256: client.credentials.sha256Key) == true)
    }

    @Test("FINGERPRINT is added to an answer when the request has one", .requirement("R8489-7-1"))
    func fingerprintInKind() {
        let client = harness.client()
        #expect(client.send(client.bare(.binding))?.has(.fingerprint) == false)
        client.addsFingerprint = true
        #expect(client.send(client.bare(.binding))?.hasFingerprint == true)
        #expect(client.challenge()?.hasFingerprint == true)
        #expect(client.request(.refresh)?.hasFingerprint == true)
        #expect(client.request(.allocate, [.udp, Attribute(type: 0x7FFF)])?.hasFingerprint == true)
        let success = client.allocate()
        #expect(success?.hasFingerprint == true)
        #expect(success?.isProtected(sha1: client.credentials.md5Key) == true)
    }

    @Test("FINGERPRINT is added to every answer when the operator says so", .requirement("R8489-7-2"))
    func fingerprintAlways() {
        let harness = TURNHarness(TestSetup().with { $0.settings.alwaysAddsFingerprint = true })
        let client = harness.client()
        #expect(client.send(client.bare(.binding))?.hasFingerprint == true)
        #expect(client.challenge()?.hasFingerprint == true)
        #expect(client.allocate()?.hasFingerprint == true)
    }

    @Test("a request with a FINGERPRINT that does not fit is dropped", .requirement("R8489-7-3"))
    func fingerprintWrong() {
        let client = harness.client()
        client.addsFingerprint = true
        var bytes = client.bare(.binding).encoded
        bytes[bytes.count - 1] ^= 1
        #expect(client.send(bytes: bytes) == nil)
        #expect(harness.server.counters.drops[.badFingerprint] == 1)

        var early = client.bare(.binding, .request, [Attribute(.fingerprint, [0, 0, 0, 0])])
        early.addsFingerprint = true
        #expect(client.send(early) == nil)
        #expect(harness.server.counters.drops[.badFingerprint] == 2)
    }

    @Test("ERROR-CODE has class and number, and 21 zero bits before them", .requirement("R8489-14.8-1"))
    func errorCode() {
        let client = harness.client()
        #expect(client.challenge()?[.errorCode] == [0, 0, 4, 1])
        #expect(client.request(.refresh)?[.errorCode] == [0, 0, 4, 37])
        let talkative = TURNHarness(TestSetup().with { $0.settings.sendsReasonPhrases = true }).client()
        #expect(talkative.challenge()?[.errorCode] == [0, 0, 4, 1] + Array("Unauthenticated".utf8))
    }

    @Test(
        "bytes that are not a STUN message get no answer",
        .requirement("RI-framing-1"),
        arguments: [
            ("", DropReason.notForUs), ("0001", .notForUs),
            ("0001 0000 2112A442 0000000000000000000000", .notForUs),
            ("0001 0000 2112A443 000000000000000000000000", .notForUs),
            ("0001 0004 2112A442 000000000000000000000000", .malformed),
            ("0001 0000 2112A442 000000000000000000000000 00000000", .malformed),
            ("0001 0002 2112A442 000000000000000000000000 0000", .malformed),
            ("0001 0004 2112A442 000000000000000000000000 80220001", .malformed),
            ("0001 0008 2112A442 000000000000000000000000 80220005 00000000", .malformed),
            ("4001 0000 2112A442 000000000000000000000000", .notForUs),
        ] as [(String, DropReason)])
    func garbage(text: String, reason: DropReason) {
        let client = harness.client()
        #expect(client.send(bytes: hex(text)) == nil)
        #expect(harness.server.counters.drops[reason] == 1)
    }
}
