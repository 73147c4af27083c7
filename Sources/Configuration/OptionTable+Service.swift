// The rows about credentials, logs, the process, TLS and administration.

extension OptionTable {
    private static let noDatabase = Support.noEffect(
        "Tern reads no such database; use static-auth-secret, or user lines")
    private static let noTelnet = Support.noEffect("there is no telnet console")
    private static let noWebAdministration = Support.noEffect("there is no web administration")
    private static let metrics = Support.later("the Prometheus exporter")

    static let authentication: [Option] = [
        .flag(
            "lt-cred-mech", short: "a", reload: .atOnce,
            "Use long-term credentials (RFC 8489 §9.2). Implied by user lines."),
        Option(
            "user", .credentials, short: "u", repeats: true, reload: .atOnce,
            "A user as `name:password`, or `name:0xkey` with a key of 32 (MD5) or 64 (SHA-256) hexadecimal digits. The "
                + "password may contain `:` and `#`."),
        Option(
            "realm", .string, default: .described("the host's domain name"), short: "r", reload: .atOnce,
            "Realm of the credentials. Keys given as 0x… are bound to it."),
        .flag(
            "use-auth-secret", reload: .atOnce,
            "Accept time-limited credentials computed from a shared secret: the user name is `expiry:user`, the "
                + "password its HMAC."),
        Option(
            "static-auth-secret", .secret, repeats: true, reload: .atOnce,
            "The shared secret; implies use-auth-secret. Repeat it while secrets are being exchanged: each of them is "
                + "accepted."),
        Option(
            "rest-api-separator", .character, default: ":", short: "C", reload: .atOnce,
            "Character between time stamp and user in the user name of use-auth-secret."),
        .flag(
            "rest-strict-expiry", origin: .tern, reload: .atOnce,
            "Refuse to refresh an allocation once its time-limited credentials have expired. Otherwise it may go on "
                + "until it is released."),
        .flag(
            "no-auth", short: "z", reload: .atOnce,
            "Relay for anybody. Dangerous on any reachable address. Not together with credentials."),
        .flag(
            "secure-stun", reload: .atOnce,
            "Ask for credentials on Binding requests too. Clients of RFC 3489 have none and are not answered."),
        Option(
            "stale-nonce", .seconds(0...86400, whenBare: 600), default: "600", reload: .atOnce,
            "Lifetime of a nonce. The bare name means 600. 0, endless in coturn, means a day."),
        .flag(
            "stateless-nonce", support: .silent("nonces are always stateless"),
            "Compute nonces instead of storing them."),
        Option(
            "stateless-nonce-secret", .secret, default: .described("random for each start"), reload: .atOnce,
            "Secret from which nonces are computed; the same on each server of a fleet lets a client change servers "
                + "without a further round trip."),
        Option(
            "server-name", .string, default: .described("the realm"), reload: .atOnce,
            "Name of this server, as in its certificate. If the certificate holds it, signaling tells clients of TLS "
                + "to come by it; a tls-alternate-server of the same name needs no ALTERNATE-DOMAIN."),
        .flag("oauth", support: .noEffect("third-party tokens (RFC 7635) are not accepted"), "Accept RFC 7635 tokens."),
        .flag(
            "check-origin-consistency", support: .noEffect("ORIGIN is not used by current clients"),
            "Demand the same ORIGIN in all requests of a session."),
    ]

    static let logging: [Option] = [
        Option(
            "log-file", .path, default: .described("standard output"), short: "l", reload: .atOnce,
            "File for the log. `stdout` and `-` mean standard output, `syslog` the system log."),
        .flag(
            "simple-log", reload: .atOnce,
            "Use the name of log-file as it is. Otherwise the process id and the date are added to it."),
        .flag(
            "no-stdout-log", reload: .atOnce,
            "Do not write the log to standard output as well when it goes to a file."),
        .flag("syslog", reload: .atOnce, "Send the log to the system log and nowhere else."),
        Option(
            "syslog-facility", .string, default: "daemon", support: .later("other facilities than daemon"),
            "Facility for the system log."),
        .flag("verbose", short: "v", reload: .atOnce, "Log more: each allocation and each refusal."),
        .flag("Verbose", short: "V", reload: .atOnce, "Log much more, for debugging."),
        Option(
            "log-min-level", .choice(["debug", "info", "notice", "warning", "warn", "error"]), default: "debug",
            reload: .atOnce,
            "Leave out messages below this level."),
        .flag("log-binding", reload: .atOnce, "Log Binding requests."),
        .flag("new-log-timestamp", support: .silent("time stamps are always ISO 8601"), "Use ISO 8601 time stamps."),
        Option(
            "new-log-timestamp-format", .string, default: "%FT%T%z",
            support: .noEffect("time stamps are always ISO 8601"),
            "Format of time stamps."),
    ]

