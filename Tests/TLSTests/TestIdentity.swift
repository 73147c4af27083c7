// An identity that a server takes, from what the client's side of the tests has made.
import TLS
import TLSClient

// The certificates of tests as a server has them.
extension TestIdentity {
    /// For a context.
    var identity: TLSIdentity {
        get throws { try TLSIdentity(certificates: certificate, named: "cert.pem", key: key, named: "key.pem") }
    }
}
