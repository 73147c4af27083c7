import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8016 §3.2.2 — a client whose new five-tuple is another worker's")
struct RFC8016Workers {
    private let office: TestOffice
    private let (first, second): (TURNHarness, TURNHarness)
    private let old: TestClient
    private let new: TestClient
    private let ticket: [UInt8]

    init() { self.init(.mobile) }

    private init(_ setup: TestSetup, members: TestMembers? = nil) {
        office = TestOffice(setup, count: 3, members: members)
        (first, second) = (office.workers[0], office.workers[1])
        old = first.client()
        new = second.client("203.0.113.9:50000")
        ticket = old.allocate([.wantsTicket])?.ticket ?? []
        old.bind(0x4000, "8.0.0.1:9")
        old.permit("8.0.0.2")
    }

    @Test("the allocation follows with all that belongs to it", .requirement("R8016-3.2.2-1"))
    func follows() {
        let relay = old.relay()!
        #expect(new.refresh(900, [.ticket(ticket)])?.lifetime == 900)
        // Only the client's first message by the new five-tuple makes the change.
        #expect(second.server.liveCounts.allocations == 0)
        #expect(old.refresh()?.isSuccess == true)
        #expect(new.channelData(0x4000, [1]) == .sent(.init(source: relay, peer: socket("8.0.0.1:9"), payload: [1])))
        #expect(first.server.liveCounts == (0, 0, 0, 0))
        #expect(second.server.liveCounts.allocations == 1)
        #expect(new.hears([2], from: "8.0.0.1:9") == .delivered(new.path, [0x40, 0, 0, 1, 2]))
        #expect(old.refresh()?.errorCode == 437)
        #expect(office.ledger.liveCounts == (1, 1))
        #expect(first.server.counters.allocationsHandedOver == 1)
        #expect(second.server.counters.allocationsAdopted == 1)
        #expect(second.expected.isEmpty)
    }

    @Test("a request makes the change too, and is answered when the allocation has come")
    func request() {
        new.refresh(nil, [.ticket(ticket)])
        #expect(new.permit("8.0.0.3")?.isSuccess == true)
        #expect(second.server.liveCounts.allocations == 1)
        guard case .delivered(new.path, _) = new.hears([2], from: "8.0.0.3:1") else {
            Issue.record("the permission is there")
            return
        }
    }

    @Test("what has been relayed and how long things live goes along")
    func counters() {
        _ = old.channelData(0x4000, [1, 2, 3])
        first.advance(.seconds(250))
        second.advance(.seconds(250))
        new.refresh(nil, [.ticket(ticket)])
        _ = new.channelData(0x4000, [1])
        office.advance(.seconds(51))
        #expect(new.hears([2], from: "8.0.0.1:9") == .dropped(.noPermission))
        new.refresh(0)
        #expect(second.closed.map(\.traffic.toPeerBytes) == [4])
        #expect(office.ledger.liveCounts == (0, 0))
        #expect(office.ledger.returned.count == 1)
    }

    @Test("of two workers that are shown one ticket at a time, one gets it", .requirement("R8016-3.2.2-2"))
    func race() {
        let other = office.workers[2].client("192.0.2.200:50000")
        for client in [new, other] { client.challenge(.refresh) }
        office.isHeld = true
        new.send(new.make(.refresh, [.ticket(ticket)]))
        other.send(other.make(.refresh, [.ticket(ticket)]))
        office.isHeld = false
        let answers = office.deliver()
        #expect(answers.map(\.errorCode) == [nil, 400])
        #expect(answers.map(\.path) == [new.path, other.path])
        #expect(other.channelData(0x4000, [1]) == .dropped(.noAllocation))
        guard case .sent = new.channelData(0x4000, [1]) else {
            Issue.record("the first one has it")
            return
        }
    }

    @Test("who moves on before the first message is expected at the last place alone")
    func twice() {
        let third = office.workers[2].client("192.0.2.200:50000")
        let next = new.refresh(nil, [.ticket(ticket)])?.ticket ?? []
        #expect(third.refresh(nil, [.ticket(next)])?.isSuccess == true)
        #expect(second.expected.isEmpty)
        #expect(new.channelData(0x4000, [1]) == .dropped(.noAllocation))
        guard case .sent = third.channelData(0x4000, [1]) else {
            Issue.record("the last place has it")
            return
        }
    }

