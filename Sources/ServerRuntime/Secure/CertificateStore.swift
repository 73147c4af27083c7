import Configuration
import LinuxSockets
package import NetworkPrimitives
import TLS
package import Telemetry

/// The certificates in use, and the eye on their files: when these have changed and fit together, there are new
/// contexts; until then the old ones stay. Lives on the main thread.
package struct CertificateStore {
    /// A line for the log.
    package struct Line: Equatable, Sendable {
        package let level: LogLevel
        package let text: String
    }

    /// What a look at the files gave.
    package struct Outcome: Sendable {
        /// Not nil when what begins from now on is to begin with other contexts.
        package var renewed: SecureContexts?
        package var lines: [Line] = []
    }

    /// Why the files are looked at.
    package enum Occasion: Sendable {
        case time
        /// Somebody says that they are complete (SIGUSR2).
        case demand
        /// The configuration is reloaded: what has changed is complete.
        case reload
    }

    /// Between two looks. A renewal is used after the second look that finds the same files.
    private static let lookSeconds: UInt32 = 2

    private let loader: CertificateLoader
    private let files: [String]
    private var certificates: Certificates
    private var notices: [ExpiryNotice]
    /// What was found when the present certificates were read.
    private var loaded: [FileVersion?]
    /// What was found at the last look.
    private var seen: [FileVersion?]
    /// What is said about files that do not fit together; said once.
    private var complaint: String?
    /// When the files are to be looked at again.
    package private(set) var nextLook: Instant

    package init(_ loader: CertificateLoader, at now: Instant) throws(CertificateFailure) {
        self.loader = loader
        files = loader.files
        // Before the files are read: what changes meanwhile is then seen as a change.
        loaded = files.map { Files.version($0) }
        seen = loaded
        certificates = try loader.load()
        notices = certificates.identities.map { ExpiryNotice($0) }
        nextLook = now.advanced(bySeconds: Self.lookSeconds)
    }

    package var contexts: SecureContexts { certificates.contexts }

    /// The DNS names and addresses that clients find in the certificates.
    package var names: [String] { certificates.identities.flatMap(\.names) }

    /// What the log is told at the start.
    package func introduction() -> [Line] {
        certificates.identities.map { Line(level: .notice, text: "certificate \(Self.words($0))") }
    }

    /// To be called once the server is another user. That user may not see the files, which is no reason to complain
    /// every two seconds, but one to say so now, while somebody looks.
    package mutating func privilegesDropped() -> [Line] {
        for (index, file) in files.enumerated() where Files.version(file) == nil {
            loaded[index] = nil
            seen[index] = nil
        }
        let unreadable = files.filter { !Files.isReadable($0) }
        guard !unreadable.isEmpty else { return [] }
        let list = unreadable.joined(separator: ", ")
        let text =
            "the user that the server has become cannot read \(list): a renewed certificate is used after a restart "
            + "only. Let its group read the files and enter their directories (chgrp, chmod g+rX), or have the renewal "
            + "copy them"
        return [Line(level: .warning, text: text)]
    }

    /// Looks whether the files have changed, and whether a certificate runs out.
    package mutating func look(for occasion: Occasion, at now: Instant, unixTime: UnixTime) -> Outcome {
        nextLook = now.advanced(bySeconds: Self.lookSeconds)
        var outcome = Outcome()
        let versions = files.map { Files.version($0) }
        // Files that still change are half written. Those that do not fit together are tried again and again, because
        // what is wrong with them may be nothing that their versions show.
        let isSettled = versions == seen
        seen = versions
        switch occasion {
        case .demand: renew(versions, &outcome)
        case .reload: if versions != loaded { renew(versions, &outcome) }
        case .time: if isSettled, versions != loaded || complaint != nil { renew(versions, &outcome) }
        }
        for index in notices.indices {
            if let text = notices[index].take(at: unixTime) { outcome.lines.append(Line(level: .warning, text: text)) }
        }
        return outcome
    }

    private mutating func renew(_ versions: [FileVersion?], _ outcome: inout Outcome) {
        do {
            let before = certificates.identities.map(\.fingerprint)
            certificates = try loader.load()
            loaded = versions
            complaint = nil
            notices = certificates.identities.map { ExpiryNotice($0) }
            outcome.renewed = certificates.contexts
            if certificates.identities.map(\.fingerprint) == before {
                outcome.lines.append(Line(level: .notice, text: "certificates were read anew, and are the same"))
            } else {
                outcome.lines += certificates.identities.map {
                    Line(level: .notice, text: "renewed: certificate \(Self.words($0))")
                }
            }
        } catch {
            let text = "the certificate in use stays in use: \(error.diagnostic)"
            if text != complaint { outcome.lines.append(Line(level: .error, text: text)) }
            complaint = text
        }
    }

    // MARK: - Words

    private static let namesMax = 8

    private static func words(_ identity: TLSIdentity) -> String {
        let shown = identity.names.prefix(namesMax).map { "\(Quoted(Array($0.utf8)))" }.joined(separator: ", ")
        let more = identity.names.count - namesMax
        let names = shown.isEmpty ? "no name" : more > 0 ? "\(shown) and \(more) more" : shown
        let kind =
            switch identity.keyKind {
            case .rsa: "RSA"
            case .ecdsa: "ECDSA"
            case .ed25519: "Ed25519"
            }
        return "\(identity.source): \(names); \(kind) \(identity.keyBitCount) bits, "
            + "valid until \(CivilTime(identity.notAfter)), SHA-256 \(hexadecimal(identity.fingerprint))"
    }

    /// As openssl and browsers show fingerprints.
    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return digits.count == 1 ? "0\(digits)" : digits
        }.joined(separator: ":")
    }
}
