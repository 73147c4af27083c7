import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

extension TestSetup {
    static var mobile: TestSetup {
        TestSetup().with { $0.settings.tickets = TicketAuthority(secret: Array("ticket secret".utf8)) }
    }
}

extension Attribute {
    static func ticket(_ ticket: [UInt8]) -> Attribute { Attribute(.mobilityTicket, ticket) }
    static let wantsTicket = Attribute(.mobilityTicket, [])
}

extension TestResponse {
    var ticket: [UInt8]? { self[.mobilityTicket] }
}

@Suite("RFC 8016 §3.1 — Creating an Allocation")
struct RFC8016Section3_1 {
    @Test("an empty MOBILITY-TICKET is answered with a ticket", .requirement("R8016-3.1.2-1"))
    func ticket() {
        let harness = TURNHarness(.mobile)
        let answer = harness.client().allocate([.wantsTicket])
        #expect(answer?.isSuccess == true)
        #expect(answer?.ticket?.count == 32)
        // Who asks for none gets none.
        #expect(harness.client("198.51.100.7:40001").allocate()?.has(.mobilityTicket) == false)
    }

    @Test("without mobility the answer is 405, and nothing is allocated", .requirement("R8016-3.1.2-2"))
    func forbidden() {
        let harness = TURNHarness()
        let client = harness.client()
        #expect(client.allocate([.wantsTicket])?.errorCode == 405)
        #expect(harness.server.liveCounts.allocations == 0)
        // As the RFC says, the client then asks for an allocation without.
        #expect(client.allocate()?.isSuccess == true)
    }

    @Test("a ticket in Allocate that is not empty is 400", .requirement("R8016-3.1.2-3"))
    func notEmpty() {
        let harness = TURNHarness(.mobile)
        #expect(harness.client().allocate([.ticket([1, 2, 3, 4])])?.errorCode == 400)
        #expect(harness.server.liveCounts.allocations == 0)
    }

    @Test("a retransmitted Allocate is answered with the same ticket")
    func retransmission() {
        let harness = TURNHarness(.mobile)
        let client = harness.client()
        client.challenge()
        let request = client.make(.allocate, [.udp, .wantsTicket])
        let first = client.send(request)
        #expect(first?.ticket != nil)
        #expect(client.send(request)?.bytes == first?.bytes)
    }

    @Test("nobody may move without credentials, whose packets anybody could imitate", .requirement("R8016-7-2"))
    func anonymous() {
        let harness = TURNHarness(.mobile.with { $0.settings.access = .anonymous })
        let client = harness.client()
        #expect(client.send(client.bare(.allocate, .request, [.udp, .wantsTicket]))?.errorCode == 405)
    }
}

@Suite("RFC 8016 §3.2.2 — Receiving a Refresh Request")
struct RFC8016Section3_2_2 {
    private let harness = TURNHarness(.mobile)
    private let old: TestClient
    private let new: TestClient
    private let ticket: [UInt8]

    init() {
        old = harness.client()
        new = harness.client("203.0.113.9:50000")
        ticket = old.allocate([.wantsTicket])?.ticket ?? []
        old.bind(0x4000, "8.0.0.1:9")
        old.permit("8.0.0.2")
    }

    @Test("a ticket brings the allocation along, with relay, permissions and channels", .requirement("R8016-3.2.2-1"))
    func moves() {
        let relay = old.relay()
        let answer = new.refresh(900, [.ticket(ticket)])
        #expect(answer?.lifetime == 900)
        #expect(new.channelData(0x4000, [1]) == .sent(.init(source: relay!, peer: socket("8.0.0.1:9"), payload: [1])))
        #expect(new.relay() == relay)
        #expect(new.hears([2], from: "8.0.0.1:9") == .delivered(new.path, [0x40, 0, 0, 1, 2]))
        guard case .delivered(new.path, _) = new.hears([2], from: "8.0.0.2:7") else {
            Issue.record("the permission came along")
            return
        }
        #expect(harness.server.counters.allocationsMoved == 1)
        #expect(harness.ledger.liveCounts == (1, 1))
    }

    @Test("the ticket of each success is a new one, and the last one counts", .requirement("R8016-3.2.2-2"))
    func newTicket() {
        let second = new.refresh(nil, [.ticket(ticket)])?.ticket
        #expect(second?.count == 32 && second != ticket)
        _ = new.channelData(0x4000, [1])
        let third = harness.client("203.0.113.9:50001")
        #expect(third.refresh(nil, [.ticket(ticket)])?.errorCode == 400)
        #expect(third.refresh(nil, [.ticket(second ?? [])])?.isSuccess == true)
    }

