import HTTP
import TestSupport
import Testing
import WebSocket

/// The handshake of RFC 6455 §1.3, with chosen headers replaced, left away (nil) or added.
func handshake(
    method: HTTPMethod = .get, minorVersion: UInt8 = 1, upgrade: String? = "websocket", connection: String? = "Upgrade",
    version: String? = "13", keys: [String] = ["dGhlIHNhbXBsZSBub25jZQ=="], protocols: [String] = [],
    extensions: [String] = [], body: [UInt8] = []
) throws -> HTTPRequest {
    var headers = HTTPHeaders()
    headers.append("Host", "server.example.com")
    if let upgrade { headers.append("Upgrade", HTTPFieldValue(cleaning: upgrade)) }
    if let connection { headers.append("Connection", HTTPFieldValue(cleaning: connection)) }
    for key in keys { headers.append("Sec-WebSocket-Key", HTTPFieldValue(cleaning: key)) }
    headers.append("Origin", "http://example.com")
    for value in protocols { headers.append("Sec-WebSocket-Protocol", HTTPFieldValue(cleaning: value)) }
    for value in extensions { headers.append("Sec-WebSocket-Extensions", HTTPFieldValue(cleaning: value)) }
    if let version { headers.append("Sec-WebSocket-Version", HTTPFieldValue(cleaning: version)) }
    return HTTPRequest(
        method: method, target: try #require(RequestTarget("/chat")), minorVersion: minorVersion, headers: headers,
        host: "server.example.com", body: body)
}

private let chat = WebSocketHandshakePolicy(subprotocols: ["chat"])

