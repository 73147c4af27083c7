import NetworkPrimitives
import Testing

@testable import Signaling

@Suite("Rooms")
struct RoomServerTests {
    // MARK: - Coming and going

    @Test("who comes first opens the room, others are announced, and the last to go frees it")
    func life() throws {
        let harness = RoomHarness()
        let first = try harness.join("lobby", 1)
        #expect(harness.heard == ["lobby opened", "lobby entered 1"])
        let second = try harness.join("lobby", 2)
        #expect(harness.heard == ["lobby entered 2", "[1] lobby +p2"])
        try harness.join("lobby", 3)
        #expect(harness.heard == ["lobby entered 3", "[1, 2] lobby +p3"])
        harness.act { _ = $0.leave(second, .left, at: harness.now) }
        #expect(harness.heard == ["lobby left 2 left", "[1, 3] lobby -p2 left"])
        harness.act { _ = $0.leave(first, .timeout, at: harness.now) }
        #expect(harness.heard == ["lobby left 1 timeout", "[3] lobby -p1 timeout"])
        #expect(harness.query { $0.roomCount } == 1)
        harness.act { _ = $0.closeRoom(RoomName("lobby".utf8)!, explanation: "end", at: harness.now) }
        #expect(harness.heard == ["lobby left 3 closed", "[3] lobby removed closed 'end'", "lobby freed"])
        #expect(harness.query { $0.roomCount } == 0)
        #expect(harness.query { $0.memberCount } == 0)
    }