    @Test("there and back again, each time with a new ticket")
    func backAndForth() {
        var ticket = ticket
        for _ in 0..<10 {
            for client in [new, old] {
                let answer = client.refresh(nil, [.ticket(ticket)])
                #expect(answer?.isSuccess == true)
                ticket = answer?.ticket ?? []
                guard case .sent = client.channelData(0x4000, [1]) else {
                    Issue.record("the client has its allocation")
                    return
                }
            }
        }
        #expect(office.ledger.liveCounts == (1, 1))
        #expect(second.server.liveCounts == (0, 0, 0, 0))
    }

    @Test("a forged ticket and one of another user cost no message between workers", .requirement("RI-mobility-2"))
    func forged() {
        let thief = second.client("203.0.113.9:50001", .bob)
        for count in 0..<100 {
            let forged = [UInt8](repeating: UInt8(count), count: 32)
            #expect(new.refresh(nil, [.ticket(forged)])?.errorCode == 400)
            #expect(thief.refresh(nil, [.ticket(ticket)])?.errorCode == 441)
        }
        #expect(office.log.isEmpty)
    }

    @Test("a ticket whose allocation has ended is 437", .requirement("R8016-3.2.2-6"))
    func ended() {
        old.refresh(0)
        #expect(new.refresh(nil, [.ticket(ticket)])?.errorCode == 437)
        #expect(second.server.liveCounts == (0, 0, 0, 0))
    }

    @Test("an allocation that ends before its client comes is 437 there", .requirement("R8016-3.2.2-6"))
    func endsMeanwhile() {
        new.refresh(nil, [.ticket(ticket)])
        old.refresh(0)
        #expect(second.expected.isEmpty)
        #expect(new.refresh()?.errorCode == 437)
    }

    @Test("an allocation that expires while its client is fetched is not there any more")
    func expires() {
        new.refresh(600, [.ticket(ticket)])
        office.isHeld = true
        // The client shows itself in the last moment.
        second.advance(.seconds(599))
        _ = new.channelData(0x4000, [1])
        first.advance(.seconds(601))
        office.isHeld = false
        office.deliver()
        #expect(office.ledger.liveCounts == (0, 0))
        #expect(second.server.liveCounts.allocations == 0)
        #expect(new.channelData(0x4000, [1]) == .dropped(.noAllocation))
    }

    @Test("a deletion by a ticket reaches the worker that has the allocation", .requirement("R8016-3.2.2-9"))
    func deletes() {
        #expect(new.refresh(0, [.ticket(ticket)])?.lifetime == 0)
        #expect(office.ledger.liveCounts == (0, 0))
        #expect(first.closed.map(\.end) == [.deletedByClient])
        #expect(second.expected.isEmpty)
    }

    @Test("a retransmission gets the same answer at every moment", .requirement("R8016-3.2.2-8"))
    func retransmission() {
        new.challenge(.refresh)
        let request = new.make(.refresh, [.ticket(ticket)])
        office.isHeld = true
        #expect(new.send(request) == nil)
        #expect(new.send(request) == nil)
        office.isHeld = false
        let answer = office.deliver()
        #expect(answer.count == 1 && answer[0].isSuccess)
        #expect(new.send(request)?.bytes == answer[0].bytes)
        _ = new.channelData(0x4000, [1])
        #expect(new.send(request)?.bytes == answer[0].bytes)
    }

    @Test("the answer may be lost between the workers: the client asks again, and is remembered")
    func lostAnswer() {
        new.challenge(.refresh)
        let request = new.make(.refresh, [.ticket(ticket)])
        office.isHeld = true
        new.send(request)
        // The owner decides, and nobody hears of it.
        guard case .mobility(.claim(let claim)) = second.outputs.last else {
            Issue.record("the owner is asked")
            return
        }
        let now = first.now
        _ = first.run(.other { _ = $0.receive(claim, from: ArrivalPlace(rawValue: 1), at: now) })
        office.dropAll()
        office.isHeld = false
        office.advance(.seconds(6))
        #expect(new.send(request)?.isSuccess == true)
        guard case .sent = new.channelData(0x4000, [1]) else {
            Issue.record("the client has its allocation")
            return
        }
    }

