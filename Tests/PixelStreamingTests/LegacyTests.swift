import DialectSupport
import NetworkPrimitives
import PixelStreaming
import Signaling
import Testing

@Suite("Pixel Streaming: engines before 5.2, and SFUs")
struct LegacyTests {
    @Test("4.27: the player offers at once, and the streamer hears of nothing before the offer")
    func engine427() throws {
        let faults = try streaming().play(
            """
            streamer + streamer
            ... 5100
            player + player
            player > {"type":"offer","sdp":"v=0"}
            player < {"type":"playerCount","count":1}
            streamer < {"type":"offer","sdp":"v=0","playerId":"101"}
            streamer > {"type":"answer","playerId":101,"sdp":"v=0"}
            player < {"type":"answer","sdp":"v=0"}
            streamer > {"type":"iceCandidate","playerId":101,"candidate":{"candidate":"c"}}
            player < {"type":"iceCandidate","candidate":{"candidate":"c"}}
            player > {"type":"iceCandidate","candidate":{"candidate":"d"}}
            streamer < {"type":"iceCandidate","candidate":{"candidate":"d"},"playerId":"101"}
            ... 10000
            player -
            streamer < {"type":"playerDisconnected","playerId":"101"}
            """)
        #expect(faults == [])
    }

    @Test("4.27: a player that offers before the streamer is known to be old reaches it")
    func engine427Early() throws {
        let faults = try streaming().play(
            """
            streamer + streamer
            player + player
            player > {"type":"offer","sdp":"v=0"}
            player < {"type":"playerCount","count":1}
            streamer < {"type":"offer","sdp":"v=0","playerId":"101"}
            ... 6000
            """)
        #expect(faults == [])
    }

    @Test("5.0 and 5.1: the player waits for an offer, and gets the old streamer after half a second")
    func engine51() throws {
        let faults = try streaming().play(
            """
            streamer + streamer
            ... 5100
            player + player
            ... 400
            ... 200
            player < {"type":"playerCount","count":1}
            streamer < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            streamer > {"type":"offer","playerId":"101","sdp":"v=0"}
            player < {"type":"offer","sdp":"v=0"}
            other + player
            player < {"type":"playerCount","count":2}
            ... 600
            other < {"type":"playerCount","count":2}
            streamer < {"type":"playerConnected","playerId":"102","dataChannel":true,"sfu":false,"sendOffer":true}
            other -
            streamer < {"type":"playerDisconnected","playerId":"102"}
            player < {"type":"playerCount","count":1}
            """)
        #expect(faults == [])
    }

    @Test("players that wait get the old streamer when it is known to be one, after five seconds")
    func waiting() throws {
        let faults = try streaming().play(
            """
            player + player
            ... 600
            player < {"type":"playerCount","count":1}
            streamer + streamer
            ... 4900
            ... 200
            streamer < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            """)
        #expect(faults == [])
    }

    @Test("a silent player is not given to a streamer of today, whose players choose")
    func silentPlayerOfToday() throws {
        let faults = try streaming().play(
            """
            streamer + streamer
            streamer > {"type":"endpointId","id":"a"}
            streamer < {"type":"endpointIdConfirm","committedId":"a"}
            player + player
            ... 10000
            player < {"type":"playerCount","count":1}
            player > {"type":"subscribe","streamerId":"a"}
            streamer < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            """)
        #expect(faults == [])
    }

    @Test("old streamers have ids by which players of 5.3 find them")
    func legacyIDs() throws {
        let faults = try streaming().play(
            """
            a + streamer
            b + streamer
            ... 5100
            player + player
            player > {"type":"listStreamers"}
            player < {"type":"streamerList","ids":["__LEGACY_STREAMER__0","__LEGACY_STREAMER__1"]}
            player > {"type":"subscribe","streamerId":"__LEGACY_STREAMER__1"}
            b < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            b > {"type":"endpointId","id":"late"}
            b < {"type":"endpointIdConfirm","committedId":"late"}
            player < {"type":"streamerIDChanged","newID":"late"}
            player < {"type":"streamerIdChanged","newID":"late"}
            """)
        #expect(faults == [])
    }

    @Test("where the operator wants it, players are sent away while nothing streams")
    func withoutStreamer() throws {
        let faults = try streaming { $0.closesPlayersWithoutStreamer = true }.play(
            """
            player + player
            player ! 1013 Streamer is not connected
            """)
        #expect(faults == [])
    }

    // MARK: - SFUs

