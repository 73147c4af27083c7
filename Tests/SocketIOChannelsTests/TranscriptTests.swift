import DialectSupport
import JSON
import NetworkPrimitives
import Signaling
import SocketIOChannels
import Testing

@Suite("Channels over Socket.IO: conversations")
struct TranscriptTests {
    @Test("who announced itself is heard in the channel: the data and nothing else")
    func conversation() throws {
        let faults = try channels().play(
            """
            root +
            root > ["presence","ch"]
            root < ["presence",false]
            root > ["new-channel",{"channel":"ch","sender":111}]
            root > ["presence","ch"]
            root < ["presence",true]
            ann + channel=ch
            root2 +
            root2 > ["new-channel",{"channel":"ch","sender":222}]
            bob + channel=ch
            ann > ["message",{"sender":111,"data":{"sender": "ann-x","sdp":"v=0\\r\\n"}}]
            bob < ["message",{"sender": "ann-x","sdp":"v=0\\r\\n"}]
            bob > ["message",{"sender":222,"data":"text"}]
            ann < ["message","text"]
            ann -
            bob < ["user-left","ann-x"]
            bob -
            root > ["presence","ch"]
            root < ["presence",false]
            """)
        #expect(faults == [])
    }

    @Test("the announcement may come after the first messages, as it does from client 1.7 on, or not at all")
    func lateAnnouncement() throws {
        let faults = try channels().play(
            """
            ann + channel=ch
            root +
            root > ["presence","ch"]
            root < ["presence",true]
            bob + channel=ch
            ann > ["message",{"sender":111,"data":{"sender":"ann-x","part":1}}]
            ann > ["message",{"sender":111,"data":{"sender":"ann-x","part":2}}]
            ann > ["message",{"sender":111,"data":{"sender":"ann-x","part":3}}]
            bob < ["message",{"sender":"ann-x","part":1}]
            bob < ["message",{"sender":"ann-x","part":2}]
            bob < ["message",{"sender":"ann-x","part":3}]
            root > ["new-channel",{"channel":"ch","sender":111}]
            bob > ["message",{"sender":222,"data":"text"}]
            ann < ["message","text"]
            root > ["new-channel",{"channel":"ch","sender":222}]
            ann > ["message",{"sender":111,"data":"more"}]
            bob < ["message","more"]
            ann -
            bob < ["user-left","ann-x"]
            """)
        #expect(faults == [])
    }

    @Test("a channel is known by the first who connects to it, or announces it")
    func known() throws {
        let harness = channels()
        let room = try #require(RoomName("ch".utf8))
        let root = try harness.open()
        #expect(harness.query { $0.knows(room) } == false)
        _ = try harness.open(room: "ch")
        #expect(harness.query { $0.knows(room) })
        harness.say(#"["new-channel",{"channel":"other","sender":"s"}]"#, on: root)
        harness.say(#"["new-channel",{"channel":"ch","sender":"s"}]"#, on: root)
        _ = try harness.open(room: "ch")
        let other = try #require(RoomName("other".utf8))
        #expect(harness.act { machine, _ in machine.takeAnnounced() } == [room, other])
        #expect(harness.act { machine, _ in machine.takeAnnounced() } == [])
        #expect(harness.query { $0.liveCounts.participants } == 2)
    }

    @Test("a page that comes back without announcing itself again is heard, as long as its channel is known")
    func reconnect() throws {
        let faults = try channels().play(
            """
            root +
            root > ["new-channel",{"channel":"ch","sender":"s"}]
            ann + channel=ch
            bob + channel=ch
            ann > ["message",{"sender":"s","data":1}]
            bob < ["message",1]
            ann -
            root -
            ... 600000
            ann2 + channel=ch
            ann2 > ["message",{"sender":"s","data":2}]
            bob < ["message",2]
            """)
        #expect(faults == [])
    }

    @Test("a channel is forgotten a minute after it was announced, or left, by the last one")
    func expiry() throws {
        let harness = channels()
        let room = try #require(RoomName("ch".utf8))
        let root = try harness.open()
        let announcement = #"["new-channel",{"channel":"ch","sender":"s"}]"#
        harness.say(announcement, on: root)
        harness.advance(milliseconds: 59_000)
        #expect(harness.query { $0.knows(room) })
        harness.advance(milliseconds: 2000)
        #expect(harness.query { $0.knows(room) } == false)
        harness.say(announcement, on: root)
        let ann = try harness.open(room: "ch")
        harness.advance(milliseconds: 300_000)
        #expect(harness.query { $0.knows(room) })
        harness.disconnect(ann)
        harness.advance(milliseconds: 59_000)
        #expect(harness.query { $0.knows(room) })
        harness.advance(milliseconds: 2000)
        #expect(harness.query { $0.knownCount } == 0)
    }

    @Test(
        "new-channel, presence and a message with a sender are this dialect's first events",
        arguments: [
            (#"["new-channel",{"channel":"c","sender":1}]"#, true), (#"["presence","c"]"#, true),
            (#"["message",{"sender":1,"data":{}}]"#, true), (#"["message",{"data":{}}]"#, false),
            (#"["message","got user media"]"#, false), (#"["new-channel"]"#, false), (#"["new-channel",null]"#, false),
            (#"["new-channel",{}]"#, false), (#"["presence",{}]"#, false), (#"["presence"]"#, false),
            (#"["join","c"]"#, false),
        ])
    func begins(event: String, isOurs: Bool) throws {
        let value = try JSONDocument(parsing: Array(event.utf8)).root
        #expect(SocketIOChannels.begins(with: value) == isOurs)
        #expect(SocketIOChannels.name == "socketio-channels")
    }
}
