import HTTP
import TestSupport
import Testing

@Suite("RFC 9112 §3: the request line")
struct RFC9112Section3Tests {
    @Test(
        "§3 method, target and version with one space between them", .requirement("R9112-3-1"),
        arguments: [
            "GET /  HTTP/1.1", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET\t/\tHTTP/1.1",
            "GET /\tHTTP/1.1",
            "GET /", "GET", "GET / a HTTP/1.1", "GET /a b HTTP/1.1", " ", "GET  HTTP/1.1", "G\u{E9}T / HTTP/1.1",
            "GE(T / HTTP/1.1", "GET:/ HTTP/1.1",
        ])
    func requestLines(line: String) {
        #expect(outcome("\(line)\r\nHost: a\r\n\r\n") == .refused(400))
    }

    @Test(
        "§3.1 methods that are served", .requirement("R9112-3.1-1"),
        arguments: [
            ("GET", HTTPMethod.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("PATCH", .patch),
            ("DELETE", .delete), ("OPTIONS", .options),
        ])
    func methods(name: String, method: HTTPMethod) {
        #expect(outcome("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n").request?.method == method)
    }

    @Test(
        "§3.1 other methods get 501, and case counts", .requirement("R9112-3.1-1"),
        arguments: ["get", "Get", "GETX", "TRACE", "PROPFIND", "M-SEARCH", "CONNECT"])
    func unknownMethods(name: String) {
        #expect(outcome("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n") == .refused(501))
    }

    @Test("§3.2.1 origin-form", .requirement("R9112-3.2.1-1"))
    func originForm() throws {
        let target = try #require(outcome("GET /a/b%20c/?d=e?f HTTP/1.1\r\nHost: a\r\n\r\n").request).target
        #expect(target.path == "/a/b%20c/")
        #expect(target.segments == ["a", "b c", ""])
        #expect(target.rawQuery == "d=e?f")
    }

    @Test("§3.2.2 absolute-form, whose host outweighs the header", .requirement("R9112-3.2.2-1"))
    func absoluteForm() throws {
        let request = try #require(
            outcome("GET http://Other.example:8080/a?b HTTP/1.1\r\nHost: a\r\n\r\n").request)
        #expect(request.target.path == "/a")
        #expect(request.target.rawQuery == "b")
        #expect(request.host == "other.example")
        #expect(outcome("GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n").request?.target.path == "/")
        let bare = try #require(outcome("GET http://[2001:DB8::1]?x=1 HTTP/1.1\r\nHost: a\r\n\r\n").request)
        #expect(bare.target.path == "/")
        #expect(bare.query("x") == "1")
        #expect(bare.host == "2001:db8::1")
    }

    @Test(
        "§3.2.2 absolute-form that is none", .requirement("R9112-3.2.2-2"),
        arguments: [
            "http://", "http:///a", "http:/a", "http:a", "ftp://a/", "ws://a/", "http://u@a/", "http://u:p@a/",
            "http://a:99999/", "http://a:x/", "http://a b/", "http://a%2Fb/", "http://[::1/", "http://a#b",
            "http://a/../b",
            "javascript:1", "://a/",
        ])
    func noAbsoluteForm(target: String) {
        #expect(outcome("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n") == .refused(400))
    }

    @Test("§3.2.2 the header must be there, and be good, all the same", .requirement("R9112-3.2.2-1"))
    func absoluteFormWithoutHost() {
        #expect(outcome("GET http://a/ HTTP/1.1\r\n\r\n") == .refused(400))
        #expect(outcome("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == .refused(400))
        #expect(outcome("GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n") == .refused(400))
    }

    @Test("§3.2.3 authority-form is refused", .requirement("R9112-3.2.3-1"), arguments: ["a:443", "a", "[::1]:443"])
    func authorityForm(target: String) {
        #expect(outcome("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n") == .refused(400))
        #expect(outcome("CONNECT \(target) HTTP/1.1\r\nHost: a\r\n\r\n") == .refused(501))
    }

    @Test("§3.2.4 the asterisk is for OPTIONS", .requirement("R9112-3.2.4-1"))
    func asteriskForm() throws {
        let request = try #require(outcome("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").request)
        #expect(request.target.path == "*")
        #expect(request.target.segments == [])
        #expect(outcome("GET * HTTP/1.1\r\nHost: a\r\n\r\n") == .refused(400))
        #expect(outcome("OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n") == .refused(400))
        #expect(outcome("OPTIONS *?a HTTP/1.1\r\nHost: a\r\n\r\n") == .refused(400))
    }