    @Test("an SFU plays a streamer and streams to players")
    func sfu() throws {
        let faults = try streaming().play(
            """
            streamer + streamer
            streamer > {"type":"endpointId","id":"a"}
            streamer < {"type":"endpointIdConfirm","committedId":"a"}
            sfu + sfu
            sfu > {"type":"endpointId","id":"SFU"}
            sfu < {"type":"endpointIdConfirm","committedId":"SFU"}
            sfu > {"type":"listStreamers"}
            sfu < {"type":"streamerList","ids":["a"]}
            sfu > {"type":"subscribe","streamerId":"a"}
            streamer < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":true,"sendOffer":true}
            streamer > {"type":"offer","sdp":"o","playerId":"101"}
            sfu < {"type":"offer","sdp":"o"}
            sfu > {"type":"answer","sdp":"s"}
            streamer < {"type":"answer","sdp":"s","playerId":"101"}
            player + player
            player > {"type":"subscribe","streamerId":"SFU"}
            player < {"type":"subscribeFailed","message":"Streamer SFU does not exist."}
            sfu > {"type":"startStreaming"}
            player > {"type":"listStreamers"}
            player < {"type":"streamerList","ids":["a","SFU"]}
            player > {"type":"subscribe","streamerId":"SFU"}
            sfu < {"type":"playerConnected","playerId":"102","dataChannel":true,"sfu":false,"sendOffer":true}
            sfu > {"type":"offer","sdp":"p","playerId":"102","sfu":true}
            player < {"type":"offer","sdp":"p","sfu":true}
            player > {"type":"answer","sdp":"q"}
            sfu < {"type":"answer","sdp":"q","playerId":"102"}
            player > {"type":"dataChannelRequest"}
            sfu < {"type":"dataChannelRequest","playerId":"102"}
            sfu > {"type":"streamerDataChannels","playerId":"102","sendStreamId":0,"recvStreamId":1,"sfuId":"7"}
            streamer < {"type":"streamerDataChannels","sendStreamId":0,"recvStreamId":1,"playerId":"102","sfuId":"101"}
            sfu > {"type":"peerDataChannels","playerId":"102","sendStreamId":0,"recvStreamId":1}
            player < {"type":"peerDataChannels","sendStreamId":0,"recvStreamId":1}
            player > {"type":"peerDataChannelsReady"}
            sfu < {"type":"peerDataChannelsReady","playerId":"102"}
            streamer > {"type":"layerPreference","spatialLayer":1,"temporalLayer":2,"playerId":"102"}
            sfu < {"type":"layerPreference","spatialLayer":1,"temporalLayer":2,"playerId":"102"}
            player -
            sfu < {"type":"playerDisconnected","playerId":"102"}
            streamer < {"type":"playerDisconnected","playerId":"102"}
            """)
        #expect(faults == [])
    }

    @Test("an SFU whose streamer goes is told, is listed no more, and loses its players")
    func sfuWithoutStreamer() throws {
        let faults = try streaming().play(
            """
            streamer + streamer
            streamer > {"type":"endpointId","id":"a"}
            streamer < {"type":"endpointIdConfirm","committedId":"a"}
            sfu + sfu
            sfu > {"type":"endpointId","id":"SFU"}
            sfu < {"type":"endpointIdConfirm","committedId":"SFU"}
            sfu > {"type":"subscribe","streamerId":"a"}
            streamer < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":true,"sendOffer":true}
            sfu > {"type":"startStreaming"}
            player + player
            player > {"type":"subscribe","streamerId":"SFU"}
            sfu < {"type":"playerConnected","playerId":"102","dataChannel":true,"sfu":false,"sendOffer":true}
            streamer -
            sfu < {"type":"streamerDisconnected"}
            player ! 1001 Streamer disconnected
            other + player
            other > {"type":"listStreamers"}
            other < {"type":"streamerList","ids":[]}
            sfu > {"type":"stopStreaming"}
            """)
        #expect(faults == [])
    }

    @Test("5.0 and 5.1: a silent SFU gets the streamer's offer, and players who prefer it get it")
    func oldSFU() throws {
        let faults = try streaming().play(
            """
            streamer + streamer
            ... 5100
            early + player preferSFU
            ... 600
            early < {"type":"playerCount","count":1}
            streamer < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            sfu + sfu
            ... 5100
            streamer < {"type":"playerConnected","playerId":"102","dataChannel":true,"sfu":true,"sendOffer":true}
            player + player preferSFU
            early < {"type":"playerCount","count":2}
            ... 600
            player < {"type":"playerCount","count":2}
            sfu < {"type":"playerConnected","playerId":"103","dataChannel":true,"sfu":false,"sendOffer":true}
            """)
        #expect(faults == [])
    }
}
