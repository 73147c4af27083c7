import ChannelSignaling
import EchoEndpoints
import HTTP
import PeerJS
import PixelStreaming
import Signaling
import Testing
import WebSocket
import YWebRTC

@testable import WebService

/// Where dialects are found, and what their connections have in common with all others.
@Suite struct DialectTests {
    private func harness(
        anonymousRooms: [String] = ["*"], root: DialectEntrance? = nil,
        _ change: @escaping (inout WebSettings) -> Void = { _ in }
    ) throws -> ServiceHarness {
        try ServiceHarness(
            anonymousRooms: anonymousRooms,
            { settings, _ in
                settings.entrances = Set(DialectEntrance.allCases).subtracting([.socketIO])
                settings.rootEntrance = root
                change(&settings)
            },
            dialects: { gate in
                let secret = { (byte: UInt8) in [UInt8](repeating: byte, count: 32) }
                return DialectServers(
                    channels: DialectBox(
                        ChannelSignaling(settings: ChannelSignalingSettings(), gate: gate, secret: secret(1)),
                        name: "channels"),
                    yWebRTC: DialectBox(
                        YWebRTC(settings: YWebRTCSettings(), gate: gate, secret: secret(2)), name: "y-webrtc"),
                    peerJS: DialectBox(
                        PeerJSServer(
                            settings: PeerJSSettings(defaultRoom: RoomName("peerjs".utf8)!), gate: gate,
                            secret: secret(3)),
                        name: "peerjs"),
                    pixelStreaming: DialectBox(
                        PixelStreamingServer(
                            settings: PixelStreamingSettings(defaultRoom: RoomName("stream".utf8)!), gate: gate,
                            secret: secret(4)),
                        name: "pixel-streaming"))
            })
    }

