import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8016 — a five-tuple that was shown with a ticket and is another's when the old connection ends")
struct RFC8016Arrivals {
    private let harness = TURNHarness(.mobile)
    private let old: TestClient
    private let new: TestClient
    private let ticket: [UInt8]

    init() {
        old = harness.client(over: .tcp)
        new = harness.client("203.0.113.9:50000", over: .tcp)
        ticket = old.allocate([.wantsTicket])?.ticket ?? []
        old.bind(0x4000, "8.0.0.1:9")
    }

    @Test("it has an allocation of its own", .requirement("RI-mobility-3"))
    func allocated() {
        let second = new.refresh(nil, [.ticket(ticket)])?.ticket ?? []
        #expect(new.allocate()?.isSuccess == true)
        harness.disconnect(old.path)
        #expect(harness.server.liveCounts.allocations == 2)
        #expect(new.refresh(0)?.isSuccess == true)
        // The first one waits for the ticket.
        #expect(new.refresh(nil, [.ticket(second)])?.isSuccess == true)
        #expect(new.hears([2], from: "8.0.0.1:9") == .delivered(new.path, [0x40, 0, 0, 1, 2, 0, 0, 0]))
    }

    @Test("another allocation is expected there", .requirement("RI-mobility-3"))
    func expected() {
        let other = harness.client("203.0.113.10:50000", over: .tcp)
        let otherTicket = other.allocate([.wantsTicket])?.ticket ?? []
        let second = new.refresh(nil, [.ticket(ticket)])?.ticket ?? []
        #expect(new.refresh(nil, [.ticket(otherTicket)])?.isSuccess == true)
        harness.disconnect(other.path)
        harness.disconnect(old.path)
        #expect(harness.server.liveCounts.allocations == 2)
        #expect(new.refresh(0)?.isSuccess == true)
        #expect(new.refresh(nil, [.ticket(second)])?.isSuccess == true)
        #expect(new.hears([2], from: "8.0.0.1:9") == .delivered(new.path, [0x40, 0, 0, 1, 2, 0, 0, 0]))
    }

    @Test("its connection has ended", .requirement("RI-mobility-3"))
    func gone() {
        let second = new.refresh(nil, [.ticket(ticket)])?.ticket ?? []
        harness.disconnect(new.path)
        harness.disconnect(old.path)
        // Whoever comes from there next is nobody in particular.
        #expect(new.refresh()?.errorCode == 437)
        #expect(new.refresh(nil, [.ticket(second)])?.isSuccess == true)
        #expect(new.hears([2], from: "8.0.0.1:9") == .delivered(new.path, [0x40, 0, 0, 1, 2, 0, 0, 0]))
    }

    @Test("it has become the data connection of a peer", .requirement("RI-tcp-4"))
    func bound() throws {
        let control = harness.client("203.0.113.11:50000", over: .tcp)
        control.allocateTCP()
        control.permit("8.0.0.1")
        let listener = try #require(control.listener)
        let id = try #require(harness.peerConnects("8.0.0.1:5000", to: listener)?.connection)
        let second = new.refresh(nil, [.ticket(ticket)])?.ticket ?? []
        #expect(harness.expected.contains(new.path))
        #expect(new.bindConnection(id)?.isSuccess == true)
        #expect(harness.expected.isEmpty)
        harness.disconnect(old.path)
        let third = harness.client("203.0.113.12:50000", over: .tcp)
        #expect(third.refresh(nil, [.ticket(second)])?.isSuccess == true)
        #expect(third.hears([2], from: "8.0.0.1:9") == .delivered(third.path, [0x40, 0, 0, 1, 2, 0, 0, 0]))
    }
}
