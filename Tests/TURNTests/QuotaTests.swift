import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §7.2 (10) — quotas and capacity")
struct QuotaTests {
    private func harness(_ change: (inout TestSetup) -> Void) -> TURNHarness { TURNHarness(TestSetup().with(change)) }

    private func client(_ harness: TURNHarness, _ number: Int, _ credentials: TestCredentials = .alice) -> TestClient {
        harness.client("198.51.100.\(number):40000", credentials)
    }

    @Test("a user has so many allocations and no more; 486 after that", .requirement("R8656-7.2-30"))
    func perUser() {
        let harness = harness { $0.quota.perUser = 2 }
        let first = client(harness, 1)
        #expect(first.allocate()?.isSuccess == true)
        #expect(client(harness, 2).allocate()?.isSuccess == true)
        let refused = client(harness, 3)
        let response = refused.allocate()
        #expect(response?.errorCode == 486)
        #expect(response?.isProtected(sha1: TestCredentials.alice.md5Key) == true)
        #expect(client(harness, 4, .bob).allocate()?.isSuccess == true)
        #expect(harness.ledger.refusals == [.userQuota])
        // One leaves, one may come, at once.
        first.refresh(0)
        #expect(refused.allocate()?.isSuccess == true)
        #expect(client(harness, 5).allocate()?.errorCode == 486)
    }

    @Test("the server has so many allocations and no more", .requirement("R8656-7.2-31"))
    func total() {
        let harness = harness { $0.quota.total = 3 }
        let first = client(harness, 1)
        first.allocate()
        #expect(client(harness, 2).allocate()?.isSuccess == true)
        #expect(client(harness, 3, .bob).allocate()?.isSuccess == true)
        #expect(client(harness, 4, .bob).allocate()?.errorCode == 486)
        #expect(harness.ledger.refusals == [.totalQuota])
        harness.advance(.seconds(601))
        #expect(harness.sessions.isEmpty)
        #expect(client(harness, 4, .bob).allocate()?.isSuccess == true)
    }

    @Test("a source address has so many allocations and no more, whatever its ports", .requirement("RI-quota-1"))
    func perSource() {
        let harness = harness { $0.quota.perSource = 1 }
        #expect(harness.client("198.51.100.1:1").allocate()?.isSuccess == true)
        #expect(harness.client("198.51.100.1:2", .bob).allocate()?.errorCode == 486)
        #expect(harness.client("198.51.100.2:2").allocate()?.isSuccess == true)
        #expect(harness.ledger.refusals == [.sourceQuota])
    }

    @Test("bandwidth is handed out until it is gone", .requirement("RI-quota-2"))
    func bandwidth() {
        let harness = harness {
            $0.quota.bandwidthCapacity = 250
            $0.quota.bandwidthPerAllocation = 100
        }
        #expect(client(harness, 1).allocate()?.isSuccess == true)
        #expect(client(harness, 2).allocate()?.isSuccess == true)
        #expect(client(harness, 3).allocate()?.errorCode == 486)
        #expect(harness.ledger.refusals == [.bandwidth])
    }

    @Test("a worker without room for one more answers 508, and recovers", .requirement("R8656-7.2-32"))
    func workerFull() {
        let harness = TURNHarness(TestSetup(limits: Limits(allocationsMax: 2)))
        let first = client(harness, 1)
        #expect(first.allocate()?.isSuccess == true)
        #expect(client(harness, 2).allocate()?.isSuccess == true)
        #expect(client(harness, 3).allocate()?.errorCode == 508)
        #expect(harness.ledger.liveCounts == (2, 2))
        first.refresh(0)
        #expect(client(harness, 3).allocate()?.isSuccess == true)
    }

    @Test("without a free port the answer is 508, and the next free port is given out", .requirement("R8656-7.2-33"))
    func portsUsedUp() {
        let harness = harness {
            $0.ports = 50_000...50_002
            $0.quarantineSeconds = 1
        }
        let clients = (1...4).map { client(harness, $0) }
        let ports = clients.prefix(3).compactMap { $0.allocate()?.relayed.first?.port }
        #expect(Set(ports) == [50_000, 50_001, 50_002])
        #expect(clients[3].allocate()?.errorCode == 508)
        #expect(harness.ledger.liveCounts == (3, 3))
        #expect(harness.openingsAsked.count == 3)
        clients[1].refresh(0)
        #expect(clients[3].allocate()?.errorCode == 508)
        harness.advance(.seconds(1))
        #expect(clients[3].allocate()?.relayed.first?.port == ports[1])
    }

    @Test("a port rests before its next owner gets it, while others are free", .requirement("RI-ports-1"))
    func quarantine() {
        let harness = harness {
            $0.ports = 50_000...50_003
            $0.quarantineSeconds = 60
        }
        let first = client(harness, 1)
        let port = first.allocate()?.relayed.first?.port
        first.refresh(0)
        for number in 2...4 {
            #expect(client(harness, number).allocate()?.relayed.first?.port != port)
        }
        harness.advance(.seconds(1))
        // Nothing else is left.
        #expect(client(harness, 5).allocate()?.relayed.first?.port == port)
    }

    @Test("the quota is released once, however an allocation ends", .requirement("R8656-6-1"))
    func releasedOnce() {
        let harness = harness { $0.quota.perUser = 1 }
        let client = client(harness, 1)
        for round in 0..<4 {
            #expect(client.allocate()?.isSuccess == true)
            #expect(self.client(harness, 2).allocate()?.errorCode == 486)
            if round % 2 == 0 {
                #expect(client.refresh(0)?.lifetime == 0)
                #expect(client.refresh(0)?.errorCode == 437)
            } else {
                harness.advance(.seconds(601))
            }
            #expect(harness.ledger.liveCounts == (0, 0))
        }
    }

    @Test("an Allocate that fails later gives its quota back", .requirement("RI-quota-3"))
    func failedAllocate() {
        let harness = harness { $0.quota.perUser = 1 }
        harness.scriptedFailures = [.outOfResources]
        #expect(client(harness, 1).allocate()?.errorCode == 508)
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(client(harness, 1).allocate()?.isSuccess == true)
    }

    @Test("a ledger that two workers share counts the allocations of both", .requirement("RI-quota-4"))
    func sharedLedger() {
        let setup = TestSetup().with { $0.quota.perUser = 1 }
        let ledger = TestLedger(
            policy: setup.quota, addresses: [ip("192.0.2.1")], ports: setup.ports, quarantineSeconds: 30, seed: 9)
        let first = client(TURNHarness(setup, seed: 1, ledger: ledger), 1)
        let second = client(TURNHarness(setup, seed: 2, ledger: ledger), 2)
        #expect(first.allocate()?.isSuccess == true)
        #expect(second.allocate()?.errorCode == 486)
        first.refresh(0)
        #expect(second.allocate()?.isSuccess == true)
    }
}
