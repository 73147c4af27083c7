import Configuration
import EventLoop
import NetworkPrimitives
import Telemetry

// Certificates as a part of the server: read at the start, watched while it serves.
extension Server {
    static func certificates(_ configuration: ServerConfiguration) throws(StartFailure) -> CertificateStore? {
        guard let loader = CertificateLoader(configuration) else { return nil }
        do { return try CertificateStore(loader, at: Clock.monotonic()) } catch {
            throw StartFailure("\(error.diagnostic)")
        }
    }

    func logCertificates() {
        guard let store = certificates, let encryption = configuration.encryption else {
            guard !configuration.listeners.refusesEncryption else { return }
            return log.write(.notice, "there is no certificate, so TLS and DTLS are off; cert and pkey name one")
        }
        let served = [encryption.servesTLS ? "TLS" : nil, encryption.servesDTLS ? "DTLS" : nil].compactMap { $0 }
        log.write(.notice, "\(served.joined(separator: " and ")) by these certificates")
        for line in store.introduction() { log.write(line.level, line.text) }
        // Soon: what runs out is said before anybody calls.
        lookAtCertificates(for: .time)
    }

    func privilegesDropped() {
        guard configuration.process.user != nil else { return }
        warnAboutUnreadableConfiguration()
        guard let lines = certificates?.privilegesDropped() else { return }
        for line in lines { log.write(line.level, line.text) }
    }

    /// Looks at the files, and gives all threads new contexts when there are any.
    func lookAtCertificates(for occasion: CertificateStore.Occasion) {
        guard
            let outcome = certificates?.look(for: occasion, at: Clock.monotonic(), unixTime: Clock.wall())
        else { return }
        for line in outcome.lines { log.write(line.level, line.text) }
        if outcome.renewed != nil { owesContexts = true }
        guard owesContexts, let contexts = certificates?.contexts else { return }
        // A thread whose mailbox is full gets them at the next look.
        owesContexts = !post(contexts)
    }
}
