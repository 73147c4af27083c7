import HTTP
import NetworkPrimitives
import Testing

@testable import EngineIO

/// Rules of the transport beyond those of the official suites.
@Suite("Engine.IO, rules")
struct RuleTests {
    let harness = EngineHarness()
    let polling4 = "EIO=4&transport=polling"
    let polling3 = "EIO=3&transport=polling"
    let webSocket4 = "EIO=4&transport=websocket"
    let webSocket3 = "EIO=3&transport=websocket"

    // MARK: - Refusals

    @Test("a sid that nobody has is refused, by polling and before an upgrade")
    func unknownSession() {
        let expected = #"{"code":1,"message":"Session ID unknown"}"#
        for sid in ["abc", "JYjvBMry2tWzv9xD5JV8dg", "__proto__", "constructor", "%00"] {
            #expect(harness.get("\(polling4)&sid=\(sid)").text == expected)
            #expect(harness.post("\(polling4)&sid=\(sid)", "4a").text == expected)
            #expect(harness.refusal("\(webSocket4)&sid=\(sid)")?.text == expected)
            #expect(harness.refusal("\(webSocket4)&sid=\(sid)")?.status == 400)
        }
        #expect(harness.counters.refusedUnknownSession == 20)
    }

    @Test("names that programs of other languages stumble over are names like others")
    func prototypeNames() {
        for name in ["__proto__", "constructor", "toString", "hasOwnProperty"] {
            #expect(harness.get("EIO=4&transport=\(name)").text == #"{"code":0,"message":"Transport unknown"}"#)
            #expect(harness.get("EIO=4&transport=polling&\(name)=1&\(name)[x]=2").status == 200)
        }
    }

    @Test("WebSocket as the transport of a plain request is refused")
    func plainWebSocket() {
        #expect(harness.get(webSocket4).text == #"{"code":3,"message":"Bad request"}"#)
        #expect(harness.get("\(webSocket4)&sid=\(harness.open())").text == #"{"code":3,"message":"Bad request"}"#)
        #expect(harness.refusal(polling4)?.text == #"{"code":3,"message":"Bad request"}"#)
    }

    @Test("only GET and POST go on with a session", arguments: [HTTPMethod.put, .delete, .head, .patch])
    func otherMethods(_ method: HTTPMethod) {
        let session = "\(polling4)&sid=\(harness.open())"
        #expect(harness.answer(harness.request(method, session)).status == 400)
        #expect(harness.post(session, "4a").status == 200)
    }

    @Test("an origin of forbidden bytes is refused")
    func originBytes() {
        let answer = harness.answer(harness.request(.get, polling4, origin: "http://\u{E9}"))
        #expect(answer.text == #"{"code":3,"message":"Bad request"}"#)
    }

    @Test("whom the host refuses is told why")
    func forbidden() {
        let visitor = EngineVisitor(address: EngineHarness.home, refusal: "not \"here\"")
        let answer = harness.answer(harness.request(.get, polling4, from: visitor))
        #expect(answer.status == 403)
        #expect(answer.text == #"{"code":4,"message":"not here"}"#)
        #expect(harness.refusal(webSocket4, from: visitor)?.status == 403)
    }

    @Test("nothing is kept by caches")
    func caches() {
        let session = "\(polling4)&sid=\(harness.open())"
        for answer in [harness.get(polling4), harness.post(session, "4a"), harness.get(session), harness.get("")] {
            #expect(answer.response?.headers["cache-control"] == "no-store")
        }
    }

    @Test("a listener may offer one transport only, or the newer revision only")
    func transports() throws {
        let onlySockets = EngineHarness { $0.transports = .webSocketOnly }
        #expect(onlySockets.get(polling4).text == #"{"code":0,"message":"Transport unknown"}"#)
        _ = try onlySockets.webSocket(webSocket4)
        let onlyPolling = EngineHarness { $0.transports = .pollingOnly }
        #expect(onlyPolling.get(polling4).text.contains(#""upgrades":[]"#))
        #expect(onlyPolling.refusal(webSocket4)?.status == 400)
        let onlyNew = EngineHarness { $0.allowsVersion3 = false }
        #expect(onlyNew.get(polling3).text == #"{"code":5,"message":"Unsupported protocol version"}"#)
    }

    // MARK: - Packets

    @Test("revision 4 takes no octet-stream: the session is over (CVE-2026-59725)")
    func octetStream() {
        let session = "\(polling4)&sid=\(harness.open())"
        let answer = harness.post(session, "4a", type: "application/octet-stream")
        #expect(answer.status == 400)
        #expect(answer.body.isEmpty)
        #expect(harness.closed == [.malformed])
        let other = "\(polling4)&sid=\(harness.open())"
        #expect(harness.post(other, "4a", type: "Application/Octet-Stream; x=y").status == 400)
    }

    @Test("a heartbeat in the wrong direction ends the session")
    func wrongDirection() throws {
        #expect(harness.post("\(polling4)&sid=\(harness.open())", "2").status == 400)
        #expect(harness.post("\(polling3)&sid=\(harness.open(polling3))", "1:3").status == 400)
        let four = try harness.webSocket(webSocket4)
        harness.send("2", on: four)
        #expect(harness.isClosed(four))
        let three = try harness.webSocket(webSocket3)
        harness.send("3", on: three)
        #expect(harness.isClosed(three))
        #expect(harness.closed == [.malformed, .malformed, .malformed, .malformed])
    }