    @Test("until data comes by the new five-tuple the old one is good, both ways", .requirement("R8016-3.2.2-3"))
    func makeBeforeBreak() {
        let relay = old.relay()!
        new.refresh(nil, [.ticket(ticket)])
        let sent = TURNHarness.ClientResult.sent(.init(source: relay, peer: socket("8.0.0.1:9"), payload: [1]))
        #expect(old.channelData(0x4000, [1]) == sent)
        #expect(old.hears([2], from: "8.0.0.1:9") == .delivered(old.path, [0x40, 0, 0, 1, 2]))
        #expect(old.refresh()?.isSuccess == true)
        // The first data makes the change; the old five-tuple is nobody's from then on.
        #expect(new.sendIndication([1], to: "8.0.0.1:9") == sent)
        #expect(old.channelData(0x4000, [1]) == .dropped(.noAllocation))
        #expect(old.refresh()?.errorCode == 437)
        #expect(new.refresh()?.isSuccess == true)
    }

    @Test("a request by the new five-tuple makes the change as data does", .requirement("R8016-3.2.2-3"))
    func requestMakesTheChange() {
        new.refresh(nil, [.ticket(ticket)])
        // Somebody else's does not, whoever they are.
        let stranger = harness.client("203.0.113.9:50000", .bob)
        #expect(stranger.refresh()?.errorCode == 441)
        #expect(new.send(new.bare(.refresh))?.errorCode == 401)
        #expect(old.refresh()?.isSuccess == true)
        #expect(new.permit("8.0.0.3")?.isSuccess == true)
        #expect(old.refresh()?.errorCode == 437)
    }

    @Test("the old five-tuple may be somebody else's afterwards")
    func oldFiveTuple() {
        new.refresh(nil, [.ticket(ticket)])
        _ = new.channelData(0x4000, [1])
        let other = harness.client("198.51.100.7:40000", .bob)
        #expect(other.allocate()?.isSuccess == true)
        #expect(new.hears([2], from: "8.0.0.1:9") == .delivered(new.path, [0x40, 0, 0, 1, 2]))
        #expect(new.refresh(0)?.isSuccess == true)
        #expect(other.refresh()?.isSuccess == true)
    }

    @Test("a ticket shown by the five-tuple that has the allocation is 400", .requirement("R8016-3.2.2-4"))
    func sameFiveTuple() {
        #expect(old.refresh(nil, [.ticket(ticket)])?.errorCode == 400)
        // The ticket is not spent by that.
        #expect(new.refresh(nil, [.ticket(ticket)])?.isSuccess == true)
    }

    @Test(
        "a ticket that is not ours is 400, and nobody else is asked about it", .requirement("R8016-3.2.2-5"),
        arguments: [[], [1], [UInt8](repeating: 0, count: 32), [UInt8](repeating: 7, count: 400)])
    func forged(_ forged: [UInt8]) {
        #expect(new.refresh(nil, [.ticket(forged)])?.errorCode == 400)
        #expect(!harness.outputs.contains { if case .mobility = $0 { true } else { false } })
    }

    @Test("a ticket with any bit changed is 400", .requirement("R8016-3.2.2-5"))
    func everyBit() {
        new.challenge(.refresh)
        for bit in 0..<ticket.count * 8 {
            var changed = ticket
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(new.send(new.make(.refresh, [.ticket(changed)]))?.errorCode == 400)
        }
    }

    @Test("a ticket of another server is 400", .requirement("R8016-3.2.2-5"))
    func otherSecret() {
        let other = TicketAuthority(secret: Array("another secret".utf8))
        let sealed = other.seal(
            MobilityTicket(mobility: MobilityID(rawValue: 1), serial: 0, owner: other.owner(Array("alice".utf8))))
        #expect(new.refresh(nil, [.ticket(sealed.span.bytes.array())])?.errorCode == 400)
    }

    @Test("a ticket of an allocation that has ended is 437", .requirement("R8016-3.2.2-6"))
    func ended() {
        old.refresh(0)
        let code = new.refresh(nil, [.ticket(ticket)])?.errorCode
        // One worker alone has nobody to ask; the shell says that nobody has it.
        #expect(code == nil)
        guard case .mobility(.claim(let claim)) = harness.outputs.last else {
            Issue.record("the shell is asked who has it")
            return
        }
        let answer = harness.run(.claimAnswer(claim, .refused(.allocationMismatch))).first
        #expect(answer?.errorCode == 437)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
    }

    @Test("somebody else's ticket is 441, even with credentials that hold", .requirement("R8016-3.2.2-7"))
    func otherUser() {
        let thief = harness.client("203.0.113.9:50000", .bob)
        #expect(thief.refresh(nil, [.ticket(ticket)])?.errorCode == 441)
        #expect(old.refresh()?.isSuccess == true)
    }

