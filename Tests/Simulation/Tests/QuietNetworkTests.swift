import NetworkPrimitives
import SimulationKit
import TURN
import Testing

@Suite("Whole server, quiet network")
struct QuietNetworkSimulation {
    @Test("an hour without faults breaks no rule and leaves nothing", arguments: SimulationSeeds.forThisRun)
    func holds(seed: UInt64) {
        let run = Scenario.audited().run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        // Nothing was lost, so nobody gave up, and everything was tried.
        let tally = run.world.model.tally
        #expect(run.clients.allSatisfy { $0.timeouts == 0 }, replay(seed))
        #expect(tally.toPeer > 200 && tally.toClient > 200 && tally.asChannelData > 50, replay(seed))
        for method: UInt16 in [1, 3, 4, 8, 9] { #expect(tally.successes[method, default: 0] > 10, replay(seed)) }
        for code in [400, 401, 403, 438, 443] { #expect(tally.errors[code, default: 0] > 0, replay(seed)) }
    }

    @Test(
        "behind a one-to-one NAT clients still reach each other's relayed addresses",
        arguments: SimulationSeeds.forThisRun)
    func externalAddress(seed: UInt64) {
        let scenario = Scenario.audited { scenario in
            scenario.setup.listeners = [IPAddress.v4(10, 1, 1, 1).port(3478)]
            scenario.setup.relays = [RelayAddress(local: .v4(10, 1, 1, 1), advertised: .v4(9, 9, 9, 9))]
            scenario.listensOnIPv6 = false
            // Nobody but each other's relayed addresses.
            scenario.adjust = { _, profile in profile.peers = [] }
        }
        let run = scenario.run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        #expect(run.world.model.tally.toPeer > 100 && run.world.model.tally.toClient > 50, replay(seed))
    }

    @Test("unreachable peers are reported by ICMP to those who sent to them", arguments: SimulationSeeds.forThisRun)
    func icmp(seed: UInt64) {
        let scenario = Scenario.audited { $0.setup.unreachable = [.v4(8, 0, 0, 1), .v6(0x102)] }
        let run = scenario.run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        #expect(run.world.model.tally.icmpErrors > 20, replay(seed))
    }

    @Test("the same seed is the same run, event for event", arguments: SimulationSeeds.seeds(standard: 2))
    func replays(seed: UInt64) {
        func hash() -> UInt64 {
            let scenario = Scenario.audited { scenario in
                scenario.faults = .hostile
                scenario.hostileCount = 1
                scenario.setup.workerCount = 3
                scenario.setup.addressInUsePermille = 50
            }
            let run = scenario.run(seed: seed)
            _ = run.finish()
            return run.world.traceHash
        }
        #expect(hash() == hash(), replay(seed))
    }

    @Test("another seed is another run")
    func seedsDiffer() {
        let hashes = (1...3).map { seed in
            let run = Scenario().run(seed: UInt64(seed))
            run.world.run(until: .seconds(300))
            return run.world.traceHash
        }
        #expect(Set(hashes).count == 3)
    }
}
