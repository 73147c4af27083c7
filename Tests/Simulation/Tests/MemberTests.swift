import Containers
import NetworkPrimitives
import SimulationKit
import TURN
import TestSupport
import Testing

@Suite("Whole server, members that come and go")
struct MemberSimulation {
    private func scenario(_ change: (inout Scenario) -> Void = { _ in }) -> Scenario {
        Scenario.audited { scenario in
            scenario.hasMembers = true
            scenario.setup.sharedSecret = "the secret of signaling"
            scenario.ephemeralSeconds = 150
            scenario.clientCount = 10
            scenario.setup.workerCount = 3
            scenario.setup.quota.perUser = 4
            change(&scenario)
        }
    }

    @Test(
        "who is put out is served nothing more, and nothing of theirs is left",
        .requirement("RI-member-8"), arguments: SimulationSeeds.forThisRun)
    func comeAndGo(seed: UInt64) {
        let run = scenario().run(seed: seed)
        #expect(run.finish() == [], replay(seed))
        let tally = run.world.model.tally
        #expect(tally.revocations > 10 && tally.revokedAllocations > 0, replay(seed))
        #expect(tally.servedPastExpiry > 0 && tally.refusedMembers > 10, replay(seed))
        #expect(tally.toPeer > 100 && tally.toClient > 100, replay(seed))
    }

    @Test("on a bad network, with binds that fail", arguments: SimulationSeeds.forThisRun)
    func hostileNetwork(seed: UInt64) {
        let scenario = scenario { scenario in
            scenario.faults = .hostile
            scenario.setup.addressInUsePermille = 100
            scenario.setup.outOfResourcesPermille = 20
        }
        #expect(scenario.run(seed: seed).finish() == [], replay(seed))
    }

    @Test("with a cap that sessions reach, and a wall clock that jumps", arguments: SimulationSeeds.forThisRun)
    func capAndClock(seed: UInt64) {
        let run = scenario { $0.setup.sessionSecondsMax = 900 }.run(seed: seed)
        for (second, jump) in [(700, 300), (1_500, -400), (2_600, 100)] as [(UInt32, Int64)] {
            run.world.schedule(at: .seconds(second)) { run.world.clock.jumpWallClock(bySeconds: jump) }
        }
        #expect(run.finish() == [], replay(seed))
    }
}
