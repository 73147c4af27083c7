import Containers
import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8016 — clients that move at random between three workers")
struct RFC8016Model {
    /// One client as its owner sees it: an allocation, the tickets that it was given, and where it has been.
    private struct Session {
        let credentials: TestCredentials
        var ticket: [UInt8]
        var spent: [[UInt8]] = []
        /// The five-tuple that it uses, and the one that it has announced last.
        var client: TestClient
        var next: TestClient?
        var isAttached = true
        var lifeEnds: Instant
    }

    private static let names: [TestCredentials] = [.alice, .bob]

    private static func client(_ office: TestOffice, _ random: inout SplitMix64, _ who: TestCredentials) -> TestClient {
        let worker = Int.random(in: 0..<3, using: &random)
        let address = "203.0.113.\(worker + 1):\(UInt16.random(in: 1024..<60_000, using: &random))"
        return office.workers[worker].client(address, who, over: Bool.random(using: &random) ? .udp : .tcp)
    }

    @Test(
        "an allocation has one owner at any time, and everything is given back", .requirement("RI-mobility-8"),
        arguments: 1...12 as ClosedRange<UInt64>)
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let office = TestOffice(.mobile, count: 3)
        var sessions: [Session] = []
        for step in 0..<250 {
            if sessions.count < 5 || Int.random(in: 0..<20, using: &random) == 0 {
                let who = Self.names[Int.random(in: 0..<2, using: &random)]
                let client = Self.client(office, &random, who)
                let ticket = client.allocate([.wantsTicket])?.ticket ?? []
                client.bind(0x4000, "8.0.0.1:9")
                sessions.append(
                    Session(
                        credentials: who, ticket: ticket, client: client,
                        lifeEnds: client.harness.now.advanced(bySeconds: 600)))
            }
            let index = Int.random(in: 0..<sessions.count, using: &random)
            act(on: &sessions[index], office, &random)
            if step % 10 == 9 { office.advance(.seconds(Int.random(in: 0..<100, using: &random))) }
            let now = office.workers[0].now
            sessions.removeAll { $0.ticket.isEmpty || $0.lifeEnds <= now }
            check(sessions, office, step)
        }
        office.advance(.seconds(700))
        #expect(office.ledger.liveCounts == (0, 0))
        for worker in office.workers {
            #expect(worker.server.liveCounts == (0, 0, 0, 0))
            let hasArrivals = worker.server.hasArrivals
            #expect(!hasArrivals && worker.expected.isEmpty && worker.sockets.isEmpty)
        }
    }

    private func act(on session: inout Session, _ office: TestOffice, _ random: inout SplitMix64) {
        switch Int.random(in: 0..<10, using: &random) {
        case 0...3:
            let new = Self.client(office, &random, session.credentials)
            let answer = new.refresh(600, [.ticket(session.ticket)])
            #expect(answer?.isSuccess == true)
            session.spent.append(session.ticket)
            session.ticket = answer?.ticket ?? []
            session.lifeEnds = new.harness.now.advanced(bySeconds: 600)
            session.next = new
            if !session.isAttached { arrive(&session) }
        case 4...6:
            guard let next = session.next else { return }
            // Data needs the channel, a request does not; whichever comes makes the change.
            if Bool.random(using: &random) {
                #expect(next.permit("8.0.0.2")?.isSuccess == true)
            } else {
                _ = next.channelData(0x4000, [1])
            }
            arrive(&session)
        case 7:
            guard session.isAttached, session.client.path.transport.isStream else { return }
            session.client.harness.disconnect(session.client.path)
            session.isAttached = false
            if session.next != nil { arrive(&session) }
        case 8:
            let thief = Self.client(office, &random, session.credentials)
            if let old = session.spent.randomElement(using: &random) {
                #expect(thief.refresh(nil, [.ticket(old)])?.errorCode == 400)
            }
            let stranger = Self.client(office, &random, session.credentials == .alice ? .bob : .alice)
            #expect(stranger.refresh(0, [.ticket(session.ticket)])?.errorCode == 441)
        default:
            guard Int.random(in: 0..<4, using: &random) == 0 else { return }
            let anywhere = Self.client(office, &random, session.credentials)
            #expect(anywhere.refresh(0, [.ticket(session.ticket)])?.lifetime == 0)
            session.ticket = []
        }
    }

    private func arrive(_ session: inout Session) {
        guard let next = session.next else { return }
        session.client = next
        session.next = nil
        session.isAttached = true
    }

    private func check(_ sessions: [Session], _ office: TestOffice, _ step: Int) {
        let live = office.workers.map { $0.server.liveCounts.allocations }
        #expect(live.reduce(0, +) == sessions.count, "step \(step)")
        #expect(office.ledger.liveCounts == (sessions.count, sessions.count), "step \(step)")
        #expect(office.workers.reduce(0) { $0 + $1.sockets.count } == sessions.count, "step \(step)")
        for session in sessions where session.isAttached {
            #expect(session.client.relay() != nil, "step \(step): the client is where it believes to be")
        }
    }
}
