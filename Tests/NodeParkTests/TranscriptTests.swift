import DialectSupport
import JSON
import NetworkPrimitives
import NodePark
import Signaling
import Testing

@Suite("node-park: conversations")
struct TranscriptTests {
    @Test("the words of the program: who joins is echoed, the others are told to make an offer")
    func program() throws {
        let faults = try park().play(
            """
            ann +
            ann > ["join",{"userId":"a","roomId":123}]
            ann < ["joined",{"userId":"a","roomId":123}]
            ann < ["welcome",{"userId":"a","roomId":123}]
            bob +
            bob > ["join",{"userId":"b","roomId":123,"nick":"B"}]
            bob < ["joined",{"userId":"b","roomId":123,"nick":"B"}]
            bob < ["welcome",{"userId":"b","roomId":123,"nick":"B"}]
            ann < ["welcome",{"userId":"b","roomId":123,"nick":"B"}]
            ann < ["createOffer",{"userId":"b","roomId":123,"nick":"B"}]
            ann > ["offer",{"userId":"a","roomId":123,"sdp":"{\\"type\\":\\"offer\\"}"}]
            bob < ["offer",{"userId":"a","roomId":123,"sdp":"{\\"type\\":\\"offer\\"}"}]
            bob > ["answer",{"userId":"b","roomId":123,"sdp":"{}"}]
            ann < ["answer",{"userId":"b","roomId":123,"sdp":"{}"}]
            bob > ["leave",{"userId":"b","roomId":123}]
            ann < ["leave",{"userId":"b","roomId":123,"nick":"B"}]
            ann < ["userLeft","bob"]
            bob > ["answer",{"userId":"b","roomId":123,"sdp":"{}"}]
            bob -
            """)
        #expect(faults == [])
    }

    @Test("the words of the article: who joins is told who is there, the others who has come")
    func article() throws {
        let faults = try park().play(
            """
            ann +
            ann > ["join","room","a"]
            ann < ["joined","ann"]
            bob +
            bob > ["join",{"room":"room"}]
            bob < ["joined","ann,bob"]
            ann < ["newUserJoined","bob"]
            carl +
            carl > ["join","room"]
            carl < ["joined","ann,bob,carl"]
            ann < ["newUserJoined","carl"]
            bob < ["newUserJoined","carl"]
            ann > ["message",{"type":"offer"}]
            bob < ["message",{"type":"offer"}]
            carl < ["message",{"type":"offer"}]
            bob > ["message","room",{"type":"answer"}]
            ann < ["message","room",{"type":"answer"}]
            carl < ["message","room",{"type":"answer"}]
            ann -
            bob < ["leave",{"roomId":"room","userId":"a"}]
            bob < ["userLeft","ann"]
            carl < ["leave",{"roomId":"room","userId":"a"}]
            carl < ["userLeft","ann"]
            """)
        #expect(faults == [])
    }

    @Test("in a room of both, each is told in its own words")
    func mixed() throws {
        let faults = try park().play(
            """
            ann +
            ann > ["join",{"roomId":"r","userId":"a"}]
            ann < ["joined",{"roomId":"r","userId":"a"}]
            ann < ["welcome",{"roomId":"r","userId":"a"}]
            bob +
            bob > ["join","r"]
            bob < ["joined","ann,bob"]
            ann < ["welcome",{"roomId":"r","userId":"bob"}]
            ann < ["createOffer",{"roomId":"r","userId":"bob"}]
            carl +
            carl > ["join",{"roomId":"r","userId":"c"}]
            carl < ["joined",{"roomId":"r","userId":"c"}]
            carl < ["welcome",{"roomId":"r","userId":"c"}]
            bob < ["newUserJoined","carl"]
            ann < ["welcome",{"roomId":"r","userId":"c"}]
            ann < ["createOffer",{"roomId":"r","userId":"c"}]
            dora +
            dora > ["join","r"]
            dora < ["joined","ann,bob,carl,dora"]
            bob < ["newUserJoined","dora"]
            ann < ["welcome",{"roomId":"r","userId":"dora"}]
            ann < ["createOffer",{"roomId":"r","userId":"dora"}]
            carl < ["welcome",{"roomId":"r","userId":"dora"}]
            carl < ["createOffer",{"roomId":"r","userId":"dora"}]
            bob > ["leave"]
            ann < ["leave",{"roomId":"r","userId":"bob"}]
            ann < ["userLeft","bob"]
            carl < ["leave",{"roomId":"r","userId":"bob"}]
            carl < ["userLeft","bob"]
            dora < ["leave",{"roomId":"r","userId":"bob"}]
            dora < ["userLeft","bob"]
            """)
        #expect(faults == [])
    }

