import HTTP
import NetworkPrimitives
import Testing

@testable import EngineIO

/// Time, upgrades, ends.
@Suite("Engine.IO, lives of sessions")
struct LifeTests {
    let harness = EngineHarness()
    let polling = "EIO=4&transport=polling"
    let webSocket = "EIO=4&transport=websocket"

    // MARK: - Heartbeat

    @Test("a session is over at the deadline even when nobody has looked at the clock")
    func lazyDeadline() throws {
        let four = "\(polling)&sid=\(harness.open())"
        harness.sleep(milliseconds: 300)
        #expect(harness.get(four).text == "2")
        harness.sleep(milliseconds: 200)
        #expect(harness.get(four).status == 400)
        let three = "EIO=3&transport=polling&sid=\(harness.open("EIO=3&transport=polling"))"
        harness.sleep(milliseconds: 500)
        #expect(harness.post(three, "1:2").status == 400)
        #expect(harness.closed == [.pingTimeout, .pingTimeout])
    }

    @Test("one moment before the deadline is in time")
    func inTime() {
        let session = "\(polling)&sid=\(harness.open())"
        harness.advance(milliseconds: 499)
        #expect(harness.post(session, "3").status == 200)
        harness.advance(milliseconds: 499)
        #expect(harness.get(session).text == "2\u{1E}2")
    }

    @Test("when the server itself was late, clients still have their time to answer")
    func lateServer() {
        let session = "\(polling)&sid=\(harness.open())"
        harness.sleep(milliseconds: 10_000)
        #expect(harness.get(session).text == "2")
        harness.advance(milliseconds: 199)
        #expect(harness.post(session, "3").status == 200)
    }

    @Test("a poll that waits is told of the end")
    func timeoutOfPoll() {
        let poll = harness.poll("\(polling)&sid=\(harness.open())")
        harness.advance(milliseconds: 302)
        #expect(harness.answer(poll).text == "2")
        #expect(harness.sessionCount == 1)
        harness.advance(milliseconds: 202)
        #expect(harness.sessionCount == 0)
    }

    // MARK: - Upgrade

    private func probe() throws -> (session: String, socket: UInt64) {
        let sid = harness.open()
        return ("\(polling)&sid=\(sid)", try harness.webSocket("\(webSocket)&sid=\(sid)"))
    }

    @Test("a poll that waits is answered at once when the probe comes, later ones after a moment")
    func noop() throws {
        let (session, socket) = try probe()
        let waiting = harness.poll(session)
        harness.send("2probe", on: socket)
        #expect(harness.answer(waiting).text == "6")
        let next = harness.poll(session)
        harness.advance(milliseconds: 99)
        #expect(harness.isWaiting(next))
        harness.advance(milliseconds: 3)
        #expect(harness.answer(next).text == "6")
    }

    @Test("while the probe is under way, messages go by polling, and then in their order by WebSocket")
    func order() throws {
        harness.echoes = false
        let (session, socket) = try probe()
        harness.send("2probe", on: socket)
        #expect(harness.take(socket) == [.text("3probe")])
        #expect(harness.post(session, "4up").status == 200)
        harness.emit("a", to: harness.openings[0].session)
        #expect(harness.get(session).text == "4a")
        harness.emit("b", to: harness.openings[0].session)
        harness.emit([.binary([1]), .text(Array("c".utf8)[...])], to: [harness.openings[0].session])
        harness.send("5", on: socket)
        #expect(harness.take(socket) == [.text("4b"), .binary([1]), .text("4c")])
        #expect(harness.messages == ["up"])
    }

    @Test("a poll that still waits when the client commits is answered")
    func pollAtCommit() throws {
        let (session, socket) = try probe()
        harness.send("2probe", on: socket)
        let poll = harness.poll(session)
        harness.send("5", on: socket)
        #expect(harness.answer(poll).text == "6")
        harness.abort(poll)
        #expect(harness.closed.isEmpty)
    }

    @Test(
        "anything else on the WebSocket closes it, and polling goes on",
        arguments: [["4a"], ["5"], ["2"], ["2probe", "4a"], ["2probe", "abc"], ["1"], ["2prob"]])
    func notAProbe(_ frames: [String]) throws {
        let (session, socket) = try probe()
        for frame in frames { harness.send(frame, on: socket) }
        #expect(harness.isClosed(socket))
        #expect(harness.messages.isEmpty)
        #expect(harness.post(session, "4b").status == 200)
        #expect(harness.get(session).text == "4b")
        #expect(harness.counters.upgradesFailed == 1)
    }

    @Test("bytes on a WebSocket that is being tried close it")
    func binaryProbe() throws {
        let (session, socket) = try probe()
        harness.send([1, 2], on: socket)
        #expect(harness.isClosed(socket))
        #expect(harness.post(session, "4b").status == 200)
    }

