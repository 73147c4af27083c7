import Containers
import NetworkPrimitives
import SimulationKit
import TURN
import TestSupport
import Testing

@Suite("Whole server, hostile network")
struct HostileNetworkSimulation {
    @Test(
        "loss, duplicates and 400 ms of disorder break no rule", .requirement("RI-robustness-3"),
        arguments: SimulationSeeds.forThisRun)
    func lossAndDisorder(seed: UInt64) {
        let run = Scenario.audited { $0.faults = .hostile }.run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        #expect(run.world.model.tally.toPeer > 100 && run.world.model.tally.toClient > 100, replay(seed))
        #expect(run.world.model.tally.retransmittedAllocates > 0, replay(seed))
    }

    @Test("damaged datagrams break no rule", arguments: SimulationSeeds.forThisRun)
    func corruption(seed: UInt64) {
        let run = Scenario.audited { $0.faults = .corrupting }.run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        #expect(run.world.model.tally.toPeer > 100 && run.world.model.tally.toClient > 50, replay(seed))
    }

    @Test("noise, replays and spoofed sources break no rule", arguments: SimulationSeeds.forThisRun)
    func attackers(seed: UInt64) {
        let scenario = Scenario.audited { scenario in
            scenario.faults = .hostile
            scenario.hostileCount = 2
        }
        let run = scenario.run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        #expect(run.world.model.tally.silenced > 5000, replay(seed))
    }

    @Test("a path with a small MTU breaks no rule", arguments: SimulationSeeds.seeds(standard: 2))
    func smallMTU(seed: UInt64) {
        let scenario = Scenario.audited { scenario in
            scenario.faults.payloadByteCountMax = 300
            scenario.adjust = { _, profile in profile.payloadByteCountMax = 600 }
        }
        #expect(scenario.run(seed: seed).finish() == [], replay(seed))
    }

    @Test(
        "binds that fail and reservations that cross workers break no rule",
        arguments: SimulationSeeds.seeds(standard: 2))
    func failingBindsAndWorkers(seed: UInt64) {
        let scenario = Scenario.audited { scenario in
            scenario.faults.lossPercent = 5
            scenario.faults.duplicatePercent = 10
            scenario.faults.delayMilliseconds = 1...80
            scenario.clientCount = 12
            scenario.setup.workerCount = 4
            scenario.setup.addressInUsePermille = 150
            scenario.setup.outOfResourcesPermille = 30
            scenario.adjust = { _, profile in
                profile.weights.delete = 12
                profile.weights.silence = 0
            }
        }
        let run = scenario.run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        #expect(run.world.model.tally.claimedReservations > 0, replay(seed))
    }

    @Test("a wall clock that jumps a day either way ends no session", arguments: SimulationSeeds.forThisRun)
    func clockJumps(seed: UInt64) {
        let scenario = Scenario.audited { scenario in
            scenario.setup.sharedSecret = "the secret of the issuer"
            // Ephemeral names outlive the hour of the simulation; only the jump makes them run out.
            scenario.adjust = { _, profile in
                profile.weights.delete = 0
                profile.weights.silence = 0
                profile.weights.rebinding = 0
            }
        }
        let run = scenario.run(seed: seed)
        for (second, jump) in [(600, 86_400), (1500, -86_400), (2400, -86_400), (3000, 86_400)] {
            run.world.schedule(at: .seconds(UInt32(second))) { run.world.clock.jumpWallClock(bySeconds: Int64(jump)) }
        }
        #expect(run.finish() == [], replay(seed))
        // Nobody lost an allocation: 437 never came, and each client made the one that it kept, or a few that it forgot
        // to refresh.
        #expect(run.world.model.tally.errors[438, default: 0] > 10, replay(seed))
        for client in run.clients { #expect(client.successes[4, default: 0] > 0, replay(seed)) }
    }

    @Test("ports that run out are refused by 508 and come back", arguments: SimulationSeeds.seeds(standard: 2))
    func portExhaustion(seed: UInt64) {
        let scenario = Scenario.audited { scenario in
            scenario.clientCount = 12
            scenario.setup.ports = 50_000...50_005
            scenario.setup.workerCount = 2
            scenario.faults.duplicatePercent = 10
            scenario.faults.delayMilliseconds = 1...100
            scenario.adjust = { _, profile in
                profile.weights.delete = 15
                profile.paceMilliseconds = 200...2000
            }
        }
        let run = scenario.run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        #expect(run.world.model.tally.errors[508, default: 0] > 50, replay(seed))
        #expect(run.world.model.tally.successes[3, default: 0] > 50, replay(seed))
    }

    @Test("many clients of one user stay within its quota and the total", arguments: SimulationSeeds.forThisRun)
    func quota(seed: UInt64) {
        let scenario = Scenario.audited { scenario in
            scenario.clientCount = 12
            scenario.usersAreShared = true
            scenario.faults = .hostile
            scenario.setup.quota.perUser = 5
            scenario.setup.quota.total = 8
            scenario.setup.workerCount = 2
            scenario.adjust = { _, profile in profile.weights.delete = 10 }
        }
        let run = scenario.run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        #expect(run.world.model.tally.errors[486, default: 0] > 20, replay(seed))
        #expect(run.world.model.tally.liveAllocationsMax <= 5, replay(seed))
    }

    @Test("an Allocate that failed holds no quota", arguments: SimulationSeeds.seeds(standard: 2))
    func failuresHoldNoQuota(seed: UInt64) {
        let scenario = Scenario.audited { scenario in
            scenario.usersAreShared = true
            scenario.setup.quota.perUser = 6
            scenario.setup.outOfResourcesPermille = 300
            scenario.setup.ports = 50_000...50_015
            scenario.adjust = { _, profile in profile.weights.delete = 15 }
        }
        let run = scenario.run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        #expect(run.world.model.tally.errors[486, default: 0] > 0, replay(seed))
    }

    @Test("a full worker refuses by 508 and goes on", arguments: SimulationSeeds.seeds(standard: 2))
    func fullWorker(seed: UInt64) {
        let scenario = Scenario.audited { scenario in
            scenario.clientCount = 8
            scenario.setup.limits = Limits(
                allocationsMax: 3, permissionsPerAllocationMax: 3, channelsPerAllocationMax: 2, newPeersPerSecond: 1,
                reservationsMax: 1)
            scenario.adjust = { _, profile in profile.weights.delete = 10 }
        }
        let run = scenario.run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        #expect(run.world.model.tally.errors[508, default: 0] > 20, replay(seed))
        #expect(run.world.model.tally.liveAllocationsMax <= 3, replay(seed))
    }
}