    @Test("candidates and messages go to the room too, byte for byte and with all arguments")
    func relays() throws {
        let faults = try park().play(
            #"""
            ann +
            ann > ["join",{"roomId":"r"}]
            ann < ["joined",{"roomId":"r"}]
            ann < ["welcome",{"roomId":"r"}]
            bob +
            bob > [ "join" , { "roomId" : "\u0072", "n":1.0e1 } ]
            bob < ["joined",{ "roomId" : "\u0072", "n":1.0e1 }]
            bob < ["welcome",{ "roomId" : "\u0072", "n":1.0e1 }]
            ann < ["welcome",{ "roomId" : "\u0072", "n":1.0e1 }]
            ann < ["createOffer",{ "roomId" : "\u0072", "n":1.0e1 }]
            bob > ["candidate",{"a": null, "b":"\/\ud83d"}]
            ann < ["candidate",{"a": null, "b":"\/\ud83d"}]
            bob > ["message","hi",null,[ ]]
            ann < ["message","hi",null,[ ]]
            """#)
        #expect(faults == [])
    }

    @Test("nobody joins a room twice, nor as somebody who is there; who joins another room has left the one before")
    func duplicates() throws {
        let faults = try park().play(
            """
            ann +
            ann > ["join",{"roomId":"r","userId":"a"}]
            ann < ["joined",{"roomId":"r","userId":"a"}]
            ann < ["welcome",{"roomId":"r","userId":"a"}]
            ann > ["join",{"roomId":"r","userId":"a2"}]
            ann < ["error","用户已在房间里"]
            eve +
            eve > ["join",{"roomId":"r","userId":"a"}]
            eve < ["error","用户已在房间里"]
            eve > ["join","r","a"]
            eve < ["error","用户已在房间里"]
            eve > ["offer",{"roomId":"r","userId":"a"}]
            eve > ["join",{"roomId":"s","userId":"a"}]
            eve < ["joined",{"roomId":"s","userId":"a"}]
            eve < ["welcome",{"roomId":"s","userId":"a"}]
            ann > ["join","s"]
            ann < ["joined","eve,ann"]
            eve < ["welcome",{"roomId":"s","userId":"ann"}]
            eve < ["createOffer",{"roomId":"s","userId":"ann"}]
            eve > ["join",{"roomId":"r","userId":"a"}]
            ann < ["leave",{"roomId":"s","userId":"a"}]
            ann < ["userLeft","eve"]
            eve < ["joined",{"roomId":"r","userId":"a"}]
            eve < ["welcome",{"roomId":"r","userId":"a"}]
            """)
        #expect(faults == [])
    }

    @Test(
        "only join with a room is this dialect's first event",
        arguments: [
            (#"["join",{"roomId":"r"}]"#, true), (#"["join",{"roomId":1,"userId":2}]"#, true),
            (#"["join",{"room":"r"}]"#, true), (#"["join","r"]"#, true), (#"["join","r","u"]"#, true),
            (#"["join",7]"#, true), (#"["join"]"#, false), (#"["join",null]"#, false), (#"["join",{}]"#, false),
            (#"["join",{"roomId":null}]"#, false), (#"["join",["r"]]"#, false), (#"["create or join","r"]"#, false),
            (#"["offer",{"roomId":"r"}]"#, false),
        ])
    func begins(event: String, isOurs: Bool) throws {
        let value = try JSONDocument(parsing: Array(event.utf8)).root
        #expect(NodePark.begins(with: value) == isOurs)
        #expect(NodePark.name == "node-park")
    }
}