    @Test("a client that takes too long stays with polling")
    func upgradeTimeout() throws {
        let slow = EngineHarness {
            $0.pingIntervalMilliseconds = 25_000
            $0.pingTimeoutMilliseconds = 20_000
        }
        let sid = slow.open()
        let socket = try slow.webSocket("\(webSocket)&sid=\(sid)")
        slow.send("2probe", on: socket)
        slow.advance(milliseconds: 9_999)
        #expect(!slow.isClosed(socket))
        slow.advance(milliseconds: 3)
        #expect(slow.isClosed(socket))
        #expect(slow.post("\(polling)&sid=\(sid)", "4a").status == 200)
        slow.send("5", on: socket)
        #expect(slow.upgrades == 0)
    }

    @Test("a WebSocket that is lost while it is tried costs nothing; the next may be tried")
    func lostProbe() throws {
        let (session, socket) = try probe()
        harness.drop(socket)
        let other = try harness.webSocket(session.replacing("polling", with: "websocket"))
        harness.send("2probe", on: other)
        harness.send("5", on: other)
        #expect(harness.upgrades == 1)
        #expect(harness.closed.isEmpty)
    }

    @Test("two WebSockets at a time: the second is closed")
    func twoProbes() throws {
        let (session, socket) = try probe()
        let other = try harness.webSocket(session.replacing("polling", with: "websocket"))
        #expect(harness.isClosed(other))
        harness.send("2probe", on: socket)
        harness.send("5", on: socket)
        #expect(harness.upgrades == 1)
    }

    @Test("a session that ends while a WebSocket is tried closes it")
    func endWhileProbing() throws {
        let (session, socket) = try probe()
        #expect(harness.post(session, "1").status == 200)
        #expect(harness.isClosed(socket))
        harness.send("2probe", on: socket)
        harness.drop(socket)
        #expect(harness.closed == [.client])
    }

    // MARK: - Ends

    @Test("a WebSocket that is gone ends its session")
    func webSocketGone() throws {
        let socket = try harness.webSocket(webSocket)
        harness.drop(socket)
        #expect(harness.closed == [.transportClosed])
        #expect(!harness.isClosed(socket), "there is nothing to close")
        #expect(harness.sessionCount == 0)
    }

    @Test("what is lost or cancelled late harms nobody (CVE-2022-41940)")
    func lateEvents() throws {
        let session = "\(polling)&sid=\(harness.open())"
        let poll = harness.poll(session)
        harness.post(session, "4a")
        #expect(harness.answer(poll).text == "4a")
        harness.abort(poll)
        harness.abort(999)
        harness.drop(999)
        harness.send("4a", on: 999)
        #expect(harness.closed.isEmpty)
        let socket = try harness.webSocket(webSocket)
        harness.drop(socket)
        harness.drop(socket)
        harness.send("4a", on: socket)
        #expect(harness.closed == [.transportClosed])
    }

    @Test("a session that the application closes says its last words to the next poll")
    func lastWords() {
        let session = "\(polling)&sid=\(harness.open())"
        harness.emit("bye", to: harness.openings[0].session)
        harness.close(harness.openings[0].session)
        harness.emit("late", to: harness.openings[0].session)
        #expect(harness.closed == [.server])
        #expect(harness.post(session, "4unheard").status == 200)
        #expect(harness.messages.isEmpty)
        #expect(harness.get(session).text == "4bye\u{1E}1")
        #expect(harness.get(session).status == 400)
        #expect(harness.sessionCount == 0)
    }

    @Test("last words are not kept for ever")
    func lingering() {
        let session = "\(polling)&sid=\(harness.open())"
        harness.close(harness.openings[0].session)
        harness.advance(milliseconds: 10_002)
        #expect(harness.sessionCount == 0)
        #expect(harness.get(session).status == 400)
    }

    @Test("a poll that waits hears of the end at once; a WebSocket is closed behind what was sent")
    func closeByServer() throws {
        let poll = harness.poll("\(polling)&sid=\(harness.open())")
        harness.close(harness.openings[0].session)
        #expect(harness.answer(poll).text == "1")
        let socket = try harness.webSocket(webSocket)
        harness.close(harness.openings[1].session)
        #expect(harness.isClosed(socket))
        #expect(harness.sessionCount == 0)
    }

    @Test("a server that stops ends all sessions and begins none")
    func drain() throws {
        let poll = harness.poll("\(polling)&sid=\(harness.open())")
        let waiting = "\(polling)&sid=\(harness.open())"
        let socket = try harness.webSocket(webSocket)
        harness.drainSessions()
        #expect(harness.answer(poll).text == "1")
        #expect(harness.closings[socket] == 1001)
        #expect(harness.get(waiting).text == "1")
        #expect(harness.get(polling).status == 503)
        #expect(harness.refusal(webSocket)?.status == 503)
        #expect(harness.closed == [.draining, .draining, .draining])
    }

    @Test("a poll is answered once with all that one input made the application say")
    func coalescing() {
        let session = "\(polling)&sid=\(harness.open())"
        let poll = harness.poll(session)
        harness.post(session, "4a\u{1E}4b\u{1E}4c")
        #expect(harness.answer(poll).text == "4a\u{1E}4b\u{1E}4c")
    }
}
