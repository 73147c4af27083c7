import CredentialService
import NetworkPrimitives
import Signaling
import Testing

@Suite("Hosts in URLs of ICE servers")
struct IceHostTests {
    @Test(
        "names and addresses as they are written in a URL",
        arguments: [
            ("turn.example", "turn.example"), ("TURN-1.Example", "TURN-1.Example"), ("localhost", "localhost"),
            ("my_service", "my_service"), ("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "[2001:db8::1]"),
            ("[2001:DB8:0:0::1]", "[2001:db8::1]"), ("::ffff:192.0.2.1", "192.0.2.1"), ("1.example", "1.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ])
    func good(text: String, written: String) {
        #expect(IceHost(text)?.text == written)
    }

    @Test(
        "nothing that a hostile Host header may hold",
        arguments: [
            "", ".", "a.", ".a", "a..b", "a b", "a/b", "a?b", "a#b", "a@b", "a:3478", "a:b", "a\"b", "a>b", "a<b",
            "a;b", "a,b", "a\\b", "a%41", "a\r\nSet-Cookie: x", "a\0", "bücher.example", "[", "[]", "[::1", "::1]",
            "[::1]:3478", "[192.0.2.1]", "[turn.example]", "[fe80::1%eth0]", "fe80::1%eth0", "192.0.2.1:80",
            "192.0.2.256", "1.2.3", "2130706433", "0x7f.1", "a.0x7f", "192.0.2.1.", "[[::1]]",
        ])
    func hostile(text: String) {
        #expect(IceHost(text) == nil)
    }

    @Test("labels of 63 and names of 253 characters are the longest")
    func limits() {
        let label = String(repeating: "a", count: 63)
        #expect(IceHost("\(label).example") != nil)
        #expect(IceHost("\(label)a.example") == nil)
        let name = [label, label, label, String(repeating: "a", count: 61)].joined(separator: ".")
        #expect(name.utf8.count == 253)
        #expect(IceHost(name) != nil)
        #expect(IceHost("a" + name) == nil)
        #expect(IceHost(String(repeating: "a.", count: 100_000)) == nil)
    }

    @Test(
        "what is this machine",
        arguments: [
            ("localhost", true), ("LocalHost", true), ("app.localhost", true), ("127.0.0.1", true), ("127.9.9.9", true),
            ("[::1]", true), ("::ffff:127.0.0.1", true), ("localhost.example", false), ("mylocalhost", false),
            ("192.0.2.1", false), ("0.0.0.0", false),
        ])
    func loopback(text: String, isLoopback: Bool) {
        #expect(IceHost(text)?.isLoopback == isLoopback)
    }
}

@Suite("URLs of ICE servers, RFC 7064 and RFC 7065")
struct IceServerTemplateTests {
    private static let udp = [IceServerTemplate.Endpoint(.udp, port: 3478)]

    private func template(
        hosts: [String] = [], external: [String] = [], secure: [String] = [], serverName: String? = nil,
        _ endpoints: [IceServerTemplate.Endpoint] = udp
    ) -> IceServerTemplate {
        IceServerTemplate(
            hosts: hosts.map { IceHost($0)! }, externalAddresses: external.map { IPAddress($0)! }, endpoints: endpoints,
            secureNames: CertificateNames(secure), serverName: serverName.map { IceHost($0)! })
    }

    @Test("each transport has its URL, UDP first")
    func transports() {
        let template = template(
            hosts: ["turn.example"], secure: ["turn.example"],
            [.init(.tls, port: 5349), .init(.tcp, port: 3478), .init(.udp, port: 3478), .init(.udp, port: 3478)])
        #expect(template.stunURLs(for: visitor()) == ["stun:turn.example:3478"])
        #expect(
            template.turnURLs(for: visitor()) == [
                "turn:turn.example:3478?transport=udp", "turn:turn.example:3478?transport=tcp",
                "turns:turn.example:5349?transport=tcp",
            ])
        #expect(template.turnURLs(for: visitor(), over: [.tls]) == ["turns:turn.example:5349?transport=tcp"])
        #expect(template.turnURLs(for: visitor(), over: []) == [])
    }

    private static let tls: [IceServerTemplate.Endpoint] = [.init(.udp, port: 3478), .init(.tls, port: 5349)]

    @Test(
        "TLS is offered by the hosts that the certificate holds",
        arguments: [
            (["turn.example"], ["turn.example"], ["turns:turn.example:5349?transport=tcp"]),
            (["TURN.example"], ["turn.EXAMPLE"], ["turns:TURN.example:5349?transport=tcp"]),
            (["turn.example"], ["*.example"], ["turns:turn.example:5349?transport=tcp"]),
            (["a.turn.example"], ["*.example"], []), (["example"], ["*.example"], []),
            (["xexample"], ["*.example"], []), (["turn.example"], ["other.example"], []), (["turn.example"], [], []),
            (["192.0.2.1"], ["192.0.2.1"], ["turns:192.0.2.1:5349?transport=tcp"]),
            (["2001:db8::1"], ["2001:DB8:0::1"], ["turns:[2001:db8::1]:5349?transport=tcp"]),
            (["a.example", "b.example"], ["b.example"], ["turns:b.example:5349?transport=tcp"]),
        ])
    func certificateNames(hosts: [String], secure: [String], expected: [String]) {
        let template = template(hosts: hosts, secure: secure, Self.tls)
        #expect(template.turnURLs(for: visitor(), over: [.tls]) == expected)
        #expect(template.turnURLs(for: visitor()).count == hosts.count + expected.count)
    }

    @Test("the name of the server stands in for hosts that the certificate does not hold, for TLS alone")
    func serverName() {
        let named = template(external: ["203.0.113.9"], secure: ["turn.example"], serverName: "turn.example", Self.tls)
        #expect(
            named.turnURLs(for: visitor()) == [
                "turn:203.0.113.9:3478?transport=udp", "turns:turn.example:5349?transport=tcp",
            ])
        let other = template(external: ["203.0.113.9"], secure: ["a.example"], serverName: "turn.example", Self.tls)
        #expect(other.turnURLs(for: visitor()) == ["turn:203.0.113.9:3478?transport=udp"])
        let covered = template(hosts: ["a.example"], secure: ["*.example"], serverName: "turn.example", Self.tls)
        #expect(covered.turnURLs(for: visitor(), over: [.tls]) == ["turns:a.example:5349?transport=tcp"])
    }

    @Test("a visitor comes back by the host that its browser has found in the certificate")
    func visitedHost() {
        let template = template(secure: ["meet.example"], Self.tls)
        #expect(
            template.turnURLs(for: visitor(host: "meet.example"), over: [.tls])
                == ["turns:meet.example:5349?transport=tcp"])
        #expect(template.turnURLs(for: visitor(host: "evil.example"), over: [.tls]) == [])
    }

    @Test("what the operator names goes before external addresses, and these before what the visitor says")
    func precedence() {
        #expect(
            template(hosts: ["turn.example"], external: ["203.0.113.9"]).stunURLs(for: visitor(host: "other.example"))
                == ["stun:turn.example:3478"])
        #expect(
            template(external: ["203.0.113.9"]).stunURLs(for: visitor(host: "other.example"))
                == ["stun:203.0.113.9:3478"])
        #expect(template().stunURLs(for: visitor(host: "other.example")) == ["stun:other.example:3478"])
        #expect(template().stunURLs(for: visitor(host: nil)) == ["stun:203.0.113.1:3478"])
    }

    @Test("two families are two hosts, the same address twice is one")
    func families() {
        let template = template(external: [
            "203.0.113.9", "2001:db8::9", "203.0.113.9", "::ffff:203.0.113.9", "0.0.0.0",
        ])
        #expect(template.stunURLs(for: visitor()) == ["stun:203.0.113.9:3478", "stun:[2001:db8::9]:3478"])
        #expect(
            template.turnURLs(for: visitor()) == [
                "turn:203.0.113.9:3478?transport=udp", "turn:[2001:db8::9]:3478?transport=udp",
            ])
    }

    @Test("localhost is the address that the visitor reached")
    func localhost() {
        #expect(template().stunURLs(for: visitor(local: "127.0.0.1", host: "localhost")) == ["stun:127.0.0.1:3478"])
        #expect(template().stunURLs(for: visitor(local: "::1", host: "a.localhost")) == ["stun:[::1]:3478"])
        #expect(template().stunURLs(for: visitor(local: "::ffff:127.0.0.1", host: nil)) == ["stun:127.0.0.1:3478"])
        #expect(template().stunURLs(for: visitor(local: "::1", host: "127.0.0.1")) == ["stun:127.0.0.1:3478"])
        #expect(template().stunURLs(for: visitor(local: "0.0.0.0", host: "localhost")) == [])
    }

    @Test("a hostile Host header is as good as none")
    func hostileHost() {
        for host in ["evil.example/", "a?transport=tcp", "a\"b", String(repeating: "a", count: 254), "", "a:1"] {
            #expect(template().stunURLs(for: visitor(host: host)) == ["stun:203.0.113.1:3478"])
        }
    }

    @Test("four hosts are named, a fifth is not")
    func manyHosts() {
        let names = ["a.example", "b.example", "c.example", "d.example", "e.example"]
        #expect(template(hosts: Array(names.prefix(4))).hosts(for: visitor()).count == 4)
        #expect(template(hosts: names).hosts(for: visitor()).map(\.text) == Array(names.prefix(4)))
    }

    @Test("host and port for the oldest clients")
    func hostAndPort() {
        #expect(template(hosts: ["2001:db8::1"]).hostAndPort(for: visitor()) == "[2001:db8::1]:3478")
        #expect(template(hosts: ["a.example"], [.init(.tls, port: 443)]).hostAndPort(for: visitor()) == nil)
        #expect(template().hostAndPort(for: visitor(local: "::", host: nil)) == nil)
    }
}