    @Test("a seat that was given up does nothing any more")
    func staleSeat() throws {
        let harness = RoomHarness()
        let seat = try harness.join("a", 1)
        let other = try harness.join("a", 2)
        let id = try harness.id(other)
        harness.act { _ = $0.leave(seat, .left, at: harness.now) }
        #expect(!harness.act { $0.leave(seat, .left, at: harness.now) })
        #expect(throws: RoomRefusal.notInRoom) { try harness.act { try $0.signal(to: id, from: seat, data: [1]) } }
        #expect(throws: RoomRefusal.notInRoom) { try harness.act { try $0.broadcast(from: seat, data: [1]) } }
        #expect(throws: RoomRefusal.notInRoom) { try harness.act { try $0.update(seat, metadata: []) } }
        #expect(throws: RoomRefusal.notInRoom) {
            try harness.act { try $0.kick(id, by: seat, explanation: "", banSeconds: 0, at: harness.now) }
        }
        #expect(harness.heard == [])
        #expect(!harness.query { $0.isTaken(seat) })
        #expect(harness.query { $0.admission(of: seat) } == nil)
        #expect(harness.query { $0.participant(of: seat) } == nil)
        #expect(harness.query { $0.capacity(of: seat) } == nil)
        #expect(harness.query { $0.room(of: seat) } == nil)
    }

    @Test("an endpoint has one seat in a room, and one in each of several rooms")
    func twice() throws {
        let harness = RoomHarness()
        try harness.join("a", 1)
        #expect(throws: RoomRefusal.alreadyInRoom) { try harness.join("a", 1) }
        #expect(throws: RoomRefusal.alreadyInRoom) {
            try harness.join("a", 1, identity: "ann") { $0.replaces = true }
        }
        #expect(harness.heard == [])
        try harness.join("b", 1)
        #expect(harness.query { $0.memberCount } == 2)
    }

    @Test("an empty room is kept for as long as the limit says, and no longer")
    func emptyRoom() throws {
        let harness = RoomHarness { $0.emptyRoomSeconds = 10 }
        let seat = try harness.join("a", 1, capacity: 1)
        harness.act { _ = $0.leave(seat, .left, at: harness.now) }
        #expect(harness.heard == ["a left 1 left"])
        harness.advance(seconds: 9)
        #expect(harness.heard == [])
        // It is the same room: its capacity is that of who opened it.
        let again = try harness.join("a", 2, capacity: 5)
        #expect(harness.heard == ["a entered 2"])
        #expect(throws: RoomRefusal.roomFull(capacity: 1)) { try harness.join("a", 3) }
        harness.advance(seconds: 60)
        #expect(harness.query { $0.roomCount } == 1)
        harness.act { _ = $0.leave(again, .left, at: harness.now) }
        harness.advance(seconds: 11)
        #expect(harness.heard == ["a freed"])
        #expect(harness.query { $0.nextDeadline } == nil)
    }

    // MARK: - Limits

    @Test("a room takes as many as who opened it was admitted for, else as the limit says", arguments: [nil, 2, 3])
    func capacity(granted: Int?) throws {
        let harness = RoomHarness { $0.roomCapacity = 4 }
        let capacity = granted ?? 4
        for endpoint in 1...UInt64(capacity) {
            // What later ones bring along changes nothing.
            try harness.join("a", endpoint, capacity: endpoint == 1 ? granted : 100)
        }
        #expect(throws: RoomRefusal.roomFull(capacity: capacity)) { try harness.join("a", 99, capacity: 100) }
        #expect(harness.heard == [])
    }

    @Test("a token for nobody opens no room", arguments: [0, -1, Int.min])
    func noCapacity(capacity: Int) throws {
        let harness = RoomHarness()
        #expect(throws: RoomRefusal.roomFull(capacity: 0)) { try harness.join("a", 1, capacity: capacity) }
        #expect(harness.query { $0.roomCount } == 0)
    }

    @Test("there are as many rooms as the limit says, and one more when one is freed")
    func rooms() throws {
        let harness = RoomHarness { $0.roomsMax = 2 }
        let first = try harness.join("a", 1)
        try harness.join("b", 1)
        #expect(throws: RoomRefusal.tooManyRooms) { try harness.join("c", 1) }
        #expect(harness.heard == [])
        harness.act { _ = $0.leave(first, .left, at: harness.now) }
        try harness.join("c", 1)
    }

    @Test("there are as many seats as sessions times rooms; a room that could not be entered is not opened")
    func seats() throws {
        let harness = RoomHarness {
            $0.sessionsMax = 1
            $0.roomsPerSessionMax = 2
        }
        try harness.join("a", 1)
        try harness.join("b", 1)
        #expect(throws: RoomRefusal.tooManyRooms) { try harness.join("c", 1) }
        #expect(harness.query { $0.roomCount } == 2)
        #expect(throws: RoomRefusal.tooManyRooms) { try harness.join("b", 2) }
        #expect(harness.query { $0.memberCount } == 2)
    }

    // MARK: - Grants

    @Test("what is not granted is forbidden")
    func grants() throws {
        let harness = RoomHarness()
        #expect(throws: RoomRefusal.forbidden) { try harness.join("a", 1, grants: [.signal, .broadcast, .turn]) }
        #expect(harness.query { $0.roomCount } == 0)
        let mute = try harness.join("a", 1, grants: .join)
        let other = try harness.id(try harness.join("a", 2))
        #expect(throws: RoomRefusal.forbidden) { try harness.act { try $0.signal(to: other, from: mute, data: [1]) } }
        #expect(throws: RoomRefusal.forbidden) { try harness.act { try $0.broadcast(from: mute, data: [1]) } }
        #expect(throws: RoomRefusal.forbidden) {
            try harness.act { try $0.kick(other, by: mute, explanation: "", banSeconds: 0, at: harness.now) }
        }
        #expect(harness.heard == [])
    }

    // MARK: - Messages

    @Test("a signal reaches the one it is for, stamped with its sender, byte for byte")
    func signal() throws {
        let harness = RoomHarness()
        let first = try harness.join("a", 1)
        let second = try harness.join("a", 2)
        try harness.join("a", 3)
        let target = try harness.id(second)
        try harness.act { try $0.signal(to: target, from: first, data: bytes("{ \"x\":1.0 }")) }
        #expect(harness.heard == ["[2] a signal p1 { \"x\":1.0 }"])
    }

    @Test("nobody reaches another room")
    func isolation() throws {
        let harness = RoomHarness()
        let inA = try harness.join("a", 1)
        let inB = try harness.join("b", 2, grants: [.join, .kick])
        let target = try harness.id(inB)
        #expect(throws: RoomRefusal.participantNotFound) {
            try harness.act { try $0.signal(to: target, from: inA, data: [1]) }
        }
        let aID = try harness.id(inA)
        #expect(throws: RoomRefusal.participantNotFound) {
            try harness.act { try $0.kick(aID, by: inB, explanation: "", banSeconds: 9, at: harness.now) }
        }
        #expect(harness.heard == [])
        try harness.act { try $0.broadcast(from: inA, data: [1]) }
        #expect(harness.heard == [])
    }

    @Test("a broadcast is one event for all others, in the order of their joining")
    func broadcast() throws {
        let harness = RoomHarness()
        let seats = try (1...5).map { try harness.join("a", UInt64($0)) }
        harness.act { _ = $0.leave(seats[1], .left, at: harness.now) }
        try harness.join("a", 2)
        try harness.act { try $0.broadcast(from: seats[3], data: bytes("x")) }
        #expect(harness.heard == ["[1, 3, 5, 2] a broadcast p4 x"])
    }

    @Test("what somebody says about itself reaches the others and the roster")
    func update() throws {
        let harness = RoomHarness()
        let seat = try harness.join("a", 1) {
            $0.name = "Ann"
            $0.role = "host"
            $0.metadata = Array(bytes("1"))
        }
        try harness.join("a", 2)
        try harness.act { try $0.update(seat, metadata: Array(bytes("2"))) }
        #expect(harness.heard == ["[2] a =p1 2"])
        var roster: [Participant] = []
        harness.query { server in server.forEachParticipant(inRoomOf: seat) { roster.append($0) } }
        #expect(roster.map(\.name) == ["Ann", ""])
        #expect(roster[0].metadata == Array(bytes("2")) && roster[0].role == "host")
        #expect(roster[0].since == harness.unixTime)
    }
}
