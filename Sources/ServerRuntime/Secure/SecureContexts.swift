package import TLS

/// What sessions of TLS and DTLS begin with at present. A renewed certificate makes new ones; sessions that live keep
/// what they began with.
package struct SecureContexts: Sendable {
    /// Nil when `no-tls` says so.
    package let tls: TLSContext?
    /// Nil when `no-dtls` says so.
    package let dtls: TLSContext?

    package init(tls: TLSContext?, dtls: TLSContext?) {
        precondition(tls == nil || tls?.transport == .tls, "streams have a context of TLS")
        precondition(dtls == nil || dtls?.transport == .dtls, "datagrams have a context of DTLS")
        self.tls = tls
        self.dtls = dtls
    }
}
