package import JSON
import NetworkPrimitives

/// Credentials with the time after which they are renewed unasked.
package struct CredentialGrant: Sendable {
    package let credentials: IssuedCredentials
    package let renewAfterMilliseconds: UInt32

    /// Most of the lifetime, give or take a twentieth so that those who came together do not renew together: `jitter`
    /// is any number. Never less than a second, so that a gate that gives none at all does not keep the server busy.
    package init(_ credentials: IssuedCredentials, renewFraction: Double, jitter: UInt64) {
        self.credentials = credentials
        let permille = UInt64(min(max(renewFraction, 0.1), 0.95) * 1000) * (950 + jitter % 101) / 1000
        // Half a day is as long as anything here waits, and what a number of 32 bits holds.
        renewAfterMilliseconds = UInt32(
            max(1000, min(UInt64(credentials.lifetimeSeconds) * permille, 43_200_000)))
    }

    /// `RTCConfiguration.iceServers` as JSON, for dialects that put it into a text of their own.
    package var iceServersJSON: [UInt8] {
        var writer = JSONWriter(reserving: 512)
        writer.iceServers(credentials.iceServers)
        return writer.bytes
    }
}

extension JSONWriter {
    /// Appends `RTCConfiguration.iceServers`: an array of objects with `urls`, and `username` and `credential` for
    /// TURN.
    package mutating func iceServers(_ servers: [IceServer]) {
        beginArray()
        for server in servers { iceServer(server) }
        endArray()
    }

    /// Appends one entry of it.
    package mutating func iceServer(_ server: IceServer) {
        beginObject()
        name("urls")
        beginArray()
        for url in server.urls { string(url) }
        endArray()
        if let username = server.username { member("username", username) }
        if let credential = server.credential { member("credential", credential) }
        endObject()
    }
}

extension MemberTag {
    /// The first 96 of an identifier's bits.
    package init(_ identifier: Identifier) {
        var text: [UInt8] = []
        identifier.appendText(to: &text)
        self.init(Array(text.prefix(16)))
    }
}
