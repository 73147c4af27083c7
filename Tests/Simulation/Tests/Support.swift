import Containers
import NetworkPrimitives
import SimulationKit
import TURN
import Testing

extension Scenario {
    /// The usual world, with the data plane audited after each step of the control plane.
    static func audited(_ change: (inout Scenario) -> Void = { _ in }) -> Scenario {
        var scenario = Scenario()
        scenario.audit = TableAudit.check
        change(&scenario)
        return scenario
    }
}

/// What to type to see a failure again.
func replay(_ seed: UInt64) -> Comment { "replay with SIMULATION_SEED=\(seed)" }
