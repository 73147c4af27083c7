import TLS
import TLSClient

// The certificates of tests as a server has them.
extension TestIdentity {
    /// For a context.
    var identity: TLSIdentity {
        get throws { try TLSIdentity(certificates: certificate, named: "cert.pem", key: key, named: "key.pem") }
    }
}
