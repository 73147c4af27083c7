package import TLS

/// What sessions of TLS and DTLS begin with at present. A renewed certificate makes new ones; sessions that live keep
/// what they began with.
package struct SecureContexts: Sendable {
    /// Nil when `no-tls` says so.
    package let tls: TLSContext?
    /// Nil when `no-dtls` says so.
    package let dtls: TLSContext?
    /// When their certificates run out.
    let expiries: [CertificateExpiry]

    package init(tls: TLSContext?, dtls: TLSContext?, identities: [TLSIdentity] = []) {
        precondition(tls == nil || tls?.transport == .tls, "streams have a context of TLS")
        precondition(dtls == nil || dtls?.transport == .dtls, "datagrams have a context of DTLS")
        self.tls = tls
        self.dtls = dtls
        expiries = identities.map { CertificateExpiry(source: $0.source, names: $0.names, notAfter: $0.notAfter) }
    }
}