    static let process: [Option] = [
        Option("pidfile", .path, reload: .atRestart, "File to which the process id is written."),
        Option("proc-user", .string, reload: .atRestart, "User to become after the sockets are open."),
        Option("proc-group", .string, reload: .atRestart, "Group to become after the sockets are open."),
        .flag(
            "daemon", short: "o", support: .noEffect("the service manager runs it in the background; use Type=simple"),
            "Detach from the terminal."),
        .flag("version", support: .silent("for the command line only"), "Print the version and exit."),
    ]

    static let tls: [Option] = [
        Option(
            "cert", .path, repeats: true, reload: .whileEncrypted,
            "Certificate with the chain behind it, PEM (certbot's `fullchain.pem`). Without one TLS and DTLS are off. "
                + "Give two for clients of both kinds: one with an RSA key, one with an ECDSA key. Files that change "
                + "are read anew."),
        Option(
            "pkey", .path, default: .described("the file of cert"), repeats: true, reload: .whileEncrypted,
            "Private key of the certificate, PEM; for several certificates in the same order."),
        Option("pkey-pwd", .secret, reload: .whileEncrypted, "Passphrase of the private keys that are encrypted."),
        Option(
            "cipher-list", .string, default: .described("ECDHE with AES-GCM or ChaCha20"), reload: .whileEncrypted,
            "Ciphers of TLS 1.2 and DTLS 1.2, as OpenSSL writes them. TLS 1.3 has only good ones."),
        Option(
            "CA-file", .path, reload: .whileEncrypted,
            "Authorities of client certificates, PEM; every client of TLS and DTLS then needs one."),
        Option(
            "ec-curve-name", .string, default: .described("what OpenSSL prefers"), reload: .whileEncrypted,
            "Groups for key exchange, several with colons between them: `X25519:P-256`."),
        .flag("no-tlsv1_2", reload: .atRestart, "Accept TLS 1.3 only. There is no DTLS then, which ends with 1.2."),
        .flag("tlsv1", support: .noEffect("TLS 1.0 stays off"), "Accept TLS 1.0."),
        .flag("tlsv1_1", support: .noEffect("TLS 1.1 stays off"), "Accept TLS 1.1."),
        .flag("raw-public-keys", support: .noEffect("no client uses RFC 7250"), "Use raw public keys."),
        Option("dh-file", .path, support: .noEffect("key exchange uses elliptic curves"), "Parameters for DHE."),
        .flag("dh566", support: .noEffect("key exchange uses elliptic curves"), "Built-in DHE parameters of 566 bits."),
        .flag(
            "dh1066", support: .noEffect("key exchange uses elliptic curves"), "Built-in DHE parameters of 1066 bits."),
    ]

    static let databases: [Option] = [
        Option(
            "userdb", .path, default: .described("none"), short: "b", aliases: ["db"], reload: .atOnce,
            "SQLite database with users, shared secrets and peer rules of the realm, in coturn's tables. Changes are "
                + "seen within a second or two, without a reload. No file is looked for when it is not written."),
        Option(
            "psql-userdb", .connection, short: "e", aliases: ["sql-userdb"], support: noDatabase,
            "PostgreSQL database with users and secrets."),
        Option("mysql-userdb", .connection, short: "M", support: noDatabase, "MySQL database with users and secrets."),
        Option(
            "mongo-userdb", .connection, short: "J", support: noDatabase, "MongoDB database with users and secrets."),
        Option("redis-userdb", .connection, short: "N", support: noDatabase, "Redis database with users and secrets."),
        Option(
            "redis-statsdb", .connection, short: "O", support: .noEffect("figures are published as metrics"),
            "Redis database to which figures are published."),
        Option(
            "secret-key-file", .path, support: .noEffect("it belongs to mysql-userdb"),
            "Key for encrypted database passwords."),
        .flag("no-auth-pings", support: .noEffect("there is no database to keep awake"), "Do not ping the database."),
        .flag(
            "no-dynamic-ip-list", support: .silent("peer rules come from this file"),
            "Do not read peer rules from the database."),
        .flag(
            "no-dynamic-realms", support: .silent("the realm comes from this file"), "Do not read realms either."),
    ]

