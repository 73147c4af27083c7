import DialectSupport
import NetworkPrimitives
import PeerJS
import Signaling
import Testing

@Suite("PeerJS: strangers that say anything")
struct StrangerTests {
    @Test(
        "nothing traps, nothing is said to who has gone, and nothing is left behind", arguments: 0..<8 as Range<UInt64>)
    func strangers(seed: UInt64) throws {
        let harness = try peers {
            $0.limits.queuedPerSenderMax = 4
            $0.limits.queuedMax = 16
            $0.aliveSeconds = 20
        }
        let texts =
            [#"{"type":"HEARTBEAT"}"#, #"{"type":"LEAVE"}"#]
            + ["a", "b", "c", "d", "nobody"].flatMap { id in
                ["OFFER", "ANSWER", "CANDIDATE", "EXPIRE"].map { #"{"type":"\#($0)","dst":"\#(id)","payload":1}"# }
            }
        var strangers = Strangers(seed: seed)
        let faults = strangers.play(on: harness, steps: 4000, texts: texts) { number in
            try? harness.open(
                ["a", "b", "c", "d"][number % 4], token: number < 6 ? "same" : "other",
                key: number == 3 ? "ann" : "peerjs", room: number == 7 ? "x" : nil)
        }
        harness.advance(milliseconds: 6000)
        #expect(faults == [])
        #expect(harness.query { $0.isEmpty })
        #expect(harness.query { $0.peerCounters.takeovers } > 10)
        #expect(harness.query { $0.peerCounters.expired } > 10)
    }
}
