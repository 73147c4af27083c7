import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §7.2, §18.10 — EVEN-PORT with R = 1 and RESERVATION-TOKEN")
struct RFC8656Reservations {
    private let harness = TURNHarness()

    private func reserve(_ harness: TURNHarness) -> (client: TestClient, port: UInt16, token: [UInt8]) {
        let client = harness.client()
        let response = client.allocate([.evenPortAndNext])
        #expect(response?.token?.count == 8)
        return (client, response?.relayed.first?.port ?? 0, response?.token ?? [])
    }

    @Test("the next port is held under a token", .requirement("R8656-7.2-21"))
    func reserves() {
        let (_, port, token) = reserve(harness)
        #expect(port % 2 == 0)
        #expect(
            harness.outputs.contains {
                guard case .openRelay(_, let address, let held) = $0 else { return false }
                return address.port == port && held == token.number
            })
        #expect(harness.ledger.liveCounts == (2, 2))
        #expect(harness.server.liveCounts.reservations == 1)
    }

    @Test("the token yields exactly the port that was held", .requirement("R8656-7.2-22"))
    func claims() {
        let (_, port, token) = reserve(harness)
        let second = harness.client("198.51.100.7:40001", .bob)
        let response = second.allocate([.token(token)])
        #expect(response?.relayed == [SocketAddress(ip: ip("192.0.2.1"), port: port + 1)])
        #expect(response?.lifetime == 600)
        #expect(response?.token == nil)
        #expect(second.permit("8.0.0.1")?.isSuccess == true)
        #expect(second.sendIndication([1], to: "8.0.0.1:9") != .dropped(.noPermission))
        // Both ends, and the end of the token, give everything back once.
        harness.advance(.seconds(31))
        #expect(harness.server.liveCounts.reservations == 0)
        #expect(harness.ledger.liveCounts == (2, 2))
        harness.advance(.seconds(600))
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.ledger.returned.map(\.port).sorted() == [port, port + 1])
    }

    @Test("a token is good once", .requirement("R8656-7.2-23"))
    func once() {
        let (_, _, token) = reserve(harness)
        #expect(harness.client("198.51.100.7:40001").allocate([.token(token)])?.isSuccess == true)
        #expect(harness.client("198.51.100.7:40002").allocate([.token(token)])?.errorCode == 508)
        // The client that made it cannot claim it on the same five-tuple.
        #expect(harness.client("198.51.100.7:40000").allocate([.token(token)])?.errorCode == 437)
    }

    @Test("an unknown token gets 508, and nothing is kept", .requirement("R8656-7.2-24"))
    func unknown() {
        let response = harness.client().allocate([.token([1, 2, 3, 4, 5, 6, 7, 8])])
        #expect(response?.errorCode == 508)
        #expect(response?.isProtected(sha1: TestCredentials.alice.md5Key) == true)
        #expect(
            harness.outputs.contains {
                guard case .claimReservation(_, let token) = $0 else { return false }
                return token == 0x0102_0304_0506_0708
            })
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
    }

    @Test("a token lasts thirty seconds, then its port returns to the pool", .requirement("R8656-7.2-25"))
    func expires() {
        let (_, port, token) = reserve(harness)
        harness.advance(.milliseconds(29_999))
        #expect(harness.held.count == 1)
        harness.advance(.milliseconds(1))
        #expect(harness.held.isEmpty)
        #expect(harness.outputs == [.endReservation(token: token.number)])
        #expect(harness.ledger.liveCounts == (1, 1))
        #expect(harness.ledger.returned.map(\.port) == [port + 1])
        #expect(harness.client("198.51.100.7:40001").allocate([.token(token)])?.errorCode == 508)
    }

    @Test("a token just before its end is good", .requirement("R8656-7.2-25"))
    func lastMoment() {
        let (_, _, token) = reserve(harness)
        let second = harness.client("198.51.100.7:40001")
        second.challenge()
        harness.advance(.milliseconds(29_999))
        #expect(second.allocate([.token(token)])?.isSuccess == true)
        harness.advance(.seconds(2))
        #expect(harness.sessions.count == 2)
    }

    @Test("the held port outlives the allocation that reserved it", .requirement("R8656-7.2-26"))
    func outlives() {
        let (first, port, token) = reserve(harness)
        first.refresh(0)
        #expect(harness.ledger.liveCounts == (1, 1))
        #expect(
            harness.client("198.51.100.7:40001").allocate([.token(token)])?.relayed.first?.port == port + 1)
    }

    @Test("a reservation counts against its user's quota while it lasts", .requirement("RI-quota-5"))
    func quota() {
        let harness = TURNHarness(TestSetup().with { $0.quota.perUser = 2 })
        _ = reserve(harness)
        #expect(harness.client("198.51.100.7:40001").allocate()?.errorCode == 486)
        harness.advance(.seconds(30))
        #expect(harness.client("198.51.100.7:40001").allocate()?.isSuccess == true)
        #expect(harness.client("198.51.100.7:40002").allocate()?.errorCode == 486)
    }

    @Test("a redeemed token no longer counts beside the allocation it became", .requirement("RI-quota-5"))
    func redeemedWithinQuota() {
        let harness = TURNHarness(TestSetup().with { $0.quota.perUser = 2 })
        let (_, port, token) = reserve(harness)
        let second = harness.client("198.51.100.7:40001")
        #expect(second.allocate([.token(token)])?.relayed.first?.port == port + 1)
        #expect(harness.ledger.liveCounts == (2, 2))
        #expect(harness.client("198.51.100.7:40002").allocate()?.errorCode == 486)
    }

    @Test("a redemption that is refused leaves the other's reservation as it was", .requirement("RI-quota-5"))
    func refusedRedemption() {
        let harness = TURNHarness(TestSetup().with { $0.quota.perUser = 2 })
        let (_, _, token) = reserve(harness)
        for port in 1...2 { #expect(harness.client("198.51.100.9:\(port)", .bob).allocate()?.isSuccess == true) }
        #expect(harness.client("198.51.100.9:3", .bob).allocate([.token(token)])?.errorCode == 486)
        // The reservation still counts for the one who made it, and can still be redeemed.
        #expect(harness.client("198.51.100.7:40001").allocate()?.errorCode == 486)
        #expect(harness.client("198.51.100.7:40002").allocate([.token(token)])?.isSuccess == true)
    }

    @Test("so many reservations at a time and no more", .requirement("RI-limits-2"))
    func limit() {
        let harness = TURNHarness(TestSetup(limits: Limits(allocationsMax: 100, reservationsMax: 3)))
        for number in 0..<3 {
            #expect(harness.client("198.51.100.7:\(1 + number)").allocate([.evenPortAndNext])?.isSuccess == true)
        }
        #expect(harness.client("198.51.100.7:4").allocate([.evenPortAndNext])?.errorCode == 508)
        #expect(harness.client("198.51.100.7:5").allocate([.evenPort])?.isSuccess == true)
        #expect(harness.ledger.liveCounts == (7, 7))
        harness.advance(.seconds(30))
        #expect(harness.client("198.51.100.7:4").allocate([.evenPortAndNext])?.isSuccess == true)
    }

    @Test("places are set aside for reservations whose sockets are being opened", .requirement("RI-limits-2"))
    func limitWhileOpening() {
        let harness = TURNHarness(TestSetup(limits: Limits(allocationsMax: 100, reservationsMax: 1)))
        harness.opensLater = true
        #expect(harness.client("198.51.100.7:1").allocate([.evenPortAndNext]) == nil)
        #expect(harness.client("198.51.100.7:2").allocate([.evenPortAndNext])?.errorCode == 508)
        #expect(harness.settleNextRelay()?.token != nil)
        #expect(harness.client("198.51.100.7:2").allocate([.evenPortAndNext])?.errorCode == 508)
    }

    @Test("tokens are not made in order", .requirement("RI-relay-11"))
    func unguessable() {
        let tokens = (0..<20).compactMap {
            harness.client("198.51.100.7:\(40000 + $0)").allocate([.evenPortAndNext])?.token?.number
        }
        #expect(Set(tokens.map { $0 >> 32 }).count == 20)
        #expect(tokens != tokens.sorted())
    }
}
