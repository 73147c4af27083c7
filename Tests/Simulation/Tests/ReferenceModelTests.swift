import NetworkPrimitives
import SimulationKit
import TURN
import Testing

/// A judge that cannot say no proves nothing: each rule is broken on purpose, and has to be noticed.
@Suite("The reference model notices")
struct ReferenceModelTests {
    @Test("every deliberate defect by its name", arguments: Defect.allCases)
    func catches(defect: Defect) {
        let run = scenario(for: defect).run(seed: 1)
        // Until it is noticed, and at most for an hour.
        var rules: Set<Rule> = []
        for minute in 1...60 where !rules.contains(defect.rule) {
            run.world.run(until: .seconds(UInt32(minute) * 60))
            rules.formUnion(run.world.model.violations.map(\.rule))
        }
        #expect(rules.contains(defect.rule), "saw \(rules.map(\.rawValue).sorted())")
    }

    @Test("and there is a defect for every rule")
    func coversRules() {
        #expect(Set(Defect.allCases.map(\.rule)) == Set(Rule.allCases))
    }

    private func scenario(for defect: Defect) -> Scenario {
        var scenario = Scenario()
        scenario.hostileCount = 1
        scenario.faults.duplicatePercent = 5
        scenario.faults.delayMilliseconds = 1...20
        // Hardly a pause, so that a freed address is asked for while it must rest.
        scenario.adjust = { _, profile in
            profile.weights.delete = 10
            profile.weights.silence = 5
            profile.weights.rebinding = 5
            profile.paceMilliseconds = 100...2000
        }
        switch defect {
        case .refusesWithinQuota:
            scenario.setup.quota.perUser = 20
        case .overrunsQuota:
            scenario.usersAreShared = true
            scenario.setup.quota.perUser = 1
        case .acceptsExpiredName:
            scenario.setup.sharedSecret = "secret"
            scenario.ephemeralSeconds = 60
        case .servesRefused:
            scenario.setup.sharedSecret = "secret"
            scenario.hasMembers = true
        default: break
        }
        scenario.wrap = { server, setup in DefectiveServer(defect, around: server, setup) }
        return scenario
    }

    @Test("sockets, claims and routes that are left")
    func leftovers() {
        let run = Scenario().run(seed: 1)
        run.world.run(until: .seconds(600))
        #expect(!run.leftovers.isEmpty)
    }

    @Test("a route that the control plane knows nothing of")
    func strayRoute() throws {
        let run = Scenario.audited().run(seed: 1)
        run.world.run(until: .seconds(600))
        let worker = try #require(run.server.workers.first)
        #expect(TableAudit.check(worker) == nil)
        worker.forwarder.apply(.permit(allocation: 0, peer: .v4(1, 2, 3, 4)), at: run.world.clock.now)
        #expect(TableAudit.check(worker) != nil)
    }
}
