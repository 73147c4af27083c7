import Codelab
import DialectSupport
import JSON
import NetworkPrimitives
import Signaling
import Testing

@Suite("Codelab: conversations")
struct TranscriptTests {
    @Test("step 5: the second hears joined, the first join; both hear ready once, and then each other")
    func stepFive() throws {
        let faults = try lab().play(
            """
            ann +
            ann > ["create or join","foo"]
            ann < ["created","foo","ann"]
            ann > ["message","got user media"]
            bob +
            bob > ["create or join","foo"]
            bob < ["joined","foo","bob"]
            bob < ["ready","foo"]
            ann < ["join","foo"]
            ann < ["ready","foo"]
            bob > ["message","got user media"]
            ann < ["message","got user media"]
            ann > ["message",{"type":"offer","sdp":"v=0\\r\\n"}]
            bob < ["message",{"type":"offer","sdp":"v=0\\r\\n"}]
            bob > ["message",{"type":"answer","sdp":"v=0\\r\\n"}]
            ann < ["message",{"type":"answer","sdp":"v=0\\r\\n"}]
            ann > ["message",{"type":"candidate","label":0,"id":"0","candidate":"candidate:1 1 udp 1 192.0.2.1 9"}]
            bob < ["message",{"type":"candidate","label":0,"id":"0","candidate":"candidate:1 1 udp 1 192.0.2.1 9"}]
            eve +
            eve > ["create or join","foo"]
            eve < ["full","foo"]
            eve > ["message","got user media"]
            ann > ["message","bye"]
            bob < ["message","bye"]
            """)
        #expect(faults == [])
    }

    @Test("step 6: a page that is unloaded says bye and is gone; the other one hears of it once")
    func stepSix() throws {
        let faults = try lab().play(
            """
            ann +
            ann > ["create or join","8c2f"]
            ann < ["created","8c2f","ann"]
            ann > ["ipaddr"]
            ann < ["ipaddr","203.0.113.1"]
            bob +
            bob > ["create or join","8c2f"]
            ann < ["join","8c2f"]
            ann < ["ready","8c2f"]
            bob < ["joined","8c2f","bob"]
            bob < ["ready","8c2f"]
            ann > ["bye","8c2f"]
            bob < ["bye","8c2f"]
            ann -
            # Bob's page reloads, and is the one that creates the room.
            bob > ["bye","8c2f"]
            bob -
            bob2 +
            bob2 > ["create or join","8c2f"]
            bob2 < ["created","8c2f","bob2"]
            """)
        #expect(faults == [])
    }

    @Test("a seat is free as soon as its socket is gone, and the others of the room, and nobody else, hear bye")
    func seatsAreFreed() throws {
        let harness = lab()
        let faults = try harness.play(
            """
            ann +
            ann > ["create or join","foo"]
            ann < ["created","foo","ann"]
            bob +
            bob > ["create or join","foo"]
            bob < ["joined","foo","bob"]
            bob < ["ready","foo"]
            ann < ["join","foo"]
            ann < ["ready","foo"]
            eve +
            eve > ["create or join","other"]
            eve < ["created","other","eve"]
            bob -
            ann < ["bye","foo"]
            carl +
            carl > ["create or join","foo"]
            carl < ["joined","foo","carl"]
            carl < ["ready","foo"]
            ann < ["join","foo"]
            ann < ["ready","foo"]
            ann -
            carl < ["bye","foo"]
            carl -
            eve -
            """)
        #expect(faults == [])
        #expect(harness.query { $0.liveCounts.rooms } == 0)
    }

