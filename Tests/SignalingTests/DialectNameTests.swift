import Signaling
import Testing

@Suite("Names of dialects as rooms")
struct DialectNameTests {
    @Test(
        "what is no letter of a room is written as ~ and two digits",
        arguments: [
            ("plain-1.2_3", "plain-1.2_3"), ("my call", "my~20call"), ("a~20", "a~7E20"), ("a/b", "a~2Fb"),
            ("ä", "~C3~A4"), ("?x=1", "~3Fx~3D1"), ("\u{0}", "~00"), ("\u{7f}", "~7F"),
        ])
    func escaping(name: String, room: String) {
        #expect(RoomName(escaping: Array(name.utf8))?.description == room)
    }

    @Test("128 bytes as they are written, and no more; never none")
    func lengths() {
        #expect(RoomName(escaping: [UInt8](repeating: 0x61, count: 128)) != nil)
        #expect(RoomName(escaping: [UInt8](repeating: 0x61, count: 129)) == nil)
        #expect(RoomName(escaping: [UInt8](repeating: 0x20, count: 42)) != nil)
        #expect(RoomName(escaping: [UInt8](repeating: 0x20, count: 43)) == nil)
        #expect(RoomName(escaping: [UInt8]()) == nil)
    }

    @Test("a place within a room is no escaped name, whatever that is")
    func within() throws {
        let room = try #require(RoomName("acme".utf8))
        #expect(RoomName(Array("a b".utf8), within: room)?.description == "acme~.a~20b")
        #expect(RoomName(escaping: Array("acme~.a b".utf8))?.description == "acme~7E.a~20b")
        #expect(RoomName([UInt8](repeating: 0x61, count: 122), within: room) != nil)
        #expect(RoomName([UInt8](repeating: 0x61, count: 123), within: room) == nil)
        #expect(RoomName([UInt8](), within: room) == nil)
    }

    @Test("paths: nothing, one room, and a page at the end that does not count")
    func paths() throws {
        let acme = PathRoom.room(try #require(RoomName("acme".utf8)))
        for segments in [[], [""], ["player.html"], ["index.htm"]] { #expect(PathRoom(segments: segments) == .unnamed) }
        for segments in [["acme"], ["acme", ""], ["acme", "player.html"]] {
            #expect(PathRoom(segments: segments) == acme)
        }
        let long = String(repeating: "x", count: 129)
        for segments in [["a", "b"], ["acme", "", ""], ["", "acme"], [long]] {
            #expect(PathRoom(segments: segments) == .invalid)
        }
        #expect(PathRoom(segments: ["a b"]) == .room(try #require(RoomName("a~20b".utf8))))
    }

    @Test("a pattern for one room has that room")
    func pattern() throws {
        #expect(RoomPattern("acme")?.room == RoomName("acme".utf8))
        #expect(RoomPattern("acme*")?.room == nil)
    }
}
