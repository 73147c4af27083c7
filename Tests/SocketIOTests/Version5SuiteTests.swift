import HTTP
import Testing

@testable import SocketIO

/// What the official suite of Socket.IO 5 checks, one test for each of its own, without a network.
@Suite("Socket.IO 5, the official suite")
struct Version5SuiteTests {
    let harness = SocketHarness()
    let polling = "EIO=4&transport=polling"
    let webSocket = "EIO=4&transport=websocket"

    // MARK: - Transport

    @Test("polling: a session opens with exactly five members")
    func handshake() {
        let answer = harness.get(polling)
        #expect(answer.status == 200)
        let sid = answer.text.dropFirst(9).prefix(22)
        #expect(
            answer.text == """
                0{"sid":"\(sid)","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}
                """)
    }

    @Test("polling: a revision that is none is refused", arguments: ["", "EIO=abc&"])
    func revision(_ revision: String) { #expect(harness.get(revision + "transport=polling").status == 400) }

    @Test("polling: a transport that is none is refused", arguments: ["EIO=4", "EIO=4&transport=abc"])
    func transport(_ query: String) { #expect(harness.get(query).status == 400) }

    @Test("polling: a session opens with GET only", arguments: [HTTPMethod.post, .put])
    func method(_ method: HTTPMethod) { #expect(harness.answer(harness.request(method, polling)).status == 400) }

    @Test("WebSocket: a session opens with exactly five members")
    func webSocketHandshake() throws {
        let socket = try harness.webSocket()
        guard case .text(let text) = try #require(harness.take(socket).first) else { return }
        let sid = text.dropFirst(9).prefix(22)
        let open = """
            0{"sid":"\(sid)","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}
            """
        #expect(text == open)
    }

    @Test("WebSocket: a revision that is none is refused", arguments: ["", "EIO=abc&"])
    func webSocketRevision(_ revision: String) {
        #expect(throws: SocketHarness.Refused.self) { try harness.webSocket(revision + "transport=websocket") }
    }

    @Test("WebSocket: a transport that is none is refused", arguments: ["EIO=4", "EIO=4&transport=abc"])
    func webSocketTransport(_ query: String) {
        #expect(throws: SocketHarness.Refused.self) { try harness.webSocket(query) }
    }

    @Test("polling: pings and pongs")
    func pollingHeartbeat() {
        let session = "\(polling)&sid=\(harness.open())"
        for _ in 0..<3 {
            let poll = harness.request(.get, session)
            harness.advance(milliseconds: 302)
            #expect(harness.answer(poll).text == "2")
            #expect(harness.post(session, "3").status == 200)
        }
    }

    @Test("polling: a session without pong is over")
    func pollingTimeout() {
        let session = "\(polling)&sid=\(harness.open())"
        harness.advance(milliseconds: 500)
        #expect(harness.get(session).status == 400)
    }

    @Test("WebSocket: pings and pongs")
    func webSocketHeartbeat() throws {
        let socket = try harness.webSocket()
        _ = harness.take(socket)
        for _ in 0..<3 {
            harness.advance(milliseconds: 302)
            #expect(harness.take(socket) == [.text("2")])
            harness.send("3", on: socket)
        }
    }

    @Test("WebSocket: a session without pong is over")
    func webSocketTimeout() throws {
        let socket = try harness.webSocket()
        harness.advance(milliseconds: 502)
        #expect(harness.isClosed(socket))
    }

    @Test("polling: the client closes")
    func pollingClose() {
        let session = "\(polling)&sid=\(harness.open())"
        let poll = harness.request(.get, session)
        #expect(harness.post(session, "1").status == 200)
        #expect(harness.answer(poll).text == "6")
        #expect(harness.get(session).status == 400)
    }

    @Test("WebSocket: the client closes")
    func webSocketClose() throws {
        let socket = try harness.webSocket()
        harness.send("1", on: socket)
        #expect(harness.isClosed(socket))
    }

    private func upgraded() throws -> (sid: String, socket: UInt64) {
        let sid = harness.open()
        let socket = try harness.webSocket("\(webSocket)&sid=\(sid)")
        harness.send("2probe", on: socket)
        #expect(harness.take(socket) == [.text("3probe")])
        harness.send("5", on: socket)
        return (sid, socket)
    }

    @Test("from polling to WebSocket")
    func upgrade() throws { #expect(!harness.isClosed(try upgraded().socket)) }

    @Test("after it, polls are refused")
    func pollAfterUpgrade() throws { #expect(harness.get("\(polling)&sid=\(try upgraded().sid)").status == 400) }

    @Test("after it, a second WebSocket is closed")
    func webSocketAfterUpgrade() throws {
        #expect(harness.isClosed(try harness.webSocket("\(webSocket)&sid=\(try upgraded().sid)")))
    }

    // MARK: - Connect

    private func replies(to packet: String) throws -> [SocketHarness.Frame] {
        let socket = try harness.webSocket()
        _ = harness.take(socket)
        harness.send(packet, on: socket)
        return harness.take(socket)
    }

    @Test("to the main namespace")
    func connect() throws {
        let replies = try replies(to: "40")
        #expect(replies == [.text(#"40{"sid":"\#(harness.name(0))"}"#), .text(#"42["auth",{}]"#)])
        #expect(harness.name(0).utf8.count == 22)
    }

    @Test("to the main namespace with a payload")
    func connectWithPayload() throws {
        let replies = try replies(to: #"40{"token":"123"}"#)
        #expect(replies == [.text(#"40{"sid":"\#(harness.name(0))"}"#), .text(#"42["auth",{"token":"123"}]"#)])
    }

    @Test("to a custom namespace")
    func connectToCustom() throws {
        let replies = try replies(to: "40/custom,")
        #expect(replies == [.text(#"40/custom,{"sid":"\#(harness.name(0))"}"#), .text(#"42/custom,["auth",{}]"#)])
    }

    @Test("to a custom namespace with a payload")
    func connectToCustomWithPayload() throws {
        let replies = try replies(to: #"40/custom,{"token":"abc"}"#)
        #expect(
            replies == [
                .text(#"40/custom,{"sid":"\#(harness.name(0))"}"#), .text(#"42/custom,["auth",{"token":"abc"}]"#),
            ])
    }

    @Test("to an unknown namespace")
    func connectToUnknown() throws {
        #expect(try replies(to: "40/random") == [.text(#"44/random,{"message":"Invalid namespace"}"#)])
    }

    @Test("with an invalid handshake")
    func invalidHandshake() throws {
        let socket = try harness.webSocket()
        harness.send("4abc", on: socket)
        #expect(harness.isClosed(socket))
    }

    @Test("without a handshake")
    func noHandshake() throws {
        let socket = try harness.webSocket()
        for _ in 0..<4 {
            harness.advance(milliseconds: 249)
            harness.send("3", on: socket)
        }
        #expect(!harness.isClosed(socket))
        harness.advance(milliseconds: 6)
        #expect(harness.isClosed(socket))
        #expect(harness.counters.connectTimeouts == 1)
    }

    // MARK: - Disconnect

    @Test("from the main namespace; the connection stays")
    func disconnect() throws {
        let socket = try harness.connected()
        harness.send("41", on: socket)
        #expect(harness.disconnected == [.client])
        harness.advance(milliseconds: 302)
        #expect(harness.take(socket) == [.text("2")])
    }

    @Test("from a custom namespace; the main one goes on")
    func disconnectFromCustom() throws {
        let socket = try harness.connected("40", "40/custom")
        harness.send("41/custom", on: socket)
        harness.send(#"42["message","message to main namespace"]"#, on: socket)
        #expect(harness.take(socket) == [.text(#"42["message-back","message to main namespace"]"#)])
    }

    // MARK: - Messages

    @Test("text")
    func message() throws {
        let socket = try harness.connected()
        harness.send(#"42["message",1,"2",{"3":[true]}]"#, on: socket)
        #expect(harness.take(socket) == [.text(#"42["message-back",1,"2",{"3":[true]}]"#)])
    }

    @Test("with attachments")
    func attachments() throws {
        let socket = try harness.connected()
        harness.send(#"452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#, on: socket)
        harness.send([1, 2, 3], on: socket)
        harness.send([4, 5, 6], on: socket)
        #expect(
            harness.take(socket) == [
                .text(#"452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#),
                .binary([1, 2, 3]), .binary([4, 5, 6]),
            ])
    }

    @Test("text with an acknowledgement")
    func acknowledgement() throws {
        let socket = try harness.connected()
        harness.send(#"42456["message-with-ack",1,"2",{"3":[false]}]"#, on: socket)
        #expect(harness.take(socket) == [.text(#"43456[1,"2",{"3":[false]}]"#)])
    }

    @Test("with attachments and an acknowledgement")
    func acknowledgementWithAttachments() throws {
        let socket = try harness.connected()
        harness.send(
            #"452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#, on: socket)
        harness.send([1, 2, 3], on: socket)
        harness.send([4, 5, 6], on: socket)
        #expect(
            harness.take(socket) == [
                .text(#"462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#), .binary([1, 2, 3]),
                .binary([4, 5, 6]),
            ])
    }

    @Test(
        "a malformed packet closes the connection",
        arguments: ["4abc", "42{}", #"42abc["message-with-ack",1,"2",{"3":[false]}]"#])
    func malformed(_ packet: String) throws {
        let socket = try harness.connected()
        harness.send(packet, on: socket)
        #expect(harness.isClosed(socket))
        #expect(harness.disconnected == [.malformed])
    }
}
