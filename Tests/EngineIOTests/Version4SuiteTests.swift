import HTTP
import Testing

@testable import EngineIO

/// What the official suite of revision 4 checks, one test for each of its own, without a network. Its settings are
/// those of the harness.
@Suite("Engine.IO 4, the official suite")
struct Version4SuiteTests {
    let harness = EngineHarness()
    let polling = "EIO=4&transport=polling"
    let webSocket = "EIO=4&transport=websocket"

    // MARK: - Handshake

    @Test("polling: a session opens with exactly five members")
    func handshake() {
        let answer = harness.get(polling)
        #expect(answer.status == 200)
        #expect(answer.type == "text/plain; charset=UTF-8")
        let sid = "\(harness.openings[0].secret)"
        #expect(sid.utf8.count == 22)
        #expect(
            answer.text == """
                0{"sid":"\(sid)","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}
                """)
    }

    @Test("polling: a revision that is none is refused", arguments: ["", "EIO=abc&", "EIO=&", "EIO=9&", "EIO=2&"])
    func revision(_ revision: String) {
        let answer = harness.get(revision + "transport=polling")
        #expect(answer.status == 400)
        #expect(answer.text == #"{"code":5,"message":"Unsupported protocol version"}"#)
    }

    @Test("polling: a transport that is none is refused", arguments: ["EIO=4", "EIO=4&transport=abc"])
    func transport(_ query: String) {
        let answer = harness.get(query)
        #expect(answer.status == 400)
        #expect(answer.type == "application/json")
        #expect(answer.text == #"{"code":0,"message":"Transport unknown"}"#)
    }

    @Test("polling: a session opens with GET only", arguments: [HTTPMethod.post, .put])
    func method(_ method: HTTPMethod) {
        let answer = harness.answer(harness.request(method, polling))
        #expect(answer.status == 400)
        #expect(answer.text == #"{"code":2,"message":"Bad handshake method"}"#)
    }

    @Test("WebSocket: a session opens with exactly five members and nothing to upgrade to")
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

    @Test("WebSocket: a transport that is none is refused", arguments: ["EIO=4", "EIO=4&transport=abc"])
    func webSocketTransport(_ query: String) { #expect(harness.refusal(query)?.status == 400) }

    // MARK: - Messages

    @Test("polling: one text packet there and back")
    func onePacket() {
        let session = "\(polling)&sid=\(harness.open())"
        let push = harness.post(session, "4hello")
        #expect(push.status == 200)
        #expect(push.text == "ok")
        #expect(push.type == "text/html")
        let answer = harness.get(session)
        #expect(answer.status == 200)
        #expect(answer.text == "4hello")
    }

    @Test("polling: several text packets there and back")
    func severalPackets() {
        let session = "\(polling)&sid=\(harness.open())"
        #expect(harness.post(session, "4test1\u{1E}4test2\u{1E}4test3").text == "ok")
        #expect(harness.get(session).text == "4test1\u{1E}4test2\u{1E}4test3")
    }

    @Test("polling: text and binary packets there and back")
    func binaryPackets() {
        let session = "\(polling)&sid=\(harness.open())"
        #expect(harness.post(session, "4hello\u{1E}bAQIDBA==").text == "ok")
        #expect(harness.messages == ["hello", "[1, 2, 3, 4]"])
        #expect(harness.get(session).text == "4hello\u{1E}bAQIDBA==")
    }

    @Test("polling: an invalid packet ends the session")
    func invalidPacket() {
        let session = "\(polling)&sid=\(harness.open())"
        #expect(harness.post(session, "abc").status == 400)
        #expect(harness.closed == [.malformed])
        #expect(harness.get(session).status == 400)
    }

    @Test("polling: two polls at a time end the session")
    func overlappingPolls() {
        let session = "\(polling)&sid=\(harness.open())"
        let first = harness.poll(session)
        let second = harness.get(session + "&t=burst")
        #expect(harness.answer(first).status == 200)
        #expect(harness.answer(first).text == "1")
        #expect(second.status == 400)
        #expect(second.body.isEmpty)
        #expect(harness.get(session).text == #"{"code":1,"message":"Session ID unknown"}"#)
    }

    @Test("polling: a cancelled poll ends the session")
    func cancelledPoll() {
        let session = "\(polling)&sid=\(harness.open())"
        let poll = harness.poll(session)
        harness.abort(poll)
        #expect(harness.isWaiting(poll), "nobody is there to be answered")
        #expect(harness.closed == [.pollAborted])
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
        harness.send([1, 2, 3, 4], on: socket)
        #expect(harness.take(socket) == [.binary([1, 2, 3, 4])])
    }

    @Test("WebSocket: an invalid packet ends the session")
    func webSocketInvalid() throws {
        let socket = try harness.webSocket(webSocket)
        harness.send("abc", on: socket)
        #expect(harness.isClosed(socket))
        #expect(harness.closed == [.malformed])
    }

    // MARK: - Heartbeat

    @Test("polling: the server asks, the client answers")
    func pollingHeartbeat() {
        let session = "\(polling)&sid=\(harness.open())"
        for _ in 0..<3 {
            let poll = harness.poll(session)
            harness.advance(milliseconds: 302)
            #expect(harness.answer(poll).text == "2")
            #expect(harness.post(session, "3").status == 200)
        }
    }

    @Test("polling: a session without answer is over when interval and timeout have passed, to the moment")
    func pollingTimeout() {
        let session = "\(polling)&sid=\(harness.open())"
        harness.advance(milliseconds: 500)
        #expect(harness.get(session).status == 400)
        #expect(harness.closed == [.pingTimeout])
    }

    @Test("WebSocket: the server asks, the client answers")
    func webSocketHeartbeat() throws {
        let socket = try harness.webSocket(webSocket)
        _ = harness.take(socket)
        for _ in 0..<3 {
            harness.advance(milliseconds: 302)
            #expect(harness.take(socket) == [.text("2")])
            harness.send("3", on: socket)
        }
        #expect(!harness.isClosed(socket))
    }

    @Test("WebSocket: a session without answer is over")
    func webSocketTimeout() throws {
        let socket = try harness.webSocket(webSocket)
        harness.advance(milliseconds: 499)
        #expect(!harness.isClosed(socket))
        harness.advance(milliseconds: 3)
        #expect(harness.isClosed(socket))
    }

    // MARK: - Close

    @Test("polling: the client closes; its poll gets a noop")
    func pollingClose() {
        let session = "\(polling)&sid=\(harness.open())"
        let poll = harness.poll(session)
        #expect(harness.post(session, "1").text == "ok")
        #expect(harness.answer(poll).status == 200)
        #expect(harness.answer(poll).text == "6")
        #expect(harness.get(session).status == 400)
        #expect(harness.closed == [.client])
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
        let sid = harness.open()
        let socket = try harness.webSocket("\(webSocket)&sid=\(sid)")
        harness.send("2probe", on: socket)
        #expect(harness.take(socket) == [.text("3probe")])
        let poll = harness.poll("\(polling)&sid=\(sid)")
        harness.advance(milliseconds: 102)
        #expect(harness.answer(poll).status == 200)
        #expect(harness.answer(poll).text == "6")
        harness.send("5", on: socket)
        harness.send("4hello", on: socket)
        #expect(harness.take(socket) == [.text("4hello")])
        #expect(harness.upgrades == 1)
    }

    @Test("after it, polls are refused and change nothing")
    func pollAfterUpgrade() throws {
        let sid = harness.open()
        let socket = try harness.webSocket("\(webSocket)&sid=\(sid)")
        harness.send("2probe", on: socket)
        harness.send("5", on: socket)
        let answer = harness.get("\(polling)&sid=\(sid)")
        #expect(answer.status == 400)
        #expect(answer.text == #"{"code":3,"message":"Bad request"}"#)
        _ = harness.take(socket)
        harness.send("4hello", on: socket)
        #expect(harness.take(socket) == [.text("4hello")])
    }

    @Test("after it, a second WebSocket is closed and changes nothing")
    func webSocketAfterUpgrade() throws {
        let sid = harness.open()
        let socket = try harness.webSocket("\(webSocket)&sid=\(sid)")
        harness.send("2probe", on: socket)
        harness.send("5", on: socket)
        let other = try harness.webSocket("\(webSocket)&sid=\(sid)")
        #expect(harness.isClosed(other))
        _ = harness.take(socket)
        harness.send("4hello", on: socket)
        #expect(harness.take(socket) == [.text("4hello")])
        #expect(!harness.isClosed(socket))
    }
}
