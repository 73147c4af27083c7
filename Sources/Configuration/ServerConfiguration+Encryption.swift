/// A text, and where it was written, for who finds out later that it is wrong.
package struct PlacedText: Hashable, Sendable {
    package let text: String
    package let place: Place
}

extension ServerConfiguration {
    /// TLS and DTLS. The files are named here and read by the server.
    package struct Encryption: Hashable, Sendable {
        /// The files of one identity.
        package struct Certificate: Hashable, Sendable {
            /// PEM: the certificate and those that lead from it to an authority.
            package let chain: PlacedText
            /// Nil when the key is in the file of the chain.
            package let key: PlacedText?

            package var keyFile: String { key?.text ?? chain.text }
        }

        /// At least one, and no more than there are kinds of keys.
        package let certificates: [Certificate]
        /// For keys that are encrypted.
        package let keyPassword: PlacedText?
        /// For TLS 1.2 and DTLS 1.2, as OpenSSL writes them.
        package let cipherList: PlacedText?
        /// Names of groups with colons between them.
        package let groups: PlacedText?
        /// The file of the authorities of which every client needs a certificate.
        package let clientAuthorities: PlacedText?
        /// `no-tlsv1_2`.
        package let refusesTLS12: Bool
        /// `no-tls` was not written.
        package let servesTLS: Bool
        /// Neither `no-dtls` nor `dtls=off` nor `no-tlsv1_2` was written.
        package let servesDTLS: Bool
        /// Not 0; may be that of plain clients.
        package let port: UInt16

        /// RSA, ECDSA and Ed25519: a second certificate of one kind would never be used.
        package static let certificateCountMax = 3
    }
}

extension ServerConfiguration.Encryption: CustomStringConvertible, CustomReflectable {
    /// Which files there are, not what opens them: a configuration that is printed by accident shows no passphrase.
    package var description: String {
        "port \(port), certificates \(certificates.map(\.chain.text).joined(separator: ", "))"
    }

    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

extension ServerConfiguration.Encryption {
    /// Whether there is a certificate and somebody whom it serves.
    static func isWanted(_ settings: Settings) -> Bool {
        (servesTLS(settings) || servesDTLS(settings)) && settings.isWritten("cert")
    }

    static func isRefused(_ settings: Settings) -> Bool { !servesTLS(settings) && !servesDTLS(settings) }

    private static func servesTLS(_ settings: Settings) -> Bool { !settings.flag("no-tls") }

    private static func servesDTLS(_ settings: Settings) -> Bool {
        settings.writtenFlag("dtls") != false && !settings.flag("no-dtls") && !settings.flag("no-tlsv1_2")
    }

    /// Nil without a certificate, and when nobody is to be served by one.
    init?(_ settings: Settings, log: inout DiagnosticLog) {
        servesTLS = Self.servesTLS(settings)
        servesDTLS = Self.servesDTLS(settings)
        port = UInt16(settings.integer("tls-listening-port"))
        Self.reportContradictions(settings, log: &log)
        // Switched off, the files need not even be there.
        guard servesTLS || servesDTLS else { return nil }
        guard let certificates = Self.certificates(settings, log: &log) else { return nil }
        self.certificates = certificates
        keyPassword = settings.placedText("pkey-pwd")
        cipherList = settings.placedText("cipher-list")
        groups = settings.placedText("ec-curve-name")
        clientAuthorities = settings.placedText("CA-file")
        refusesTLS12 = settings.flag("no-tlsv1_2")
        if port == 0 {
            log.add(
                .error, at: settings.place(of: "tls-listening-port"), about: "tls-listening-port",
                "port 0 is none; write 5349, or 1 to 65535")
        }
    }

    private static func reportContradictions(_ settings: Settings, log: inout DiagnosticLog) {
        guard settings.writtenFlag("dtls") == true else { return }
        for name in ["no-dtls", "no-tlsv1_2"] where settings.flag(name) {
            let message = "\(name) wins, so there is no DTLS; remove one of them"
            log.add(.warning, at: settings.place(of: "dtls"), about: "dtls", message)
            return
        }
    }

    /// Pairs by their order. Nil when there is none, which is an error if somebody asked for what needs one.
    private static func certificates(_ settings: Settings, log: inout DiagnosticLog) -> [Certificate]? {
        let chains = settings.overridden("cert")
        let keys = settings.overridden("pkey")
        guard let last = chains.last else {
            reportMissing(settings, hasKey: !keys.isEmpty, log: &log)
            return nil
        }
        guard chains.count <= certificateCountMax else {
            let message = "more than \(certificateCountMax) certificates; give one for each kind of key"
            log.add(.error, at: last.place, about: "cert", message)
            return nil
        }
        guard keys.isEmpty || keys.count == chains.count else {
            let message =
                "there are \(chains.count) cert and \(keys.count) pkey; write as many of both, in the same order"
            log.add(.error, at: keys[keys.count - 1].place, about: "pkey", message)
            return nil
        }
        return chains.enumerated().map { index, chain in
            Certificate(chain: chain, key: keys.isEmpty ? nil : keys[index])
        }
    }

    private static func reportMissing(_ settings: Settings, hasKey: Bool, log: inout DiagnosticLog) {
        // An empty value has its warning already.
        guard !settings.isMalformed("cert") else { return }
        var asks: [String] = []
        if hasKey { asks.append("pkey") }
        if settings.isWritten("tls-listening-port"), !settings.isMalformed("tls-listening-port") {
            asks.append("tls-listening-port")
        }
        if settings.writtenFlag("dtls") == true { asks.append("dtls") }
        guard let name = asks.first else { return }
        let message =
            "it needs a certificate; write cert and pkey with the paths of PEM files, or no-tls and no-dtls to serve "
            + "without"
        log.add(.error, at: settings.place(of: name), about: name, message)
    }
}

extension Settings {
    /// Nil when nothing was written.
    fileprivate func writtenFlag(_ name: String) -> Bool? {
        guard case .flag(let isOn)? = written(name).last?.value else { return nil }
        return isOn
    }

    fileprivate func placedText(_ name: String) -> PlacedText? { placedTexts(name).last }

    private func placedTexts(_ name: String) -> [PlacedText] {
        written(name).compactMap { entry in
            guard case .text(let text) = entry.value else { return nil }
            return PlacedText(text: text, place: entry.place)
        }
    }

    /// The texts of a repeatable option, each once. Those of the command line take the place of the file's, as in
    /// coturn, where the last one counts.
    fileprivate func overridden(_ name: String) -> [PlacedText] {
        let all = placedTexts(name)
        let ofCommandLine = all.filter { if case .commandLine = $0.place { true } else { false } }
        var result: [PlacedText] = []
        for text in ofCommandLine.isEmpty ? all : ofCommandLine where !result.contains(where: { $0.text == text.text })
        {
            result.append(text)
        }
        return result
    }
}
