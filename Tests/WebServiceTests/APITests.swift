import Testing

@testable import WebService

/// Every route, with the secrets that open it and those that do not.
@Suite struct APITests {
    let harness: ServiceHarness

    init() throws { harness = try ServiceHarness(anonymousRooms: ["open-*"]) }

    private func request(
        _ line: String, bearer: String? = nil, headers: String = "", body: String = ""
    ) -> ServiceHarness.Answer {
        var head = "\(line) HTTP/1.1\nHost: tern.example:8080\n"
        if let bearer { head += "Authorization: Bearer \(bearer)\n" }
        if !body.isEmpty { head += "Content-Length: \(body.utf8.count)\n" }
        return harness.exchange(head + headers + "\n" + body)
    }

    private func token(_ body: String = #"{"room":"team","identity":"ann"}"#) throws -> String {
        let answer = request("POST /v1/tokens", bearer: ServiceHarness.applicationSecret, body: body)
        try #require(answer.status == 201)
        return try #require(answer.body.split(separator: "\"").dropFirst(3).first.map(String.init))
    }

    // MARK: - Credentials of rooms

    @Test func aTokenOpensItsRoom() throws {
        let answer = request("POST /v1/rooms/team/credentials", bearer: try token())
        #expect(answer.status == 201)
        #expect(answer.body.contains(#""urls":["turn:tern.example:3478?transport=udp"]"#))
        #expect(answer.body.contains(#""ttl":600"#))
        #expect(answer.header("cache-control") == "no-store")
    }

    @Test func oneIdentityHasOneQuotaHoweverOftenItAsks() throws {
        let names = try (0..<3).map { _ in
            let answer = request("POST /v1/rooms/team/credentials", bearer: try token())
            return try #require(answer.body.split(separator: "tern.12.").dropFirst().first).prefix(18)
        }
        #expect(Set(names).count == 1)
    }

    @Test func anotherRoomStaysClosed() throws {
        let answer = request("POST /v1/rooms/other/credentials", bearer: try token())
        #expect(answer.status == 403)
        #expect(!answer.body.contains("turn:"))
    }

    @Test(arguments: ["nonsense", "a.b.c", ""])
    func aWrongTokenOpensNothing(_ bearer: String) {
        let answer = request("POST /v1/rooms/team/credentials", bearer: bearer)
        #expect(answer.status == 401)
        #expect(answer.header("www-authenticate") == "Bearer")
        #expect(!answer.body.contains("turn:"))
    }

