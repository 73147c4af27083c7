import EchoEndpoints
import EngineIO
import HTTP
import NetworkPrimitives
import Signaling
import Testing
import WebSocket

@testable import WebService

/// Engine.IO over the service: requests that are answered late, and WebSockets.
@Suite struct EngineTests {
    private let path = "/engine.io/?EIO=4&transport=polling"

    private func harness(
        engine: EngineSettings = EngineSettings(), _ change: @escaping (inout WebSettings) -> Void = { _ in }
    ) throws -> ServiceHarness {
        try ServiceHarness(
            { settings, _ in
                settings.entrances = [.socketIO]
                change(&settings)
            },
            dialects: { _ in
                DialectServers(
                    engine: EngineEcho(
                        engine, secret: [UInt8](repeating: 3, count: 32), start: Instant(nanoseconds: 1_000_000_000)))
            })
    }

    private func sid(_ harness: ServiceHarness) throws -> String {
        let body = harness.exchange("GET \(path) HTTP/1.1\nHost: tern.example\n\n").body
        #expect(body.hasPrefix(#"0{"sid":""#))
        return String(body.dropFirst(9).prefix(22))
    }

    private func get(_ harness: ServiceHarness, _ sid: String, on connection: ConnectionID) {
        harness.send("GET \(path)&sid=\(sid) HTTP/1.1\r\nHost: tern.example\r\n\r\n", on: connection)
    }

    private func post(_ harness: ServiceHarness, _ sid: String, _ body: String) -> ServiceHarness.Answer {
        harness.exchange(
            "POST \(path)&sid=\(sid) HTTP/1.1\nHost: tern.example\nContent-Length: \(body.utf8.count)\n\n\(body)")
    }

    @Test("a poll is answered when there is something to say")
    func latePoll() throws {
        let harness = try harness()
        let sid = try sid(harness)
        let poll = try #require(harness.connect())
        get(harness, sid, on: poll)
        #expect(harness.takeText(poll) == "")
        #expect(post(harness, sid, "4hello").body == "ok")
        #expect(ServiceHarness.Answer(harness.takeText(poll)).body == "4hello")
        // The connection goes on.
        get(harness, sid, on: poll)
        #expect(post(harness, sid, "4again").body == "ok")
        #expect(ServiceHarness.Answer(harness.takeText(poll)).body == "4again")
    }

    @Test("a poll outlives the time of idle connections")
    func longPoll() throws {
        var settings = EngineSettings()
        settings.pingIntervalMilliseconds = 200_000
        let harness = try harness(engine: settings) { $0.http.idleSeconds = 5 }
        let sid = try sid(harness)
        let poll = try #require(harness.connect())
        get(harness, sid, on: poll)
        harness.advance(seconds: 100)
        #expect(post(harness, sid, "4still").body == "ok")
        #expect(ServiceHarness.Answer(harness.takeText(poll)).body == "4still")
    }

    @Test("the server's ping answers a poll")
    func ping() throws {
        let harness = try harness()
        let sid = try sid(harness)
        let poll = try #require(harness.connect())
        get(harness, sid, on: poll)
        harness.advance(seconds: 26)
        #expect(ServiceHarness.Answer(harness.takeText(poll)).body == "2")
    }

    @Test("a cancelled poll ends the session", arguments: [true, false])
    func cancelled(isHalfClose: Bool) throws {
        let harness = try harness()
        let sid = try sid(harness)
        let poll = try #require(harness.connect())
        get(harness, sid, on: poll)
        if isHalfClose {
            harness.endStream(poll)
        } else {
            harness.service.closed(poll, at: harness.now)
            harness.settle()
        }
        #expect(post(harness, sid, "4x").body.contains("Session ID unknown"))
        #expect(harness.service.handleOfRequest.count == 0)
    }