@Suite("The opening handshake, RFC 6455 §4.2")
struct RFC6455Section4_2 {
    @Test(
        "§1.3: the published handshake", .requirement("R6455-4.2.2-1"), .requirement("R6455-4.2.2-2"),
        .requirement("R6455-4.2.2-3"))
    func publishedHandshake() throws {
        let acceptance = try WebSocketHandshake.accept(try handshake(protocols: ["chat, superchat"]), policy: chat)
        #expect(acceptance.subprotocol == "chat")
        #expect(acceptance.deflate == nil)
        #expect(acceptance.response.status.code == 101)
        #expect(
            acceptance.response.headers.all.map { "\($0.name): \($0.value)" } == [
                "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "Sec-WebSocket-Protocol: chat",
            ])
        #expect(acceptance.response.body == [])
    }

    @Test("§4.2.1: Upgrade and Connection are lists, and their case does not matter", .requirement("R6455-4.2.1-2"))
    func tokenLists() throws {
        let requests = try [
            handshake(upgrade: "WebSocket", connection: "keep-alive, Upgrade"),
            handshake(upgrade: "WEBSOCKET", connection: "upgrade"),
            handshake(upgrade: "h2c, websocket", connection: "UPGRADE,keep-alive"),
        ]
        for request in requests { _ = try WebSocketHandshake.accept(request) }
    }

    @Test("§4.2.1: GET and nothing else", .requirement("R6455-4.2.1-1"), arguments: HTTPMethod.allCases)
    func methods(method: HTTPMethod) throws {
        let expected: WebSocketRefusal? = method == .get ? nil : .notGET
        #expect(refusal(try handshake(method: method)) == expected)
    }

    @Test("§4.2.1: HTTP/1.0 cannot upgrade", .requirement("R6455-4.2.1-1"))
    func oldVersion() throws {
        #expect(refusal(try handshake(minorVersion: 0)) == .notHTTP11)
    }

    @Test("§4.2.1: without the words there is no upgrade", .requirement("R6455-4.2.1-2"))
    func missingTokens() throws {
        for upgrade in [nil, "", "websockets", "web socket", "h2c", "\"websocket\""] {
            #expect(refusal(try handshake(upgrade: upgrade)) == .upgradeMissing)
        }
        for connection in [nil, "", "keep-alive", "close", "Upgrades"] {
            #expect(refusal(try handshake(connection: connection)) == .connectionUpgradeMissing)
        }
    }

    @Test(
        "§4.2.1: any other version than 13 is told of 13", .requirement("R6455-4.2.1-3"),
        arguments: [
            nil, "", "8", "12", "14", "013", "13.0", "+13", "13, 8", "130",
        ])
    func versions(version: String?) throws {
        #expect(refusal(try handshake(version: version)) == .versionUnsupported)
        let response = WebSocketRefusal.versionUnsupported.response
        #expect(response.status.code == 426)
        #expect(
            response.headers.all.map { "\($0.name): \($0.value)" } == [
                "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            ])
    }

    @Test(
        "§4.2.1: one key of 16 bytes", .requirement("R6455-4.2.1-4"),
        arguments: [
            // None and two; 15 and 17 bytes; without its padding; with a space, and with a bit that stands for nothing.
            [], ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="], ["dGhlIHNhbXBsZSBub25j"],
            ["dGhlIHNhbXBsZSBub25jZSE="], ["dGhlIHNhbXBsZSBub25jZQ"], ["dGhlIHNhbXBsZSBub25jZ Q="],
            ["dGhlIHNhbXBsZSBub25jZR=="], [""], ["dGhlIHNhbXBsZSBub25jZQ==, x"],
        ])
    func keys(keys: [String]) throws {
        #expect(refusal(try handshake(keys: keys)) == .keyInvalid)
    }

    @Test("the value of Sec-WebSocket-Accept, for clients too", .requirement("R6455-4.2.2-1"))
    func acceptValue() {
        #expect(WebSocketHandshake.acceptValue(forKey: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test("a request with a body is not an upgrade", .requirement("RI-websocket-5"))
    func body() throws {
        #expect(refusal(try handshake(body: [0x81])) == .bodyPresent)
    }

    @Test("what refusals answer")
    func refusals() {
        for refusal in WebSocketRefusal.allCases {
            let code = refusal.response.status.code
            switch refusal {
            case .notGET: #expect(code == 405 && refusal.response.headers["Allow"] == "GET")
            case .upgradeMissing, .versionUnsupported: #expect(code == 426)
            default: #expect(code == 400)
            }
        }
    }
}

@Suite("Subprotocols, RFC 6455 §4.2.2", .requirement("R6455-4.2.2-4"))
struct Subprotocols {
    private let two = WebSocketHandshakePolicy(subprotocols: ["tern.v2", "tern.v1"], allowsNoSubprotocol: false)

    @Test("the first of the client's that the endpoint speaks")
    func preference() throws {
        #expect(try chosen(["tern.v1, tern.v2"]) == "tern.v1")
        #expect(try chosen(["mqtt", "tern.v2,tern.v1"]) == "tern.v2")
        #expect(try chosen([" mqtt ,, tern.v1 "]) == "tern.v1")
    }

    @Test("names have a case, and are compared whole")
    func case_() throws {
        for offer in ["TERN.V1", "tern.v", "tern.v11", "tern v1", "x"] {
            #expect(refusal(try handshake(protocols: [offer]), two) == .subprotocolUnsupported)
        }
    }

    @Test("no offer is let in where the endpoint allows it")
    func noOffer() throws {
        #expect(refusal(try handshake(), two) == .subprotocolMissing)
        #expect(refusal(try handshake(protocols: ["", ","]), two) == .subprotocolMissing)
        let acceptance = try WebSocketHandshake.accept(try handshake(), policy: chat)
        #expect(acceptance.subprotocol == nil)
        #expect(!acceptance.response.headers.has("Sec-WebSocket-Protocol"))
    }

    @Test("an endpoint without subprotocols ignores what is offered")
    func ignored() throws {
        let acceptance = try WebSocketHandshake.accept(try handshake(protocols: ["chat"]))
        #expect(acceptance.subprotocol == nil)
        #expect(!acceptance.response.headers.has("Sec-WebSocket-Protocol"))
    }

    private func chosen(_ protocols: [String]) throws -> String? {
        let acceptance = try WebSocketHandshake.accept(try handshake(protocols: protocols), policy: two)
        #expect(acceptance.response.headers["Sec-WebSocket-Protocol"] == acceptance.subprotocol)
        return acceptance.subprotocol
    }
}

/// Why the request is refused; nil when it is not.
func refusal(_ request: HTTPRequest, _ policy: WebSocketHandshakePolicy = .init()) -> WebSocketRefusal? {
    do throws(WebSocketRefusal) {
        _ = try WebSocketHandshake.accept(request, policy: policy)
        return nil
    } catch {
        return error
    }
}
