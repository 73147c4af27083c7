import DialectSupport
import NetworkPrimitives
import Signaling
import Testing
import YWebRTC

@Suite("y-webrtc: strangers that say anything")
struct StrangerTests {
    @Test(
        "nothing traps, nothing is said to who has gone, and nothing is left behind", arguments: 0..<4 as Range<UInt64>)
    func strangers(seed: UInt64) throws {
        let harness = topics {
            $0.host.limits.roomsPerSessionMax = 3
            $0.host.limits.roomCapacity = 4
            $0.sendsIceServers = true
        }
        let texts =
            [#"{"type":"ping"}"#]
            + ["a", "b", "c", "d", ""].flatMap { topic in
                ["subscribe", "unsubscribe"].map { #"{"type":"\#($0)","topics":["\#(topic)"]}"# }
                    + [#"{"type":"publish","topic":"\#(topic)","data":{}}"#]
            }
        var strangers = Strangers(seed: seed)
        let faults = strangers.play(on: harness, steps: 3000, texts: texts) { number in
            try? harness.open(token: number < 4 ? "ann" : nil, room: number == 7 ? "x" : nil)
        }
        #expect(faults == [])
        #expect(harness.query { $0.liveCounts.rooms } == 0)
        #expect(harness.query { $0.liveCounts.participants } == 0)
    }
}