    static let balancing: [Option] = [
        Option(
            "alternate-server", .alternate, repeats: true, reload: .atOnce,
            "Server to which Allocate requests of UDP and TCP clients are redirected, as `address[:port]`; the port "
                + "is 3478 unless written. Several take turns, each client among those of its own family; one without "
                + "a server of its family is served here."),
        Option(
            "tls-alternate-server", .alternate, repeats: true, reload: .atOnce,
            "The same for TLS and DTLS clients, with port 5349 unless written. `name@address[:port]` names the "
                + "certificate of a server that has another one than this (ALTERNATE-DOMAIN)."),
        Option(
            "udp-alternate-server", .alternate, repeats: true, reload: .atOnce,
            "The same for UDP clients, in place of alternate-server."),
        Option(
            "tcp-alternate-server", .alternate, repeats: true, reload: .atOnce,
            "The same for TCP clients, in place of alternate-server."),
        Option(
            "drain-min-allocations", .integer(0...10_000_000), default: "0", reload: .atOnce,
            "While draining, exit as soon as no more than this many allocations are left."),
        Option(
            "drain-timeout", .seconds(0...604_800, whenBare: nil), default: "0", origin: .tern, reload: .atOnce,
            "How long the server drains when SIGTERM asks it to stop: it makes no new allocations, keeps those that "
                + "there are, and exits when they have ended or this time has. 0 stops at once. A second SIGTERM, and "
                + "SIGINT, do too. SIGUSR1 and `tern drain` drain as well, without an end when this is 0."),
    ]

    static let administration: [Option] = [
        Option(
            "control-socket", .path, origin: .tern, reload: .atRestart,
            "Unix socket by which `tern status` and the other commands of operators reach the server. Whoever may "
                + "write to it may do all that they can, so it is made for the server's user and group only."),
        .flag(
            "prometheus", reload: .atRestart,
            "Serve metrics for Prometheus on a port of their own, to whoever reaches it."),
        Option("prometheus-port", .port, default: "9641", reload: .atRestart, "Port for metrics."),
        Option("prometheus-address", .address, default: .described("any"), reload: .atRestart, "Address for metrics."),
        Option("prometheus-path", .string, default: "/metrics", reload: .atOnce, "Path for metrics."),
        .flag(
            "prometheus-coturn-names", origin: .tern, reload: .atOnce,
            "Also give metrics the names that coturn has for them, for dashboards that were made for it."),
        .flag("prometheus-tls", support: metrics, "Serve metrics over TLS."),
        Option("prometheus-cert", .path, default: .described("cert"), support: metrics, "Certificate for metrics."),
        Option("prometheus-key", .path, default: .described("pkey"), support: metrics, "Private key for metrics."),
        .flag(
            "prometheus-username-labels",
            support: .noEffect("a label for each user grows without end; count in the log instead"),
            "Label metrics with user names."),
        .flag("cli", support: noTelnet, "Serve a telnet console."),
        .flag("no-cli", support: .silent("there is no telnet console"), "Serve no telnet console."),
        Option("cli-ip", .address, default: "127.0.0.1", support: noTelnet, "Address of the telnet console."),
        Option("cli-port", .port, default: "5766", support: noTelnet, "Port of the telnet console."),
        Option("cli-password", .secret, support: noTelnet, "Password of the telnet console."),
        Option(
            "cli-max-output-sessions", .integer(0...1_000_000), default: "256", support: noTelnet,
            "Sessions the telnet console lists."),
        .flag("web-admin", support: noWebAdministration, "Serve web administration."),
        Option("web-admin-ip", .address, default: "127.0.0.1", support: noWebAdministration, "Its address."),
        Option("web-admin-port", .port, default: "8080", support: noWebAdministration, "Its port."),
        .flag("web-admin-listen-on-workers", support: noWebAdministration, "Serve it on the STUN ports too."),
        Option(
            "acme-redirect", .string, support: .noEffect("the STUN port does not speak HTTP"),
            "Where HTTP requests for ACME challenges are redirected."),
    ]

    private static func dropped(_ name: String, _ reason: String) -> Option {
        .flag(name, support: .silent(reason), origin: .retired, "No longer needed: \(reason).")
    }

    static let retired: [Option] = [
        dropped("no-tlsv1", "TLS 1.0 is always off"),
        dropped("no-tlsv1_1", "TLS 1.1 is always off"),
        dropped("no-sslv2", "SSL 2 is always off"),
        dropped("no-sslv3", "SSL 3 is always off"),
        dropped("no-loopback-peers", "loopback peers are refused unless `allow-loopback-peers` is written"),
        dropped("no-stun-backward-compatibility", "answers carry XOR-MAPPED-ADDRESS only"),
        dropped("prod", "answers name no software unless `software-attribute` is written"),
        dropped("dh2066", "key exchange uses elliptic curves"),
        Option(
            "secret-ts-exp-time", .integer(0...Int(UInt32.max)),
            support: .silent("the user name says when credentials expire"),
            origin: .retired, "No longer needed: the user name says when credentials expire."),
        Option(
            "ne", .integer(0...3), support: .silent("there is one network engine"), origin: .retired,
            "No longer needed: there is one network engine."),
    ]
}
