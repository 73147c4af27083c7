import DialectSupport
import NetworkPrimitives
import PixelStreaming
import Signaling
import Testing

@Suite("Pixel Streaming: strangers that say anything")
struct StrangerTests {
    static let texts: [String] =
        [
            #"{"type":"listStreamers"}"#, #"{"type":"unsubscribe"}"#, #"{"type":"endpointId"}"#,
            #"{"type":"endpointId","id":"a"}"#, #"{"type":"endpointId","id":"b"}"#, #"{"type":"startStreaming"}"#,
            #"{"type":"stopStreaming"}"#, #"{"type":"subscribe","streamerId":"a"}"#,
            #"{"type":"subscribe","streamerId":"b"}"#, #"{"type":"subscribe","streamerId":"a1"}"#,
            #"{"type":"subscribe","streamerId":"__LEGACY_STREAMER__0"}"#, #"{"type":"offer","sdp":""}"#,
            #"{"type":"answer","sdp":""}"#, #"{"type":"ping","time":1}"#, #"{"type":"pong"}"#,
        ]
        + (101..<110).flatMap { number in
            ["offer", "disconnectPlayer", "peerDataChannels", "streamerDataChannels", "layerPreference"].map {
                #"{"type":"\#($0)","playerId":"\#(number)"}"#
            }
        }

    @Test(
        "nothing traps, nothing is said to who has gone, and nothing is left behind", arguments: 0..<8 as Range<UInt64>)
    func strangers(seed: UInt64) throws {
        let harness = try streaming(issues: true) {
            $0.playersPerStreamerMax = 3
            $0.streamersPerRoomMax = 4
            $0.closesPlayersWithoutStreamer = seed % 4 == 0
        }
        var strangers = Strangers(seed: seed)
        let faults = strangers.play(on: harness, steps: 4000, texts: Self.texts) { number in
            let role: PixelStreamingRole = number < 4 ? .player : number < 6 ? .streamer : .sfu
            let options = PixelStreamingOptions(offersToReceive: number == 1, prefersSFU: number == 2)
            return try? harness.open(role, token: number % 2 == 0 ? "ann" : nil, room: number == 3 ? "x" : nil, options)
        }
        #expect(faults == [])
        #expect(harness.query { $0.liveCounts.connections } == 0)
        #expect(harness.query { $0.isEmpty })
        #expect(harness.query { $0.streamingCounters.subscriptions } > 50)
    }
}
