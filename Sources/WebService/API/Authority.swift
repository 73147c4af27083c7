package import CredentialService

/// Who may do what, and what credentials are made of.
package struct Authority: Sendable {
    package let gate: Gate
    package let keys: APIKeys
    /// Nil when this server relays nothing: then there are no credentials for anybody.
    package let issuer: CredentialIssuer?

    /// Those that sign room tokens, by the id of their API key.
    package let minters: [String: TokenMinter]
    /// Where STUN and TURN are, for everybody to know.
    package let servers: IceServerTemplate

    package init(
        gate: Gate, keys: APIKeys, minters: [String: TokenMinter], issuer: CredentialIssuer?,
        servers: IceServerTemplate
    ) {
        self.gate = gate
        self.keys = keys
        self.minters = minters
        self.issuer = issuer
        self.servers = servers
    }
}
