import SimulationKit
import TestSupport
import Testing

@Suite("Whole server, streams that are cut, gathered, stalled and reset")
struct StreamSimulation {
    @Test(
        "frames arrive whole and in order, answers always, and a reset leaves nothing",
        .requirement("RI-stream-20"), arguments: SimulationSeeds.seeds(standard: 6))
    func holds(seed: UInt64) {
        let world = StreamWorld(seed: seed)
        for _ in 0..<6 {
            for _ in 0..<1_500 { world.step() }
            world.settle()
            for client in world.clients { client.checkSettled(world) }
            world.checkBooks()
        }
        world.endAll()
        #expect(world.violations == [], "SIMULATION_SEED=\(seed)")
        let tally = world.tally
        #expect(tally.relayed > 100 && tally.delivered > 500 && tally.answers > 100, "\(tally)")
        #expect(tally.resets > 4 && tally.halfCloses > 2, "\(tally)")
    }

    @Test("a client that does not read loses data, the oldest first, and no answer", .requirement("RI-stream-20"))
    func stalled() {
        let world = StreamWorld(seed: 7, clientCount: 2)
        world.endsConnections = false
        for round in 0..<8_000 {
            if round % 3_000 > 500 { world.clients[0].isStalled = true }
            world.step()
        }
        world.settle()
        for client in world.clients { client.checkSettled(world) }
        world.endAll()
        #expect(world.violations == [])
        #expect(world.tally.dropped > 0, "\(world.tally)")
    }
}
