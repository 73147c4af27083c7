import DialectSupport
import NetworkPrimitives
import Signaling
import Testing

@Suite("simple-peer: who meets whom")
struct MeshTests {
    @Test("two pages: the older one calls, and both say in their room what the other one hears as it was said")
    func two() throws {
        let faults = try meshes().play(
            #"""
            ann +
            ann > ["create or join"]
            ann < ["created","room0","ANN"]
            bob +
            bob > ["create or join"]
            ann < ["join","room0"]
            bob < ["joined","room0","BOB"]
            ann < ["ready"]
            bob < ["ready"]
            ann > ["initiate peer","room0"]
            bob < ["initiate peer","room0"]
            ann > ["sending signal",{"room":"room0", "data":"{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}"}]
            bob < ["sending signal",{"room":"room0", "data":"{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}"}]
            bob > ["sending signal",{"data":"\u007b}","x":1.0e1,"room":"room0"}]
            ann < ["sending signal",{"data":"\u007b}","x":1.0e1,"room":"room0"}]
            ann > ["message",{"a": 1.50}]
            bob < ["message",{"a": 1.50}]
            """#)
        #expect(faults == [])
    }

    @Test("the third page calls both others, each in a room of their own; so does the fourth")
    func four() throws {
        let faults = try meshes().play(
            """
            a +
            a > ["create or join"]
            a < ["created","room0","A"]
            b +
            b > ["create or join"]
            a < ["join","room0"]
            a < ["ready"]
            b < ["joined","room0","B"]
            b < ["ready"]
            c +
            c > ["create or join"]
            c < ["created","room1","C"]
            c < ["join","room1"]
            c < ["created","room2","C"]
            c < ["join","room2"]
            a < ["joined","room1","A"]
            b < ["joined","room2","B"]
            d +
            d > ["create or join"]
            d < ["created","room3","D"]
            d < ["join","room3"]
            d < ["created","room4","D"]
            d < ["join","room4"]
            d < ["created","room5","D"]
            d < ["join","room5"]
            a < ["joined","room3","A"]
            b < ["joined","room4","B"]
            c < ["joined","room5","C"]
            # What is said in a room of two is heard there only; a message is heard by all others.
            d > ["initiate peer","room4"]
            b < ["initiate peer","room4"]
            c > ["sending signal",{"room":"room1","data":"x"}]
            a < ["sending signal",{"room":"room1","data":"x"}]
            b > ["message",null]
            a < ["message",null]
            c < ["message",null]
            d < ["message",null]
            """)
        #expect(faults == [])
    }

    @Test("when all but one have gone, who comes next meets the one that is left (upstream they never do)")
    func leaversAndNewcomers() throws {
        let faults = try meshes().play(
            """
            a +
            a > ["create or join"]
            a < ["created","room0","A"]
            b +
            b > ["create or join"]
            a < ["join","room0"]
            a < ["ready"]
            b < ["joined","room0","B"]
            b < ["ready"]
            c +
            c > ["create or join"]
            c < ["created","room1","C"]
            c < ["join","room1"]
            c < ["created","room2","C"]
            c < ["join","room2"]
            a < ["joined","room1","A"]
            b < ["joined","room2","B"]
            a -
            b -
            d +
            d > ["create or join"]
            # A number that C was told of before would be taken for the connection of before.
            c < ["join","room3"]
            d < ["joined","room3","D"]
            c < ["ready"]
            d < ["ready"]
            c > ["initiate peer","room3"]
            d < ["initiate peer","room3"]
            c > ["initiate peer","room1"]
            d > ["sending signal",{"room":"room3","data":"x"}]
            c < ["sending signal",{"room":"room3","data":"x"}]
            """)
        #expect(faults == [])
    }

    @Test("a page that is alone again is called by the next one in a new room")
    func aloneAgain() throws {
        let faults = try meshes().play(
            """
            a +
            a > ["create or join"]
            a < ["created","room0","A"]
            b +
            b > ["create or join"]
            a < ["join","room0"]
            a < ["ready"]
            b < ["joined","room0","B"]
            b < ["ready"]
            b > ["hangup"]
            a > ["initiate peer","room0"]
            b > ["sending signal",{"room":"room0","data":"late"}]
            b > ["message","late"]
            c +
            c > ["create or join"]
            a < ["join","room1"]
            a < ["ready"]
            c < ["joined","room1","C"]
            c < ["ready"]
            # Who has hung up may come again, and is the newcomer then.
            b > ["create or join"]
            b < ["created","room2","B"]
            b < ["join","room2"]
            b < ["created","room3","B"]
            b < ["join","room3"]
            a < ["joined","room2","A"]
            c < ["joined","room3","C"]
            """)
        #expect(faults == [])
    }

    @Test("a room that waits has no number that the one who comes knows from before")
    func vacancy() throws {
        let faults = try meshes().play(
            """
            b +
            b > ["create or join"]
            b < ["created","room0","B"]
            b > ["hangup"]
            a +
            a > ["create or join"]
            a < ["created","room0","A"]
            b > ["create or join"]
            a < ["join","room1"]
            a < ["ready"]
            b < ["joined","room1","B"]
            b < ["ready"]
            """)
        #expect(faults == [])
    }

    @Test("to ask twice is to ask once")
    func twice() throws {
        let faults = try meshes().play(
            """
            a +
            a > ["create or join"]
            a < ["created","room0","A"]
            a > ["create or join"]
            b +
            b > ["create or join"]
            a < ["join","room0"]
            a < ["ready"]
            b < ["joined","room0","B"]
            b < ["ready"]
            b > ["create or join"]
            """)
        #expect(faults == [])
    }

    @Test("each namespace is a mesh of its own; without one it is that of the token, or the operator's")
    func meshesApart() throws {
        let harness = meshes()
        let faults = try harness.play(
            """
            a + room=acme
            a > ["create or join"]
            a < ["created","room0","A"]
            b +
            b > ["create or join"]
            b < ["created","room0","B"]
            a > ["message",1]
            a > ["initiate peer","room0"]
            c + token=acme
            c > ["create or join"]
            a < ["join","room0"]
            a < ["ready"]
            c < ["joined","room0","C"]
            c < ["ready"]
            d + token=ann
            d > ["create or join"]
            b < ["join","room0"]
            b < ["ready"]
            d < ["joined","room0","D"]
            d < ["ready"]
            """)
        #expect(faults == [])
        #expect(harness.query { $0.roomSummaries(limit: 9).map { "\($0.name)" }.sorted() } == ["acme", "lobby"])
    }

    @Test("only the one event without arguments begins this dialect")
    func begins() throws {
        for (text, expected) in [
            (#"["create or join"]"#, true), (#"["create\u0020or join"]"#, true), (#"["create or join","foo"]"#, false),
            (#"["create or join",null]"#, false), (#"["message","x"]"#, false), (#"["join",{"roomId":1}]"#, false),
            (#"[]"#, false), (#"{"0":"create or join"}"#, false),
        ] {
            #expect(try isFirstEvent(text) == expected, "\(text)")
        }
    }
}
