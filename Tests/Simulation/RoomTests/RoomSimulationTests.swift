import RoomSimulationKit
import Signaling
import SimulationKit
import TernV1
import TestSupport
import Testing

@Suite("Rooms: many clients, broken lines, hours of time")
struct RoomSimulationTests {
    private func replay(_ seed: UInt64) -> Comment { "replay with SIMULATION_SEED=\(seed)" }

    private func world(_ seed: UInt64) -> RoomWorld {
        RoomWorld(seed: seed, trace: SimulationSeeds.isTraced ? { print($0) } : nil)
    }

    @Test("whatever happens is what the model says, and nothing is left of it", arguments: SimulationSeeds.forThisRun)
    func holds(seed: UInt64) {
        let world = world(seed)
        world.run(steps: 2500)
        #expect(world.finish() == [], replay(seed))
    }

    @Test("everything that can happen does")
    func reach() {
        var tally: [String: Int] = [:]
        for seed: UInt64 in 101...102 {
            let world = RoomWorld(seed: seed)
            world.run(steps: 2500)
            tally.merge(world.tally) { $0 + $1 }
        }
        for kind in [
            "hello", "join", "leave", "signal", "broadcast", "update", "roster", "credentials", "kick", "ping", "bye",
            "slowConsumer", "closeRoom", "endSession", "resumed", "replayed", "renewed", "timed", "missed",
            "error forbidden", "error unauthorized", "error not_in_room", "error participant_not_found",
            "error room_full", "error duplicate_join", "error quota_exceeded", "error credentials_denied",
        ] {
            let count = tally.filter { $0.key.hasPrefix(kind) }.map(\.value).reduce(0, +)
            #expect(count > 3, "\(kind): \(tally)")
        }
    }

    @Test("the same seed is the same run, another is another")
    func replays() {
        func hash(_ seed: UInt64) -> UInt64 {
            let world = RoomWorld(seed: seed)
            world.run(steps: 500)
            return world.hash
        }
        #expect(hash(7) == hash(7))
        #expect(hash(7) != hash(8))
    }

    /// Ways in which a server could be wrong.
    enum Defect: CaseIterable {
        case losesText, sendsTwice, sendsToAnother, swapsOrder, altersData, forgetsRevocation, revokesAtRandom
        case compressesCredentials
    }

    @Test("a server that is wrong in one way is caught", arguments: Defect.allCases)
    func catches(defect: Defect) {
        let world = RoomWorld(seed: 3, tampering: { Self.tamper(&$0, &$1, defect) })
        world.run(steps: 2500)
        #expect(!world.findings.isEmpty)
    }

    private static func tamper(_ outputs: inout [SignalingOutput], _ random: inout SeededRandom, _ defect: Defect) {
        for index in outputs.indices.reversed() {
            switch (defect, outputs[index]) {
            case (.losesText, .send) where random.below(50) == 0: outputs.remove(at: index)
            case (.sendsTwice, .send) where random.below(50) == 0: outputs.insert(outputs[index], at: index)
            case (.sendsToAnother, .send(let to, let text, let isConfidential)) where random.below(50) == 0:
                let other = ConnectionID(rawValue: to[0].rawValue ^ 1)
                outputs[index] = .send(to: [other], text: text, isConfidential: isConfidential)
            case (.swapsOrder, .send(let to, _, _)) where index > 0:
                guard case .send(let before, _, _) = outputs[index - 1], to == before else { continue }
                outputs.swapAt(index, index - 1)
            case (.altersData, .send(let to, var text, let isConfidential)) where random.below(20) == 0:
                guard let digit = text.lastIndex(where: { (48...56).contains($0) }) else { continue }
                text[digit] += 1
                outputs[index] = .send(to: to, text: text, isConfidential: isConfidential)
            case (.forgetsRevocation, .member(.revoked)): outputs.remove(at: index)
            case (.revokesAtRandom, .member(.left(let tag, _))) where random.below(5) == 0:
                outputs[index] = .member(.revoked(tag))
            case (.compressesCredentials, .send(let to, let text, true)) where random.below(9) == 0:
                outputs[index] = .send(to: to, text: text, isConfidential: false)
            default: continue
            }
        }
    }
}
