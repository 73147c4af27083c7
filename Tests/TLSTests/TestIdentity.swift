import TLS
import TLSClient

extension TestIdentity {
    var identity: TLSIdentity {
        get throws { try TLSIdentity(certificates: certificate, named: "cert.pem", key: key, named: "key.pem") }
    }
}