    @Test("a body larger than may be is refused with 413, and nothing else happens")
    func bodyTooLarge() {
        let small = EngineHarness { $0.limits.payloadByteCountMax = 6 }
        let session = "\(polling4)&sid=\(small.open())"
        #expect(small.post(session, "4hello").status == 200)
        let answer = small.post(session, "4hello!")
        #expect(answer.status == 413)
        #expect(answer.body.isEmpty)
        #expect(small.get(session).text == "4hello")
    }

    @Test("a frame larger than may be ends the session")
    func frameTooLarge() throws {
        let small = EngineHarness { $0.limits.payloadByteCountMax = 6 }
        let socket = try small.webSocket(webSocket4)
        small.send("4hello", on: socket)
        small.send([1, 2, 3, 4, 5, 6], on: socket)
        #expect(!small.isClosed(socket))
        small.send("4hello!", on: socket)
        #expect(small.isClosed(socket))
    }

    @Test("what waits for a poll is bounded, in packets and in bytes")
    func bufferLimits() {
        for change: (inout EngineSettings) -> Void in [
            { $0.limits.bufferedPacketsMax = 3 }, { $0.limits.bufferedByteCountMax = 6 },
        ] {
            let small = EngineHarness(change)
            let session = "\(polling4)&sid=\(small.open())"
            for _ in 0..<3 { small.emit("a", to: small.openings[0].session) }
            #expect(small.get(session).text == "4a\u{1E}4a\u{1E}4a")
            for _ in 0..<4 { small.emit("a", to: small.openings[0].session) }
            #expect(small.closed == [.overflow])
            #expect(small.get(session).status == 400)
        }
    }

    @Test("as many packets in a payload as may be, and one more")
    func packetsPerPayload() {
        let small = EngineHarness { $0.limits.packetsPerPayloadMax = 2 }
        let session = "\(polling4)&sid=\(small.open())"
        #expect(small.post(session, "4a\u{1E}4b").status == 200)
        #expect(small.post(session, "4a\u{1E}4b\u{1E}4c").status == 400)
        #expect(small.messages == ["a", "b"])
        #expect(small.closed == [.malformed])
    }

    @Test("as many sessions as may be, and one more")
    func sessionsMax() throws {
        let small = EngineHarness { $0.limits.sessionsMax = 2 }
        _ = small.open()
        let socket = try small.webSocket(webSocket4)
        #expect(small.get(polling4).status == 503)
        #expect(small.refusal(webSocket4)?.status == 503)
        small.drop(socket)
        #expect(small.get(polling4).status == 200)
        #expect(small.counters.refusedSessionsMax == 2)
    }

    @Test("as many sessions of one source as may be, and one more; other sources go on")
    func sessionsPerSource() {
        let small = EngineHarness { $0.limits.sessionsPerSourceMax = 1 }
        func visitor(_ low: UInt64) -> EngineVisitor {
            EngineVisitor(address: .v6(IPv6Address(high: 0x2001_0DB8_0000_0000 | low >> 32, low: low)))
        }
        let first = small.open(from: visitor(1))
        #expect(small.answer(small.request(.get, polling4, from: visitor(2))).status == 503)
        _ = small.open(from: visitor(1 << 32))
        #expect(small.counters.refusedPerSource == 1)
        small.post("\(polling4)&sid=\(first)", "1")
        _ = small.open(from: visitor(3))
    }

    @Test("clients without binary get base 64 over WebSocket too")
    func base64OverWebSocket() throws {
        let four = try harness.webSocket(webSocket4 + "&b64=1")
        let three = try harness.webSocket(webSocket3 + "&b64=1")
        _ = harness.take(four)
        _ = harness.take(three)
        harness.send("bAQIDBA==", on: four)
        harness.send("b4AQIDBA==", on: three)
        #expect(harness.take(four) == [.text("bAQIDBA==")])
        #expect(harness.take(three) == [.text("b4AQIDBA==")])
        #expect(harness.messages == ["[1, 2, 3, 4]", "[1, 2, 3, 4]"])
    }

    @Test("one message to many is one output for each form that they take it in")
    func manyRecipients() throws {
        let sockets = [
            try harness.webSocket(webSocket4), try harness.webSocket(webSocket4), try harness.webSocket(webSocket3),
        ]
        let session = "\(polling4)&sid=\(harness.open())"
        let before = harness.sends.count
        harness.emit(
            [.text(Array("a".utf8)[...]), .binary([7])], to: harness.openings.map(\.session))
        #expect(harness.sends.dropFirst(before) == [sockets, [sockets[2]], [sockets[0], sockets[1]]])
        #expect(harness.get(session).text == "4a\u{1E}bBw==")
    }

    @Test("packets of the other side of the protocol mean nothing or the end")
    func strayPackets() {
        let session = "\(polling4)&sid=\(harness.open())"
        #expect(harness.post(session, "6\u{1E}5\u{1E}4a").status == 200)
        #expect(harness.messages == ["a"])
        #expect(harness.post(session, "0{}").status == 400)
    }

    @Test("what comes behind a close packet is not heard")
    func behindClose() {
        #expect(harness.post("\(polling4)&sid=\(harness.open())", "4a\u{1E}1\u{1E}4b").status == 200)
        #expect(harness.messages == ["a"])
    }
}