    @Test(
        "at a worker without room the answer is 500, and the allocation stays where it is",
        .requirement("RI-mobility-4"))
    func noRoom() {
        let tests = RFC8016Workers(
            TestSetup(limits: Limits(allocationsMax: 2)).with {
                $0.settings.tickets = TicketAuthority(secret: [1])
            })
        let guests = (0..<2).map { tests.second.client("203.0.113.77:\(40_000 + $0)", .bob) }
        guests[0].allocate()
        // At the limit less one there is room, and it is kept for who is expected.
        #expect(tests.new.refresh(nil, [.ticket(tests.ticket)])?.isSuccess == true)
        #expect(guests[1].allocate()?.errorCode == 508)
        guard case .sent = tests.new.channelData(0x4000, [1]) else {
            Issue.record("the room was kept")
            return
        }
        // At the limit there is none.
        let other = tests.first.client("198.51.100.8:1", .bob)
        let ticket = other.allocate([.wantsTicket])?.ticket ?? []
        let guest = tests.second.client("203.0.113.9:50002", .bob)
        #expect(guest.refresh(nil, [.ticket(ticket)])?.errorCode == 500)
        #expect(other.refresh()?.isSuccess == true)
        guests[0].refresh(0)
        #expect(guest.refresh(nil, [.ticket(ticket)])?.isSuccess == true)
    }

    @Test("a claim that nobody answers is forgotten after five seconds", .requirement("RI-mobility-4"))
    func unanswered() {
        new.challenge(.refresh)
        office.isHeld = true
        new.send(new.make(.refresh, [.ticket(ticket)]))
        let before = second.server.hasArrivals
        second.advance(.seconds(5) + .milliseconds(2))
        let after = second.server.hasArrivals
        #expect(before && !after)
    }
}

@Suite("RFC 8016 — connections that end, and people who are put out")
struct RFC8016Ends {
    private let office = TestOffice(.mobile)
    private var first: TURNHarness { office.workers[0] }
    private var second: TURNHarness { office.workers[1] }

    @Test("a connection that ends leaves its allocation waiting for the ticket", .requirement("RI-mobility-3"))
    func waits() {
        let old = first.client(over: .tcp)
        let ticket = old.allocate([.wantsTicket])?.ticket ?? []
        old.bind(0x4000, "8.0.0.1:9")
        let relay = old.relay()!
        first.disconnect(old.path)
        #expect(first.server.liveCounts.allocations == 1)
        // Nobody can use it meanwhile, least of all whoever comes from the same address.
        #expect(first.peerSends([1], from: socket("8.0.0.1:9"), to: relay) == .dropped(.noPermission))
        let stranger = first.client("198.51.100.7:40000", .bob, over: .tcp)
        #expect(stranger.refresh()?.errorCode == 437)
        #expect(stranger.allocate()?.isSuccess == true)
        let new = second.client("203.0.113.9:50000")
        #expect(new.refresh(nil, [.ticket(ticket)])?.isSuccess == true)
        // There is no old five-tuple to wait for.
        #expect(first.server.liveCounts.allocations == 1)
        #expect(new.hears([2], from: "8.0.0.1:9") == .delivered(new.path, [0x40, 0, 0, 1, 2]))
        #expect(stranger.refresh(0)?.isSuccess == true)
    }

    @Test("the same on the same worker, and on the very same five-tuple")
    func returns() {
        let old = first.client(over: .tcp)
        let ticket = old.allocate([.wantsTicket])?.ticket ?? []
        old.bind(0x4000, "8.0.0.1:9")
        first.disconnect(old.path)
        let answer = old.refresh(nil, [.ticket(ticket)])
        #expect(answer?.isSuccess == true)
        #expect(old.hears([2], from: "8.0.0.1:9") == .delivered(old.path, [0x40, 0, 0, 1, 2, 0, 0, 0]))
        first.disconnect(old.path)
        let udp = first.client()
        #expect(udp.refresh(nil, [.ticket(answer?.ticket ?? [])])?.isSuccess == true)
        #expect(udp.hears([2], from: "8.0.0.1:9") == .delivered(udp.path, [0x40, 0, 0, 1, 2]))
    }

    @Test("an allocation that nobody comes back to expires, and gives all back", .requirement("RI-mobility-3"))
    func expires() {
        let old = first.client(over: .tcp)
        old.allocate([.wantsTicket])
        old.bind(0x4000, "8.0.0.1:9")
        first.disconnect(old.path)
        office.advance(.seconds(599))
        #expect(office.ledger.liveCounts == (1, 1))
        office.advance(.seconds(2))
        #expect(office.ledger.liveCounts == (0, 0))
        #expect(first.server.liveCounts == (0, 0, 0, 0))
        #expect(first.closed.map(\.end) == [.expired])
    }

