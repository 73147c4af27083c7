import Containers
import NetworkPrimitives
import TestSupport
import Testing

@testable import TURN

@Suite("Table of members")
struct MemberTableTests {
    private static let start: Int64 = 1_750_000_000

    private func user(_ number: Int) -> [UInt8] { Array("tern.3.m-\(number)".utf8) }

    private func standing(_ table: TestMembers, _ number: Int, at second: UInt32) -> MemberStanding {
        let name = Array("1:".utf8) + user(number)
        let identity = Identity(username: name, quotaKey: user(number), mintedQuota: 3, isEphemeral: true)
        return table.standing(of: identity, at: instant(second))
    }

    private func instant(_ second: UInt32) -> Instant { Instant.zero.advanced(bySeconds: second) }

    private func unix(_ second: UInt32) -> UnixTime { UnixTime(seconds: Self.start + Int64(second)) }

    @discardableResult
    private func handle(_ table: TestMembers, at second: UInt32) -> [CredentialScope] {
        // A tick of the wheel later, so that what is due in this second is.
        table.handleDeadline(at: instant(second).advanced(byMilliseconds: 2), unixTime: unix(second))
    }

    @Test("at its limit who left first makes room, and who is present does not", .requirement("RI-member-15"))
    func entersAtLimit() {
        let table = TestMembers(limit: 3)
        for number in 0..<3 {
            #expect(table.enter(user(number), at: instant(0)))
            table.issued(user(number), expiresAt: unix(600), at: instant(0), unixTime: unix(0))
        }
        #expect(!table.enter(user(3), at: instant(1)))
        #expect(standing(table, 3, at: 1) == .unknown)
        table.leave(user(2), graceUntil: instant(10), deletes: false)
        table.leave(user(1), graceUntil: instant(10), deletes: false)
        #expect(table.enter(user(3), at: instant(20)))
        #expect(table.count == 3)
        let standings = (0..<4).map { standing(table, $0, at: 20) }
        #expect(standings == [.present, .left, .unknown, .present])
        // To come back takes no room.
        #expect(table.enter(user(1), at: instant(21)))
        #expect(!table.enter(user(4), at: instant(21)))
        #expect(table.counters.refusedEntries == 2 && table.counters.evicted == 1)
    }

    @Test("no revocation makes room, and everybody else makes room for one", .requirement("RI-member-15"))
    func revokesAtLimit() {
        let table = TestMembers(limit: 4)
        for number in 0..<4 {
            #expect(table.enter(user(number), at: instant(0)))
            table.issued(user(number), expiresAt: unix(600), at: instant(0), unixTime: unix(0))
        }
        table.leave(user(3), graceUntil: instant(0), deletes: false)
        // A leave that becomes a revocation is as good as one.
        table.leave(user(0), graceUntil: instant(100), deletes: true)
        for number in 10..<13 {
            #expect(table.revoke(.user(user(number)), until: unix(600), at: instant(1), unixTime: unix(1)))
        }
        let standings = [0, 1, 2, 3, 10, 11, 12].map { standing(table, $0, at: 1) }
        #expect(standings == [.present, .unknown, .unknown, .unknown, .revoked, .revoked, .revoked])
        #expect(!table.revoke(.user(user(13)), until: unix(600), at: instant(1), unixTime: unix(1)))
        #expect(!table.enter(user(13), at: instant(1)))
        #expect(table.counters.refusedRevocations == 1 && table.counters.evicted == 3)
        // Whoever is in the table is revoked in its place.
        #expect(table.revoke(.user(user(0)), until: unix(600), at: instant(1), unixTime: unix(1)))
        #expect(standing(table, 0, at: 1) == .revoked)
        // They are forgotten in their time, and then there is room.
        #expect(handle(table, at: 4_200) == [])
        #expect(table.count == 4)
        #expect(handle(table, at: 4_202) == [])
        #expect(table.count == 0 && table.counters.forgotten == 4)
        #expect(table.enter(user(13), at: instant(4_202)))
    }

    @Test("who has left is forgotten after the last credential, not before", .requirement("RI-member-16"))
    func forgets() {
        let table = TestMembers(limit: 10)
        #expect(table.enter(user(1), at: instant(0)))
        table.issued(user(1), expiresAt: unix(600), at: instant(0), unixTime: unix(0))
        table.issued(user(1), expiresAt: unix(900), at: instant(300), unixTime: unix(300))
        // Who is present is not forgotten, however old its credentials.
        #expect(handle(table, at: 5_000) == [])
        #expect(table.count == 1 && table.nextDeadline == nil)
        table.issued(user(1), expiresAt: unix(5_600), at: instant(5_000), unixTime: unix(5_000))
        table.leave(user(1), graceUntil: instant(5_060), deletes: false)
        // A credential that was on its way counts too.
        table.issued(user(1), expiresAt: unix(5_605), at: instant(5_005), unixTime: unix(5_005))
        handle(table, at: 5_604)
        #expect(standing(table, 1, at: 5_604) == .left)
        handle(table, at: 5_606)
        #expect(table.count == 0 && table.nextDeadline == nil)
        #expect(standing(table, 1, at: 5_606) == .unknown)
        // A grace that outlasts the credentials is kept to.
        #expect(table.enter(user(2), at: instant(6_000)))
        table.leave(user(2), graceUntil: instant(6_060), deletes: false)
        handle(table, at: 6_059)
        #expect(standing(table, 2, at: 6_059) == .present)
        handle(table, at: 6_060)
        #expect(table.count == 0)
    }

