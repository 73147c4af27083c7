import CredentialService
import JSON
import NetworkPrimitives
import Signaling
import Testing

@Suite("Answers that hand out TURN credentials")
struct IceServersResponseTests {
    private let credentials = IssuedCredentials(
        username: "1800000600:tern.12.u-x",
        iceServers: [
            IceServer(urls: ["stun:turn.example:3478"]),
            IceServer(
                urls: ["turn:turn.example:3478?transport=udp", "turns:turn.example:5349?transport=tcp"],
                username: "1800000600:tern.12.u-x", credential: "pass+/="),
        ], lifetimeSeconds: 600, expiresAt: time(1_800_000_600))

    private let iceServers =
        #"[{"urls":["stun:turn.example:3478"]},{"urls":["turn:turn.example:3478?transport=udp","#
        + #""turns:turn.example:5349?transport=tcp"],"username":"1800000600:tern.12.u-x","credential":"pass+/="}]"#

    @Test("ours")
    func native() {
        #expect(
            string(IceServersResponse.native(credentials))
                == #"{"iceServers":\#(iceServers),"ttl":600,"expires_at":1800000600,"#
                + #""username":"1800000600:tern.12.u-x"}"#
        )
    }

    @Test("Cloudflare's generate-ice-servers")
    func cloudflare() {
        #expect(string(IceServersResponse.cloudflare(credentials)) == #"{"iceServers":\#(iceServers)}"#)
    }

    @Test("Cloudflare's generate")
    func cloudflareSingle() {
        #expect(
            string(IceServersResponse.cloudflareSingle(credentials))
                == #"{"iceServers":{"urls":["stun:turn.example:3478","turn:turn.example:3478?transport=udp","#
                + #""turns:turn.example:5349?transport=tcp"],"username":"1800000600:tern.12.u-x","#
                + #""credential":"pass+/="}}"#
        )
    }

    @Test("draft-uberti-behave-turn-rest-00 §2.2")
    func turnREST() {
        #expect(
            string(IceServersResponse.turnREST(credentials))
                == #"{"username":"1800000600:tern.12.u-x","password":"pass+/=","ttl":600,"#
                + #""uris":["turn:turn.example:3478?transport=udp","turns:turn.example:5349?transport=tcp"]}"#)
    }

    @Test("the form of the codelab")
    func codelab() {
        #expect(
            string(IceServersResponse.codelab(credentials, hostAndPort: "turn.example:3478"))
                == #"{"username":"1800000600:tern.12.u-x","turn":"turn.example:3478","password":"pass+/="}"#)
    }

    @Test("RFC 9725 §4.6: Link headers, one for each URL")
    func links() {
        #expect(
            IceServersResponse.linkHeaders(credentials) == [
                #"<stun:turn.example:3478>; rel="ice-server""#,
                #"<turn:turn.example:3478?transport=udp>; rel="ice-server"; username="1800000600:tern.12.u-x"; "#
                    + #"credential="pass+/="; credential-type="password""#,
                #"<turns:turn.example:5349?transport=tcp>; rel="ice-server"; username="1800000600:tern.12.u-x"; "#
                    + #"credential="pass+/="; credential-type="password""#,
            ])
    }

    @Test("RFC 9110 §5.6.4: quotes are escaped, and nothing ends the header")
    func quoting() {
        let odd = IssuedCredentials(
            username: "a", iceServers: [IceServer(urls: ["turn:a"], username: "a\"b\\c\r\nd\u{E9}\0", credential: "")],
            lifetimeSeconds: 1, expiresAt: now)
        #expect(
            IceServersResponse.linkHeaders(odd) == [
                #"<turn:a>; rel="ice-server"; username="a\"b\\cd"; credential=""; credential-type="password""#
            ])
    }

    @Test("a part of a message of signaling")
    func fragment() {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "credentials")
        json.name("iceServers")
        json.iceServers(credentials.iceServers)
        json.member("ttl", 600)
        json.endObject()
        #expect(string(json.bytes) == #"{"type":"credentials","iceServers":\#(iceServers),"ttl":600}"#)
    }
}
