import DialectSupport
import NetworkPrimitives
import Signaling
import Testing

@Suite("Channels: conversations of websocket-over-nodejs")
struct TranscriptTests {
    @Test("a page asks for presence, opens, and what is said is heard by the others only")
    func conversation() throws {
        let faults = try channels().play(
            """
            ann +
            ann > {"checkPresence":true,"channel":"main"}
            ann < {"isChannelPresent":false}
            ann > {"open":true,"channel":"main"}
            bob +
            bob > {"checkPresence":true,"channel":"main"}
            bob < {"isChannelPresent":true}
            bob > {"open":true,"channel":"main"}
            ann > {"data":{"roomToken":"r","broadcaster":"ann"},"channel":"main"}
            bob < {"roomToken":"r","broadcaster":"ann"}
            bob > {"data":"plain text","channel":"main"}
            ann < "plain text"
            """)
        #expect(faults == [])
    }

    @Test("data comes byte for byte: order of members, spelling of numbers, escapes")
    func bytes() throws {
        let faults = try channels().play(
            #"""
            ann +
            ann > {"open":true,"channel":"c"}
            bob +
            bob > {"channel":"c","open":true}
            ann > {"channel":"c","data":{"b":1.50e0, "a":"\u00e4\/","sdp":"v=0\r\n","n":null}}
            bob < {"b":1.50e0, "a":"\u00e4\/","sdp":"v=0\r\n","n":null}
            """#)
        #expect(faults == [])
    }

    @Test("one socket for each channel, as DataChannel.js has it: a common channel and one for each user")
    func dataChannelJS() throws {
        let faults = try channels().play(
            """
            owner +
            owner > {"open":true,"channel":"room"}
            guest +
            guest > {"open":true,"channel":"room"}
            owner > {"data":{"roomToken":"r","broadcaster":"o"},"channel":"room"}
            guest < {"roomToken":"r","broadcaster":"o"}
            private +
            private > {"open":true,"channel":"g"}
            guest > {"data":{"participant":true,"userToken":"g","joinUser":"o"},"channel":"room"}
            owner < {"participant":true,"userToken":"g","joinUser":"o"}
            answer +
            answer > {"open":true,"channel":"g"}
            answer > {"data":{"firstPart":"v=0","userToken":"o"},"channel":"g"}
            private < {"firstPart":"v=0","userToken":"o"}
            """)
        #expect(faults == [])
    }

    @Test("a channel goes with the last who has it open")
    func gone() throws {
        let faults = try channels().play(
            """
            ann +
            ann > {"open":true,"channel":"c"}
            bob +
            ann -
            bob > {"checkPresence":true,"channel":"c"}
            bob < {"isChannelPresent":false}
            """)
        #expect(faults == [])
    }

    @Test("flags are what JavaScript takes for true, and data that it takes for false is dropped")
    func truth() throws {
        let faults = try channels().play(
            """
            ann +
            ann > {"open":1,"channel":"c"}
            bob +
            bob > {"open":"yes","channel":"c"}
            bob > {"checkPresence":0,"open":false,"channel":"c","data":[]}
            ann < []
            bob > {"channel":"c","data":0}
            bob > {"channel":"c","data":""}
            bob > {"channel":"c","data":null}
            bob > {"channel":"c","data":false}
            bob > {"channel":"c"}
            """)
        #expect(faults == [])
    }

    @Test("to open twice is to open; each text comes once")
    func twice() throws {
        let faults = try channels().play(
            """
            ann +
            ann > {"open":true,"channel":"c"}
            ann > {"open":true,"channel":"c"}
            bob +
            bob > {"open":true,"channel":"c"}
            bob > {"data":1,"channel":"c"}
            ann < 1
            """)
        #expect(faults == [])
    }

    @Test("a channel may be called by a number, and is the one called by its digits")
    func numbers() throws {
        let faults = try channels().play(
            """
            ann +
            ann > {"open":true,"channel":4711}
            bob +
            bob > {"open":true,"channel":"4711"}
            bob > {"data":1,"channel":4711}
            ann < 1
            """)
        #expect(faults == [])
    }

    @Test("pings keep a connection; two that are not answered end it")
    func heartbeat() throws {
        let harness = channels()
        let (ann, bob) = (try harness.open(), try harness.open())
        harness.advance(milliseconds: 100_000, silent: [bob])
        #expect(harness.closings[ann] == nil)
        #expect(harness.closings[bob] == .init(1008, "no pong"))
        #expect(harness.query { $0.counters[.heartbeat] } == 1)
        #expect(harness.faults == [])
    }
}
