import Configuration
import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN
import Telemetry

// Reading the configuration anew. First everything that can fail, then everything that changes: a file that cannot be
// used leaves nothing behind.
extension Server {
    /// Reads the configuration again from where it came from, and has all threads go by it as far as a server that runs
    /// can. When this returns they do. To be called on the server's thread; others have `control`.
    @discardableResult
    package func reload() -> ReloadReport {
        let known = diagnostics
        let report: ReloadReport
        do throws(ConfigurationRefusal) { report = try reloadOrRefuse() } catch { report = ReloadReport(error) }
        for line in report.lines(leavingOut: known) { log.write(line.level, line.text) }
        return report
    }

    private func reloadOrRefuse() throws(ConfigurationRefusal) -> ReloadReport {
        guard let origin else {
            throw .about(.configuration, "this server was started without a configuration that could be read again")
        }
        let result = try origin.read()
        let change = try result.change(from: origin.source)
        adopt(try prepare(change))
        self.origin?.source = change.source
        diagnostics = result.diagnostics
        return ReloadReport(change, result.diagnostics)
    }

    // MARK: - What can fail

    /// All that a configuration comes to, ready to be used.
    private struct Successor {
        let configuration: ServerConfiguration
        let issuing: IssuingSecret
        let settings: ServerSettings
        let userSelection: UserSelection?
        let stored: StoredUsers?
        let signaling: SignalingSettings?
        /// Nil when the one there is stays.
        let certificates: CertificateStore?
        let sinks: LogSinks?
    }

    private func prepare(_ change: ConfigurationChange) throws(ConfigurationRefusal) -> Successor {
        let configuration = change.configuration
        var random = OSRandom()
        let issuing = IssuingSecret(configuration, after: issuing, random: &random)
        let (userSelection, stored) = try usersForReload(configuration)
        let settings = makeSettings(configuration, issuing, stored)
        guard StartBound(settings) == StartBound(self.settings) else {
            throw .about(.configuration, "this cannot be changed in a server that runs; restart it")
        }
        let certificates = try newCertificates(configuration)
        do throws(StartFailure) {
            if case .enabled = configuration.relaying, self.configuration.relaying != .enabled {
                try requireRelayDevice(for: configuration)
            }
            let names = (certificates ?? self.certificates)?.names ?? []
            let signaling = try Self.signalingSettings(
                configuration, connectionsMax: settings.signalingConnectionsMax, issuing, purpose,
                certificateNames: names)
            return Successor(
                configuration: configuration, issuing: issuing, settings: settings, userSelection: userSelection,
                stored: stored, signaling: signaling, certificates: certificates, sinks: try newSinks(configuration))
        } catch {
            throw .about(.configuration, error.description)
        }
    }

    /// The settings of a server that runs: of its host, and with what its clients hold.
    func makeSettings(
        _ configuration: ServerConfiguration, _ issuing: IssuingSecret, _ stored: StoredUsers?
    ) -> ServerSettings {
        var settings = ServerSettings(
            configuration, host: host, nonceSecret: nonceSecret, issuingSecret: issuing.ownBytes, stored: stored)
        settings.coalescesDatagrams = self.settings.coalescesDatagrams
        return settings
    }

    /// Those of other files, or used in other ways. Nil when there is nothing new about them: files that are the same
    /// need not even be readable any more.
    private func newCertificates(_ configuration: ServerConfiguration) throws(ConfigurationRefusal) -> CertificateStore?
    {
        guard let loader = CertificateLoader(configuration), let old = CertificateLoader(self.configuration),
            !loader.isSame(as: old)
        else { return nil }
        do { return try CertificateStore(loader, at: Clock.monotonic()) } catch {
            throw ConfigurationRefusal(diagnostics: [error.diagnostic])
        }
    }

    /// A log of the same name is opened again too, for who has moved the file away (logrotate). Nil when the one there
    /// is stays.
    private func newSinks(_ configuration: ServerConfiguration) throws(StartFailure) -> LogSinks? {
        guard sinks != nil else { return nil }
        let destinations = configuration.logging.destinations
        do { return try LogSinks(destinations) } catch {
            guard destinations == self.configuration.logging.destinations else {
                throw StartFailure("the log cannot be opened: \(error); check log-file")
            }
            // The user that the server has become may not open what root has; that is no reason to refuse the rest.
            log.write(.warning, "the log cannot be opened again, and goes where it went: \(error)")
            return nil
        }
    }

    // MARK: - What changes

    private func adopt(_ successor: Successor) {
        configuration = successor.configuration
        issuing = successor.issuing
        settings = successor.settings
        if let sinks = successor.sinks {
            if let old = self.sinks { log.writePending(to: old) }
            self.sinks = sinks
        }
        log.setMinimum(Self.level(configuration.logging))
        ledger.adopt(settings.quotas, quarantineSeconds: settings.quarantineSeconds)
        adoptCertificates(successor.certificates)
        tellWorkers()
        adoptUsers(successor.userSelection, successor.stored)
        // Before signaling makes credentials with a secret, all workers know it.
        report()
        guard let signaling = successor.signaling else { return }
        signalingSettings = signaling
        members?.adopt(sessionSecondsMax: signaling.members.sessionSecondsMax)
        signalingNews.post(
            SignalingNews(settings: signaling, members: liaison(signaling), configuration: configuration))
        signalingMailbox?.post(.news)
        awaitSignaling()
    }

    /// Has all workers go by the settings as they are now.
    func tellWorkers() {
        news.post(settings)
        for mailbox in mailboxes { mailbox.post(.news) }
    }

    private func adoptCertificates(_ store: CertificateStore?) {
        guard let store else { return lookAtCertificates(for: .reload) }
        certificates = store
        for line in store.introduction() { log.write(line.level, line.text) }
        owesContexts = !post(store.contexts)
    }

    /// Returns when the signaling worker has read its mailbox, or is not likely to.
    private func awaitSignaling() {
        guard let mailbox = signalingMailbox, let arrived = try? Mailbox<Int>(limit: 1), var poller = try? Poller(),
            (try? poller.add(arrived.raw, token: 0, interest: .readable)) != nil,
            mailbox.post(.report { _ in arrived.post(1) })
        else { return }
        let deadline = Clock.monotonic().advanced(bySeconds: 1)
        while arrived.drain().isEmpty, Clock.monotonic() < deadline {
            guard (try? poller.wait(until: deadline, now: Clock.monotonic())) != nil else { return }
        }
    }

    // MARK: - Privileges

    /// Says now, while somebody looks, what the first reload would say.
    func warnAboutUnreadableConfiguration() {
        guard let path = origin?.path, !Files.isReadable(path) else { return }
        log.write(
            .warning,
            "the user that the server has become cannot read \(path): it cannot be reloaded. Let its group read it "
                + "(chgrp, chmod g+r)")
    }
}
