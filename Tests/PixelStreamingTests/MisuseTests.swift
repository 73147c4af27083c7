import DialectSupport
import NetworkPrimitives
import PixelStreaming
import Signaling
import Testing

@Suite("Pixel Streaming: credentials, gates, limits and misuse")
struct MisuseTests {
    // MARK: - Credentials

    @Test("each player has credentials of its own; a streamer's last a day and end with its connection")
    func credentials() throws {
        let harness = try streaming(issues: true)
        let streamer = try harness.open(.streamer, token: "ann")
        let player = try harness.open(.player, token: "bob")
        let config = { (count: Int) in
            #"{"type":"config","protocolVersion":"1.3.0","peerConnectionOptions":{"iceServers":"#
                + harness.gate.iceServers(count, expiresAt: 1_800_000_600) + "}}"
        }
        #expect(harness.take(streamer) == [config(1), #"{"type":"identify"}"#])
        #expect(harness.take(player) == [config(2)])
        #expect(harness.confidential == [config(1), config(2)])
        #expect(harness.gate.wishes == [86_400, nil])
        let members = harness.takeMembers()
        guard case .entered(let tag) = members.first, members.count == 4 else {
            Issue.record("\(members)")
            return
        }
        harness.disconnect(streamer)
        #expect(harness.takeMembers() == [.left(tag, keepsGrace: true)])
    }

    @Test("no credentials are renewed: there is no message for it that players understand")
    func noRenewal() throws {
        let harness = try streaming(issues: true)
        let player = try harness.open(.player, token: "bob")
        harness.advance(milliseconds: 1_000_000)
        #expect(harness.gate.issueCount == 1)
        #expect(harness.closings[player] == nil)
    }

    // MARK: - Gates

    @Test("the gate is asked before anything is told, on all sides")
    func gate() throws {
        let harness = try streaming(issues: true)
        harness.gate.isOpen = false
        #expect(throws: OpeningRefusal.admission(.unauthorized)) { try harness.open(.player) }
        #expect(throws: OpeningRefusal.admission(.unauthorized)) { try harness.open(.streamer, token: "guess") }
        #expect(throws: OpeningRefusal.admission(.forbidden)) { try harness.open(.sfu, token: "acme") }
        _ = try harness.open(.player, token: "acme", room: "acme")
        #expect(harness.gate.issueCount == 1)
    }

    @Test("a token for players does not stream")
    func streamerGrants() throws {
        let harness = try streaming()
        for role in [PixelStreamingRole.streamer, .sfu] {
            #expect(throws: OpeningRefusal.admission(.forbidden)) { try harness.open(role, token: "mute") }
        }
        _ = try harness.open(.player, token: "mute")
        #expect(harness.query { $0.liveCounts.connections } == 1)
        #expect(harness.closings == [:])
    }

    @Test("a token that may not signal plays nothing")
    func mute() throws {
        let faults = try streaming().play(
            """
            a + streamer
            a > {"type":"endpointId","id":"a"}
            a < {"type":"endpointIdConfirm","committedId":"a"}
            player + player token=mute
            player > {"type":"subscribe","streamerId":"a"}
            a < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            player > {"type":"answer","sdp":"x"}
            """)
        #expect(faults == [])
    }

    @Test("rooms are apart: neither lists, nor ids, nor players of another are reached")
    func rooms() throws {
        let faults = try streaming().play(
            """
            a + streamer room=one
            a > {"type":"endpointId","id":"s"}
            a < {"type":"endpointIdConfirm","committedId":"s"}
            b + streamer room=two
            b > {"type":"endpointId","id":"s"}
            b < {"type":"endpointIdConfirm","committedId":"s"}
            player + player room=one
            player > {"type":"subscribe","streamerId":"s"}
            a < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            b > {"type":"offer","sdp":"x","playerId":"101"}
            b > {"type":"disconnectPlayer","playerId":101}
            eve + player room=three
            eve > {"type":"listStreamers"}
            eve < {"type":"streamerList","ids":[]}
            eve > {"type":"subscribe","streamerId":"s"}
            eve < {"type":"subscribeFailed","message":"Streamer s does not exist."}
            eve > {"type":"offer","sdp":"x"}
            player ! nothing
            """)
        #expect(faults == [])
    }