    @Test("a ticket without credentials is 401", .requirement("R8016-7-2"))
    func noCredentials() {
        #expect(new.send(new.bare(.refresh, .request, [.ticket(ticket)]))?.errorCode == 401)
        let liar = harness.client("203.0.113.9:50000", TestCredentials("alice", "guess"))
        #expect(liar.refresh(nil, [.ticket(ticket)])?.errorCode == 401)
    }

    @Test("a ticket on a five-tuple that has another allocation is 437")
    func occupied() {
        new.allocate()
        #expect(new.refresh(nil, [.ticket(ticket)])?.errorCode == 437)
        #expect(old.refresh()?.isSuccess == true)
    }

    @Test("a retransmission gets the same answer, before and after the change", .requirement("R8016-3.2.2-8"))
    func retransmission() {
        new.challenge(.refresh)
        let request = new.make(.refresh, [.lifetime(700), .ticket(ticket)])
        let first = new.send(request)
        #expect(first?.lifetime == 700)
        #expect(new.send(request)?.bytes == first?.bytes)
        _ = new.channelData(0x4000, [1])
        #expect(new.send(request)?.bytes == first?.bytes)
        harness.advance(.seconds(30))
        #expect(new.send(request)?.bytes == first?.bytes)
    }

    @Test("lifetime 0 with a ticket deletes the allocation", .requirement("R8016-3.2.2-9"))
    func deletes() {
        let answer = new.refresh(0, [.ticket(ticket)])
        #expect(answer?.lifetime == 0)
        #expect(answer?.has(.mobilityTicket) == false)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.closed.map(\.end) == [.deletedByClient])
    }

    @Test("who never comes by the new five-tuple keeps the old one, and may try another")
    func another() {
        let second = new.refresh(nil, [.ticket(ticket)])?.ticket ?? []
        let third = harness.client("203.0.113.9:50001")
        #expect(third.refresh(nil, [.ticket(second)])?.isSuccess == true)
        #expect(harness.expected == [third.path])
        #expect(new.channelData(0x4000, [1]) == .dropped(.noAllocation))
        #expect(old.refresh()?.isSuccess == true)
        guard case .sent = third.channelData(0x4000, [1]) else {
            Issue.record("the last one is expected")
            return
        }
    }

    @Test("an arrival is forgotten when its allocation ends, or the client allocates anew")
    func forgotten() {
        new.refresh(600, [.ticket(ticket)])
        old.refresh(0)
        #expect(harness.expected.isEmpty)
        #expect(new.allocate([.wantsTicket])?.isSuccess == true)
        let third = harness.client("203.0.113.9:50001")
        third.allocate()
        #expect(harness.expected.isEmpty)
    }

    @Test("permissions and channels keep their ends: a move prolongs the allocation alone")
    func deadlines() {
        harness.advance(.seconds(200))
        new.refresh(nil, [.ticket(ticket)])
        _ = new.channelData(0x4000, [1])
        harness.advance(.seconds(99))
        #expect(new.hears([2], from: "8.0.0.1:9") == .delivered(new.path, [0x40, 0, 0, 1, 2]))
        harness.advance(.seconds(2))
        #expect(new.hears([2], from: "8.0.0.1:9") == .dropped(.noPermission))
    }

    @Test("the quota stays with the address that allocated")
    func quota() {
        let harness = TURNHarness(.mobile.with { $0.quota.perSource = 1 })
        let (old, new) = (harness.client(), harness.client("203.0.113.9:50000"))
        let ticket = old.allocate([.wantsTicket])?.ticket ?? []
        new.refresh(nil, [.ticket(ticket)])
        #expect(new.permit("8.0.0.1")?.isSuccess == true)
        #expect(harness.client("198.51.100.7:40001").allocate()?.errorCode == 486)
        #expect(new.refresh(0)?.isSuccess == true)
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.client("198.51.100.7:40001").allocate()?.isSuccess == true)
    }

    @Test("from UDP to TCP and back: ChannelData is padded as the transport says")
    func transports() {
        let tcp = harness.client("198.51.100.7:40000", over: .tcp)
        let second = tcp.refresh(nil, [.ticket(ticket)])?.ticket ?? []
        _ = tcp.channelData(0x4000, [1, 0, 0, 0])
        #expect(tcp.hears([2], from: "8.0.0.1:9") == .delivered(tcp.path, [0x40, 0, 0, 1, 2, 0, 0, 0]))
        #expect(old.refresh(nil, [.ticket(second)])?.isSuccess == true)
        _ = old.channelData(0x4000, [1])
        #expect(old.hears([2], from: "8.0.0.1:9") == .delivered(old.path, [0x40, 0, 0, 1, 2]))
        // The connection that was left ends, and nothing with it.
        harness.disconnect(tcp.path)
        #expect(old.refresh()?.isSuccess == true)
    }
}
