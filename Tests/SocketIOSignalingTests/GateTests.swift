import EngineIO
import NetworkPrimitives
import Signaling
import SocketIO
import SocketIOSignaling
import Testing

@Suite("Socket.IO with dialects: the gate, operators and the end")
struct GateTests {
    // MARK: - Tokens

    @Test("a token may come in the packet, in a header, or in the query")
    func places() throws {
        let site = Site()
        for (query, header, packet) in [
            ("", nil, #"40/acme,{"token":"acme"}"#), ("", "acme", "40/acme,"), ("&token=acme", nil, "40/acme,"),
            ("&token=%61cme", nil, "40/acme,{}"),
        ] {
            let client = try site.connect(query, token: header, packet)
            site.send(#"42/acme,["create or join"]"#, on: client)
            #expect(site.take(client).first?.hasPrefix("42/acme,") == true)
            site.drop(client)
        }
        let old = try site.open(version: 3)
        _ = site.take(old)
        site.send("40/acme?token=acme,", on: old)
        #expect(site.take(old) == ["40/acme,"])
    }

    @Test("the packet's token counts before the header's, and that before the query's; an empty one is none")
    func precedence() throws {
        let site = Site()
        _ = try site.connect("&token=guess", token: "guess", #"40/acme,{"token":"acme"}"#)
        _ = try site.connect("&token=guess", token: "acme", #"40/acme,{"token":""}"#)
        _ = try site.connect("&token=acme", token: "", #"40/acme,{"token":null}"#)
        #expect(site.takeEvents() == [])
    }

    @Test("a refusal at the door is an error with a sentence for people and a code for programs, and is counted")
    func refusals() throws {
        let site = Site()
        site.gate.refusals["old"] = .tokenExpired
        site.gate.refusals["early"] = .tokenNotYetValid
        let client = try site.open()
        for (token, code) in [
            ("guess", "unauthorized"), ("old", "token_expired"), ("early", "token_not_yet_valid"),
            ("acme", "forbidden"), ("", "unauthorized"),
        ] {
            site.send(#"40/other,{"token":"\#(token)"}"#, on: client)
            let answer = try #require(site.take(client).first)
            #expect(answer.hasPrefix(#"44/other,{"message":"The token "#))
            #expect(answer.hasSuffix(#"","data":{"code":"\#(code)"}}"#))
        }
        let other = try #require(RoomName("other".utf8))
        #expect(
            site.takeEvents() == [
                .unauthorized(Site.visitor), .outdatedToken(Site.visitor), .outdatedToken(Site.visitor),
                .refused(Site.visitor, other), .refused(Site.visitor, other),
            ])
        #expect(try site.standing("socket.io").counters.refusedByGate == 5)
        #expect(site.endpoint.liveCounts == (1, 0))
    }

    @Test("a wrong token is refused in the default namespace too; no token is none there")
    func defaultNamespace() throws {
        let site = Site()
        let client = try site.open()
        site.send(#"40{"token":"guess"}"#, on: client)
        #expect(
            site.take(client) == [
                #"44{"message":"The token is missing, or is none of this server.","data":{"code":"unauthorized"}}"#
            ])
        site.send("40", on: client)
        #expect(site.take(client).first?.hasPrefix("40{") == true)
    }

    @Test("clients of protocol 4 get sentence and code as one object")
    func protocol4() throws {
        let site = Site()
        let old = try site.open("&token=old", version: 3)
        site.gate.refusals["old"] = .tokenExpired
        // It was let into the default namespace before.
        #expect(
            site.take(old) == [
                #"44{"message":"The token is missing, or is none of this server.","code":"unauthorized"}"#
            ])
        site.send("40/acme,", on: old)
        #expect(site.take(old) == [#"44/acme,{"message":"The token has expired.","code":"token_expired"}"#])
    }

    @Test("a token without the grant to join is refused at the door")
    func withoutJoin() throws {
        let site = Site()
        site.gate.passes["none"] = Pass(
            issuer: "key", rooms: RoomPattern("*"), grants: [.turn], expiresAt: UnixTime(seconds: 1_900_000_000))
        let client = try site.open()
        site.send(#"40/acme,{"token":"none"}"#, on: client)
        #expect(site.take(client).first?.contains(#""code":"forbidden""#) == true)
    }

    @Test("namespaces that are no rooms do not exist", arguments: ["/a/b", "/%", "/..", "/a%2Fb", "/a b", "/acme?x=1"])
    func invalid(namespace: String) throws {
        let site = Site()
        site.gate.isOpen = true
        let client = try site.open()
        site.send("40\(namespace),", on: client)
        #expect(site.take(client) == [#"44\#(namespace),{"message":"Invalid namespace"}"#])
    }

    @Test("a name is written in the URL as names of rooms are")
    func escaped() throws {
        let site = Site()
        site.gate.passes["t"] = Pass(
            issuer: "key", rooms: RoomPattern("my~20room"), expiresAt: UnixTime(seconds: 1_900_000_000))
        _ = try site.connect("", #"40/my%20room,{"token":"t"}"#)
    }

    @Test("a token that runs out between the door and the first event opens nothing")
    func late() throws {
        let site = Site()
        let client = try site.connect("&token=acme", "40/acme,")
        site.gate.refusals["acme"] = .tokenExpired
        site.send(#"42/acme,["create or join"]"#, on: client)
        #expect(site.take(client) == [#"42/acme,["error","The token has expired."]"#, "41/acme,"])
    }

    @Test("who keeps trying is closed")
    func guesses() throws {
        let site = Site { $0.sockets.refusalsPerSessionMax = 3 }
        let client = try site.open()
        for _ in 0..<2 { site.send(#"40{"token":"guess"}"#, on: client) }
        #expect(!site.isClosed(client))
        site.send(#"40{"token":"guess"}"#, on: client)
        #expect(site.isClosed(client))
        #expect(site.take(client).count == 3)
        #expect(site.endpoint.transportCounters.sockets.tooManyRefusals == 1)
    }

    @Test("a dialect with as many clients as it may have says so")
    func full() throws {
        let site = Site { $0.simplePeer?.host.limits.sessionsMax = 1 }
        let (a, b) = (try site.connect(), try site.connect())
        for client in [a, b] { site.send(#"42["create or join"]"#, on: client) }
        #expect(site.take(b) == [#"42["error","The server has as many clients as it may."]"#, "41"])
    }

    // MARK: - Credentials

    @Test("credentials go to who is in, and its standing with the TURN servers comes out")
    func credentials() throws {
        let site = Site { $0.simplePeer?.sendsIceServers = true }
        let (a, b) = (try site.connect("&token=acme", "40/acme,"), try site.connect("&token=bob", "40/acme,"))
        site.send(#"42/acme,["create or join"]"#, on: a)
        #expect(site.take(a).count == 1)
        #expect(site.members == [])
        site.send(#"42/acme,["create or join"]"#, on: b)
        let iceServers = site.gate.iceServers(1, expiresAt: 1_800_000_600)
        #expect(
            site.take(b).first == #"42/acme,["simple peer options",{"config":{"iceServers":\#(iceServers)}}]"#)
        #expect(site.members.count == 4)
    }

    // MARK: - Operators

    @Test("operators see rooms and clients, and send them away: out of the namespace, so that they do not come back")
    func operators() throws {
        let site = Site()
        let (a, b) = (try site.connect(), try site.connect())
        for client in [a, b] { site.send(#"42["create or join"]"#, on: client) }
        let lobby = try #require(RoomName("open-lobby".utf8))
        let sessions = try site.operate { rooms, _ in rooms.room(lobby)?.participants.map { "\($0.session)" } ?? [] }
        try #require(sessions.count == 2)
        #expect(try site.operate { rooms, _ in rooms.session(sessions[0])?.visitor } == Site.visitor)
        #expect(try site.operate { rooms, now in rooms.endSession(sessions[0], reason: "late", at: now) })
        #expect(try !site.operate { rooms, now in rooms.endSession(sessions[0], reason: "late", at: now) })
        #expect(site.take(a).last == "41")
        #expect(try site.operate { rooms, now in rooms.closeRoom(lobby, reason: "late", at: now) })
        #expect(try !site.operate { rooms, now in rooms.closeRoom(lobby, reason: "late", at: now) })
        #expect(site.take(b).last == "41")
        #expect(!site.isClosed(a) && !site.isClosed(b))
        let live = site.endpoint.dialects.map { "\($0.name) \($0.live.connections)" }
        #expect(live == ["socket.io 0", "simple-peer 0"])
    }

    // MARK: - The end

    @Test("when the server stops, all are closed before the deadline, not at once, and nobody new is taken")
    func drain() throws {
        let site = Site()
        let clients = try (0..<40).map { _ in try site.connect() }
        let polling = try site.poll()
        site.post(polling, "40")
        for client in clients[..<20] { site.send(#"42["create or join"]"#, on: client) }
        site.drain(seconds: 10)
        #expect(!site.takeEvents().contains(.draining))
        #expect(site.get("EIO=4&transport=polling") == #"{"code":4,"message":"Server is stopping"}"#)
        site.advance(milliseconds: 5000)
        // Both those with a dialect and those without.
        #expect((5...15).contains(clients[..<20].filter(site.isClosed).count))
        #expect((5...15).contains(clients[20...].filter(site.isClosed).count))
        site.advance(milliseconds: 5000)
        #expect(clients.allSatisfy(site.isClosed))
        // They come back by themselves when the transport is closed, but not after a disconnect.
        #expect(clients.allSatisfy { !site.take($0).contains("41") })
        #expect(try site.standing("simple-peer").live == .init(connections: 0, rooms: 0, participants: 0))
        #expect(site.get(polling).hasSuffix("1"))
        site.advance(milliseconds: 20_000)
        #expect(site.endpoint.liveCounts == (0, 0))
        #expect(site.endpoint.nextDeadline == nil)
    }

    @Test("a session that asks for another namespace while the server stops is closed so that it comes back elsewhere")
    func connectWhileDraining() throws {
        let site = Site()
        let client = try site.connect()
        site.drain(seconds: 1000)
        guard !site.isClosed(client) else { return }
        site.send("40/acme,", on: client)
        #expect(site.isClosed(client))
    }

    @Test("a stop without any time ends all at once")
    func stop() throws {
        let site = Site()
        let clients = try (0..<3).map { _ in try site.connect() }
        site.send(#"42["create or join"]"#, on: clients[0])
        site.drain(seconds: 0)
        site.advance(milliseconds: 1)
        #expect(clients.allSatisfy(site.isClosed))
    }
}
