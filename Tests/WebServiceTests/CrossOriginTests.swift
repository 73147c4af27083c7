import Testing

@testable import WebService

@Suite struct CrossOriginTests {
    let harness: ServiceHarness
    static let listed = "https://app.example.org"

    init() throws {
        harness = try ServiceHarness(anonymousRooms: ["*"]) { settings, _ in
            settings.origins = OriginPolicy(listed: [Self.listed])
        }
    }

    private func request(_ line: String, _ headers: String) -> ServiceHarness.Answer {
        harness.exchange("\(line) HTTP/1.1\nHost: tern.example\n\(headers)\n\n")
    }

    @Test func aForeignPageGetsNoWebSocket() {
        #expect(SocketClient(harness, headers: "Origin: https://evil.example") == nil)
        #expect(SocketClient(harness, headers: "Origin: null") == nil)
        #expect(SocketClient(harness, headers: "Origin: \(Self.listed)") != nil)
        #expect(SocketClient(harness, headers: "Origin: http://tern.example") != nil)
        #expect(SocketClient(harness) != nil)
    }

    @Test func aForeignPageGetsNoCredentials() {
        let answer = request("POST /v1/rooms/a/credentials", "Origin: https://evil.example")
        #expect(answer.status == 403)
        #expect(answer.body.contains("foreign_origin"))
        #expect(!answer.body.contains("turn:"))
        #expect(answer.header("access-control-allow-origin") == nil)
    }

    @Test func aListedPageIsAnsweredWithItsOrigin() {
        let answer = request("POST /v1/rooms/a/credentials", "Origin: \(Self.listed)")
        #expect(answer.status == 201)
        #expect(answer.header("access-control-allow-origin") == Self.listed)
        #expect(answer.header("vary") == "origin")
    }

    @Test func preflight() {
        let headers = "Origin: \(Self.listed)\nAccess-Control-Request-Method: POST"
        let answer = request("OPTIONS /v1/rooms/a/credentials", headers)
        #expect(answer.status == 204)
        #expect(answer.header("access-control-allow-methods") == "POST, OPTIONS")
        #expect(answer.header("access-control-allow-headers") == "authorization, content-type")
        // What an API key opens is for servers.
        #expect(request("OPTIONS /v1/tokens", headers).status == 403)
        let foreign = "Origin: https://evil.example\nAccess-Control-Request-Method: POST"
        #expect(request("OPTIONS /v1/rooms/a/credentials", foreign).status == 403)
    }

    @Test func cookiesCountForOwnPagesOnly() throws {
        let minted = harness.exchange(
            """
            POST /v1/tokens HTTP/1.1
            Host: tern.example
            Authorization: Bearer \(ServiceHarness.applicationSecret)
            Content-Length: 33

            {"room":"team","identity":"anna"}
            """)
        let token = try #require(minted.body.split(separator: "\"").dropFirst(3).first)
        let cookie = "Cookie: a=b; tern_token=\(token)"
        let own = try #require(SocketClient(harness, headers: "\(cookie)\nOrigin: http://tern.example"))
        own.send(#"{"type":"hello","v":1}"#)
        own.send(#"{"type":"join","room":"other"}"#)
        // The token was taken, and opens another room only.
        #expect(own.texts().last?.contains("forbidden") == true)
        let listed = try #require(SocketClient(harness, headers: "\(cookie)\nOrigin: \(Self.listed)"))
        listed.send(#"{"type":"hello","v":1}"#)
        listed.send(#"{"type":"join","room":"other"}"#)
        #expect(listed.texts().last?.contains(#""type":"joined""#) == true)
    }
}
