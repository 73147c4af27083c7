import DialectSupport
import NetworkPrimitives
import PixelStreaming
import Signaling
import Testing

@Suite("Pixel Streaming: engines from 5.2 on")
struct ModernTests {
    @Test("the way of Epic's own peer test: identify, ping, list, subscribe, negotiate, layers, disconnect")
    func peerTest() throws {
        let faults = try streaming().play(
            #"""
            streamer + streamer
            streamer > {"type":"endpointId","id":"TestStreamer"}
            streamer < {"type":"endpointIdConfirm","committedId":"TestStreamer"}
            player + player
            streamer > {"type":"ping","time":0}
            streamer < {"type":"pong","time":0}
            player > {"type":"listStreamers"}
            player < {"type":"streamerList","ids":["TestStreamer"]}
            player > {"type":"subscribe","streamerId":"TestStreamer"}
            streamer < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            streamer > {"type":"offer","sdp":"mock sdp","playerId":"101"}
            player < {"type":"offer","sdp":"mock sdp"}
            player > {"type":"answer","sdp":"mock answer"}
            streamer < {"type":"answer","sdp":"mock answer","playerId":"101"}
            streamer > {"type":"iceCandidate","playerId":"101","candidate":{"candidate":"c","sdpMLineIndex":0}}
            player < {"type":"iceCandidate","candidate":{"candidate":"c","sdpMLineIndex":0}}
            player > {"type":"layerPreference","temporalLayer":9,"spatialLayer":6,"playerId":"7"}
            streamer < {"type":"layerPreference","temporalLayer":9,"spatialLayer":6,"playerId":"101"}
            streamer > {"type":"disconnectPlayer","playerId":"101","reason":"enough"}
            player ! 1011 enough
            streamer < {"type":"playerDisconnected","playerId":"101"}
            again + player
            again > {"type":"subscribe","streamerId":"TestStreamer"}
            streamer < {"type":"playerConnected","playerId":"102","dataChannel":true,"sfu":false,"sendOffer":true}
            again -
            streamer < {"type":"playerDisconnected","playerId":"102"}
            """#)
        #expect(faults == [])
    }

    @Test("descriptions and candidates come byte for byte, a player's id as a number or as a string")
    func bytes() throws {
        let faults = try streaming().play(
            #"""
            streamer + streamer
            streamer > {"type":"endpointId","id":"a"}
            streamer < {"type":"endpointIdConfirm","committedId":"a"}
            player + player
            player > {"type":"subscribe","streamerId":"a"}
            streamer < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            streamer > {"playerId":101,"type":"offer", "sdp" : "v=0\r\n\u00e4\/","multiplex":true,"x":1.50}
            player < {"type":"offer","sdp":"v=0\r\n\u00e4\/","multiplex":true,"x":1.50}
            player > {"sdp":"v=0\r\n","type":"answer","minBitrateBps":1e6,"playerId":"999"}
            streamer < {"sdp":"v=0\r\n","type":"answer","minBitrateBps":1e6,"playerId":"101"}
            """#)
        #expect(faults == [])
    }

    @Test("several streamers, each with players of its own; a second subscription ends the first")
    func several() throws {
        let faults = try streaming().play(
            """
            a + streamer
            a > {"type":"endpointId","id":"a"}
            a < {"type":"endpointIdConfirm","committedId":"a"}
            b + streamer
            b > {"type":"endpointId","id":"b"}
            b < {"type":"endpointIdConfirm","committedId":"b"}
            player + player
            player > {"type":"listStreamers"}
            player < {"type":"streamerList","ids":["a","b"]}
            player > {"type":"subscribe","streamerId":"b"}
            b < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            player > {"type":"subscribe","streamerId":"a"}
            b < {"type":"playerDisconnected","playerId":"101"}
            a < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            b > {"type":"offer","sdp":"not yours","playerId":"101"}
            b > {"type":"disconnectPlayer","playerId":"101"}
            player > {"type":"unsubscribe"}
            a < {"type":"playerDisconnected","playerId":"101"}
            a > {"type":"offer","sdp":"not mine any more","playerId":"101"}
            player > {"type":"subscribe","streamerId":"c"}
            player < {"type":"subscribeFailed","message":"Streamer c does not exist."}
            """)
        #expect(faults == [])
    }

    @Test("an id that is taken gets a number; none is UnknownStreamer; a new one is told to the players")
    func ids() throws {
        let faults = try streaming().play(
            """
            a + streamer
            a > {"type":"endpointId","id":"s"}
            a < {"type":"endpointIdConfirm","committedId":"s"}
            b + streamer
            b > {"type":"endpointId","id":"s"}
            b < {"type":"endpointIdConfirm","committedId":"s1"}
            c + streamer
            c > {"type":"endpointId","id":"s","protocolVersion":"1.3.0"}
            c < {"type":"endpointIdConfirm","committedId":"s2"}
            d + streamer
            d > {"type":"endpointId"}
            d < {"type":"endpointIdConfirm","committedId":"UnknownStreamer"}
            player + player
            player > {"type":"subscribe","streamerId":"s1"}
            b < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            b > {"type":"endpointId","id":"t"}
            b < {"type":"endpointIdConfirm","committedId":"t"}
            player < {"type":"streamerIDChanged","newID":"t"}
            player < {"type":"streamerIdChanged","newID":"t"}
            player > {"type":"answer","sdp":"still yours"}
            b < {"type":"answer","sdp":"still yours","playerId":"101"}
            """)
        #expect(faults == [])
    }

    @Test("a streamer that comes again as the same person takes its id back from its own ghost")
    func takeover() throws {
        let faults = try streaming().play(
            """
            ghost + streamer token=ann
            ghost > {"type":"endpointId","id":"s"}
            ghost < {"type":"endpointIdConfirm","committedId":"s"}
            player + player
            player > {"type":"subscribe","streamerId":"s"}
            ghost < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            again + streamer token=ann
            again > {"type":"endpointId","id":"s"}
            again < {"type":"endpointIdConfirm","committedId":"s"}
            ghost ! 1008 replaced
            player ! 1001 Streamer disconnected
            other + streamer token=bob
            other > {"type":"endpointId","id":"s"}
            other < {"type":"endpointIdConfirm","committedId":"s1"}
            next + player
            next > {"type":"listStreamers"}
            next < {"type":"streamerList","ids":["s","s1"]}
            """)
        #expect(faults == [])
    }

    @Test("when a streamer goes, its players go, and no others")
    func streamerGone() throws {
        let faults = try streaming().play(
            """
            a + streamer
            a > {"type":"endpointId","id":"a"}
            a < {"type":"endpointIdConfirm","committedId":"a"}
            b + streamer
            b > {"type":"endpointId","id":"b"}
            b < {"type":"endpointIdConfirm","committedId":"b"}
            one + player
            one > {"type":"subscribe","streamerId":"a"}
            a < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            two + player
            two > {"type":"subscribe","streamerId":"b"}
            b < {"type":"playerConnected","playerId":"102","dataChannel":true,"sfu":false,"sendOffer":true}
            a -
            one ! 1001 Streamer disconnected
            two ! nothing
            two > {"type":"listStreamers"}
            two < {"type":"streamerList","ids":["b"]}
            """)
        #expect(faults == [])
    }

    @Test("with ?OfferToReceive=true the player offers; one that has not chosen gets the first streamer")
    func playerOffers() throws {
        let faults = try streaming().play(
            """
            a + streamer
            a > {"type":"endpointId","id":"a"}
            a < {"type":"endpointIdConfirm","committedId":"a"}
            one + player offers
            one > {"type":"subscribe","streamerId":"a"}
            a < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":false}
            two + player
            two > {"type":"offer","sdp":"mine"}
            two < {"type":"playerCount","count":2}
            a < {"type":"playerConnected","playerId":"102","dataChannel":true,"sfu":false,"sendOffer":false}
            a < {"type":"offer","sdp":"mine","playerId":"102"}
            """)
        #expect(faults == [])
    }

    @Test("players that know pings get one every 30 seconds, and may ping themselves")
    func keepalive() throws {
        let harness = try streaming()
        let player = try harness.open(.player)
        harness.say(#"{"type":"listStreamers"}"#, on: player)
        harness.say(#"{"type":"ping","time":1759000000000}"#, on: player)
        harness.say(#"{"type":"stats","data":"x"}"#, on: player)
        #expect(harness.take(player).last == #"{"type":"pong","time":1759000000000}"#)
        harness.advance(milliseconds: 29_900)
        #expect(harness.take(player) == [])
        harness.advance(milliseconds: 200)
        let ping = try #require(harness.take(player).first)
        #expect(ping.hasPrefix(#"{"type":"ping","time":35"#))
        harness.say(ping.replacing("ping", with: "pong"), on: player)
        harness.advance(milliseconds: 30_000)
        #expect(harness.take(player).count == 1)
        #expect(harness.query { $0.streamingCounters.unknownTypes } == 0)
    }
}
