import NetworkPrimitives

extension ServerConfiguration {
    /// TCP ports whose connections begin with a header of the PROXY protocol.
    package struct Proxying: Hashable, Sendable {
        /// `tcp-proxy-port`, a port beside the others. Not 0, and none of theirs.
        package let ownPort: UInt16?
        /// All of them, the own one too; at least one.
        package let ports: Set<UInt16>
        /// Whose headers are believed; at least one.
        package let trusted: [PeerMatcher]

        /// They are looked through one by one for each connection.
        package static let trustedCountMax = 256
    }
}

extension ServerConfiguration.Proxying {
    /// Nil when no port expects a header.
    init?(
        _ settings: Settings, listeners: ServerConfiguration.Listeners, encryption: ServerConfiguration.Encryption?,
        log: inout DiagnosticLog
    ) {
        let written = settings.writtenInteger("tcp-proxy-port").map { UInt16($0) }
        // As in coturn, 0 opens none.
        ownPort = written == 0 ? nil : written
        var ports = Set([ownPort].compactMap(\.self))
        for entry in settings.written("proxy-protocol") {
            guard case .text(let name) = entry.value else { continue }
            if name == "listening-port" {
                ports.insert(listeners.port)
            } else if let encryption, encryption.servesTLS {
                ports.insert(encryption.port)
            } else {
                let message = "there is no TLS, so this port is not opened; write cert, or remove it"
                log.add(.warning, at: entry.place, about: "proxy-protocol", message)
            }
        }
        self.ports = ports
        trusted = Self.trusted(settings, log: &log)
        guard !ports.isEmpty else {
            Self.reportUnused(settings, log: &log)
            return nil
        }
        let name = ownPort == nil ? "proxy-protocol" : "tcp-proxy-port"
        if trusted.isEmpty, !settings.isMalformed("proxy-protocol-trusted") {
            let message =
                "nobody may write the headers, so nobody could connect; name the balancer: "
                + "proxy-protocol-trusted=192.0.2.1"
            log.add(.error, at: settings.place(of: name), about: name, message)
        }
        reportTakenPort(settings, listeners, encryption, log: &log)
    }

    private static func trusted(_ settings: Settings, log: inout DiagnosticLog) -> [PeerMatcher] {
        let name = "proxy-protocol-trusted"
        var result: [PeerMatcher] = []
        for entry in settings.written(name) {
            guard case .peers(let matcher) = entry.value, !result.contains(matcher) else { continue }
            guard result.count < trustedCountMax else {
                log.add(.error, at: entry.place, about: name, "more than \(trustedCountMax) values")
                break
            }
            if case .prefix(let prefix) = matcher, prefix.length == 0 {
                let message = "everybody is believed about where they come from; name the balancer's address"
                log.add(.warning, at: entry.place, about: name, message)
            }
            result.append(matcher)
        }
        return result
    }

    private static func reportUnused(_ settings: Settings, log: inout DiagnosticLog) {
        let name = "proxy-protocol-trusted"
        let others = ["proxy-protocol", "tcp-proxy-port"]
        guard settings.isWritten(name), !settings.isMalformed(name), !others.contains(where: settings.isWritten) else {
            return
        }
        let message = "no port expects a header; write tcp-proxy-port or proxy-protocol, or remove it"
        log.add(.warning, at: settings.place(of: name), about: name, message)
    }

    private func reportTakenPort(
        _ settings: Settings, _ listeners: ServerConfiguration.Listeners,
        _ encryption: ServerConfiguration.Encryption?, log: inout DiagnosticLog
    ) {
        guard let ownPort else { return }
        let taken = [
            ("listening-port", listeners.port), ("tls-listening-port", encryption?.port ?? 0),
        ]
        guard let (name, _) = taken.first(where: { $0.1 == ownPort }) else { return }
        let message = "\(name) is \(ownPort) too; choose another, or write proxy-protocol=\(name) in its place"
        log.add(.error, at: settings.place(of: "tcp-proxy-port"), about: "tcp-proxy-port", message)
    }
}
