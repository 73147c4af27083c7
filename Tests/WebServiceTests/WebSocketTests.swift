import Containers
import Testing
import WebSocket

@testable import WebService

/// The WebSocket as a client of tern.v1 meets it.
@Suite struct SignalSocketTests {
    private func pair(_ harness: ServiceHarness) throws -> (SocketClient, SocketClient, secondID: String) {
        let (first, second) = (try #require(SocketClient(harness)), try #require(SocketClient(harness)))
        for client in [first, second] {
            client.send(#"{"type":"hello","v":1}"#)
            client.send(#"{"type":"join","room":"r","ice":false}"#)
        }
        let joined = try #require(second.texts().last)
        let id = try #require(joined.split(separator: #""self":""#).last?.prefix(22))
        _ = first.texts()
        return (first, second, String(id))
    }

    @Test func dataIsRelayedByteForByte() throws {
        let harness = try ServiceHarness(anonymousRooms: ["*"])
        let (first, second, id) = try pair(harness)
        let data = #"{ "b" : 1e3,"a":[null , "é\u00e9"],"b2":-0.0 }"#
        first.send(#"{"type":"signal","room":"r","to":"\#(id)","data":\#(data)}"#)
        let text = try #require(second.texts().last)
        #expect(text.hasSuffix(#""data":\#(data)}"#))
    }

    @Test func aPingIsAnswered() throws {
        let harness = try ServiceHarness()
        let client = try #require(SocketClient(harness))
        client.send(frame: WebSocketFrame.ping(Array("are you there".utf8), maskingKey: 1))
        #expect(client.events() == [.pong(Array("are you there".utf8))])
    }

    @Test func aSilentConnectionIsClosed4001() throws {
        let harness = try ServiceHarness()
        let client = try #require(SocketClient(harness))
        harness.advance(seconds: 6)
        let isClosed = client.events().contains { if case .close(4001, _) = $0 { true } else { false } }
        #expect(isClosed)
        harness.advance(seconds: 2)
        harness.advance(seconds: 2)
        #expect(harness.service.connectionCount == 0)
    }

    @Test func binaryIsClosed1003() throws {
        let harness = try ServiceHarness()
        let client = try #require(SocketClient(harness))
        client.send(frame: WebSocketFrame.binary([1, 2, 3], maskingKey: 1))
        let isClosed = client.events().contains { if case .close(1003, _) = $0 { true } else { false } }
        #expect(isClosed)
        #expect(harness.shutDown == [client.connection])
    }

    @Test func theCloseHandshakeEndsTheConnection() throws {
        let harness = try ServiceHarness()
        let client = try #require(SocketClient(harness))
        client.send(frame: WebSocketFrame.close(code: 1000, maskingKey: 1))
        #expect(client.events() == [.close(code: 1000, reason: [])])
        #expect(harness.shutDown == [client.connection])
        harness.endStream(client.connection)
        #expect(harness.closed == [client.connection])
        #expect(harness.service.connectionCount == 0)
    }

    @Test func bytesBehindTheUpgradeAreMessages() throws {
        let harness = try ServiceHarness()
        let connection = try #require(harness.connect())
        let head =
            "GET /v1/signal HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        let hello = WebSocketFrame.text(Array(#"{"type":"hello","v":1}"#.utf8), maskingKey: 9)
        harness.send(Array(head.utf8) + hello, on: connection)
        #expect(harness.takeText(connection).contains(#""type":"welcome""#))
    }

    @Test func aSlowConsumerIsClosed4008AndOthersGoOn() throws {
        let harness = try ServiceHarness(anonymousRooms: ["*"]) { settings, limits in
            settings.queueByteCountMax = 100_000
            limits.messagesPerSecond = 0
        }
        let (first, second, _) = try pair(harness)
        let third = try #require(SocketClient(harness))
        third.send(#"{"type":"hello","v":1}"#)
        third.send(#"{"type":"join","room":"r","ice":false}"#)
        _ = third.texts()
        harness.stalled = [second.connection]
        let data = String(repeating: "x", count: 30_000)
        for _ in 0..<5 { first.send(#"{"type":"broadcast","room":"r","data":"\#(data)"}"#) }
        #expect(third.texts().filter { $0.contains(#""type":"broadcast""#) }.count == 5)
        #expect(harness.service.counters.slowConsumers == 1)
        harness.stalled = []
        harness.service.markReady(SlabHandle(second.connection))
        harness.settle()
        let isClosed = second.events().contains { if case .close(4008, _) = $0 { true } else { false } }
        #expect(isClosed)
    }

    @Test func moreMessagesThanTheQueueHoldsAreTooSlow() throws {
        let harness = try ServiceHarness(anonymousRooms: ["*"]) { settings, limits in
            settings.queueMessagesMax = 4
            limits.messagesPerSecond = 0
        }
        let (first, second, _) = try pair(harness)
        harness.stalled = [second.connection]
        for number in 0..<4 { first.send(#"{"type":"broadcast","room":"r","data":\#(number)}"#) }
        #expect(harness.service.counters.slowConsumers == 0)
        first.send(#"{"type":"broadcast","room":"r","data":5}"#)
        #expect(harness.service.counters.slowConsumers == 1)
    }

    @Test func wrongTokensSlowTheirSourceDown() throws {
        let harness = try ServiceHarness()
        for _ in 0..<6 {
            let client = try #require(SocketClient(harness))
            client.send(#"{"type":"hello","v":1,"token":"wrong"}"#)
            #expect(client.texts().last?.contains("unauthorized") == true)
        }
        #expect(SocketClient(harness) == nil)
        #expect(SocketClient(harness, from: "192.0.2.77") != nil)
    }

    @Test func aBanEndsCredentialsFromHTTPToo() throws {
        let harness = try ServiceHarness()
        func token(_ fields: String) throws -> String {
            let body = #"{"room":"r",\#(fields)}"#
            let answer = harness.exchange(
                "POST /v1/tokens HTTP/1.1\nHost: a\nAuthorization: Bearer \(ServiceHarness.applicationSecret)\n"
                    + "Content-Length: \(body.utf8.count)\n\n" + body)
            return String(try #require(answer.body.split(separator: "\"").dropFirst(3).first))
        }
        let bob = try token(#""identity":"bob""#)
        func credentials() -> Int {
            harness.exchange("POST /v1/rooms/r/credentials HTTP/1.1\nHost: a\nAuthorization: Bearer \(bob)\n\n").status
        }
        let (moderator, guest) = (try #require(SocketClient(harness)), try #require(SocketClient(harness)))
        let mod = try token(#""identity":"mod","grants":{"join":true,"kick":true}"#)
        for (client, token) in [(moderator, mod), (guest, bob)] {
            client.send(#"{"type":"hello","v":1,"token":"\#(token)"}"#)
            client.send(#"{"type":"join","room":"r","ice":false}"#)
        }
        let id = try #require(guest.texts().last?.split(separator: #""self":""#).last?.prefix(22))
        #expect(credentials() == 201)
        moderator.send(#"{"type":"kick","room":"r","to":"\#(id)","ban_s":60}"#)
        #expect(credentials() == 403)
        let bans = harness.outputs.filter {
            if case .member(.banned(let who, let room)) = $0 { who.subject == "bob" && "\(room)" == "r" } else { false }
        }
        #expect(bans.count == 1)
        harness.advance(seconds: 61)
        #expect(credentials() == 201)
    }

    @Test func whoHasNoTokenOrAnOldOneSlowsNobodyDown() throws {
        let harness = try ServiceHarness(anonymousRooms: ["open"])
        let request = "POST /v1/tokens HTTP/1.1\nHost: a\nAuthorization: Bearer \(ServiceHarness.applicationSecret)\n"
        let body = #"{"room":"r","ttl":1}"#
        let answer = harness.exchange(request + "Content-Length: \(body.utf8.count)\n\n" + body)
        let token = try #require(answer.body.split(separator: "\"").dropFirst(3).first)
        // All laptops of an office wake up with the tokens of yesterday, or the clock of the server jumps.
        harness.advance(seconds: 3600)
        for _ in 0..<20 {
            let late = try #require(SocketClient(harness))
            late.send(#"{"type":"hello","v":1,"token":"\#(token)"}"#)
            #expect(late.texts().last?.contains("token_expired") == true)
            let stranger = try #require(SocketClient(harness))
            stranger.send(#"{"type":"hello","v":1}"#)
            stranger.send(#"{"type":"join","room":"r"}"#)
            #expect(stranger.texts().last?.contains("unauthorized") == true)
            harness.advance(seconds: 1)
        }
    }

    @Test(arguments: [
        "GET /v1/signal HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /v1/signal HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            + "Sec-WebSocket-Version: 8\r\n\r\n",
    ])
    func whatIsNoUpgradeGets426(_ request: String) throws {
        let harness = try ServiceHarness()
        let connection = try #require(harness.connect())
        harness.send(request, on: connection)
        #expect(harness.takeText(connection).hasPrefix("HTTP/1.1 426 "))
    }
}
