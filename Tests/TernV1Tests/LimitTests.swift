import NetworkPrimitives
import Signaling
import Testing

@testable import TernV1

@Suite("tern.v1: limits and hostile texts")
struct LimitTests {
    // MARK: - Pace

    @Test("so many messages at once, so many a second after that, and the wait is told")
    func rate() throws {
        let harness = TernHarness {
            $0.limits.messagesBurst = 10
            $0.limits.messagesPerSecond = 5
        }
        let ann = try harness.greet()
        _ = harness.take(ann)
        for number in 0..<10 { harness.say(#"{"type":"ping","t":\#(number)}"#, on: ann) }
        #expect(harness.take(ann).count == 10)
        harness.say(#"{"type":"ping","id":"x"}"#, on: ann)
        let error = try json(harness.take(ann).first)
        #expect(error["code"] as? String == "rate_limited" && error["retry_after_ms"] as? Int == 200)
        #expect(error["id"] as? String == "x" && error["fatal"] as? Bool == false)
        harness.advance(milliseconds: 199)
        harness.say(#"{"type":"ping"}"#, on: ann)
        #expect(try json(harness.take(ann).first)["retry_after_ms"] as? Int == 1)
        harness.advance(milliseconds: 1)
        harness.say(#"{"type":"ping"}"#, on: ann)
        #expect(harness.take(ann) == [#"{"type":"pong"}"#])
        #expect(harness.query { $0.counters[SignalingLimit.messageRate] } == 2)
    }

    @Test("so many enter without a token from one address, and then one a second; who has a token enters")
    func anonymousJoins() throws {
        let harness = TernHarness {
            $0.limits.anonymousJoinsPerSecond = 1
            $0.limits.anonymousJoinsBurst = 3
        }
        func answerToJoin(_ connection: UInt64) throws -> [String: Any] {
            _ = harness.take(connection)
            harness.say(#"{"type":"join","room":"open"}"#, on: connection)
            return try json(harness.take(connection).first)
        }
        for _ in 0..<3 { #expect(try answerToJoin(harness.greet())["type"] as? String == "joined") }
        let late = try harness.greet()
        let refusal = try answerToJoin(late)
        #expect(refusal["code"] as? String == "rate_limited" && refusal["retry_after_ms"] as? Int == 1000)
        #expect(try answerToJoin(harness.greet("ann"))["type"] as? String == "joined")
        harness.advance(milliseconds: 1000)
        #expect(try answerToJoin(late)["type"] as? String == "joined")
        #expect(harness.query { $0.counters[SignalingLimit.anonymousJoins] } == 1)
    }

    @Test("nonsense counts as messages too")
    func rateOfNonsense() throws {
        let harness = TernHarness { $0.limits.messagesBurst = 2 }
        let ann = try harness.greet()
        _ = harness.take(ann)
        for code in ["bad_json", "bad_json", "rate_limited"] {
            harness.say("{", on: ann)
            #expect(try harness.takeError(ann) == code)
        }
    }

    @Test("who goes on and on is cut off with 4029, and its session ends")
    func abuse() throws {
        let harness = TernHarness { $0.limits.messagesBurst = 5 }
        let ann = try harness.enter("open")
        let bob = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        for connection in [ann, bob] { _ = harness.take(connection) }
        _ = harness.takeMembers()
        // One of five was the join.
        for _ in 0..<9 { harness.say(#"{"type":"ping"}"#, on: ann) }
        #expect(harness.closings.isEmpty)
        harness.say(#"{"type":"ping","id":1}"#, on: ann)
        let last = try json(harness.take(ann).last)
        #expect(last["code"] as? String == "rate_limited" && last["fatal"] as? Bool == true)
        #expect(harness.closings[ann] == .init(code: 4029, reason: "rate_limited"))
        #expect(try json(harness.take(bob).first)["reason"] as? String == "kicked")
        guard case .left(_, keepsGrace: false)? = harness.takeMembers().first else {
            Issue.record("no end of the member")
            return
        }
        let back = try #require(harness.connect())
        harness.say(#"{"type":"hello","v":1,"resume":"\#(token)"}"#, on: back)
        #expect(try harness.last("welcome", back)["resumed"] as? Bool == false)
    }

    @Test("who shows five wrong tokens in one session is cut off, over each connection of it")
    func guessing() throws {
        let harness = TernHarness()
        harness.gate.refusals["old"] = .tokenExpired
        let ann = try harness.greet()
        let token = try harness.resumeToken(ann)
        for _ in 0..<10 { harness.say(#"{"type":"join","room":"a","token":"old"}"#, on: ann) }
        for _ in 0..<4 { harness.say(#"{"type":"join","room":"a","token":"guess"}"#, on: ann) }
        #expect(harness.closings.isEmpty)
        harness.say(#"{"type":"join","room":"a","token":"guess","id":1}"#, on: ann)
        let last = try json(harness.take(ann).last)
        #expect(last["code"] as? String == "unauthorized" && last["fatal"] as? Bool == true)
        #expect(last["id"] as? Int == 1)
        #expect(harness.closings[ann] == .init(code: 4001, reason: "unauthorized"))
        let back = try #require(harness.connect())
        harness.say(#"{"type":"hello","v":1,"resume":"\#(token)"}"#, on: back)
        harness.say(#"{"type":"join","room":"open"}"#, on: back)
        #expect(harness.closings[back] == nil)
        harness.say(#"{"type":"join","room":"a","token":"guess"}"#, on: back)
        #expect(harness.closings[back] == .init(code: 4001, reason: "unauthorized"))
    }

    @Test("a new connection does not give a session a new pace")
    func rateAcrossConnections() throws {
        let harness = TernHarness { $0.limits.messagesBurst = 2 }
        let ann = try harness.greet()
        let token = try harness.resumeToken(ann)
        for _ in 0..<2 { harness.say(#"{"type":"ping"}"#, on: ann) }
        harness.disconnect(ann)
        let back = try #require(harness.connect())
        harness.say(#"{"type":"hello","v":1,"resume":"\#(token)","received":0}"#, on: back)
        _ = harness.take(back)
        harness.say(#"{"type":"ping"}"#, on: back)
        #expect(try harness.takeError(back) == "rate_limited")
    }

    @Test("the pace is exact: burst at once, then one for each interval")
    func pace() {
        var pace = MessagePace()
        let start = Instant(nanoseconds: 1_000_000_000_000)
        for _ in 0..<3 { #expect(pace.take(perSecond: 2, burst: 3, at: start) == nil) }
        #expect(pace.take(perSecond: 2, burst: 3, at: start) == 500)
        #expect(pace.take(perSecond: 2, burst: 3, at: start.advanced(byMilliseconds: 499)) == 1)
        #expect(pace.take(perSecond: 2, burst: 3, at: start.advanced(byMilliseconds: 500)) == nil)
        for _ in 0..<3 { #expect(pace.take(perSecond: 2, burst: 3, at: start.advanced(bySeconds: 100)) == nil) }
        #expect(pace.take(perSecond: 2, burst: 3, at: start.advanced(bySeconds: 100)) != nil)
        var open = MessagePace()
        for _ in 0..<1000 { #expect(open.take(perSecond: 0, burst: 0, at: start) == nil) }
    }

    // MARK: - Sizes, at the maximum and one beyond

    @Test("a message of the largest size is taken, a larger one ends the connection")
    func messageSize() throws {
        let harness = TernHarness { $0.limits.messageByteCountMax = 200 }
        let ann = try harness.enter("open")
        let bob = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        for connection in [ann, bob] { _ = harness.take(connection) }
        let head = #"{"type":"broadcast","room":"open","data":""#
        func message(_ count: Int) -> String {
            head + String(repeating: "x", count: count - head.utf8.count - 2) + "\"}"
        }
        harness.say(message(200), on: ann)
        #expect(harness.take(bob).count == 1)
        harness.say(message(201), on: ann)
        #expect(try harness.takeError(ann) == "too_large")
        #expect(harness.closings[ann] == .init(code: 1009, reason: "too_large"))
        #expect(harness.query { $0.counters[SignalingLimit.messageBytes] } == 1)
        // The session is still there; the error was its third message.
        let back = try #require(harness.connect())
        harness.say(#"{"type":"hello","v":1,"resume":"\#(token)","received":3}"#, on: back)
        #expect(try harness.last("welcome", back)["resumed"] as? Bool == true)
        #expect(harness.take(back).count == 1)
    }

    @Test(
        "fields have sizes of their own",
        arguments: [
            ("name", 128, false), ("name", 129, true), ("role", 64, false), ("role", 65, true),
            ("meta", 2046, false), ("meta", 2047, true), ("token", 8193, true),
        ])
    func fieldSizes(name: String, count: Int, isRefused: Bool) throws {
        let harness = TernHarness()
        let ann = try harness.greet()
        _ = harness.take(ann)
        let value = String(repeating: "x", count: count)
        harness.say(#"{"type":"join","room":"open","\#(name)":"\#(value)"}"#, on: ann)
        if isRefused {
            #expect(try harness.takeError(ann) == "too_large")
            #expect(harness.query { $0.liveCounts.rooms } == 0)
        } else {
            _ = try harness.participant(ann)
        }
    }

    @Test(
        "what a request is called comes back as it was written",
        arguments: [
            "0", "-5", "9223372036854775807", #""""#, #""a b""#, #""\u00e9\n""#,
            "\"\(String(repeating: "x", count: 64))\"",
        ])
    func ids(id: String) throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        _ = harness.take(ann)
        harness.say(#"{"type":"broadcast","room":"open","data":1,"id":\#(id)}"#, on: ann)
        #expect(harness.take(ann) == [#"{"type":"ok","id":\#(id)}"#])
        harness.say(#"{"id":\#(id),"type":"nothing"}"#, on: ann)
        let text = try #require(harness.take(ann).first)
        #expect(text.hasPrefix(#"{"type":"error","id":\#(id),"code":"unknown_type""#))
    }

    @Test(
        "what cannot be an id is refused",
        arguments: [
            "1.0", "1e3", "9223372036854775808", "true", "[]", "{}", "\"\(String(repeating: "x", count: 65))\"",
        ])
    func badIDs(id: String) throws {
        let harness = TernHarness()
        let ann = try harness.greet()
        _ = harness.take(ann)
        harness.say(#"{"type":"ping","id":\#(id)}"#, on: ann)
        #expect(try harness.takeError(ann) == "bad_request")
    }

    // MARK: - Hostile texts

    @Test(
        "fields of a wrong kind are refused, each with what to do",
        arguments: [
            #"{}"#, #"{"type":1}"#, #"{"type":null}"#, #"{"type":"join"}"#, #"{"type":"join","room":1}"#,
            #"{"type":"join","room":""}"#, #"{"type":"join","room":"a b"}"#, #"{"type":"join","room":"\ud800"}"#,
            #"{"type":"join","room":"a","name":1}"#, #"{"type":"join","room":"a","name":"\ud800"}"#,
            #"{"type":"join","room":"a","ice":"no"}"#, #"{"type":"join","room":"a","replace":0}"#,
            #"{"type":"join","room":"a","token":{}}"#, #"{"type":"signal","room":"a","data":1}"#,
            #"{"type":"signal","room":"a","to":1,"data":1}"#, #"{"type":"signal","room":"a","to":"x"}"#,
            #"{"type":"broadcast","room":"a"}"#, #"{"type":"ping","t":[1]}"#, #"{"type":"ping","received":-1}"#,
            #"{"type":"ping","received":"1"}"#, #"{"type":"kick","room":"a","to":"x","ban_s":2592001}"#,
            #"{"type":"kick","room":"a","to":"x","ban_s":-1}"#, #"{"type":"kick","room":"a"}"#,
            #"[]"#, #""hello""#, "17", "null",
        ])
    func wrongKinds(text: String) throws {
        let harness = TernHarness()
        let ann = try harness.greet()
        _ = harness.take(ann)
        harness.say(text, on: ann)
        #expect(try harness.takeError(ann) == "bad_request")
        #expect(harness.closings.isEmpty)
    }

    @Test("a message has at most 64 fields beside each other, and any number further down")
    func fields() throws {
        let harness = TernHarness()
        let ann = try harness.greet()
        _ = harness.take(ann)
        func text(_ count: Int) -> String {
            #"{"type":"ping""# + (1..<count).map { ",\"\\u0061\($0)\":{\"b\":1,\"c\":2}" }.joined() + "}"
        }
        harness.say(text(64), on: ann)
        #expect(harness.take(ann) == [#"{"type":"pong"}"#])
        harness.say(text(65), on: ann)
        #expect(try harness.takeError(ann) == "bad_request")
    }

    @Test("texts that are no JSON are refused and harm nobody")
    func noJSON() throws {
        let harness = TernHarness { $0.limits.messagesBurst = 1000 }
        let ann = try harness.greet()
        _ = harness.take(ann)
        var texts: [[UInt8]] = ["", "{", "}", "{\"type\":\"ping\"}x", "{'type':'ping'}", "\u{0}", "nul"].map {
            Array($0.utf8)
        }
        texts.append([0xFF, 0xFE])
        texts.append(Array(#"{"type":"ping","t":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8))
        texts.append([UInt8](repeating: UInt8(ascii: "["), count: 60_000))
        texts.append(Array((String(repeating: "{\"a\":", count: 17) + "1" + String(repeating: "}", count: 17)).utf8))
        texts.append(Array(#"{"type":"ping","type":"bye"}"#.utf8))
        texts.append(Array(("{\"type\":\"ping\",\"x\":[0" + String(repeating: ",0", count: 5000) + "]}").utf8))
        for text in texts {
            harness.say(text, on: ann)
            #expect(try harness.takeError(ann) == "bad_json")
        }
        #expect(harness.closings.isEmpty)
        #expect(harness.query { $0.counters[ErrorCode.badJSON] } == UInt64(texts.count))
    }

    @Test("data may be as deep as a message, and no deeper", arguments: [(15, true), (16, false)])
    func depth(depth: Int, isTaken: Bool) throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        _ = harness.take(ann)
        let data = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        harness.say(#"{"type":"broadcast","room":"open","data":\#(data),"id":1}"#, on: ann)
        #expect(try json(harness.take(ann).first)["type"] as? String == (isTaken ? "ok" : "error"))
    }

    @Test("what a stranger writes cannot break out of what others are sent")
    func escapes() throws {
        let harness = TernHarness()
        let ann = try harness.greet()
        let bob = try harness.enter("open")
        _ = harness.take(bob)
        harness.say(#"{"type":"join","room":"open","name":"\"},{\u2028\u0000","role":"\\","id":1}"#, on: ann)
        let participant = try #require(try json(harness.take(bob).first)["participant"] as? [String: Any])
        #expect(participant["name"] as? String == "\"},{\u{2028}\u{0}" && participant["role"] as? String == "\\")
    }

    @Test("whatever follows the end of a connection is ignored")
    func unknownConnections() throws {
        let harness = TernHarness()
        harness.say(#"{"type":"hello","v":1}"#, on: 77)
        harness.pong(77)
        harness.disconnect(77)
        harness.slowConsumer(77)
        #expect(harness.texts.isEmpty && harness.closings.isEmpty)
    }
}
