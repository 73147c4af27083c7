import JSON
import NetworkPrimitives
package import Signaling

/// The forms in which APIs of the field hand out TURN credentials.
package enum IceServersResponse {
    /// Ours: `{"iceServers":[…], "ttl":600, "expires_at":1800000600, "username":"…"}`.
    package static func native(_ credentials: IssuedCredentials) -> [UInt8] {
        var json = JSONWriter(reserving: 512)
        json.beginObject()
        json.name("iceServers")
        json.iceServers(credentials.iceServers)
        json.member("ttl", Int(credentials.lifetimeSeconds))
        json.member("expires_at", Int(credentials.expiresAt.seconds))
        json.member("username", credentials.username)
        json.endObject()
        return json.bytes
    }

    /// Cloudflare's `generate-ice-servers`: `{"iceServers":[{"urls":["stun:…"]}, {"urls":[…], "username":…}]}`.
    package static func cloudflare(_ credentials: IssuedCredentials) -> [UInt8] {
        var json = JSONWriter(reserving: 512)
        json.beginObject()
        json.name("iceServers")
        json.iceServers(credentials.iceServers)
        json.endObject()
        return json.bytes
    }

    /// Cloudflare's older `generate`: one object with all URLs, `{"iceServers":{"urls":[…], "username":…}}`.
    package static func cloudflareSingle(_ credentials: IssuedCredentials) -> [UInt8] {
        let turn = credentials.turnServer
        let all = IceServer(
            urls: credentials.iceServers.flatMap(\.urls), username: turn?.username, credential: turn?.credential)
        var json = JSONWriter(reserving: 512)
        json.beginObject()
        json.name("iceServers")
        json.iceServer(all)
        json.endObject()
        return json.bytes
    }

    /// draft-uberti-behave-turn-rest-00 §2.2: `{"username":…, "password":…, "ttl":…, "uris":[…]}`. Only URLs of TURN:
    /// the draft hands out credentials for each of them.
    package static func turnREST(_ credentials: IssuedCredentials) -> [UInt8] {
        var json = JSONWriter(reserving: 512)
        json.beginObject()
        json.member("username", credentials.username)
        json.member("password", credentials.turnServer?.credential ?? "")
        json.member("ttl", Int(credentials.lifetimeSeconds))
        json.name("uris")
        json.strings(credentials.turnServer?.urls ?? [])
        json.endObject()
        return json.bytes
    }

    /// What the WebRTC codelab reads, from before the draft: `{"username":…, "turn":"host:port", "password":…}`.
    package static func codelab(_ credentials: IssuedCredentials, hostAndPort: String) -> [UInt8] {
        var json = JSONWriter(reserving: 256)
        json.beginObject()
        json.member("username", credentials.username)
        json.member("turn", hostAndPort)
        json.member("password", credentials.turnServer?.credential ?? "")
        json.endObject()
        return json.bytes
    }

    /// The values of `Link` headers for WHIP and WHEP, one for each URL (RFC 9725 §4.6).
    package static func linkHeaders(_ credentials: IssuedCredentials) -> [String] {
        credentials.iceServers.flatMap { server in
            server.urls.map { url in
                var link = "<\(url)>; rel=\"ice-server\""
                if let username = server.username, let credential = server.credential {
                    link += "; username=\(quoted(username)); credential=\(quoted(credential))"
                    link += "; credential-type=\"password\""
                }
                return link
            }
        }
    }

    /// RFC 9110 §5.6.4. A quoted string has no place for line ends and other control bytes, which would end the header;
    /// names and passwords of ours have none, and what is not ASCII is left out with them.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars where (0x20...0x7E).contains(scalar.value) {
            if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        quoted.unicodeScalars.append("\"")
        return quoted
    }
}

extension IssuedCredentials {
    /// The entry that the user name is for.
    var turnServer: IceServer? { iceServers.first { $0.credential != nil } }
}

extension JSONWriter {
    fileprivate mutating func strings(_ texts: [String]) {
        beginArray()
        for text in texts { string(text) }
        endArray()
    }
}