    @Test("sides keep to their words: players do not disconnect others, streamers do not subscribe")
    func sides() throws {
        let harness = try streaming()
        let faults = try harness.play(
            """
            a + streamer
            a > {"type":"endpointId","id":"a"}
            a < {"type":"endpointIdConfirm","committedId":"a"}
            one + player
            one > {"type":"subscribe","streamerId":"a"}
            a < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            two + player
            two > {"type":"disconnectPlayer","playerId":"101"}
            two > {"type":"endpointId","id":"a"}
            two > {"type":"startStreaming"}
            a > {"type":"subscribe","streamerId":"a"}
            a > {"type":"listStreamers"}
            a > {"type":"playerConnected","playerId":"101"}
            a > {"type":"somethingNew"}
            one ! nothing
            a ! nothing
            ... 1000
            two < {"type":"playerCount","count":2}
            """)
        #expect(faults == [])
        #expect(harness.query { $0.streamingCounters.unknownTypes } == 7)
    }

    @Test("an SFU reaches its own players only, and does not play itself")
    func foreignSFU() throws {
        let faults = try streaming().play(
            """
            a + streamer
            a > {"type":"endpointId","id":"a"}
            a < {"type":"endpointIdConfirm","committedId":"a"}
            player + player
            player > {"type":"subscribe","streamerId":"a"}
            a < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            sfu + sfu
            sfu > {"type":"startStreaming"}
            sfu > {"type":"endpointId","id":"SFU"}
            sfu < {"type":"endpointIdConfirm","committedId":"SFU"}
            sfu > {"type":"startStreaming"}
            sfu > {"type":"subscribe","streamerId":"SFU"}
            sfu < {"type":"subscribeFailed","message":"Streamer SFU does not exist."}
            sfu > {"type":"offer","sdp":"x","playerId":"101"}
            sfu > {"type":"peerDataChannels","playerId":"101"}
            sfu > {"type":"streamerDataChannels","playerId":"101"}
            sfu > {"type":"subscribe","streamerId":"a"}
            a < {"type":"playerConnected","playerId":"102","dataChannel":true,"sfu":true,"sendOffer":true}
            sfu > {"type":"streamerDataChannels","playerId":"101"}
            a < {"type":"streamerDataChannels","playerId":"102","sfuId":"102"}
            """)
        #expect(faults == [])
    }

    // MARK: - Limits

    @Test("a streamer takes as many players as it may, and says so")
    func playersPerStreamer() throws {
        let harness = try streaming { $0.playersPerStreamerMax = 1 }
        let faults = try harness.play(
            """
            a + streamer
            a > {"type":"endpointId","id":"a"}
            a < {"type":"endpointIdConfirm","committedId":"a"}
            one + player
            one > {"type":"subscribe","streamerId":"a"}
            a < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            two + player
            two > {"type":"subscribe","streamerId":"a"}
            two < {"type":"subscribeFailed","message":"Streamer a is full. Max players = 1."}
            one > {"type":"subscribe","streamerId":"a"}
            a < {"type":"playerDisconnected","playerId":"101"}
            a < {"type":"playerConnected","playerId":"101","dataChannel":true,"sfu":false,"sendOffer":true}
            one -
            a < {"type":"playerDisconnected","playerId":"101"}
            two > {"type":"subscribe","streamerId":"a"}
            a < {"type":"playerConnected","playerId":"102","dataChannel":true,"sfu":false,"sendOffer":true}
            """)
        #expect(faults == [])
        #expect(harness.query { $0.streamingCounters.subscriptionsFailed } == 1)
    }

    @Test("a room takes as many as it may, in the words of cirrus")
    func capacity() throws {
        let faults = try streaming { $0.host.limits.roomCapacity = 2 }.play(
            """
            a + streamer
            one + player
            two + player
            two ! 1013 too many connections. max: 2, current: 2
            one -
            three + player
            three ! nothing
            """)
        #expect(faults == [])
    }

    @Test("a room takes as many streamers as it may")
    func streamersPerRoom() throws {
        let harness = try streaming { $0.streamersPerRoomMax = 2 }
        let faults = try harness.play(
            """
            a + streamer
            b + sfu
            c + streamer
            c ! 1013 too many streamers. max: 2
            a -
            d + streamer
            d ! nothing
            """)
        #expect(faults == [])
        #expect(harness.query { $0.streamingCounters.streamersFull } == 1)
    }

