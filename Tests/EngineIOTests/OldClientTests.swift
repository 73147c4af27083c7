import HTTP
import NetworkPrimitives
import Testing

@testable import EngineIO

/// What clients of revision 3 need that no document says.
@Suite("Engine.IO 3, old clients")
struct OldClientTests {
    let harness = EngineHarness()
    let polling = "EIO=3&transport=polling"
    let webSocket = "EIO=3&transport=websocket"

    @Test("clients up to 1.3 are known by their stamp, and get bytes always")
    func oldStamp() {
        let answer = harness.get("\(polling)&t=1795189086758-0")
        #expect(answer.type == "application/octet-stream")
        #expect(answer.body.prefix(6) == [0, 1, 1, 6, 255, 0x30])
        let session = "\(polling)&sid=\(harness.openings[0].secret)&t=1795189086758-1"
        #expect(harness.post(session, "1:2").text == "ok")
        #expect(harness.get(session).body == [0, 1, 255, 0x33])
    }

    @Test(
        "other stamps are those of clients that read text",
        arguments: [
            "OsL9dEk", "1795189086758", "1795189086.758", "179518908675-0", "1795189086758-", "1795189086758-a",
        ])
    func newStamp(_ stamp: String) {
        #expect(harness.get("\(polling)&t=\(stamp)").type == "text/plain; charset=UTF-8")
    }

    @Test("an old client without binary says so")
    func oldStampWithoutBinary() {
        #expect(harness.get("\(polling)&t=1795189086758-0&b64=1").type == "text/plain; charset=UTF-8")
    }

    @Test("text that is not ASCII goes as bytes, so that it is not taken for Latin-1")
    func latin1() {
        let session = "\(polling)&sid=\(harness.open(polling))"
        harness.post(session, "3:4hé")
        let answer = harness.get(session)
        #expect(answer.type == "application/octet-stream")
        #expect(answer.body == [0, 4, 255, 0x34, 0x68, 0xC3, 0xA9])
        harness.post(session, "2:4h")
        #expect(harness.get(session).text == "2:4h")
    }

    @Test("text that is not ASCII stays text for those without binary, counted in UTF-16")
    func textOnly() {
        let session = "\(polling)&sid=\(harness.open(polling + "&b64=1"))"
        harness.post(session, "3:4hé3:4😀")
        #expect(harness.get(session).text == "3:4hé3:4😀")
    }

    @Test("bytes in both directions, as python-socketio sends them")
    func binaryPost() {
        let session = "\(polling)&sid=\(harness.open(polling))"
        let body: [UInt8] = [0, 2, 255, 0x34, 0x61, 1, 2, 255, 4, 9]
        let id = harness.request(.post, session, body, type: "application/octet-stream")
        #expect(harness.answer(id).text == "ok")
        #expect(harness.messages == ["a", "[9]"])
        #expect(harness.get(session).body == body)
    }

    // MARK: - Scripts

    @Test("scripts and forms, where they are allowed")
    func jsonp() {
        let open = EngineHarness { $0.allowsJSONP = true }
        let answer = open.get("\(polling)&j=3")
        let sid = "\(open.openings[0].secret)"
        #expect(answer.type == "text/javascript; charset=UTF-8")
        #expect(answer.response?.headers["x-content-type-options"] == "nosniff")
        #expect(answer.text.hasPrefix(#"___eio[3]("116:0{\"sid\":\"\#(sid)\",\"upgrades\":[\"websocket\"],"#))
        #expect(answer.text.hasSuffix(#""maxPayload\":1000000}");"#))
        let session = "\(polling)&j=3&sid=\(sid)"
        let form: HTTPFieldValue = "application/x-www-form-urlencoded"
        #expect(open.post(session, "d=6%3A4a%5Cnb%C3%A910%3Ab4AQIDBA%3D%3D", type: form).status == 400)
        #expect(open.closed == [.malformed], "four characters and a type are five")
    }

    @Test("what was posted by a form comes back as a script")
    func jsonpEcho() {
        let open = EngineHarness { $0.allowsJSONP = true }
        let session = "\(polling)&j=0&sid=\(open.open(polling + "&j=0"))"
        let push = open.post(
            session, "d=5%3A4a%5Cnb%C3%A9" + "10%3Ab4AQIDBA%3D%3D".replacing("%5C", with: ""),
            type: "application/x-www-form-urlencoded")
        #expect(push.text == "ok")
        #expect(push.type == "text/html")
        #expect(open.get(session).text == #"___eio[0]("5:4a\nbé10:b4AQIDBA==");"#)
    }

    @Test("scripts cross origins, so that they are refused unless they are allowed; an index is a number")
    func jsonpRefused() {
        #expect(harness.get("\(polling)&j=0").text == #"{"code":3,"message":"Bad request"}"#)
        let open = EngineHarness { $0.allowsJSONP = true }
        for index in ["alert(1)", "", "-1", "99999999999"] {
            #expect(open.get("\(polling)&j=\(index)").status == 400, "\(index)")
        }
    }

    // MARK: - The id that others may know

    private let foreign = EngineVisitor(address: .v4(IPv4Address(rawValue: 0xC633_6402)))

    @Test("while it polls, the id is good for the client's own address only")
    func pinned() {
        let session = "\(polling)&sid=\(harness.open(polling))"
        let stolen = harness.answer(harness.request(.get, session, from: foreign))
        #expect(stolen.text == #"{"code":1,"message":"Session ID unknown"}"#)
        #expect(harness.refusal(session.replacing("polling", with: "websocket"), from: foreign)?.status == 400)
        #expect(harness.answer(harness.request(.post, session, Array("2:4a".utf8), from: foreign)).status == 400)
        #expect(harness.counters.refusedForeignAddress == 3)
        #expect(harness.messages.isEmpty)
        #expect(harness.post(session, "2:4a").status == 200)
    }

    @Test("once on a WebSocket, the id is good for no polls, whoever asks")
    func noPollsOnWebSocket() throws {
        let socket = try harness.webSocket(webSocket)
        let session = "\(polling)&sid=\(harness.openings[0].secret)"
        #expect(harness.get(session).status == 400)
        #expect(harness.post(session, "1:1").status == 400)
        #expect(harness.answer(harness.request(.get, session, from: foreign)).status == 400)
        #expect(!harness.isClosed(socket))
    }

    @Test("revision 4 keeps its id to itself, so that clients may change their address")
    func roaming() {
        let session = "EIO=4&transport=polling&sid=\(harness.open())"
        #expect(harness.answer(harness.request(.post, session, Array("4a".utf8), from: foreign)).status == 200)
    }

    @Test("ids are 128 bits that follow from the secret only, and differ")
    func ids() {
        let ids = (0..<100).map { _ in harness.open() }
        #expect(Set(ids).count == 100)
        #expect(ids.allSatisfy { $0.utf8.count == 22 })
    }
}