    private func token(_ harness: ServiceHarness, room: String) throws -> String {
        let body = #"{"room":"\#(room)","identity":"ann"}"#
        let answer = harness.exchange(
            """
            POST /v1/tokens HTTP/1.1
            Host: tern.example
            Authorization: Bearer \(ServiceHarness.applicationSecret)
            Content-Length: \(body.utf8.count)

            \(body)
            """)
        return try #require(
            answer.body.split(separator: #""token":""#).last?.split(separator: "\"").first.map(String.init))
    }

    // MARK: - Paths and ports

    @Test("each has its own path", arguments: ["/y-webrtc", "/y-webrtc/", "/y-webrtc/acme"])
    func path(_ path: String) throws {
        let harness = try harness()
        let client = try #require(SocketClient(harness, path: path))
        client.send(#"{"type":"ping"}"#)
        #expect(client.texts() == [#"{"type":"pong"}"#])
    }

    @Test("on a port of its own any path is right")
    func port() throws {
        let harness = try harness()
        for path in ["/", "/index.html", "/acme"] {
            let client = try #require(SocketClient(harness, path: path, to: .only(.yWebRTC)))
            client.send(#"{"type":"ping"}"#)
            #expect(client.texts() == [#"{"type":"pong"}"#])
        }
        #expect(SocketClient(harness, path: "/a/b/c", to: .only(.yWebRTC)) == nil)
    }

    @Test("a port of one dialect has neither the native protocol nor the API")
    func dedicatedPort() throws {
        let harness = try harness()
        let lines = "HTTP/1.1\nHost: tern.example\n\n"
        #expect(harness.exchange("GET /v1/status \(lines)", to: .only(.yWebRTC)).status == 404)
        #expect(harness.exchange("GET /healthz \(lines)", to: .only(.yWebRTC)).status == 200)
        #expect(harness.exchange("GET / \(lines)", to: .only(.yWebRTC)).body.contains("y-webrtc"))
        // A room named v1/signal is none, and signal in v1 is no room of the native protocol here.
        #expect(SocketClient(harness, path: "/v1/signal", to: .only(.yWebRTC)) == nil)
    }

    @Test("the dialect of the root has the paths that nothing else has")
    func root() throws {
        let harness = try harness(root: .channels)
        let client = try #require(SocketClient(harness, path: "/"))
        client.send(#"{"checkPresence":true,"channel":"c"}"#)
        #expect(client.texts() == [#"{"isChannelPresent":false}"#])
        let native = try #require(SocketClient(harness))
        native.send(#"{"type":"hello","v":1}"#)
        #expect(native.texts().first?.contains("welcome") == true)
        // A page is still a page.
        #expect(harness.exchange("GET / HTTP/1.1\nHost: tern.example\n\n").status == 200)
    }

    @Test("who is not turned on is not there")
    func off() throws {
        let harness = try harness { $0.entrances = [.yWebRTC] }
        #expect(SocketClient(harness, path: "/channels") == nil)
        #expect(SocketClient(harness, path: "/peerjs?key=peerjs&id=a&token=t") == nil)
        #expect(harness.exchange("GET /peerjs/id HTTP/1.1\nHost: tern.example\n\n").status == 404)
        #expect(SocketClient(harness, path: "/") == nil)
    }

    @Test("a plain request to a WebSocket's path is told to upgrade")
    func plainRequest() throws {
        let answer = try harness().exchange("GET /channels HTTP/1.1\nHost: tern.example\n\n")
        #expect(answer.status == 426)
        #expect(answer.header("upgrade") == "websocket")
    }

    @Test("a room of many parts is none")
    func badRoom() throws {
        let harness = try harness()
        #expect(harness.exchange("GET /channels/a/b HTTP/1.1\nHost: tern.example\n\n").status == 404)
    }

    // MARK: - Who may

    @Test("a token in the query opens its room, before the upgrade is answered")
    func tokens() throws {
        let harness = try harness(anonymousRooms: [])
        let token = try token(harness, room: "acme")
        #expect(SocketClient(harness, path: "/pixel-streaming-streamer/acme?token=\(token)") != nil)
        #expect(SocketClient(harness, path: "/pixel-streaming-streamer/other?token=\(token)") == nil)
        #expect(SocketClient(harness, path: "/pixel-streaming-streamer/acme") == nil)
        let refused = upgrade(harness, "/pixel-streaming/acme?token=nonsense")
        #expect(refused.status == 401)
        #expect(refused.header("www-authenticate") == "Bearer")
        #expect(upgrade(harness, "/pixel-streaming/other?token=\(token)").status == 403)
    }

    @Test("who guesses tokens has to wait, whatever the dialect")
    func guessing() throws {
        let harness = try harness(anonymousRooms: [])
        for _ in 0..<6 { #expect(upgrade(harness, "/channels?token=guess").status == 401) }
        #expect(upgrade(harness, "/y-webrtc?token=guess").status == 429)
        #expect(upgrade(harness, "/y-webrtc?token=guess", from: "192.0.2.77").status == 401)
    }

    @Test("pages of foreign origins are refused")
    func origins() throws {
        let harness = try harness()
        #expect(upgrade(harness, "/channels", "Origin: https://evil.example").status == 403)
        #expect(upgrade(harness, "/channels", "Origin: https://tern.example").status == 101)
    }

    private func upgrade(
        _ harness: ServiceHarness, _ path: String, _ header: String = "X-Nothing: 1", from address: String = "192.0.2.1"
    ) -> ServiceHarness.Answer {
        harness.exchange(
            """
            GET \(path) HTTP/1.1
            Host: tern.example
            Upgrade: websocket
            Connection: Upgrade
            Sec-WebSocket-Version: 13
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
            \(header)


            """, from: address)
    }

    // MARK: - Connections

    @Test("binary frames close with 1003")
    func binary() throws {
        let client = try #require(SocketClient(try harness(), path: "/channels"))
        client.send(frame: WebSocketFrame.binary([1], maskingKey: 1))
        let isClosed = client.events().contains { if case .close(1003, _) = $0 { true } else { false } }
        #expect(isClosed)
    }

    @Test("what one dialect relays stays in it")
    func separateRooms() throws {
        let harness = try harness()
        let channel = try #require(SocketClient(harness, path: "/channels"))
        let topic = try #require(SocketClient(harness, path: "/y-webrtc"))
        let other = try #require(SocketClient(harness, path: "/channels"))
        for client in [channel, other] { client.send(#"{"open":true,"channel":"c"}"#) }
        topic.send(#"{"type":"subscribe","topics":["c"]}"#)
        channel.send(#"{"data":{"x":1},"channel":"c"}"#)
        #expect(other.texts() == [#"{"x":1}"#])
        #expect(topic.texts() == [])
    }

    @Test("the close of a connection is told to its dialect")
    func leaving() throws {
        let harness = try harness()
        let (first, second) = (
            try #require(SocketClient(harness, path: "/channels")),
            try #require(SocketClient(harness, path: "/channels"))
        )
        first.send(#"{"open":true,"channel":"c"}"#)
        harness.endStream(first.connection)
        second.send(#"{"checkPresence":true,"channel":"c"}"#)
        #expect(second.texts() == [#"{"isChannelPresent":false}"#])
    }

    @Test("silent connections are pinged, and closed when nobody answers")
    func heartbeat() throws {
        let harness = try harness()
        let client = try #require(SocketClient(harness, path: "/y-webrtc"))
        harness.advance(seconds: 34)
        #expect(client.events().contains(.ping([])))
        harness.advance(seconds: 80)
        #expect(client.events().contains { if case .close(1008, _) = $0 { true } else { false } })
    }

    @Test("operators see and close rooms of dialects")
    func operators() throws {
        let harness = try harness()
        let client = try #require(SocketClient(harness, path: "/y-webrtc"))
        client.send(#"{"type":"subscribe","topics":["paper"]}"#)
        let authorization = "Authorization: Bearer \(ServiceHarness.operatorSecret)"
        let lines = "HTTP/1.1\nHost: tern.example\n\(authorization)\n\n"
        let rooms = harness.exchange("GET /v1/rooms \(lines)").body
        #expect(rooms == #"{"count":1,"rooms":[{"room":"paper","participants":1,"capacity":64}]}"#)
        let room = harness.exchange("GET /v1/rooms/paper \(lines)").body
        let session = try #require(room.split(separator: #""session":""#).last?.prefix(22))
        #expect(harness.exchange("GET /v1/sessions/\(session) \(lines)").body.contains(#""rooms":["paper"]"#))
        #expect(harness.exchange("DELETE /v1/rooms/paper \(lines)").status == 204)
        #expect(client.texts() == [#"{"type":"refused","topic":"paper","code":"closed"}"#])
        #expect(harness.exchange("DELETE /v1/sessions/\(session) \(lines)").status == 204)
        #expect(client.events().contains { if case .close(1008, _) = $0 { true } else { false } })
        #expect(harness.exchange("DELETE /v1/rooms/paper \(lines)").status == 404)
    }

    @Test("a drain sends clients of dialects away before its deadline")
    func drain() throws {
        let harness = try harness()
        let client = try #require(SocketClient(harness, path: "/channels"))
        harness.service.drain(seconds: 10, at: harness.now)
        harness.settle()
        harness.advance(seconds: 11)
        #expect(client.events().contains { if case .close(1001, _) = $0 { true } else { false } })
    }

    // MARK: - PeerJS

    @Test("PeerJS: an id over HTTP, the key checked, and the WebSocket")
    func peerJS() throws {
        let harness = try harness()
        let lines = "HTTP/1.1\nHost: tern.example\n\n"
        let id = harness.exchange("GET /peerjs/id?ts=1 \(lines)")
        #expect(id.status == 200)
        #expect(id.body.utf8.count == 36)
        #expect(id.header("cache-control") == "no-store")
        #expect(harness.exchange("GET /wrong/id \(lines)").status == 401)
        let client = try #require(SocketClient(harness, path: "/peerjs?key=peerjs&id=ann&token=t&version=1.5"))
        #expect(client.texts() == [#"{"type":"OPEN"}"#])
        // On a port of its own the root says what it is.
        let about = harness.exchange("GET / \(lines)", to: .only(.peerJS))
        #expect(about.body.contains("PeerJS"))
    }

    @Test("PeerJS: pages of listed origins may ask")
    func peerJSCORS() throws {
        let harness = try harness { $0.origins = OriginPolicy(listed: ["https://app.example"]) }
        let answer = harness.exchange(
            "GET /peerjs/id HTTP/1.1\nHost: tern.example\nOrigin: https://app.example\n\n")
        #expect(answer.header("access-control-allow-origin") == "https://app.example")
    }
}