    @Test("rooms are called as each client writes them: by numbers, by escapes, by any letters")
    func names() throws {
        let faults = try lab().play(
            #"""
            ann +
            ann > ["create or join",123]
            ann < ["created",123,"ann"]
            bob +
            bob > ["create or join","\u0031\u0032\u0033"]
            bob < ["joined","\u0031\u0032\u0033","bob"]
            bob < ["ready","\u0031\u0032\u0033"]
            ann < ["join",123]
            ann < ["ready",123]
            eve +
            eve > ["create or join","a/b \"ä\""]
            eve < ["created","a/b \"ä\"","eve"]
            bob -
            ann < ["bye",123]
            """#)
        #expect(faults == [])
    }

    @Test("what is said comes byte for byte")
    func bytes() throws {
        let faults = try lab().play(
            #"""
            ann +
            ann > ["create or join","r"]
            ann < ["created","r","ann"]
            bob +
            bob > ["create or join","r"]
            bob < ["joined","r","bob"]
            bob < ["ready","r"]
            ann < ["join","r"]
            ann < ["ready","r"]
            bob > [ "message" , {"b": 1.0e1,"a":null, "c":"\/\ud83d"} , 7 ]
            ann < ["message",{"b": 1.0e1,"a":null, "c":"\/\ud83d"}]
            """#)
        #expect(faults == [])
    }

    @Test("who joins another room has left the one before, and who joins twice has joined once")
    func again() throws {
        let faults = try lab().play(
            """
            ann +
            ann > ["create or join","a"]
            ann < ["created","a","ann"]
            ann > ["create or join","a"]
            bob +
            bob > ["create or join","a"]
            bob < ["joined","a","bob"]
            bob < ["ready","a"]
            ann < ["join","a"]
            ann < ["ready","a"]
            ann > ["create or join","b"]
            bob < ["bye","a"]
            ann < ["created","b","ann"]
            bob > ["message",1]
            ann > ["message",2]
            """)
        #expect(faults == [])
    }

    @Test("ipaddr is what the operator says")
    func addresses() throws {
        let faults = try lab { $0.publicAddresses = [IPAddress("192.0.2.1")!, IPAddress("2001:db8::1")!] }.play(
            """
            ann +
            ann > ["ipaddr"]
            ann < ["ipaddr","192.0.2.1"]
            ann < ["ipaddr","2001:db8::1"]
            """)
        #expect(faults == [])
    }

    @Test("with the log on, clients are told what the original tells them")
    func log() throws {
        let faults = try lab { $0.logPolicy = .echo }.play(
            """
            ann +
            ann > ["create or join","foo"]
            ann < ["log",["Message from server:","Received request to create or join room foo"]]
            ann < ["log",["Message from server:","Room foo now has 0 client(s)"]]
            ann < ["log",["Message from server:","Client ID ann created room foo"]]
            ann < ["created","foo","ann"]
            ann > ["message",{"type": 1}]
            ann < ["log",["Message from server:","Client said: ",{"type": 1}]]
            bob +
            bob > ["create or join","foo"]
            bob < ["log",["Message from server:","Received request to create or join room foo"]]
            bob < ["log",["Message from server:","Room foo now has 1 client(s)"]]
            bob < ["log",["Message from server:","Client ID bob joined room foo"]]
            bob < ["joined","foo","bob"]
            bob < ["ready","foo"]
            ann < ["join","foo"]
            ann < ["ready","foo"]
            eve +
            eve > ["create or join","foo"]
            eve < ["log",["Message from server:","Received request to create or join room foo"]]
            eve < ["log",["Message from server:","Room foo now has 2 client(s)"]]
            eve < ["full","foo"]
            """)
        #expect(faults == [])
    }

    @Test(
        "only create or join with the name of a room is this dialect's first event",
        arguments: [
            (#"["create or join","foo"]"#, true), (#"["create or join",7]"#, true),
            (#"["create or join","foo",{}]"#, true), (#"["create or join"]"#, false),
            (#"["create or join",null]"#, false), (#"["create or join",{}]"#, false), (#"["join","foo"]"#, false),
            (#"[]"#, false), (#"[1]"#, false), (#"{}"#, false), (#""create or join""#, false),
        ])
    func begins(event: String, isOurs: Bool) throws {
        let value = try JSONDocument(parsing: Array(event.utf8)).root
        #expect(Codelab.begins(with: value) == isOurs)
        #expect(Codelab.name == "codelab")
    }
}
