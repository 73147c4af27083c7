import HTTP
import NetworkPrimitives
import TestSupport
import Testing

@Suite("RFC 9112 §9: connections, and how responses are written")
struct RFC9112Section9Tests {
    @Test(
        "§4 and §9.3 a response, after which HTTP/1.1 goes on", .requirement("R9112-9.3-1"), .requirement("R9112-4-1"))
    func persistence() {
        var dialogue = Dialogue()
        #expect(dialogue.send(get()).isRequest)
        #expect(
            dialogue.respond() == """
                HTTP/1.1 200 OK\r
                Date: Sun, 06 Nov 1994 08:49:37 GMT\r
                Content-Length: 2\r
                Content-Type: text/plain; charset=utf-8\r
                \r
                hi
                """)
        #expect(!dialogue.connection.isClosed)
        #expect(dialogue.connection.isIdle)
        #expect(dialogue.send(get()).isRequest)
    }

    @Test(
        "§9.6 close is said and done when the client asks for it", .requirement("R9112-9.6-1"),
        arguments: [
            "Connection: close", "Connection: Close", "Connection: keep-alive, close", "connection: x,\tCLOSE ,y",
        ])
    func close(line: String) {
        var dialogue = Dialogue()
        #expect(dialogue.send(get(line) + get()).isRequest)
        #expect(!dialogue.connection.isClosed)
        #expect(dialogue.respond().contains("\r\nConnection: close\r\n"))
        #expect(dialogue.connection.isClosed)
        // Whatever came behind it is not answered.
        #expect(dialogue.next() == .nothing)
        #expect(dialogue.send(get()) == .nothing)
        #expect(dialogue.connection.heldByteCount == 0)
    }

    @Test("§9.3 HTTP/1.0 goes on only if it asks", .requirement("R9112-9.3-2"))
    func oldVersion() {
        var dialogue = Dialogue()
        #expect(dialogue.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").isRequest)
        #expect(dialogue.respond().contains("\r\nConnection: keep-alive\r\n"))
        #expect(!dialogue.connection.isClosed)
        #expect(dialogue.send("GET / HTTP/1.0\r\n\r\n").isRequest)
        #expect(dialogue.respond().contains("\r\nConnection: close\r\n"))
        #expect(dialogue.connection.isClosed)
    }

    @Test("§9.6 a handler may end the connection", .requirement("R9112-9.6-1"))
    func handlerCloses() {
        var response = HTTPResponse.empty(.ok)
        response.headers.append("connection", "close")
        var dialogue = Dialogue()
        #expect(dialogue.send(get()).isRequest)
        let text = dialogue.respond(response)
        #expect(text.contains("\r\nConnection: close\r\n"))
        #expect(!text.contains("\r\nconnection:"))
        #expect(dialogue.connection.isClosed)
    }

    @Test("§9.3.2 requests that come ahead are answered in their order", .requirement("R9112-9.3.2-1"))
    func pipelining() {
        var dialogue = Dialogue()
        #expect(
            dialogue.send(get("X: 1") + post("Content-Length: 1", then: "2") + get("X: 3")).request?.headers["x"] == "1"
        )
        // Nothing more until the first has its answer.
        #expect(dialogue.next() == .nothing)
        #expect(dialogue.send("") == .nothing)
        _ = dialogue.respond()
        #expect(dialogue.next().body == "2")
        _ = dialogue.respond()
        #expect(dialogue.next().request?.headers["x"] == "3")
        _ = dialogue.respond()
        #expect(dialogue.next() == .nothing)
        #expect(dialogue.connection.isIdle)
    }

    @Test("§9.6 a refusal ends the connection, and what follows is not read", .requirement("R9112-9.6-2"))
    func refusal() {
        var dialogue = Dialogue()
        #expect(dialogue.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n" + get()) == .refused(400))
        #expect(!dialogue.connection.wantsInput)
        #expect(dialogue.next() == .nothing)
        #expect(dialogue.send(get()) == .nothing)
        #expect(
            dialogue.respond(HTTPRefusal.malformedHeader.response) == """
                HTTP/1.1 400 Bad Request\r
                Date: Sun, 06 Nov 1994 08:49:37 GMT\r
                Content-Length: 12\r
                Connection: close\r
                Content-Type: text/plain; charset=utf-8\r
                \r
                Bad Request

                """)
        #expect(dialogue.connection.isClosed)
        #expect(dialogue.send(get()) == .nothing)
    }

    @Test("§9.5 the client may end its side behind its requests", .requirement("R9112-9.5-1"))
    func halfClosed() {
        var dialogue = Dialogue()
        #expect(dialogue.send(get("X: 1") + get("X: 2")).isRequest)
        dialogue.connection.endOfInput()
        #expect(!dialogue.connection.isClosed)
        #expect(!dialogue.respond().contains("Connection: close"))
        #expect(dialogue.next().request?.headers["x"] == "2")
        #expect(dialogue.respond().contains("Connection: close"))
        #expect(dialogue.connection.isClosed)
        #expect(!dialogue.connection.wasTruncated)
    }

    @Test(
        "§8 a request that the end of input cuts off is not one", .requirement("R9112-8-1"),
        arguments: [
            "G", "GET / HTTP/1.1\r\nHost: a\r\n\r", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        ])
    func truncated(text: String) {
        var dialogue = Dialogue()
        #expect(dialogue.send(text) == .nothing)
        dialogue.connection.endOfInput()
        #expect(dialogue.next() == .nothing)
        #expect(dialogue.connection.isClosed)
        #expect(dialogue.connection.wasTruncated)
        #expect(dialogue.connection.heldByteCount == 0)

        var behindAnother = Dialogue()
        #expect(behindAnother.send(get() + text).isRequest)
        behindAnother.connection.endOfInput()
        _ = behindAnother.respond()
        #expect(behindAnother.next() == .nothing)
        #expect(behindAnother.connection.isClosed)
        #expect(behindAnother.connection.wasTruncated)
    }

    @Test("an idle connection that the client ends is over at once", .requirement("R9112-9.5-1"))
    func idleEnd() {
        var dialogue = Dialogue()
        dialogue.connection.endOfInput()
        #expect(dialogue.connection.isClosed)
        #expect(!dialogue.connection.wasTruncated)
    }

    @Test("HEAD gets the length of the content and not the content", .requirement("R9110-9.3.2-1"))
    func head() {
        var dialogue = Dialogue()
        #expect(dialogue.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").request?.method == .head)
        let text = dialogue.respond()
        #expect(text.contains("\r\nContent-Length: 2\r\n"))
        #expect(text.hasSuffix("\r\n\r\n"))
        var refused = Dialogue()
        #expect(refused.send("HEAD / HTTP/1.1\r\n\r\n") == .refused(400))
        #expect(refused.respond(HTTPRefusal.malformedHost.response).hasSuffix("\r\n\r\n"))
    }

    @Test(
        "204 and 304 have no content, and 204 no length", .requirement("R9110-8.6-1"),
        arguments: [
            HTTPStatus.noContent, .notModified,
        ])
    func bodiless(status: HTTPStatus) {
        var dialogue = Dialogue()
        #expect(dialogue.send(get()).isRequest)
        let text = dialogue.respond(HTTPResponse(status, body: [0x61]))
        #expect(!text.lowercased().contains("content-length"))
        #expect(text.hasSuffix("\r\n\r\n"))
    }

    @Test("an empty response says so", .requirement("R9110-8.6-2"))
    func empty() {
        var dialogue = Dialogue()
        #expect(dialogue.send(get()).isRequest)
        #expect(dialogue.respond(.empty(.notFound)).contains("\r\nContent-Length: 0\r\n"))
    }

    @Test("what is the connection's to say is left out of a handler's headers", .requirement("RI-http-5"))
    func ownHeaders() {
        var response = HTTPResponse.json(Array("{}".utf8))
        response.headers.append("Content-Length", "99")
        response.headers.append("transfer-encoding", "chunked")
        response.headers.append("DATE", "today")
        response.headers.append("Keep-Alive", "timeout=5")
        response.headers.append("X-Y", "z")
        var dialogue = Dialogue()
        #expect(dialogue.send(get()).isRequest)
        #expect(
            dialogue.respond(response) == """
                HTTP/1.1 200 OK\r
                Date: Sun, 06 Nov 1994 08:49:37 GMT\r
                Content-Length: 2\r
                Content-Type: application/json\r
                X-Y: z\r
                \r
                {}
                """)
    }

    @Test("an upgrade hands over what came behind the head", .requirement("R9110-7.8-1"))
    func upgrade() throws {
        var dialogue = Dialogue()
        #expect(dialogue.send(get("Connection: Upgrade", "Upgrade: websocket") + "\u{1}frame").isRequest)
        var response = HTTPResponse.empty(.switchingProtocols)
        response.headers.append("Connection", "Upgrade")
        response.headers.append("Upgrade", "websocket")
        response.headers.append("Sec-WebSocket-Accept", "x")
        let outcome = dialogue.connection.upgrade(response)
        let upgrade = try #require(outcome)
        #expect(
            String(decoding: upgrade.bytes, as: UTF8.self) == """
                HTTP/1.1 101 Switching Protocols\r
                Connection: Upgrade\r
                Upgrade: websocket\r
                Sec-WebSocket-Accept: x\r
                \r

                """)
        #expect(upgrade.remainder == Array("\u{1}frame".utf8))
        #expect(dialogue.connection.deadline == nil)
        #expect(!dialogue.connection.isClosed)
        #expect(dialogue.connection.heldByteCount == 0)
    }
}

@Suite("RFC 9110 §5.6.7: dates")
struct HTTPDateTests {
    @Test(
        "dates", .requirement("R9110-5.6.7-1"),
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"), (1_735_689_600, "Wed, 01 Jan 2025 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"), (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (Int64.min, "Thu, 01 Jan 1970 00:00:00 GMT"), (Int64.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] as [(Int64, String)])
    func dates(seconds: Int64, text: String) {
        #expect(HTTPDate.text(UnixTime(seconds: seconds)) == text)
    }
}