    @Test func anExpiredTokenSaysSo() throws {
        let token = try token(#"{"room":"team","ttl":10}"#)
        harness.advance(seconds: 10 + 61)
        let answer = request("POST /v1/rooms/team/credentials", bearer: token)
        #expect(answer.status == 401)
        #expect(answer.body.contains("token_expired"))
    }

    @Test func strangersEnterOpenRoomsOnly() {
        #expect(request("POST /v1/rooms/open-1/credentials").status == 201)
        #expect(request("POST /v1/rooms/team/credentials").status == 401)
    }

    @Test func aTokenWithoutTheGrantGetsNoCredentials() throws {
        let token = try token(#"{"room":"team","grants":{"join":true}}"#)
        let answer = request("POST /v1/rooms/team/credentials", bearer: token)
        #expect(answer.status == 403)
        #expect(answer.body.contains("credentials_denied"))
    }

    @Test func anAPIKeyAsksForSomebody() {
        let secret = ServiceHarness.applicationSecret
        #expect(request("POST /v1/rooms/team/credentials", bearer: secret).status == 400)
        let answer = request("POST /v1/rooms/team/credentials", bearer: secret, body: #"{"identity":"bob"}"#)
        #expect(answer.status == 201)
    }

    @Test func linksAreForWHIP() throws {
        let answer = request("GET /v1/rooms/team/ice", bearer: try token())
        #expect(answer.status == 200)
        let links = answer.head.split(separator: "\r\n").filter { $0.lowercased().hasPrefix("link:") }
        #expect(links.count == 2)
        #expect(links.contains { $0.contains(#"<stun:tern.example:3478>; rel="ice-server""#) })
        #expect(links.contains { $0.contains(#"credential-type="password""#) })
        #expect(request("OPTIONS /v1/rooms/team/ice").status == 401)
        #expect(request("OPTIONS /v1/rooms/team/ice", bearer: try token()).status == 200)
    }

    // MARK: - Shapes of others

    @Test func cloudflareShapes() {
        let secret = ServiceHarness.applicationSecret
        let path = "/v1/turn/keys/app/credentials"
        let list = request("POST \(path)/generate-ice-servers", bearer: secret, body: #"{"ttl":86400}"#)
        #expect(list.status == 201)
        #expect(list.body.hasPrefix(#"{"iceServers":[{"urls":["stun:"#))
        let single = request("POST \(path)/generate", bearer: secret)
        #expect(single.body.hasPrefix(#"{"iceServers":{"urls":["#))
        #expect(request("POST /v1/turn/keys/other/credentials/generate", bearer: secret).status == 401)
        #expect(request("POST \(path)/generate", bearer: ServiceHarness.operatorSecret).status == 401)
        #expect(request("POST \(path)/generate").status == 401)
    }

    @Test func aRevokedNameIsTold() throws {
        let path = "/v1/turn/keys/app/credentials/1800000600:tern.12.u-abc/revoke"
        #expect(request("POST \(path)", bearer: "wrong").status == 401)
        #expect(harness.revoked == [])
        #expect(request("POST \(path)", bearer: ServiceHarness.applicationSecret).status == 204)
        #expect(harness.revoked == ["1800000600:tern.12.u-abc"])
        let long = "/v1/turn/keys/app/credentials/\(String(repeating: "a", count: 509))/revoke"
        #expect(request("POST \(long)", bearer: ServiceHarness.applicationSecret).status == 400)
        #expect(harness.revoked.count == 1)
    }

    @Test func theRESTDraft() {
        let secret = ServiceHarness.applicationSecret
        let answer = request("GET /turn?service=turn&username=ann&key=\(secret)")
        #expect(answer.status == 200)
        #expect(answer.body.contains(#""username":"1800000600:ann""#))
        #expect(answer.body.contains(#""uris":["turn:tern.example:3478?transport=udp"]"#))
        #expect(request("GET /turn?api=\(secret)").status == 200)
        #expect(request("GET /turn?key=wrong").status == 403)
        #expect(request("GET /turn").status == 400)
        #expect(request("GET /turn?service=sip&key=\(secret)").status == 400)
        #expect(request("GET /turn?key=\(secret)&username=tern.99.m-0123456789abcdef").status == 400)
        let form = "content-type: application/x-www-form-urlencoded\n"
        let posted = request("POST /turn/credentials", headers: form, body: "service=turn&key=\(secret)&username=bob")
        #expect(posted.body.contains(":bob\""))
    }

    // MARK: - Tokens

    @Test func tokensAreForApplications() {
        let body = #"{"room":"team"}"#
        #expect(request("POST /v1/tokens", body: body).status == 401)
        #expect(request("POST /v1/tokens", bearer: ServiceHarness.operatorSecret, body: body).status == 403)
        let wrong = request("POST /v1/tokens", bearer: ServiceHarness.applicationSecret, body: #"{"rooms":"x"}"#)
        #expect(wrong.status == 400)
        #expect(wrong.body.contains("room"))
    }

    // MARK: - Operators

    @Test func roomsAreForOperators() throws {
        let client = try #require(SocketClient(harness))
        client.send(#"{"type":"hello","v":1}"#)
        client.send(#"{"type":"join","room":"open-1","name":"Ann"}"#)
        #expect(request("GET /v1/rooms").status == 401)
        #expect(request("GET /v1/rooms", bearer: ServiceHarness.applicationSecret).status == 403)
        let list = request("GET /v1/rooms", bearer: ServiceHarness.operatorSecret)
        #expect(list.body == #"{"count":1,"rooms":[{"room":"open-1","participants":1,"capacity":64}]}"#)
        let detail = request("GET /v1/rooms/open-1", bearer: ServiceHarness.operatorSecret)
        #expect(detail.body.contains(#""name":"Ann""#))
        #expect(request("GET /v1/rooms/open-2", bearer: ServiceHarness.operatorSecret).status == 404)
    }

    @Test func aClosedRoomLosesItsRelays() throws {
        let client = try #require(SocketClient(harness))
        client.send(#"{"type":"hello","v":1}"#)
        client.send(#"{"type":"join","room":"open-1"}"#)
        #expect(request("DELETE /v1/rooms/open-1", bearer: ServiceHarness.operatorSecret).status == 204)
        #expect(harness.revokedMembers == 1)
        #expect(client.texts().last?.contains(#""type":"left""#) == true)
        #expect(request("DELETE /v1/rooms/open-1", bearer: ServiceHarness.operatorSecret).status == 404)
    }

    @Test func anEndedSessionLosesItsRelays() throws {
        let client = try #require(SocketClient(harness))
        client.send(#"{"type":"hello","v":1}"#)
        client.send(#"{"type":"join","room":"open-1"}"#)
        let session = try #require(client.texts().first?.split(separator: #""session":""#).last?.prefix(22))
        let path = "/v1/sessions/\(session)"
        #expect(request("GET \(path)", bearer: ServiceHarness.operatorSecret).body.contains(#""rooms":["open-1"]"#))
        #expect(request("DELETE \(path)", bearer: ServiceHarness.operatorSecret).status == 204)
        #expect(harness.revokedMembers == 1)
    }

    // MARK: - Methods, paths, probes

    @Test(arguments: [
        ("PUT /v1/tokens", 405), ("GET /v1/tokens", 405), ("GET /v1/nothing", 404), ("GET /v1/rooms/a b", 400),
        ("GET /v1/rooms/%2e%2e", 400), ("POST /healthz", 405), ("HEAD /healthz", 200), ("OPTIONS /v1/tokens", 204),
        ("GET /readyz", 200), ("GET /no-such-page", 404), ("DELETE /", 405), ("GET /v1/rooms/a/b/c", 404),
    ])
    func methodsAndPaths(_ line: String, _ status: Int) {
        #expect(request(line).status == status)
    }

    @Test func aDrainingServerIsNotReady() {
        harness.service.drain(seconds: 10, at: harness.now)
        #expect(request("GET /readyz").status == 503)
        #expect(request("GET /healthz").status == 200)
        #expect(SocketClient(harness) == nil)
    }

    @Test func whatGoesOnIsNobodysBusiness() {
        let stranger = request("GET /v1/status")
        #expect(stranger.body.contains(#""turn":{"urls":["turn:tern.example:3478?transport=udp"]}"#))
        #expect(!stranger.body.contains("participants"))
        let host = harness.exchange("GET /v1/status HTTP/1.1\nHost: localhost\n\n", from: "127.0.0.1")
        #expect(host.body.contains(#""participants":0"#))
    }

    // MARK: - Guessing

    @Test func whoGuessesWaits() {
        for _ in 0..<6 { #expect(request("GET /v1/rooms", bearer: "guess").status == 401) }
        let answer = request("GET /v1/rooms", bearer: ServiceHarness.operatorSecret)
        #expect(answer.status == 429)
        #expect(answer.header("retry-after") == "3")
        harness.advance(seconds: 3)
        #expect(request("GET /v1/rooms", bearer: ServiceHarness.operatorSecret).status == 200)
    }

    @Test func whoShowsNothingGuessesNothing() {
        for _ in 0..<20 { #expect(request("GET /v1/rooms").status == 401) }
        #expect(request("GET /v1/rooms", bearer: ServiceHarness.operatorSecret).status == 200)
    }
}
