extension ServerConfiguration {
    /// What loading gives: a configuration, unless there was an error, and all there is to say.
    package struct LoadResult: Sendable {
        /// Nil exactly when a diagnostic is an error.
        package let configuration: ServerConfiguration?
        /// In the order of the file, then the command line.
        package let diagnostics: [Diagnostic]
        /// What was read, for a later reading to be compared with.
        package let source: ConfigurationSource
    }

    /// Reads a file, if there is one, and then the command line, which overrides single values and adds to repeated
    /// ones. Secrets may stand elsewhere, where `outside` finds them.
    package static func load(
        file: ConfigurationFile?, commandLine: CommandLineOptions = CommandLineOptions(parsing: []),
        outside: OutsideValues = .none
    ) -> LoadResult {
        var log = commandLine.log
        let fromFile = file.map { ConfigurationFileParser.parse($0, log: &log) } ?? []
        let settings = Settings.read(fromFile + commandLine.assignments, outside, log: &log)
        let configuration = ServerConfiguration(settings, log: &log)
        return LoadResult(
            configuration: log.hasErrors ? nil : configuration, diagnostics: log.finished(),
            source: ConfigurationSource(settings: settings))
    }

    /// The control socket that a file names, whatever else is wrong with it: who asks a running server about a file
    /// that has become wrong still has to find the server.
    package static func controlSocket(in file: ConfigurationFile) -> String? {
        var log = DiagnosticLog()
        return Settings.read(ConfigurationFileParser.parse(file, log: &log), .none, log: &log).text("control-socket")
    }

    /// A server for the machine it runs on and nothing else: loopback listeners and relay addresses, loopback peers,
    /// one user, and signaling with rooms that every visitor may enter, who is of this machine too. Port 0 leaves
    /// signaling out. Throws when the name or the password cannot be used.
    package static func development(
        userName: String, password: String, signalingPort: UInt16 = 8080
    ) throws(DevelopmentUserError) -> ServerConfiguration {
        let user: StaticUser
        do throws(MalformedValue) {
            guard !userName.contains(":") else { throw MalformedValue("a user name has no colon") }
            user = try StaticUser(name: userName, password: password)
        } catch {
            throw DevelopmentUserError(message: error.message)
        }
        let text = """
            listening-ip=127.0.0.1
            listening-ip=::1
            relay-ip=127.0.0.1
            relay-ip=::1
            allow-loopback-peers
            rfc5766-channel-numbers
            realm=tern.dev
            lt-cred-mech
            signaling-port=\(signalingPort)
            \(signalingPort == 0 ? "" : developmentSignaling)
            """
        var log = DiagnosticLog()
        let file = ConfigurationFile(name: "development", text: text)
        var settings = Settings.read(ConfigurationFileParser.parse(file, log: &log), .none, log: &log)
        settings.add(user: user)
        return ServerConfiguration(settings, log: &log)
    }
}

extension ServerConfiguration {
    /// Whoever is on this host enters every room, in whatever words.
    private static let developmentSignaling = """
        signaling-anonymous-rooms=*
        signaling-dialect=socket.io
        signaling-dialect=peerjs
        signaling-dialect=channels
        signaling-dialect=y-webrtc
        signaling-dialect=pixel-streaming
        """
}

/// Why a development user cannot be made, as a sentence.
package struct DevelopmentUserError: Error, Equatable, Sendable {
    /// The sentence.
    package let message: String
}
