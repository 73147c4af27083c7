import EngineIO
import JSON
import Testing

@testable import SocketIO

/// Rules of Socket.IO beyond those of the official suite.
@Suite("Socket.IO, rules")
struct SocketRuleTests {
    let harness = SocketHarness()

    private func json(_ text: String) -> SocketEmission { SocketEmission([Array(text.utf8)[...]]) }

    // MARK: - Connecting

    @Test("before a namespace is joined, anything else closes the connection", arguments: [#"42["a"]"#, "41", "430[]"])
    func beforeConnect(_ packet: String) throws {
        let socket = try harness.webSocket()
        harness.send(packet, on: socket)
        #expect(harness.isClosed(socket))
        #expect(harness.events.isEmpty)
    }

    @Test("a namespace is joined once")
    func twice() throws {
        let socket = try harness.connected()
        harness.send("40", on: socket)
        #expect(harness.isClosed(socket))
        #expect(harness.disconnected == [.malformed])
    }

    @Test("until the application has decided, nothing else may be said")
    func undecided() throws {
        harness.decision = .wait
        let patient = try harness.connected()
        let other = try harness.connected()
        #expect(harness.take(patient) == [])
        harness.send(#"42["a"]"#, on: other)
        #expect(harness.isClosed(other))
        #expect(harness.disconnected == [.malformed])
        harness.apply { $0.accept(harness.connects[0].socket) }
        #expect(harness.take(patient) == [.text(#"40{"sid":"\#(harness.name(0))"}"#)])
        harness.apply { $0.accept(harness.connects[0].socket) }
        #expect(harness.take(patient) == [])
    }

    @Test("a refusal says why, with data if there is some; another attempt may follow")
    func refusal() throws {
        harness.decision = .refuse("not \"you\"", data: #"{"code":1}"#)
        let socket = try harness.webSocket()
        _ = harness.take(socket)
        harness.send("40", on: socket)
        harness.send("40/custom,", on: socket)
        #expect(
            harness.take(socket) == [
                .text(#"44{"message":"not \"you\"","data":{"code":1}}"#),
                .text(#"44/custom,{"message":"not \"you\"","data":{"code":1}}"#),
            ])
        harness.decision = .accept
        harness.send("40", on: socket)
        #expect(harness.take(socket) == [.text(#"40{"sid":"\#(harness.name(2))"}"#)])
        #expect(harness.disconnected.isEmpty)
    }

    @Test("who is refused and stays is closed in the end")
    func refusedTimeout() throws {
        let slow = SocketHarness(engine: { $0.pingIntervalMilliseconds = 25_000 })
        slow.decision = .refuse("no", data: nil)
        let socket = try slow.connected()
        slow.advance(milliseconds: 1002)
        #expect(slow.isClosed(socket))
        #expect(slow.liveCounts == (0, 0))
    }

    @Test("who is refused too often is closed, whether by the application, for the namespace, or by a kick")
    func refusedTooOften() throws {
        let strict = SocketHarness(sockets: { $0.refusalsPerSessionMax = 3 })
        let socket = try strict.webSocket()
        strict.send("40/nothing", on: socket)
        strict.decision = .refuse("no", data: nil)
        strict.send("40", on: socket)
        #expect(!strict.isClosed(socket))
        strict.decision = .accept
        strict.send("40", on: socket)
        strict.apply { $0.disconnect(strict.connects[1].socket, .kick) }
        #expect(strict.isClosed(socket))
        #expect(strict.take(socket).last == .text("41"))
        #expect(strict.counters.tooManyRefusals == 1)
        #expect(strict.disconnected == [.server])
        #expect(strict.liveCounts == (0, 0))
    }

    @Test("when no newcomers are taken, those who are here stay")
    func refuseNewcomers() throws {
        let socket = try harness.connected()
        harness.apply { $0.refuseNewcomers() }
        #expect(throws: SocketHarness.Refused.self) { try harness.webSocket() }
        #expect(harness.get("EIO=4&transport=polling").status == 503)
        harness.send("40/custom", on: socket)
        #expect(harness.take(socket).count == 2)
        #expect(!harness.isClosed(socket))
    }

    @Test("the application may decide about every namespace")
    func dynamicNamespaces() throws {
        let open = SocketHarness(sockets: { $0.namespaces = .decidedByApplication })
        let socket = try open.connected("40/room-17,")
        #expect(open.connects[0].namespace == "/room-17")
        open.send(#"42/room-17,["message",1]"#, on: socket)
        #expect(open.take(socket) == [.text(#"42/room-17,["message-back",1]"#)])
    }

    @Test("tokens come in the payload, in the query of the session, or in that of the namespace")
    func tokens() throws {
        let socket = try harness.webSocket("EIO=4&transport=websocket&token=a%20b&x=1")
        harness.send(#"40{"token":"c"}"#, on: socket)
        let connect = harness.connects[0]
        #expect(connect.query("token") == "a b")
        #expect(connect.query("y") == nil)
        #expect(connect.auth?.elementsEqual(#"{"token":"c"}"#.utf8) == true)
        let old = try harness.webSocket("EIO=3&transport=websocket&token=a&x=1")
        harness.send("40/custom?token=d,", on: old)
        #expect(harness.connects[2].query("token") == "d")
        #expect(harness.connects[2].query("x") == "1")
        #expect(harness.connects[1].query("token") == "a")
    }

    @Test("as many namespaces as may be, and one more")
    func socketsPerSession() throws {
        let small = SocketHarness(sockets: {
            $0.socketsPerSessionMax = 2
            $0.namespaces = .decidedByApplication
        })
        let socket = try small.connected("40", "40/a")
        small.send("40/b", on: socket)
        #expect(small.take(socket) == [.text(#"44/b,{"message":"Too many namespaces"}"#)])
        small.send("41/a", on: socket)
        small.send("40/b", on: socket)
        #expect(small.take(socket).count == 2)
        #expect(small.counters.tooManySockets == 1)
    }

    @Test("in protocol 5 names are fresh, and nothing of the transport's secret")
    func names() throws {
        let sid = harness.open()
        harness.post("EIO=4&transport=polling&sid=\(sid)", "40\u{1E}40/custom")
        #expect(harness.name(0) != sid)
        #expect(harness.name(0) != harness.name(1))
    }

    // MARK: - Protocol 4

    @Test("clients of protocol 4 are in the default namespace unasked; their name is the transport's id")
    func connectedUnasked() {
        let polling = "EIO=3&transport=polling&b64=1"
        let sid = harness.open(polling)
        #expect(harness.get("\(polling)&sid=\(sid)").text == #"2:4013:42["auth",{}]"#)
        #expect(harness.name(0) == sid)
        harness.post("\(polling)&sid=\(sid)", "12:40/custom?a=")
        #expect(harness.name(1) == "/custom#\(sid)")
    }

    @Test("in protocol 4 a namespace is confirmed without an object, and refused with a string")
    func protocol4Replies() throws {
        harness.decision = .accept
        let socket = try harness.webSocket("EIO=3&transport=websocket")
        #expect(harness.take(socket).last == .text("40"))
        harness.send("40/custom?token=a,", on: socket)
        #expect(harness.take(socket) == [.text("40/custom,")])
        harness.send("40/random,", on: socket)
        #expect(harness.take(socket) == [.text(#"44/random,"Invalid namespace""#)])
        #expect(!harness.isClosed(socket))
    }

    @Test("in protocol 4 a refusal of the default namespace is a string, or what the application says")
    func protocol4Refusal() throws {
        harness.decision = .refuse("no", data: nil)
        let socket = try harness.webSocket("EIO=3&transport=websocket")
        #expect(harness.take(socket).last == .text(#"44"no""#))
        harness.decision = .refuse("no", data: #"{"code":7}"#)
        let other = try harness.webSocket("EIO=3&transport=websocket")
        #expect(harness.take(other).last == .text(#"44{"code":7}"#))
    }

    @Test("in protocol 4 to connect to the default namespace is to connect twice")
    func protocol4Twice() throws {
        let socket = try harness.webSocket("EIO=3&transport=websocket")
        harness.send("40", on: socket)
        #expect(harness.isClosed(socket))
    }

    @Test("attachments have their type byte in protocol 4")
    func protocol4Attachments() throws {
        let socket = try harness.webSocket("EIO=3&transport=websocket")
        _ = harness.take(socket)
        harness.send(#"451-["message",{"_placeholder":true,"num":0}]"#, on: socket)
        harness.send([4, 1, 2], on: socket)
        #expect(
            harness.take(socket) == [
                .text(#"451-["message-back",{"_placeholder":true,"num":0}]"#), .binary([4, 1, 2]),
            ])
    }

    // MARK: - Events

    @Test("one event to many is one output, whose bytes are those that came")
    func broadcast() throws {
        let sockets = [try harness.connected(), try harness.connected(), try harness.connected()]
        let argument = #"{ "sdp":"v=0\r\n","z":1.50,"a":null }"#
        let before = harness.sends.count
        harness.apply { server in
            server.emit("message", json(argument), to: harness.connects.map(\.socket))
        }
        #expect(harness.sends.dropFirst(before) == [sockets])
        #expect(harness.take(sockets[2]) == [.text(#"42["message",{ "sdp":"v=0\r\n","z":1.50,"a":null }]"#)])
    }

    @Test("one event to some in several namespaces is one output for each")
    func broadcastAcrossNamespaces() throws {
        let both = try harness.connected("40", "40/custom")
        let one = try harness.connected("40/custom")
        let before = harness.sends.count
        harness.apply { $0.emit("a", SocketEmission(), to: harness.connects.map(\.socket)) }
        #expect(harness.sends.dropFirst(before) == [[both], [both, one]])
        #expect(harness.take(both) == [.text(#"42["a"]"#), .text(#"42/custom,["a"]"#)])
    }

    @Test("an event that is written already goes out as it is, once for each namespace")
    func written() throws {
        let one = try harness.connected("40", "40/custom")
        let two = try harness.connected()
        let ids = harness.connects.map(\.socket)
        let before = harness.sends.count
        harness.apply { $0.emit(array: Array(#"["a" , {"b":1.50,"a":"\/"}]"#.utf8), to: ids) }
        #expect(
            harness.take(one) == [
                .text(#"42["a" , {"b":1.50,"a":"\/"}]"#), .text(#"42/custom,["a" , {"b":1.50,"a":"\/"}]"#),
            ])
        #expect(harness.take(two) == [.text(#"42["a" , {"b":1.50,"a":"\/"}]"#)])
        #expect(Array(harness.sends[before...]) == [[one, two], [one]])
        #expect(harness.counters.eventsOut >= 3)
    }

    @Test("an event tells its whole array as it came")
    func array() throws {
        let text = Array(#"20[ "a" ,{"b":1.50}]"#.utf8)
        let packet = try SocketPacket(parsing: text[...], revision: .five, limits: SocketPacketLimits())
        guard case .event(let name, let arguments, let id) = packet.content else {
            Issue.record("no event")
            return
        }
        let event = SocketEvent(name: name, arguments: arguments, acknowledgement: id)
        #expect(event.array.rawBytes.elementsEqual(#"[ "a" ,{"b":1.50}]"#.utf8))
    }

    @Test("attachments by polling are packets of base 64, behind their text")
    func attachmentsByPolling() {
        harness.decision = .accept
        let session = "EIO=4&transport=polling&sid=\(harness.open())"
        harness.post(session, "40")
        _ = harness.get(session)
        harness.post(session, "451-[\"message\",{\"_placeholder\":true,\"num\":0}]\u{1E}bAQI=")
        #expect(harness.get(session).text == "451-[\"message-back\",{\"_placeholder\":true,\"num\":0}]\u{1E}bAQI=")
    }

    @Test("the greeting of the application is in the answer to the first poll, with the confirmation")
    func greetingByPolling() {
        let session = "EIO=4&transport=polling&sid=\(harness.open())"
        let poll = harness.request(.get, session)
        harness.post(session, "40")
        #expect(harness.answer(poll).text == "40{\"sid\":\"\(harness.name(0))\"}\u{1E}42[\"auth\",{}]")
    }

    @Test("text while attachments are due closes the connection; so do bytes when none are")
    func attachmentOrder() throws {
        let first = try harness.connected()
        harness.send(#"452-["message"]"#, on: first)
        harness.send([1], on: first)
        harness.send(#"42["message"]"#, on: first)
        #expect(harness.isClosed(first))
        let second = try harness.connected()
        harness.send([1], on: second)
        #expect(harness.isClosed(second))
        #expect(harness.events.isEmpty)
        #expect(harness.disconnected == [.malformed, .malformed])
    }

    @Test("an event that says it has no attachments has none")
    func noAttachments() throws {
        let socket = try harness.connected()
        harness.send(#"450-["message",1]"#, on: socket)
        #expect(harness.take(socket) == [.text(#"42["message-back",1]"#)])
    }

    @Test("attachments are bounded together, and in time")
    func attachmentLimits() throws {
        let small = SocketHarness(
            engine: { $0.pingIntervalMilliseconds = 25_000 },
            sockets: { $0.packets.attachmentByteCountMax = 4 })
        let fits = try small.connected()
        small.send(#"452-["message"]"#, on: fits)
        small.send([1, 2], on: fits)
        small.send([3, 4], on: fits)
        #expect(small.events == ["message  [[1, 2], [3, 4]]"])
        small.send(#"452-["message"]"#, on: fits)
        small.send([1, 2], on: fits)
        small.send([3, 4, 5], on: fits)
        #expect(small.isClosed(fits))
        let slow = try small.connected()
        small.send(#"451-["message"]"#, on: slow)
        small.advance(milliseconds: 9_999)
        #expect(!small.isClosed(slow))
        small.advance(milliseconds: 3)
        #expect(small.isClosed(slow))
    }

    @Test("a flood of attachments is refused before any of it is held")
    func attachmentFlood() throws {
        let socket = try harness.connected()
        harness.send(#"4511-["message"]"#, on: socket)
        #expect(harness.isClosed(socket))
        #expect(harness.counters.attachmentLimits == 1)
    }

    // MARK: - Acknowledgements

    @Test("questions of the server are numbered in each namespace, and each is answered once")
    func questions() throws {
        let socket = try harness.connected("40", "40/custom")
        let ids = harness.connects.map(\.socket)
        let first = harness.apply { $0.ask("q", json("1"), of: ids[0]) }
        let second = harness.apply { $0.ask("q", json("2"), of: ids[0]) }
        let third = harness.apply { $0.ask("q", json("3"), of: ids[1]) }
        #expect([first, second, third].map { $0?.rawValue } == [0, 1, 0])
        #expect(
            harness.take(socket) == [.text(#"420["q",1]"#), .text(#"421["q",2]"#), .text(#"42/custom,0["q",3]"#)])
        harness.send(#"431["b", 2]"#, on: socket)
        harness.send(#"43/custom,0[]"#, on: socket)
        harness.send(#"461-0[{"_placeholder":true,"num":0}]"#, on: socket)
        harness.send([9], on: socket)
        #expect(harness.answers == [#"1 "b"|2"#, "0 ", #"0 {"_placeholder":true,"num":0} [[9]]"#])
        harness.send("430[]", on: socket)
        harness.send("4399[]", on: socket)
        #expect(harness.answers.count == 3)
        #expect(!harness.isClosed(socket))
    }

    @Test("as many questions as may wait, and one more")
    func questionsMax() throws {
        let small = SocketHarness(sockets: { $0.questionsPerSocketMax = 1 })
        let socket = try small.connected()
        let id = small.connects[0].socket
        #expect(small.apply { $0.ask("q", SocketEmission(), of: id) } != nil)
        #expect(small.apply { $0.ask("q", SocketEmission(), of: id) } == nil)
        small.send("430[]", on: socket)
        #expect(small.apply { $0.ask("q", SocketEmission(), of: id) }?.rawValue == 1)
    }

    // MARK: - Parting

    @Test("a kick is said to the client, whose connection stays; what was on its way is dropped")
    func kick() throws {
        let socket = try harness.connected("40", "40/custom")
        let ids = harness.connects.map(\.socket)
        harness.apply { $0.disconnect(ids[1], .kick) }
        #expect(harness.take(socket) == [.text("41/custom,")])
        harness.send(#"42/custom,["message",1]"#, on: socket)
        harness.send(#"451-/custom,["message"]"#, on: socket)
        harness.send([1], on: socket)
        harness.send("41/custom,", on: socket)
        harness.apply { $0.emit("late", SocketEmission(), to: [ids[1]]) }
        #expect(harness.take(socket) == [])
        harness.send(#"42["message",1]"#, on: socket)
        #expect(harness.take(socket) == [.text(#"42["message-back",1]"#)])
        #expect(harness.disconnected == [.server])
        harness.apply { $0.disconnect(ids[0], .kick) }
        #expect(harness.take(socket) == [.text("41")])
    }

    @Test("who is kicked out of everything and stays is closed after a while")
    func kickedTimeout() throws {
        let slow = SocketHarness(engine: { $0.pingIntervalMilliseconds = 25_000 })
        let socket = try slow.connected()
        slow.apply { $0.disconnect(slow.connects[0].socket, .kick) }
        slow.advance(milliseconds: 999)
        #expect(!slow.isClosed(socket))
        slow.advance(milliseconds: 3)
        #expect(slow.isClosed(socket))
        #expect(slow.disconnected == [.server])
    }

    @Test("a kick by polling arrives, even when the session is closed behind it")
    func kickByPolling() {
        harness.decision = .accept
        let session = "EIO=4&transport=polling&sid=\(harness.open())"
        harness.post(session, "40")
        _ = harness.get(session)
        harness.apply { server in
            server.disconnect(harness.connects[0].socket, .kick)
        }
        #expect(harness.get(session).text == "41")
    }

    @Test("to close the transport is to end every socket of the session, once each")
    func closeTransport() throws {
        let socket = try harness.connected("40", "40/custom")
        harness.apply { $0.disconnect(harness.connects[0].socket, .closeTransport) }
        #expect(harness.isClosed(socket))
        #expect(harness.take(socket) == [])
        #expect(harness.disconnected == [.server, .server])
        #expect(harness.liveCounts == (0, 0))
    }

    @Test("when the transport is lost, the application hears of each socket")
    func transportLost() throws {
        let socket = try harness.connected("40", "40/custom")
        harness.drop(socket)
        #expect(harness.disconnected == [.transport(.transportClosed), .transport(.transportClosed)])
        #expect(harness.liveCounts == (0, 0))
        harness.apply { $0.emit("late", SocketEmission(), to: harness.connects.map(\.socket)) }
    }

    @Test("who left a namespace is out of it, and may come back")
    func comeBack() throws {
        let socket = try harness.connected()
        harness.send("41", on: socket)
        harness.send("40", on: socket)
        #expect(harness.take(socket).first == .text(#"40{"sid":"\#(harness.name(1))"}"#))
        harness.send("41", on: socket)
        harness.send(#"42["message"]"#, on: socket)
        #expect(harness.isClosed(socket))
        #expect(harness.disconnected == [.client, .client])
    }
}