    @Test("§3.2 HTTP/1.1 needs one Host, and HTTP/1.0 none", .requirement("R9112-3.2-1"))
    func host() {
        #expect(outcome("GET / HTTP/1.1\r\n\r\n") == .refused(400))
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == .refused(400))
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n") == .refused(400))
        #expect(outcome("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n") == .refused(400))
        #expect(outcome("GET / HTTP/1.0\r\n\r\n").isRequest)
    }

    @Test(
        "§3.2 hosts without port and brackets", .requirement("R9112-3.2-2"),
        arguments: [
            ("a", "a"), ("Example.ORG:80", "example.org"), ("a.example.", "a.example."), ("a_b-c.d", "a_b-c.d"),
            ("a:", "a"), ("a:65535", "a"), ("192.0.2.1:8080", "192.0.2.1"), ("[::1]", "::1"), ("[::1]:443", "::1"),
            ("[2001:0DB8:0::1]:1", "2001:db8::1"), ("\t a \t", "a"), ("", nil),
        ] as [(String, String?)])
    func hosts(value: String, host: String?) throws {
        #expect(try #require(outcome("GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n").request).host == host)
    }

    @Test(
        "§3.2 what is no host", .requirement("R9112-3.2-2"),
        arguments: [
            "a b", "a,b", "a/b", "a:80:80", "a:65536", "a:+80", "a:8O", ":80", "u@a", "http://a", "[::1", "::1",
            "[::1]a",
            "[a]", "[]", "[fe80::1%25eth0]", "a%2e", "a?b", "a#b", "a\\b", "ä", "*",
        ])
    func noHosts(value: String) {
        #expect(outcome("GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n") == .refused(400))
    }

    @Test("§3.2 a name has at most 255 bytes", .requirement("R9112-3.2-2"))
    func hostLength() {
        #expect(outcome("GET / HTTP/1.1\r\nHost: \(String(repeating: "a", count: 255))\r\n\r\n").isRequest)
        #expect(outcome("GET / HTTP/1.1\r\nHost: \(String(repeating: "a", count: 256))\r\n\r\n") == .refused(400))
    }
}

@Suite("Targets")
struct RequestTargetTests {
    @Test(
        "paths are cut at slashes and then decoded", .requirement("RI-http-2"),
        arguments: [
            ("/", []), ("//", ["", ""]), ("/a", ["a"]), ("/a/", ["a", ""]), ("/a/b", ["a", "b"]), ("/a%20b", ["a b"]),
            ("/a+b", ["a+b"]), ("/%e2%82%ac", ["€"]), ("/...", ["..."]), ("/.a", [".a"]), ("/%2e%2e%2e", ["..."]),
            ("/a;b=c", ["a;b=c"]), ("/%25", ["%"]), ("/%3F", ["?"]), ("/a|b^{c}`[]'", ["a|b^{c}`[]'"]),
        ])
    func segments(path: String, segments: [String]) {
        #expect(RequestTarget(path)?.segments == segments)
        #expect(RequestTarget(path)?.path == path)
    }

    @Test(
        "paths that hide something are refused", .requirement("RI-http-2"),
        arguments: [
            "", "a", "?a", "/.", "/..", "/a/../b", "/a/./b", "/%2e", "/%2E%2e", "/.%2e", "/a%2fb", "/a%2Fb", "/a\\b",
            "/a%5cb",
            "/%00", "/a%00b", "/%0a", "/%0D%0a", "/%1f", "/%7f", "/%", "/%2", "/%2g", "/%zz", "/%c0%af", "/%ff",
            "/%ed%a0%80",
            "/a b", "/ä", "/a#b", "/a\"b", "/<a>", "/%252e/..",
        ])
    func refused(path: String) {
        #expect(RequestTarget(path) == nil)
        if !path.contains(" ") {
            #expect(outcome("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n") == .refused(400))
        }
    }

    @Test("what is encoded twice is decoded once", .requirement("RI-http-2"))
    func once() {
        #expect(RequestTarget("/%252e%252e/%252f")?.segments == ["%2e%2e", "%2f"])
    }

    @Test("queries are pairs, decoded as forms are", .requirement("RI-http-3"))
    func query() throws {
        let target = try #require(RequestTarget("/?a=1&b=x+y%2B&&a=2&=z&c&d=e=f&%61%3d=g&h=%ff"))
        #expect(target.query.map(\.name) == ["a", "b", "a", "", "c", "d", "a=", "h"])
        #expect(target.query.map(\.value) == ["1", "x y+", "2", "z", "", "e=f", "g", "\u{FFFD}"])
        #expect(target.query("a") == "1")
        #expect(target.query("a=") == "g")
        #expect(target.query("none") == nil)
        #expect(RequestTarget("/a")?.query.isEmpty == true)
        #expect(RequestTarget("/a?")?.rawQuery == "")
        #expect(RequestTarget("/a?%") == nil)
        #expect(RequestTarget("/a?b=%4") == nil)
        #expect(RequestTarget("/a?b=%4x") == nil)
    }

    @Test("a path of 64 segments, and one more", .requirement("RI-http-2"))
    func depth() {
        #expect(RequestTarget(String(repeating: "/a", count: 64))?.segments.count == 64)
        #expect(RequestTarget(String(repeating: "/a", count: 65)) == nil)
        #expect(RequestTarget(String(repeating: "/", count: 65)) == nil)
    }
}
