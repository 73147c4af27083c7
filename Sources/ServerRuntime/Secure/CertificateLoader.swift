package import Configuration
package import NetworkPrimitives
import TLS

/// What was made of the files that the operator named.
struct Certificates: Sendable {
    let identities: [TLSIdentity]
    let contexts: SecureContexts
}

/// Why there are no contexts, in words that name the option, its line and the file.
package struct CertificateFailure: Error, Sendable {
    package let diagnostic: Diagnostic
    /// The reason is this host or this user rather than what the file holds.
    let isUnreadable: Bool
}

/// Reads certificates, keys and authorities, and makes contexts of them.
package struct CertificateLoader: Sendable {
    let encryption: ServerConfiguration.Encryption
    private let servesHTTP: Bool

    /// Nil when nobody is served over TLS or DTLS.
    package init?(_ configuration: ServerConfiguration) {
        guard let encryption = configuration.encryption else { return nil }
        self.encryption = encryption
        servesHTTP = configuration.signaling != nil && encryption.servesTLS
    }

    /// Whether both make the same contexts of the same files. Where the operator wrote what does not count.
    func isSame(as other: CertificateLoader) -> Bool {
        guard servesHTTP == other.servesHTTP else { return false }
        let (mine, others) = (encryption, other.encryption)
        func texts(_ encryption: ServerConfiguration.Encryption) -> [String?] {
            let single = [
                encryption.keyPassword, encryption.cipherList, encryption.groups, encryption.clientAuthorities,
            ]
            return single.map { $0?.text } + encryption.certificates.flatMap { [$0.chain.text, $0.keyFile] }
        }
        return texts(mine) == texts(others) && mine.servesTLS == others.servesTLS
            && mine.servesDTLS == others.servesDTLS && mine.refusesTLS12 == others.refusesTLS12
    }

    /// Every file that is read, each once.
    var files: [String] {
        var files: [String] = []
        let named = encryption.certificates.flatMap { [$0.chain.text, $0.keyFile] }
        for file in named + (encryption.clientAuthorities.map { [$0.text] } ?? []) where !files.contains(file) {
            files.append(file)
        }
        return files
    }

    func load() throws(CertificateFailure) -> Certificates {
        do {
            var identities: [TLSIdentity] = []
            for certificate in encryption.certificates {
                identities.append(
                    try TLSIdentity(
                        certificateFile: certificate.chain.text, keyFile: certificate.keyFile,
                        password: encryption.keyPassword?.text))
            }
            let authorities = try encryption.clientAuthorities.map { file throws(TLSConfigurationError) in
                try PEMFile.read(file.text)
            }
            let contexts = SecureContexts(
                tls: encryption.servesTLS ? try TLSContext(identities, settings(.tls, authorities)) : nil,
                dtls: encryption.servesDTLS ? try TLSContext(identities, settings(.dtls, authorities)) : nil,
                identities: identities)
            return Certificates(identities: identities, contexts: contexts)
        } catch {
            throw failure(error)
        }
    }

    private func settings(_ transport: TLSContext.Transport, _ authorities: [UInt8]?) -> TLSContext.Settings {
        var settings = TLSContext.Settings(transport: transport)
        settings.applicationProtocols = applicationProtocols(transport)
        settings.cipherList = encryption.cipherList?.text
        settings.groups = encryption.groups?.text
        settings.refusesTLS12 = encryption.refusesTLS12
        settings.clientAuthorities = authorities
        return settings
    }

    /// RFC 7443 §3. Browsers that fetch a page offer http/1.1 beside h2 (RFC 7301 §6).
    private func applicationProtocols(_ transport: TLSContext.Transport) -> [String] {
        ["stun.turn", "stun.nat-discovery"] + (servesHTTP && transport == .tls ? ["http/1.1"] : [])
    }

    /// What there is to say about the files without serving anything. A file that cannot be read is no error here: who
    /// asks may be another user, or on another host.
    package func diagnostics(at now: UnixTime) -> [Diagnostic] {
        do {
            return try load().identities.compactMap { identity in
                var notice = ExpiryNotice(identity)
                guard let text = notice.take(at: now) else { return nil }
                return warning(about: identity, text)
            }
        } catch {
            guard error.isUnreadable else { return [error.diagnostic] }
            let found = error.diagnostic
            return [Diagnostic(severity: .warning, place: found.place, option: found.option, message: found.message)]
        }
    }

    private func warning(about identity: TLSIdentity, _ text: String) -> Diagnostic {
        let place = encryption.certificates.first { $0.chain.text == identity.source }?.chain.place
        return Diagnostic(severity: .warning, place: place ?? .configuration, option: "cert", message: text)
    }
}
