package import NetworkPrimitives

extension ServerConfiguration {
    /// Where clients are sent instead of being served here.
    package struct Redirection: Hashable, Sendable {
        /// A server of a list.
        package struct Server: Hashable, Sendable {
            package let address: SocketAddress
            /// The name in its certificate, in lower case; nil when none was written, or that of this server.
            package let name: String?
        }

        /// The lists in force, in the order in which they were written.
        package let udp: [Server]
        package let tcp: [Server]
        /// For TLS and DTLS.
        package let secure: [Server]

        package var isEmpty: Bool { udp.isEmpty && tcp.isEmpty && secure.isEmpty }
    }
}

extension ServerConfiguration.Redirection {
    /// More would be a mistake in a script rather than a fleet.
    private static let serverCountMax = 64
    private static let options = [
        "alternate-server", "udp-alternate-server", "tcp-alternate-server", "tls-alternate-server",
    ]

    init(_ settings: Settings, authentication: ServerConfiguration.Authentication, log: inout DiagnosticLog) {
        let own = authentication.serverName?.lowercased()
        func servers(_ option: String, port: UInt16, _ log: inout DiagnosticLog) -> [Server] {
            Self.servers(settings, option, port: port, ownName: own, log: &log)
        }
        let plain = servers("alternate-server", port: 3478, &log)
        let udpOnly = servers("udp-alternate-server", port: 3478, &log)
        let tcpOnly = servers("tcp-alternate-server", port: 3478, &log)
        udp = udpOnly.isEmpty ? plain : udpOnly
        tcp = tcpOnly.isEmpty ? plain : tcpOnly
        secure = servers("tls-alternate-server", port: 5349, &log)
        guard !isEmpty, authentication.anonymous,
            let written = Self.options.first(where: { settings.isWritten($0) })
        else { return }
        let message = "nobody is redirected without credentials, and no-auth asks for none; remove one of them"
        log.add(.warning, at: settings.place(of: written), about: written, message)
    }

    private static func servers(
        _ settings: Settings, _ option: String, port: UInt16, ownName: String?, log: inout DiagnosticLog
    ) -> [Server] {
        var servers: [Server] = []
        for entry in settings.written(option) {
            guard case .alternate(let name, let address, let writtenPort) = entry.value else { continue }
            let server = Server(
                address: SocketAddress(ip: address, port: writtenPort ?? port), name: name == ownName ? nil : name)
            guard !servers.contains(server) else { continue }
            guard servers.count < serverCountMax else {
                log.add(.error, at: entry.place, about: option, "more than \(serverCountMax) servers")
                break
            }
            if name != nil, option != "tls-alternate-server" {
                let message = "the name is told to clients of TLS and DTLS only; write tls-alternate-server for them"
                log.add(.note, at: entry.place, about: option, message)
            }
            servers.append(server)
        }
        return servers
    }
}

extension OptionValue {
    /// `[name@]address[:port]`, the name being that in the server's certificate.
    static func alternate(_ text: String) throws(MalformedValue) -> OptionValue {
        var name: String?
        var rest = text[...]
        if let at = text.lastIndex(of: "@") {
            guard case .name(let host)? = try? SignalingHost(parsing: String(text[..<at])) else {
                throw MalformedValue(
                    "\(text.quoted) must have a host name before the @: turn2.example.org@192.0.2.2:5349")
            }
            name = host
            rest = text[text.index(after: at)...]
        }
        guard case .endpoint(let address, let port) = try endpoint(String(rest)) else {
            preconditionFailure("an endpoint is read as one")
        }
        guard !address.isUnspecified, port != 0 else {
            throw MalformedValue("\(text.quoted) is no address that a client could reach")
        }
        return .alternate(name: name, address, port: port)
    }
}