    @Test("a revocation lasts until what it is about has expired", .requirement("RI-member-16"))
    func revocationLasts() {
        let table = TestMembers(limit: 10)
        #expect(table.enter(user(1), at: instant(0)))
        table.issued(user(1), expiresAt: unix(600), at: instant(0), unixTime: unix(0))
        // Whoever revokes need not know what was issued.
        #expect(table.revoke(.user(user(1)), until: unix(0), at: instant(10), unixTime: unix(10)))
        #expect(table.revoke(.name(Array("1750000050:bob".utf8)), until: unix(50), at: instant(10), unixTime: unix(10)))
        // Nor does it count who leaves or enters afterwards.
        table.leave(user(1), graceUntil: instant(20), deletes: false)
        #expect(!table.enter(user(1), at: instant(20)))
        // And for an hour more: as far as a wall clock may be set back.
        handle(table, at: 3_650)
        #expect(table.count == 2)
        handle(table, at: 3_651)
        #expect(table.count == 1)
        handle(table, at: 4_200)
        #expect(standing(table, 1, at: 4_200) == .revoked)
        handle(table, at: 4_201)
        #expect(table.count == 0)
        #expect(table.counters.revoked == 2 && table.counters.forgotten == 2)
    }

    @Test("times at the ends of their range do not trap", .requirement("RI-member-14"))
    func extremeTimes() {
        let table = TestMembers(limit: 10)
        for (number, now) in [Int64.min, -1, 0, .max].enumerated() {
            for until in [Int64.min, -1, 0, .max] {
                #expect(
                    table.revoke(
                        .user(user(number)), until: UnixTime(seconds: until), at: instant(1),
                        unixTime: UnixTime(seconds: now)))
            }
            table.handleDeadline(at: instant(10), unixTime: UnixTime(seconds: now))
            #expect(standing(table, number, at: 10) == .revoked)
        }
    }

    @Test("one call ends a bounded number of graces")
    func boundedCall() {
        let table = TestMembers(limit: 1_000)
        for number in 0..<257 {
            #expect(table.enter(user(number), at: instant(0)))
            table.issued(user(number), expiresAt: unix(600), at: instant(0), unixTime: unix(0))
            table.leave(user(number), graceUntil: instant(1), deletes: true)
        }
        #expect(handle(table, at: 1).count == 256)
        #expect((table.nextDeadline ?? instant(9)) <= instant(1).advanced(byMilliseconds: 2))
        #expect(handle(table, at: 1).count == 1)
        #expect(handle(table, at: 1).isEmpty)
        #expect(handle(table, at: 4_201).isEmpty)
        #expect(handle(table, at: 4_201).isEmpty)
        #expect(table.count == 0)
    }

    @Test("random members, against a plain reading of the rules", arguments: 1...8)
    func model(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let table = TestMembers(limit: 8, sessionSecondsMax: 400)
        var revokedUntil: [Int: UInt32] = [:]
        var now: UInt32 = 0
        for _ in 0..<4_000 {
            let number = Int(random.next() % 12)
            switch random.next() % 6 {
            case 0: _ = table.enter(user(number), at: instant(now))
            case 1: table.issued(user(number), expiresAt: unix(now + 50), at: instant(now), unixTime: unix(now))
            case 2: table.leave(user(number), graceUntil: instant(now + 5), deletes: random.next() % 2 == 0)
            case 3 where random.next() % 4 == 0:
                if table.revoke(.user(user(number)), until: unix(now + 60), at: instant(now), unixTime: unix(now)) {
                    revokedUntil[number] = max(revokedUntil[number] ?? 0, now + 60)
                }
            case 4:
                now += UInt32(random.next() % 20)
                while let deadline = table.nextDeadline, deadline <= instant(now) {
                    table.handleDeadline(at: instant(now), unixTime: unix(now))
                }
            default: break
            }
            #expect(table.count <= 8)
            // An accepted revocation holds for as long as it was asked for, whatever happens.
            for (number, until) in revokedUntil where now <= until {
                #expect(standing(table, number, at: now) == .revoked)
            }
        }
        now += 100
        for number in 0..<12 { table.leave(user(number), graceUntil: instant(now), deletes: false) }
        for _ in 0..<3 {
            now += 5_000
            handle(table, at: now)
        }
        #expect(table.count == 0 && table.nextDeadline == nil)
    }

    @Test("the order of age survives any leave")
    func ageList() {
        var list = AgeList()
        var model: [UInt32] = []
        var random = SplitMix64(seed: 1)
        for _ in 0..<2_000 {
            let id = UInt32(random.next() % 20)
            if model.contains(id) {
                list.remove(id)
                model.removeAll { $0 == id }
            } else if random.next() % 3 > 0 {
                list.append(id)
                model.append(id)
            } else {
                list.remove(id)
            }
            #expect(list.oldest == model.first && list.count == model.count)
        }
    }
}
