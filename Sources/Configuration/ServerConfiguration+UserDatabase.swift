extension ServerConfiguration.Authentication {
    /// Where users and secrets are beside those of the configuration, and which of them count.
    package struct Database: Hashable, Sendable {
        /// An SQLite file with the tables of coturn.
        package let path: String
        /// Users with keys. coturn does not look at them while it works with shared secrets; with `lt-cred-mech` beside
        /// those we serve both, as we do with `user` and `static-auth-secret`.
        package let servesUsers: Bool
        /// Shared secrets, which count only where the configuration says that there are any: rows that somebody forgot
        /// must not open a server.
        package let servesSecrets: Bool

        init?(_ settings: Settings, isAnonymous: Bool, log: inout DiagnosticLog) {
            guard let path = settings.text("userdb") else { return nil }
            if isAnonymous {
                let message = "it is not read, because no-auth asks nobody for credentials; remove one of them"
                log.add(.warning, at: settings.place(of: "userdb"), about: "userdb", message)
                return nil
            }
            self.path = path
            servesSecrets = settings.flag("use-auth-secret") || settings.isWritten("static-auth-secret")
            servesUsers = settings.flag("lt-cred-mech") || !servesSecrets
        }
    }
}