    @Test("two polls at a time end the session, each with its answer")
    func overlap() throws {
        let harness = try harness()
        let sid = try sid(harness)
        let (first, second) = (try #require(harness.connect()), try #require(harness.connect()))
        get(harness, sid, on: first)
        get(harness, sid, on: second)
        #expect(ServiceHarness.Answer(harness.takeText(first)).body == "1")
        #expect(ServiceHarness.Answer(harness.takeText(second)).status == 400)
    }

    @Test("requests behind a poll wait for its answer")
    func pipelined() throws {
        let harness = try harness()
        let sid = try sid(harness)
        let connection = try #require(harness.connect())
        get(harness, sid, on: connection)
        harness.send("GET /healthz HTTP/1.1\r\nHost: tern.example\r\n\r\n", on: connection)
        #expect(harness.takeText(connection) == "")
        _ = post(harness, sid, "4x")
        let text = harness.takeText(connection)
        let (poll, health) = (try #require(text.firstRange(of: "4x")), try #require(text.firstRange(of: "ok\n")))
        #expect(poll.upperBound < health.lowerBound)
    }

    @Test("a WebSocket, its binary messages too")
    func webSocket() throws {
        let harness = try harness()
        let client = try #require(SocketClient(harness, path: "/engine.io/?EIO=4&transport=websocket"))
        #expect(client.texts().first?.hasPrefix(#"0{"sid":""#) == true)
        client.send("4text")
        client.send(frame: WebSocketFrame.binary([1, 2, 3], maskingKey: 9))
        #expect(client.events() == [.text(Array("4text".utf8)), .binary([1, 2, 3])])
        harness.endStream(client.connection)
        #expect(harness.service.connectionCount == 0)
    }

    @Test("a poll and a WebSocket of one session: the upgrade")
    func upgrade() throws {
        let harness = try harness()
        let sid = try sid(harness)
        let poll = try #require(harness.connect())
        get(harness, sid, on: poll)
        let client = try #require(SocketClient(harness, path: "/engine.io/?EIO=4&transport=websocket&sid=\(sid)"))
        client.send("2probe")
        #expect(client.texts() == ["3probe"])
        harness.advance(seconds: 1)
        #expect(ServiceHarness.Answer(harness.takeText(poll)).body == "6")
        client.send("5")
        client.send("4over")
        #expect(client.texts() == ["4over"])
    }

    @Test("an unknown session is refused before the upgrade")
    func unknown() throws {
        let harness = try harness()
        let answer = harness.exchange(
            """
            GET /engine.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAAAA HTTP/1.1
            Host: tern.example
            Upgrade: websocket
            Connection: Upgrade
            Sec-WebSocket-Version: 13
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==


            """)
        #expect(answer.status == 400)
        #expect(answer.body == #"{"code":1,"message":"Session ID unknown"}"#)
    }

    @Test("CORS as the reference has it")
    func crossOrigin() throws {
        let harness = try harness { $0.origins = OriginPolicy(listed: ["https://app.example"]) }
        let preflight = harness.exchange(
            """
            OPTIONS \(path) HTTP/1.1
            Host: tern.example
            Origin: https://app.example
            Access-Control-Request-Method: POST
            Access-Control-Request-Headers: x-mine, content-type


            """)
        #expect(preflight.status == 204)
        #expect(preflight.header("access-control-allow-origin") == "https://app.example")
        #expect(preflight.header("access-control-allow-methods") == "GET,HEAD,PUT,PATCH,POST,DELETE")
        #expect(preflight.header("access-control-allow-headers") == "x-mine, content-type")
        #expect(preflight.header("access-control-allow-credentials") == "true")
        let simple = harness.exchange("GET \(path) HTTP/1.1\nHost: tern.example\nOrigin: https://app.example\n\n")
        #expect(simple.header("access-control-allow-origin") == "https://app.example")
        #expect(simple.header("vary") == "origin")
        let foreign = harness.exchange("GET \(path) HTTP/1.1\nHost: tern.example\nOrigin: https://evil.example\n\n")
        #expect(foreign.status == 403)
        #expect(foreign.header("access-control-allow-origin") == nil)
    }

    @Test("methods that the engine does not know are its business")
    func methods() throws {
        let harness = try harness()
        #expect(harness.exchange("PUT \(path) HTTP/1.1\nHost: tern.example\nContent-Length: 0\n\n").status == 400)
    }

    @Test("a body beyond the limit of HTTP is refused")
    func largeBody() throws {
        let harness = try harness { $0.http.bodyByteCountMax = 1024 }
        let sid = try sid(harness)
        #expect(post(harness, sid, "4" + String(repeating: "x", count: 1023)).status == 200)
        #expect(post(harness, sid, "4" + String(repeating: "x", count: 1024)).status == 413)
    }

    @Test("a client that takes nothing is closed, and its session is over")
    func slowConsumer() throws {
        let harness = try harness { $0.queueByteCountMax = 4096 }
        let client = try #require(SocketClient(harness, path: "/engine.io/?EIO=4&transport=websocket"))
        _ = client.texts()
        harness.stalled = [client.connection]
        for _ in 0..<6 { client.send("4" + String(repeating: "x", count: 1000)) }
        harness.stalled = []
        harness.service.mayWrite(client.connection)
        harness.settle()
        let events = client.events()
        #expect(events.contains { if case .close(1008, _) = $0 { true } else { false } })
        #expect(harness.service.counters.slowConsumers == 1)
    }

    @Test("a drain answers polls and closes WebSockets")
    func drain() throws {
        let harness = try harness()
        let sid = try sid(harness)
        let poll = try #require(harness.connect())
        get(harness, sid, on: poll)
        let client = try #require(SocketClient(harness, path: "/engine.io/?EIO=4&transport=websocket"))
        harness.service.drain(seconds: 0, at: harness.now)
        harness.settle()
        #expect(ServiceHarness.Answer(harness.takeText(poll)).body == "1")
        #expect(client.events().contains { if case .close = $0 { true } else { false } })
        #expect(harness.exchange("GET \(path) HTTP/1.1\nHost: tern.example\n\n").status == 503)
    }
}
