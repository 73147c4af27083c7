import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 7350, RFC 8489 §11: clients that come by DTLS")
struct RFC7350 {
    private let harness = TURNHarness()
    private let client: TestClient

    init() { client = harness.client(over: .dtls) }

    @Test("ChannelData is not padded, as over UDP", .requirement("RI-dtls-7"))
    func noPadding() {
        client.allocate()
        client.bind(0x4000, "8.0.0.1:9")
        #expect(
            client.hears(hex("AABBCC"), from: "8.0.0.1:9") == .delivered(client.path, hex("4000 0003 AABBCC")))
        #expect(
            harness.clientSends(hex("4000 0001 AA"), on: client.path)
                == .sent(.init(source: client.relay()!, peer: socket("8.0.0.1:9"), payload: [0xAA])))
    }

    @Test(
        "UDP, TCP, TLS and DTLS from one address are four five-tuples, with the same credentials",
        .requirement("R8656-3-1"))
    func transports() {
        let clients = [ClientTransport.udp, .tcp, .tls, .dtls].map { harness.client(over: $0) }
        for client in clients { #expect(client.allocate()?.errorCode == nil) }
        #expect(harness.server.liveCounts.allocations == 4)
        #expect(client.refresh(0)?.errorCode == nil)
        for client in clients.dropLast() { #expect(client.refresh()?.errorCode == nil) }
    }

    @Test("the end of the association ends its allocation", .requirement("RI-dtls-4"))
    func disconnected() {
        client.allocate()
        harness.disconnect(client.path)
        #expect(harness.server.liveCounts == (0, 0, 0, 0) && harness.ledger.liveCounts == (0, 0))
        #expect(harness.closed.map(\.end) == [.disconnected])
    }

    @Test("who is where they say is always answered", .requirement("RI-dtls-8"))
    func unmetered() {
        for _ in 0..<1000 {
            #expect(client.send(client.bare(.allocate, .request, [.udp]))?.errorCode == 401)
            #expect(client.send(client.bare(.binding))?.errorCode == nil)
        }
    }

    @Test("a request without the cookie gets 500, an indication nothing", .requirement("R8489-11-2"))
    func noCookie() {
        let id = [UInt8](1...16)
        let tail: [UInt8] = [0, 9, 0, 4, 0, 0, 5, 0]
        for (type, answer) in [("0001", "0111"), ("0003", "0113")] {
            #expect(answered(hex(type + "0000") + id, over: .dtls) == hex(answer + "0008") + id + tail)
        }
        #expect(answered(hex("00010004") + id + hex("00060000"), over: .dtls) == hex("01110008") + id + tail)
        // Cut; an indication; a response; not STUN.
        for bad in ["00010004", "00110000", "01010000", "40010000"] {
            #expect(answered(hex(bad) + id, over: .dtls) == nil)
        }
        for other in [ClientTransport.udp, .tcp, .tls] { #expect(answered(hex("00010000") + id, over: other) == nil) }
        #expect(harness.server.counters.errorResponses(.serverError) == 3)
    }

    /// The bytes of the answer, which no STUN message of today begins like.
    private func answered(_ datagram: [UInt8], over transport: ClientTransport) -> [UInt8]? {
        let path = FiveTuple(client: client.path.client, server: client.path.server, transport: transport)
        var bytes = [UInt8](repeating: 0, count: TURNServer.replyByteCountMax)
        var span = bytes.mutableSpan
        let reply = harness.server.receive(
            datagram.span.bytes, on: path, at: .zero, unixTime: UnixTime(seconds: 0), reply: span.mutableBytes)
        return reply.map { Array(bytes[..<$0.byteCount]) }
    }
}
