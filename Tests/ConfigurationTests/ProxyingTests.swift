import NetworkPrimitives
import Testing

@testable import Configuration

private func proxying(_ text: String) throws -> ServerConfiguration.Proxying? {
    try configuration("user=a:b\n" + text).proxying
}

@Suite("Balancers in front of the server")
struct ProxyingTests {
    @Test("nobody is one unless written")
    func none() throws {
        #expect(try proxying("") == nil)
        #expect(try proxying("tcp-proxy-port=0") == nil)
    }

    @Test("a port of their own, or those of everybody")
    func ports() throws {
        let own = try #require(try proxying("tcp-proxy-port=3480\nproxy-protocol-trusted=192.0.2.0/24"))
        #expect(own.ownPort == 3480 && own.ports == [3480])
        #expect(own.trusted.count == 1)
        let plain = try #require(try proxying("proxy-protocol=listening-port\nproxy-protocol-trusted=::1"))
        #expect(plain.ownPort == nil && plain.ports == [3478])
        let text = """
            cert=/a
            proxy-protocol=listening-port
            proxy-protocol=tls-listening-port
            tcp-proxy-port=9
            proxy-protocol-trusted=192.0.2.1-192.0.2.3
            proxy-protocol-trusted=192.0.2.9
            proxy-protocol-trusted=192.0.2.9
            """
        let all = try #require(try proxying(text))
        #expect(all.ports == [3478, 5349, 9])
        #expect(all.trusted.count == 2)
    }

    @Test(
        "what cannot be meant",
        arguments: [
            (
                "tcp-proxy-port=3480",
                "2: error: tcp-proxy-port: nobody may write the headers, so nobody could connect; name the balancer: "
                    + "proxy-protocol-trusted=192.0.2.1"
            ),
            (
                "proxy-protocol=listening-port",
                "2: error: proxy-protocol: nobody may write the headers, so nobody could connect; name the balancer: "
                    + "proxy-protocol-trusted=192.0.2.1"
            ),
            (
                "proxy-protocol-trusted=192.0.2.1\ntcp-proxy-port=3478",
                "3: error: tcp-proxy-port: listening-port is 3478 too; choose another, or write "
                    + "proxy-protocol=listening-port in its place"
            ),
            (
                "cert=/a\nproxy-protocol-trusted=192.0.2.1\ntcp-proxy-port=5349",
                "4: error: tcp-proxy-port: tls-listening-port is 5349 too; choose another, or write "
                    + "proxy-protocol=tls-listening-port in its place"
            ),
            (
                "proxy-protocol-trusted=192.0.2.1",
                "2: warning: proxy-protocol-trusted: no port expects a header; write tcp-proxy-port or proxy-protocol, "
                    + "or remove it"
            ),
            (
                "proxy-protocol-trusted=0.0.0.0/0\ntcp-proxy-port=1",
                "2: warning: proxy-protocol-trusted: everybody is believed about where they come from; name the "
                    + "balancer's address"
            ),
            (
                "proxy-protocol-trusted=192.0.2.1\nproxy-protocol=tls-listening-port",
                "3: warning: proxy-protocol: there is no TLS, so this port is not opened; write cert, or remove it"
            ),
            (
                "proxy-protocol=signaling-port",
                "2: error: proxy-protocol: \"signaling-port\" must be one of listening-port, tls-listening-port"
            ),
        ])
    func mistakes(text: String, line: String) {
        #expect(load("user=a:b\n" + text).lines == ["turnserver.conf:" + line])
    }

    @Test("256 balancers at most")
    func limit() {
        let lines = (0..<256).map { "proxy-protocol-trusted=192.0.2.\($0)\n" }.joined()
        #expect(load("user=a:b\ntcp-proxy-port=1\n" + lines).errors.isEmpty)
        let more = load("user=a:b\ntcp-proxy-port=1\n" + lines + "proxy-protocol-trusted=198.51.100.1\n")
        #expect(more.errors == ["turnserver.conf:259: error: proxy-protocol-trusted: more than 256 values"])
    }
}
