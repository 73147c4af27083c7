import NetworkPrimitives
import Signaling
import SocketIOSignaling
import Testing

@Suite("Socket.IO with dialects: strangers that say anything")
struct StrangerTests {
    private static let events = [
        #"42["create or join"]"#, #"42/acme,["create or join"]"#, #"42/open-a,["create or join"]"#,
        #"42["announce","acme"]"#, #"42/acme,["announce","open-a"]"#, #"42["initiate peer","room0"]"#,
        #"42/acme,["initiate peer","room1"]"#, #"42["message",1]"#, #"42/open-a,["message",{}]"#, #"42["hangup"]"#,
        #"42/acme,["x"]"#, #"427["message",1]"#,
    ]

    /// What breaks a rule, or may do so.
    private static let others = [
        "40", "40/acme,", #"40/open-a,{"token":"ann"}"#, #"40/open-b,{"token":"guess"}"#, "41", "41/acme,",
        #"451-["message",{"_placeholder":true,"num":0}]"#, "3", "42[", "1",
    ]

    @Test("nothing traps, and nothing is left behind", arguments: 0..<4 as Range<UInt64>)
    func strangers(seed: UInt64) throws {
        let site = Site(
            {
                $0.simplePeer?.sendsIceServers = true
                $0.simplePeer?.host.limits.roomCapacity = 4
                $0.sockets.socketsPerSessionMax = 3
            }, further: { [DialectBox(Bulletin(gate: $0))] })
        var random = Random(state: seed)
        var open: [UInt64] = []
        var sessions: [String] = []
        for _ in 0..<2000 {
            switch random.below(32) {
            case 0...2: if open.count < 12 { open.append(try arrive(&random, at: site)) }
            case 3: if !open.isEmpty { site.drop(open.remove(at: random.below(open.count))) }
            case 4: site.advance(milliseconds: UInt64(random.below(3000)))
            case 5:
                if sessions.count < 6 { sessions.append(try site.poll()) }
                site.post(sessions[sessions.count - 1], "40")
            case 6: if !sessions.isEmpty { site.get(sessions[random.below(sessions.count)]) }
            case 7, 8:
                if !sessions.isEmpty { site.post(sessions[random.below(sessions.count)], packet(&random)) }
            case 9 where random.below(10) == 0: try operate(on: site)
            default:
                if !open.isEmpty { site.send(packet(&random), on: open[random.below(open.count)]) }
            }
            open.removeAll { site.isClosed($0) }
        }
        #expect(site.endpoint.transportCounters.sockets.eventsIn > 300)
        site.drain(seconds: 3)
        site.advance(milliseconds: 30_000)
        #expect(site.endpoint.liveCounts == (0, 0))
        for standing in site.endpoint.dialects {
            #expect(standing.live == .init(connections: 0, rooms: 0, participants: 0), "\(standing.name)")
        }
        #expect(site.endpoint.nextDeadline == nil)
    }

    private func packet(_ random: inout Random) -> String {
        let list = random.below(40) == 0 ? Self.others : Self.events
        return list[random.below(list.count)]
    }

    /// Somebody who is in some namespaces.
    private func arrive(_ random: inout Random, at site: Site) throws -> UInt64 {
        let version = 3 + random.below(2)
        let client = try site.open(random.below(2) == 0 ? "&token=ann" : "", version: version)
        if version == 4 { site.send("40", on: client) }
        for namespace in ["/acme", "/open-a"] { site.send("40\(namespace),", on: client) }
        return client
    }

    private func operate(on site: Site) throws {
        _ = try site.operate { rooms, now in
            guard let room = rooms.roomSummaries(limit: 5).last?.name else { return false }
            let session = rooms.room(room)?.participants.first.map { "\($0.session)" }
            return rooms.endSession(session ?? "", reason: "late", at: now)
                && rooms.closeRoom(room, reason: "late", at: now)
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
private struct Random {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((bits ^ (bits >> 31)) % UInt64(limit))
    }
}
