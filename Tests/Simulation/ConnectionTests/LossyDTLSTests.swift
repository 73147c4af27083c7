import SimulationKit
import TestSupport
import Testing

@Suite("DTLS over links that lose, double and reorder")
struct LossyDTLSSimulation {
    @Test(
        "messages arrive unaltered and once; the table keeps its limits and forgets everybody in the end",
        .requirement("RI-dtls-20"), arguments: SimulationSeeds.seeds(standard: 3))
    func holds(seed: UInt64) throws {
        let world = LossyWorld(seed: seed, try LossyWorld.context())
        for _ in 0..<6_000 { world.step() }
        world.end()
        #expect(world.violations == [], "SIMULATION_SEED=\(seed)")
        #expect(world.leftCount == 0)
        // Even without a single flight that is sent again, some handshakes get through.
        #expect(world.connections > 2 && world.delivered > 50, "\(world.connections) \(world.delivered)")
    }
}
