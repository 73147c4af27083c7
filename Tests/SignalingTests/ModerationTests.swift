import NetworkPrimitives
import Testing

@testable import Signaling

@Suite("Rooms: kicks, bans, places taken over")
struct ModerationTests {
    private let moderator: Grants = [.join, .kick, .signal]

    @Test("who is kicked loses the seat at once, and is told why")
    func kick() throws {
        let harness = RoomHarness()
        let host = try harness.join("a", 1, grants: moderator)
        let guest = try harness.join("a", 2)
        try harness.join("a", 3)
        let id = try harness.id(guest)
        _ = try harness.act { try $0.kick(id, by: host, explanation: "noise", banSeconds: 0, at: harness.now) }
        #expect(
            harness.heard == [
                "a left 2 kicked", "[2] a removed kicked 'noise'", "[1, 3] a -p2 kicked",
            ])
        #expect(throws: RoomRefusal.participantNotFound) {
            _ = try harness.act { try $0.kick(id, by: host, explanation: "", banSeconds: 0, at: harness.now) }
        }
        // No ban was asked for.
        try harness.join("a", 2)
    }

    @Test("a ban holds for its time, for the identity, in its room")
    func ban() throws {
        let harness = RoomHarness()
        let host = try harness.join("a", 1, grants: moderator)
        let id = try harness.id(try harness.join("a", 2, identity: "bob"))
        _ = try harness.act { try $0.kick(id, by: host, explanation: "", banSeconds: 10, at: harness.now) }
        #expect(throws: RoomRefusal.forbidden) { try harness.join("a", 2, identity: "bob") }
        #expect(throws: RoomRefusal.forbidden) { try harness.join("a", 7, identity: "bob") { $0.replaces = true } }
        try harness.join("a", 3, identity: "eve")
        try harness.join("b", 2, identity: "bob")
        harness.advance(seconds: 9)
        #expect(throws: RoomRefusal.forbidden) { try harness.join("a", 4, identity: "bob") }
        harness.advance(seconds: 1)
        try harness.join("a", 4, identity: "bob")
    }

    @Test("at the limit of bans the one that ends first makes room")
    func banLimit() throws {
        let harness = RoomHarness { $0.bansPerRoomMax = 2 }
        let host = try harness.join("a", 1, grants: moderator)
        for (name, seconds) in [("short", UInt32(10)), ("long", 1000), ("longer", 2000)] {
            let id = try harness.id(try harness.join("a", 2, identity: name))
            _ = try harness.act { try $0.kick(id, by: host, explanation: "", banSeconds: seconds, at: harness.now) }
            #expect(harness.query { $0.evictedBans } == (name == "longer" ? 1 : 0))
        }
        try harness.join("a", 3, identity: "short")
        #expect(throws: RoomRefusal.forbidden) { try harness.join("a", 4, identity: "long") }
        #expect(throws: RoomRefusal.forbidden) { try harness.join("a", 4, identity: "longer") }
        #expect(harness.query { $0.summary(of: RoomName("a".utf8)!) }?.banCount == 2)
    }

    @Test("one identity may be there twice, with two devices")
    func twoDevices() throws {
        let harness = RoomHarness()
        try harness.join("a", 1, identity: "ann")
        try harness.join("a", 2, identity: "ann")
        #expect(harness.query { $0.memberCount } == 2)
    }

    @Test("unless its admission says otherwise")
    func exclusive() throws {
        let harness = RoomHarness()
        try harness.join("a", 1, identity: "ann")
        #expect(throws: RoomRefusal.identityInRoom) {
            try harness.join("a", 2, identity: "ann") { $0.admission.isExclusive = true }
        }
        try harness.join("a", 2, identity: "ann") {
            $0.admission.isExclusive = true
            $0.replaces = true
        }
        #expect(harness.query { $0.memberCount } == 1)
    }

    @Test("who takes the place of an identity gets it even in a full room, and the others hear both")
    func replace() throws {
        let harness = RoomHarness()
        try harness.join("a", 1, identity: "ann", capacity: 2)
        try harness.join("a", 2, identity: "bob")
        #expect(throws: RoomRefusal.roomFull(capacity: 2)) { try harness.join("a", 3, identity: "ann") }
        #expect(throws: RoomRefusal.roomFull(capacity: 2)) {
            try harness.join("a", 3, identity: "eve") { $0.replaces = true }
        }
        #expect(throws: RoomRefusal.roomFull(capacity: 2)) { try harness.join("a", 3) { $0.replaces = true } }
        try harness.join("a", 3, identity: "ann") { $0.replaces = true }
        #expect(
            harness.heard == [
                "a left 1 replaced", "[1] a removed replaced ''", "[2] a -p1 replaced", "a entered 3", "[2] a +p3",
            ])
    }

    @Test("an identity that is alone takes over without the room being freed between")
    func replaceAlone() throws {
        let harness = RoomHarness()
        try harness.join("a", 1, identity: "ann", capacity: 1)
        try harness.join("a", 2, identity: "ann") { $0.replaces = true }
        #expect(harness.heard == ["a left 1 replaced", "[1] a removed replaced ''", "a entered 2"])
    }

    @Test("the same subject of another issuer is somebody else")
    func issuers() throws {
        let harness = RoomHarness()
        try harness.join("a", 1, identity: "ann")
        try harness.join("a", 2, identity: "ann") {
            $0.admission.identity = Admission.Identity(issuer: "other", subject: "ann")
            $0.replaces = true
        }
        #expect(harness.query { $0.memberCount } == 2)
    }

    @Test("operators see rooms and who is in them, in the order of joining")
    func operators() throws {
        let harness = RoomHarness()
        try harness.join("a", 1, identity: "ann", capacity: 9)
        try harness.join("b", 2)
        try harness.join("a", 3)
        let summaries = harness.query { $0.summaries(limit: 10) }
        #expect(summaries.map { "\($0.name) \($0.participantCount)/\($0.capacity)" } == ["a 2/9", "b 1/64"])
        #expect(harness.query { $0.summaries(limit: 1) }.map(\.name.description) == ["a"])
        #expect(harness.query { $0.summaries(limit: 0) } == [])
        let residents = harness.query { $0.residents(of: RoomName("a".utf8)!) }
        #expect(residents.map(\.endpoint.rawValue) == [1, 3])
        #expect(residents[0].identity?.subject == "ann")
        #expect(harness.query { $0.summary(of: RoomName("c".utf8)!) } == nil)
        #expect(harness.query { $0.residents(of: RoomName("c".utf8)!) } == [])
        #expect(!harness.act { $0.closeRoom(RoomName("c".utf8)!, explanation: "", at: harness.now) })
    }
}