    @Test("ids of 128 bytes pass; what is beyond is cut, and what does not show is left out")
    func streamerIDs() throws {
        let harness = try streaming()
        let id = String(repeating: "x", count: 128)
        for (wanted, given) in [(id, id), (id + "y", id + "1"), ("a\\u0000b\\n", "ab"), ("\\u007f", "UnknownStreamer")]
        {
            let streamer = try harness.open(.streamer)
            _ = harness.take(streamer)
            harness.say(#"{"type":"endpointId","id":"\#(wanted)"}"#, on: streamer)
            #expect(harness.take(streamer) == [#"{"type":"endpointIdConfirm","committedId":"\#(given)"}"#])
        }
        #expect(harness.query { $0.counters[.nameBytes] } == 3)
    }

    @Test("the reason that a streamer gives is cut to what a close frame holds")
    func longReason() throws {
        let harness = try streaming()
        let (streamer, player) = (try harness.open(.streamer), try harness.open(.player))
        harness.say(#"{"type":"endpointId","id":"a"}"#, on: streamer)
        harness.say(#"{"type":"subscribe","streamerId":"a"}"#, on: player)
        let reason = String(repeating: "ä", count: 100)
        harness.say(#"{"type":"disconnectPlayer","playerId":101,"reason":"\#(reason)"}"#, on: streamer)
        #expect(harness.closings[player] == .init(1011, String(repeating: "ä", count: 61)))
    }

    @Test("a streamer may say twenty times as much as a player")
    func pace() throws {
        let harness = try streaming {
            $0.host.limits.messagesPerSecond = 1
            $0.host.limits.messagesBurst = 2
        }
        let (streamer, player) = (try harness.open(.streamer), try harness.open(.player))
        for connection in [streamer, player] { _ = harness.take(connection) }
        for _ in 0..<50 {
            harness.say(#"{"type":"ping","time":1}"#, on: streamer)
            harness.say(#"{"type":"ping","time":1}"#, on: player)
        }
        #expect(harness.take(streamer).count == 40)
        #expect(harness.take(player).count == 2)
        #expect(harness.closings == [player: .init(1008, "too many messages")])
    }

    @Test("what is no JSON ends the connection in the words of Epic's servers; what has no type is ignored")
    func malformed() throws {
        let harness = try streaming()
        let deep = String(repeating: "[", count: 17) + String(repeating: "]", count: 17)
        for text in ["", "{", #"{"type":"stats","data":\#(deep)}"#] {
            let player = try harness.open(.player)
            harness.say(text, on: player)
            #expect(harness.closings[player] == .init(1008, "Cannot parse"))
        }
        let player = try harness.open(.player)
        _ = harness.take(player)
        for text in ["[]", "null", "{}", #"{"type":1}"#, #"{"type":"subscribe","streamerId":[]}"#] {
            harness.say(text, on: player)
        }
        #expect(harness.take(player) == [#"{"type":"subscribeFailed","message":"Streamer  does not exist."}"#])
        #expect(harness.closings[player] == nil)
    }

    @Test("ids of players that are none reach nobody")
    func badPlayerIDs() throws {
        let harness = try streaming()
        let streamer = try harness.open(.streamer)
        for id in ["-1", "0", "1.5", "\"\"", "\"x\"", "null", "{}", "99999999999999999999", "\"99999999999999999999\""]
        {
            harness.say(#"{"type":"offer","sdp":"x","playerId":\#(id)}"#, on: streamer)
        }
        harness.say(#"{"type":"offer","sdp":"x"}"#, on: streamer)
        #expect(harness.query { $0.counters.undeliverable } == 10)
        #expect(harness.closings == [:])
    }

    @Test("an operator closes a room: everybody in it goes, and nothing of it is left")
    func closedByOperator() throws {
        let harness = try streaming()
        let all = [try harness.open(.streamer), try harness.open(.player), try harness.open(.sfu)]
        let room = try #require(RoomName("stage".utf8))
        #expect(harness.act { $0.closeRoom(room, reason: "", at: $1) })
        for connection in all { #expect(harness.closings[connection] == .init(1008, "removed")) }
        #expect(harness.query { $0.liveCounts.connections } == 0)
        #expect(harness.query { $0.liveCounts.rooms } == 0)
        #expect(harness.faults == [])
        _ = try harness.open(.player)
    }

    @Test("when the server stops, all sides go")
    func drain() throws {
        let harness = try streaming()
        for _ in 0..<10 { _ = try harness.open(.player) }
        _ = try harness.open(.streamer)
        harness.drainMachine(seconds: 10)
        harness.advance(milliseconds: 10_000)
        #expect(harness.closings.count == 11)
        #expect(harness.faults == [])
    }
}
