import DialectSupport
import NetworkPrimitives
import Signaling
import Testing

@Suite("PeerJS: conversations of PeerServer")
struct TranscriptTests {
    @Test("offers, answers and candidates go to an id, with the sender's id")
    func conversation() throws {
        let faults = try peers().play(
            #"""
            ann +
            ann < {"type":"OPEN"}
            bob +
            bob < {"type":"OPEN"}
            bob > {"type":"OFFER","payload":{"sdp":{"sdp":"\r\n"}},"dst":"ann"}
            ann < {"type":"OFFER","src":"bob","dst":"ann","payload":{"sdp":{"sdp":"\r\n"}}}
            ann > {"type":"ANSWER","payload":{"b":1.0, "a":null},"dst":"bob"}
            bob < {"type":"ANSWER","src":"ann","dst":"bob","payload":{"b":1.0, "a":null}}
            ann > {"type":"CANDIDATE","payload":{"candidate":{"sdpMid":"0"}},"dst":"bob"}
            bob < {"type":"CANDIDATE","src":"ann","dst":"bob","payload":{"candidate":{"sdpMid":"0"}}}
            bob > {"type":"HEARTBEAT"}
            bob > {"type":"LEAVE","dst":"ann"}
            ann < {"type":"LEAVE","src":"bob","dst":"ann"}
            """#)
        #expect(faults == [])
    }

    @Test("a sender cannot be another: src is the server's")
    func spoofedSource() throws {
        let faults = try peers().play(
            """
            ann +
            ann < {"type":"OPEN"}
            eve +
            eve < {"type":"OPEN"}
            eve > {"type":"OFFER","src":"bob","payload":1,"dst":"ann"}
            ann < {"type":"OFFER","src":"eve","dst":"ann","payload":1}
            """)
        #expect(faults == [])
    }

    @Test("what is for somebody who is not there waits, and comes behind OPEN in its order")
    func offline() throws {
        let faults = try peers().play(
            """
            ann +
            ann < {"type":"OPEN"}
            ann > {"type":"OFFER","payload":1,"dst":"bob"}
            ann > {"type":"CANDIDATE","payload":2,"dst":"bob"}
            ... 4900
            bob +
            bob < {"type":"OPEN"}
            bob < {"type":"OFFER","src":"ann","dst":"bob","payload":1}
            bob < {"type":"CANDIDATE","src":"ann","dst":"bob","payload":2}
            ... 10000
            """)
        #expect(faults == [])
    }

    @Test("after five seconds each sender is told once for each whom it could not reach")
    func expiry() throws {
        let faults = try peers().play(
            """
            ann +
            ann < {"type":"OPEN"}
            bob +
            bob < {"type":"OPEN"}
            ann > {"type":"OFFER","payload":1,"dst":"nobody"}
            ann > {"type":"CANDIDATE","payload":2,"dst":"nobody"}
            bob > {"type":"OFFER","payload":3,"dst":"nobody"}
            ann > {"type":"OFFER","payload":4,"dst":"none"}
            ann > {"type":"LEAVE","dst":"nobody"}
            ... 5000
            ann < {"type":"EXPIRE","src":"nobody","dst":"ann"}
            ann < {"type":"EXPIRE","src":"none","dst":"ann"}
            bob < {"type":"EXPIRE","src":"nobody","dst":"bob"}
            nobody +
            nobody < {"type":"OPEN"}
            """)
        #expect(faults == [])
    }

    @Test("an id that somebody has is taken; with the same token it is the same client that comes again")
    func takeover() throws {
        let faults = try peers().play(
            """
            ann + token=secret
            ann < {"type":"OPEN"}
            eve + id=ann token=guess
            eve < {"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}
            eve ! 1000
            again + id=ann token=secret
            again < {"type":"OPEN"}
            ann ! 1000 replaced
            bob +
            bob < {"type":"OPEN"}
            bob > {"type":"OFFER","payload":1,"dst":"ann"}
            again < {"type":"OFFER","src":"bob","dst":"ann","payload":1}
            again -
            eve2 + id=ann token=guess
            eve2 < {"type":"OPEN"}
            """)
        #expect(faults == [])
    }

    @Test("the same person by the gate may take its id over whatever its client's token is")
    func takeoverByIdentity() throws {
        let faults = try peers().play(
            """
            one + id=phone key=ann
            one < {"type":"OPEN"}
            other + id=phone key=bob
            other < {"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}
            two + id=phone key=ann
            two < {"type":"OPEN"}
            one ! 1000 replaced
            """)
        #expect(faults == [])
    }

    @Test("who says nothing for 90 seconds is gone, even while its browser answers pings")
    func silence() throws {
        let harness = try peers()
        let (ann, bob) = (try harness.open("ann"), try harness.open("bob"))
        for _ in 0..<20 {
            harness.advance(milliseconds: 5000)
            harness.say(#"{"type":"HEARTBEAT"}"#, on: ann)
        }
        #expect(harness.closings == [bob: .init(1008, "no heartbeat")])
        #expect(harness.query { $0.peerCounters.silent } == 1)
    }

    @Test("to leave without saying whom is to leave")
    func leaveAll() throws {
        let faults = try peers().play(
            """
            ann +
            ann < {"type":"OPEN"}
            ann > {"type":"LEAVE"}
            ann ! 1000
            again + id=ann token=other
            again < {"type":"OPEN"}
            """)
        #expect(faults == [])
    }
}
