import HTTP
import Testing

@testable import EngineIO

/// What the official suite of revision 3 checks, one test for each of its own, without a network.
@Suite("Engine.IO 3, the official suite")
struct Version3SuiteTests {
    let harness = EngineHarness()
    let polling = "EIO=3&transport=polling"
    let base64 = "EIO=3&transport=polling&b64=1"
    let webSocket = "EIO=3&transport=websocket"

    // MARK: - Handshake

    @Test("polling: a session opens; the length says how long the packet is")
    func handshake() {
        let answer = harness.get(polling)
        #expect(answer.status == 200)
        #expect(answer.type == "text/plain; charset=UTF-8")
        let sid = "\(harness.openings[0].secret)"
        #expect(
            answer.text == """
                116:0{"sid":"\(sid)","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}
                """)
    }

    @Test("polling: a transport that is none is refused", arguments: ["EIO=3", "EIO=3&transport=abc"])
    func transport(_ query: String) { #expect(harness.get(query).status == 400) }

    @Test("polling: a session opens with GET only")
    func method() { #expect(harness.answer(harness.request(.post, polling)).status == 400) }

    @Test("WebSocket: a session opens")
    func webSocketHandshake() throws {
        let socket = try harness.webSocket(webSocket)
        let sid = "\(harness.openings[0].secret)"
        let open = """
            0{"sid":"\(sid)","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}
            """
        #expect(harness.take(socket) == [.text(open)])
    }

    @Test("WebSocket: a revision that is none is refused", arguments: ["", "EIO=abc&"])
    func webSocketRevision(_ revision: String) {
        #expect(harness.refusal(revision + "transport=websocket")?.status == 400)
    }

    @Test("WebSocket: a transport that is none is refused", arguments: ["EIO=3", "EIO=3&transport=abc"])
    func webSocketTransport(_ query: String) { #expect(harness.refusal(query)?.status == 400) }

    // MARK: - Messages

    @Test("polling: one text packet there and back")
    func onePacket() {
        let session = "\(polling)&sid=\(harness.open(base64))"
        let push = harness.post(session, "6:4hello")
        #expect(push.status == 200)
        #expect(push.text == "ok")
        #expect(harness.get(session).text == "6:4hello")
    }

    @Test("polling: several text packets there and back")
    func severalPackets() {
        let session = "\(polling)&sid=\(harness.open(base64))"
        #expect(harness.post(session, "6:4test16:4test26:4test3").text == "ok")
        #expect(harness.get(session).text == "6:4test16:4test26:4test3")
    }

    @Test("polling: text and binary packets, as base 64")
    func base64Packets() {
        let session = "\(polling)&sid=\(harness.open(base64))"
        #expect(harness.post(session, "6:4hello10:b4AQIDBA==").text == "ok")
        #expect(harness.messages == ["hello", "[1, 2, 3, 4]"])
        #expect(harness.get(session).text == "6:4hello10:b4AQIDBA==")
    }

    @Test("polling: text and binary packets, as bytes")
    func binaryPackets() {
        let session = "\(polling)&sid=\(harness.open(polling))"
        #expect(harness.post(session, "6:4hello10:b4AQIDBA==").text == "ok")
        let answer = harness.get(session)
        #expect(answer.type == "application/octet-stream")
        #expect(answer.body == [0, 6, 255, 52, 104, 101, 108, 108, 111, 1, 5, 255, 4, 1, 2, 3, 4])
    }

    @Test("polling: an invalid packet ends the session")
    func invalidPacket() {
        let session = "\(polling)&sid=\(harness.open(base64))"
        #expect(harness.post(session, "abc").status == 400)
        #expect(harness.get(session).status == 400)
    }

    @Test("polling: two polls at a time end the session")
    func overlappingPolls() {
        let session = "\(polling)&sid=\(harness.open(base64))"
        let first = harness.poll(session)
        #expect(harness.get(session + "&t=burst").status == 400)
        #expect(harness.answer(first).text == "1:1")
        #expect(harness.get(session).status == 400)
    }

    @Test("WebSocket: a text packet there and back")
    func webSocketText() throws {
        let socket = try harness.webSocket(webSocket)
        _ = harness.take(socket)
        harness.send("4hello", on: socket)
        #expect(harness.take(socket) == [.text("4hello")])
    }

    @Test("WebSocket: a binary packet there and back")
    func webSocketBinary() throws {
        let socket = try harness.webSocket(webSocket)
        _ = harness.take(socket)
        harness.send([4, 1, 2, 3, 4], on: socket)
        #expect(harness.messages == ["[1, 2, 3, 4]"])
        #expect(harness.take(socket) == [.binary([4, 1, 2, 3, 4])])
    }

    @Test("WebSocket: an invalid packet ends the session")
    func webSocketInvalid() throws {
        let socket = try harness.webSocket(webSocket)
        harness.send("abc", on: socket)
        #expect(harness.isClosed(socket))
    }

    // MARK: - Heartbeat

    @Test("polling: the client asks, the server answers")
    func pollingHeartbeat() {
        let session = "\(polling)&sid=\(harness.open(base64))"
        for _ in 0..<3 {
            #expect(harness.post(session, "1:2").status == 200)
            #expect(harness.get(session).text == "1:3")
            harness.advance(milliseconds: 300)
        }
    }

    @Test("polling: a session without question is over when interval and timeout have passed, to the moment")
    func pollingTimeout() {
        let session = "\(polling)&sid=\(harness.open(base64))"
        harness.advance(milliseconds: 500)
        #expect(harness.post(session, "1:2").status == 400)
    }

    @Test("WebSocket: the client asks, the server answers")
    func webSocketHeartbeat() throws {
        let socket = try harness.webSocket(webSocket)
        _ = harness.take(socket)
        for _ in 0..<3 {
            harness.send("2", on: socket)
            #expect(harness.take(socket) == [.text("3")])
        }
    }

    @Test("WebSocket: a session without question is over")
    func webSocketTimeout() throws {
        let socket = try harness.webSocket(webSocket)
        harness.advance(milliseconds: 502)
        #expect(harness.isClosed(socket))
    }

    // MARK: - Close

    @Test("polling: the client closes; its poll gets a noop")
    func pollingClose() {
        let session = "\(polling)&sid=\(harness.open(base64))"
        let poll = harness.poll(session)
        #expect(harness.post(session, "1:1").text == "ok")
        #expect(harness.answer(poll).text == "1:6")
        #expect(harness.get(session).status == 400)
    }

    @Test("WebSocket: the client closes")
    func webSocketClose() throws {
        let socket = try harness.webSocket(webSocket)
        harness.send("1", on: socket)
        #expect(harness.isClosed(socket))
    }

    // MARK: - Upgrade

    @Test("from polling to WebSocket")
    func upgrade() throws {
        let sid = harness.open(base64)
        let socket = try harness.webSocket("\(webSocket)&sid=\(sid)")
        harness.send("2probe", on: socket)
        #expect(harness.take(socket) == [.text("3probe")])
        let poll = harness.poll("\(polling)&sid=\(sid)")
        harness.advance(milliseconds: 102)
        #expect(harness.answer(poll).text == "1:6")
        harness.send("5", on: socket)
        harness.send("4hello", on: socket)
        #expect(harness.take(socket) == [.text("4hello")])
    }

    @Test("after it, polls are refused and change nothing")
    func pollAfterUpgrade() throws {
        let sid = harness.open(base64)
        let socket = try harness.webSocket("\(webSocket)&sid=\(sid)")
        harness.send("2probe", on: socket)
        #expect(harness.take(socket) == [.text("3probe")])
        harness.send("5", on: socket)
        #expect(harness.get("\(polling)&sid=\(sid)").status == 400)
        harness.send("4hello", on: socket)
        #expect(harness.take(socket) == [.text("4hello")])
    }

    @Test("after it, a second WebSocket is closed and changes nothing")
    func webSocketAfterUpgrade() throws {
        let sid = harness.open(base64)
        let socket = try harness.webSocket("\(webSocket)&sid=\(sid)")
        harness.send("2probe", on: socket)
        harness.send("5", on: socket)
        #expect(harness.isClosed(try harness.webSocket("\(webSocket)&sid=\(sid)")))
        _ = harness.take(socket)
        harness.send("4hello", on: socket)
        #expect(harness.take(socket) == [.text("4hello")])
    }
}