    @Test("the end of the old connection makes the change", .requirement("R8016-3.2.2-10"))
    func oldConnectionEnds() {
        let old = first.client(over: .tcp)
        let ticket = old.allocate([.wantsTicket])?.ticket ?? []
        old.bind(0x4000, "8.0.0.1:9")
        let new = second.client("203.0.113.9:50000", over: .tcp)
        let next = new.refresh(nil, [.ticket(ticket)])?.ticket ?? []
        first.disconnect(old.path)
        office.deliver()
        #expect(first.server.liveCounts == (0, 0, 0, 0))
        #expect(new.hears([2], from: "8.0.0.1:9") == .delivered(new.path, [0x40, 0, 0, 1, 2, 0, 0, 0]))
        // The same on one worker.
        let near = second.client("203.0.113.9:50001", over: .tcp)
        near.refresh(nil, [.ticket(next)])
        second.disconnect(new.path)
        #expect(near.hears([2], from: "8.0.0.1:9") == .delivered(near.path, [0x40, 0, 0, 1, 2, 0, 0, 0]))
    }

    @Test("a new connection that ends before it was used takes nothing along")
    func newConnectionEnds() {
        let old = first.client()
        let ticket = old.allocate([.wantsTicket])?.ticket ?? []
        let new = second.client("203.0.113.9:50000", over: .tcp)
        let next = new.refresh(nil, [.ticket(ticket)])?.ticket ?? []
        second.disconnect(new.path)
        #expect(second.expected.isEmpty)
        #expect(old.refresh()?.isSuccess == true)
        #expect(new.refresh(nil, [.ticket(next)])?.isSuccess == true)
        #expect(new.permit("8.0.0.1")?.isSuccess == true)
    }

    @Test(
        "who is put out while the allocation is on its way is put out where it arrives", .requirement("RI-mobility-5"))
    func revoked() {
        let members = TestMembers()
        var setup = TestSetup.ephemeral(secrets: ["north"])
        setup.settings.tickets = TicketAuthority(secret: [1])
        let office = TestOffice(setup, members: members)
        let (first, second) = (office.workers[0], office.workers[1])
        let name = "\(TURNHarness.unixStart + 1000):alice"
        let credentials = TestCredentials.ephemeral(name, secret: "north")
        let old = first.client("198.51.100.7:40000", credentials)
        let new = second.client("203.0.113.9:50000", credentials)
        let ticket = old.allocate([.wantsTicket])?.ticket ?? []
        new.refresh(nil, [.ticket(ticket)])
        // The register knows; the worker that has the allocation does not yet.
        let isRemembered = members.revoke(
            .user(Array("alice".utf8)), until: second.unixTime, at: second.now, unixTime: second.unixTime)
        #expect(isRemembered)
        second.revoke(.user(Array("alice".utf8)))
        _ = new.sendIndication([1], to: "8.0.0.1:9")
        #expect(second.closed.map(\.end) == [.revoked])
        #expect(office.ledger.liveCounts == (0, 0))
        #expect(second.server.liveCounts == (0, 0, 0, 0))
        #expect(first.server.liveCounts == (0, 0, 0, 0))
    }

    @Test("a name that has run out goes on with its allocation elsewhere, as it does where it is")
    func expiredName() {
        var setup = TestSetup.ephemeral(secrets: ["north"])
        setup.settings.tickets = TicketAuthority(secret: [1])
        let office = TestOffice(setup)
        let credentials = TestCredentials.ephemeral("\(TURNHarness.unixStart + 100):alice", secret: "north")
        let old = office.workers[0].client("198.51.100.7:40000", credentials)
        let new = office.workers[1].client("203.0.113.9:50000", credentials)
        let ticket = old.allocate([.wantsTicket])?.ticket ?? []
        office.advance(.seconds(200))
        #expect(new.allocate()?.errorCode == 401)
        #expect(new.refresh()?.errorCode == 401)
        #expect(new.refresh(nil, [.ticket(ticket)])?.isSuccess == true)
        #expect(new.permit("8.0.0.1")?.isSuccess == true)
        #expect(new.refresh()?.isSuccess == true)
    }
}
