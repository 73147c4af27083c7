import Glibc

/// Which seeds a run of the tests goes through.
///
/// > `SIMULATION_SEED=42 swift test --filter HostileNetwork` replays one seed;
/// > `SIMULATION_COUNT=1000 swift test --filter Simulation` is for the night;
/// > `SIMULATION_TRACE=1` prints a line an event.
package enum SimulationSeeds {
    /// The seed that was asked for, or as many as were asked for, or a few that keep the suite quick.
    package static var forThisRun: [UInt64] { seeds(standard: 4) }

    /// Likewise, for a test whose runs are longer or shorter than most.
    package static func seeds(standard: Int) -> [UInt64] {
        if let seed = number("SIMULATION_SEED") { return [seed] }
        let count = number("SIMULATION_COUNT").map { Int(clamping: $0) } ?? standard
        return (0..<max(1, count)).map { UInt64($0) + 1 }
    }

    package static var isTraced: Bool { getenv("SIMULATION_TRACE") != nil }

    private static func number(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }
}
