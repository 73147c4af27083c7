// The parts about credentials, limits, logs and the process. See `ServerConfiguration+Build.swift`.

extension ServerConfiguration.Authentication {
    /// RFC 8489 §14.9 allows 127 characters of up to 763 bytes. The realm is in every answer to a stranger, so it is
    /// short.
    private static let realmByteCountMax = 128

    init(_ settings: Settings, log: inout DiagnosticLog) {
        staticUsers = Self.users(settings, log: &log)
        sharedSecrets = Self.secrets(settings, log: &log)
        restSeparator = settings.text("rest-api-separator")?.utf8.first ?? UInt8(ascii: ":")
        strictExpiry = settings.flag("rest-strict-expiry")
        realm = settings.text("realm")
        serverName = settings.text("server-name")
        nonceLifetimeSeconds = Self.nonceLifetime(settings, log: &log)
        nonceSecret = settings.text("stateless-nonce-secret")
        requiredForBinding = settings.flag("secure-stun")

        let wantsCredentials =
            settings.flag("lt-cred-mech") || settings.flag("use-auth-secret") || settings.isWritten("user")
            || settings.isWritten("static-auth-secret")
        anonymous = settings.flag("no-auth")
        database = Database(settings, isAnonymous: anonymous, log: &log)
        if anonymous {
            let place = settings.place(of: "no-auth")
            if wantsCredentials {
                let message =
                    "it contradicts lt-cred-mech, use-auth-secret, user and static-auth-secret; remove one side"
                log.add(.error, at: place, about: "no-auth", message)
            } else {
                let message = "anybody who reaches this server can relay through it; remove it outside of tests"
                log.add(.warning, at: place, about: "no-auth", message)
            }
        }
        if let realm, realm.utf8.count > Self.realmByteCountMax {
            let message = "longer than \(Self.realmByteCountMax) bytes, which would make 401 an amplifier; shorten it"
            log.add(.error, at: settings.place(of: "realm"), about: "realm", message)
        }
        if requiredForBinding { reportSecureSTUN(settings, log: &log) }
    }

    private func reportSecureSTUN(_ settings: Settings, log: inout DiagnosticLog) {
        let place = settings.place(of: "secure-stun")
        // Signaling makes credentials of its own for who is in a room.
        let hasCredentials =
            !staticUsers.isEmpty || !sharedSecrets.isEmpty || database != nil
            || settings.integer("signaling-port") != 0
        if anonymous {
            let message = "no-auth asks nobody for credentials, for Binding neither; remove one of them"
            log.add(.warning, at: place, about: "secure-stun", message)
        } else if !hasCredentials {
            let message = "no client has credentials, so no Binding request is answered; add a user or a secret"
            log.add(.warning, at: place, about: "secure-stun", message)
        }
        if settings.flag("rfc3489-compatibility") {
            let message = "clients of RFC 3489 have no credentials, so none of them is answered; remove one of the two"
            log.add(.warning, at: place, about: "secure-stun", message)
        }
    }

    /// Each name once; the last line for it holds, so that the command line overrides the file.
    private static func users(_ settings: Settings, log: inout DiagnosticLog) -> [StaticUser] {
        var users: [StaticUser] = []
        var indexByName: [String: Int] = [:]
        for entry in settings.written("user") {
            guard case .user(let user) = entry.value else { continue }
            if let index = indexByName[user.name] {
                let message = "the user \(user.name.quoted) occurs a second time; this line holds"
                log.add(.warning, at: entry.place, about: "user", message)
                users[index] = user
            } else {
                indexByName[user.name] = users.count
                users.append(user)
            }
        }
        return users
    }

    private static func secrets(_ settings: Settings, log: inout DiagnosticLog) -> [String] {
        var secrets: [String] = []
        for secret in settings.texts("static-auth-secret") where !secrets.contains(secret) {
            guard secrets.count < sharedSecretCountMax else {
                let message = "more than \(sharedSecretCountMax) secrets; remove those that are no longer used"
                log.add(
                    .error, at: settings.place(of: "static-auth-secret"), about: "static-auth-secret", message)
                break
            }
            secrets.append(secret)
        }
        return secrets
    }

    private static func nonceLifetime(_ settings: Settings, log: inout DiagnosticLog) -> UInt32 {
        let seconds = settings.integer("stale-nonce")
        guard seconds == 0 else { return UInt32(seconds) }
        let message = "nonces do not live for ever here; they live a day. Write a number of seconds, such as 600"
        log.add(.warning, at: settings.place(of: "stale-nonce"), about: "stale-nonce", message)
        return 86400
    }
}

extension ServerConfiguration.Quotas {
    init(_ settings: Settings, log: inout DiagnosticLog) {
        allocationsPerUser = settings.limit("user-quota")
        // user-quota is for all users when somebody wrote it, 0 included; guides write it for exactly this purpose.
        let mintedName =
            settings.isWritten("user-quota") && !settings.isWritten("minted-user-quota")
            ? "user-quota" : "minted-user-quota"
        allocationsPerMintedUser = settings.limit(mintedName)
        allocationsInTotal = settings.limit("total-quota")
        allocationsPerAddress = settings.limit("allocations-per-address")
        permissionsPerAllocation = settings.integer("permissions-per-allocation")
        channelsPerAllocation = Self.channels(settings, permissions: permissionsPerAllocation, log: &log)
        bytesPerSecondPerAllocation = settings.limit("max-bps")
        bytesPerSecondInTotal = settings.limit("bps-capacity")
        if bytesPerSecondInTotal != nil, bytesPerSecondPerAllocation == nil, !settings.isMalformed("max-bps") {
            let message = "it is handed out in portions of max-bps, which is not set; write max-bps too"
            log.add(.error, at: settings.place(of: "bps-capacity"), about: "bps-capacity", message)
        }
    }

    private static func channels(_ settings: Settings, permissions: Int, log: inout DiagnosticLog) -> Int {
        let channels = settings.integer("channels-per-allocation")
        guard channels > permissions else { return channels }
        // Somebody who lowers the permissions alone means the channels as well; who writes both has made a mistake.
        if settings.isWritten("channels-per-allocation"), !settings.isMalformed("permissions-per-allocation") {
            let message = "more channels than the \(permissions) of permissions-per-allocation; each needs a permission"
            log.add(
                .error, at: settings.place(of: "channels-per-allocation"), about: "channels-per-allocation", message)
        }
        return permissions
    }
}

extension ServerConfiguration.Rates {
    init(_ settings: Settings) {
        unauthorizedAnswersPerSource =
            settings.flag("unauthorized-ratelimit") ? settings.integer("unauthorized-ratelimit-rps") : nil
        bindingAnswersPerSource = settings.limit("binding-ratelimit-rps")
        newPeersPerAllocation = settings.limit("new-peers-per-second")
    }
}

extension ServerConfiguration.Lifetimes {
    init(_ settings: Settings, log: inout DiagnosticLog) {
        allocationMaximumSeconds = UInt32(settings.integer("max-allocate-lifetime"))
        channelSeconds = UInt32(settings.integer("channel-lifetime"))
        permissionSeconds = UInt32(settings.integer("permission-lifetime"))
        connectionWithoutAllocationSeconds = UInt32(settings.integer("max-allocate-timeout"))
        for (name, seconds, standard) in [
            ("channel-lifetime", channelSeconds, UInt32(600)), ("permission-lifetime", permissionSeconds, 300),
        ] where seconds != standard {
            let message = "clients count on \(standard) seconds and will lose the connection or the peer; remove it"
            log.add(.warning, at: settings.place(of: name), about: name, message)
        }
    }
}

extension ServerConfiguration.ProtocolSwitches {
    init(_ settings: Settings, log: inout DiagnosticLog) {
        alwaysAddsFingerprint = settings.flag("fingerprint")
        sendsSoftware = settings.flag("software-attribute") && !settings.flag("no-software-attribute")
        sendsReasonPhrase = settings.flag("include-reason-string")
        acceptsRFC3489 = settings.flag("rfc3489-compatibility")
        acceptsRFC5766Channels = settings.flag("rfc5766-channel-numbers")
        answersBinding = !settings.flag("no-stun")
        allowsMobility = settings.flag("mobility")
        if !answersBinding, settings.flag("stun-only") {
            let message = "together with stun-only nothing is served; remove one of them"
            log.add(.error, at: settings.place(of: "no-stun"), about: "no-stun", message)
        }
    }
}

extension ServerConfiguration.Logging {
    init(_ settings: Settings, log: inout DiagnosticLog) {
        destinations = Self.destinations(settings, log: &log)
        verbosity = settings.flag("Verbose") ? .extraVerbose : settings.flag("verbose") ? .verbose : .normal
        minimumLevel = settings.text("log-min-level").flatMap(Level.init(written:)) ?? .debug
        logsBindings = settings.flag("log-binding")
        logsInvalidPackets = settings.flag("drop-invalid-packets-log")
    }

    private static func destinations(_ settings: Settings, log: inout DiagnosticLog) -> [Destination] {
        if settings.flag("syslog") { return [.systemLog] }
        switch settings.text("log-file") {
        case "stdout", "-":
            return [.standardOutput]
        case "syslog":
            return [.systemLog]
        case let path?:
            let file = Destination.file(path: path, addsSuffix: !settings.flag("simple-log"))
            return settings.flag("no-stdout-log") ? [file] : [file, .standardOutput]
        case nil:
            if settings.flag("no-stdout-log") {
                let message =
                    "without log-file or syslog no log would be left; it goes to standard output. Write log-file"
                log.add(.warning, at: settings.place(of: "no-stdout-log"), about: "no-stdout-log", message)
            }
            return [.standardOutput]
        }
    }
}

extension ServerConfiguration.Logging.Level {
    fileprivate init?(written: String) { self.init(rawValue: written == "warn" ? "warning" : written) }
}

extension ServerConfiguration.ProcessSettings {
    init(_ settings: Settings) {
        pidFile = settings.text("pidfile")
        user = settings.text("proc-user")
        group = settings.text("proc-group")
    }
}

extension ServerConfiguration.Workers {
    init(_ settings: Settings, log: inout DiagnosticLog) {
        let threads = settings.writtenInteger("relay-threads")
        if let threads, threads > Self.countMax {
            let message = "\(Self.countMax) threads are started, the most there are"
            log.add(.warning, at: settings.place(of: "relay-threads"), about: "relay-threads", message)
        }
        writtenCount = threads.map { min(max($0, 1), Self.countMax) }
        let processors = settings.writtenInteger("cpus")
        writtenProcessorCount = processors == 0 ? nil : processors
        arePinned = settings.flag("pin-workers")
        gatherMicroseconds = settings.integer("gather-us")
    }
}

extension Settings {
    /// A number of which 0 means that there is no limit.
    func limit(_ name: String) -> Int? {
        let number = integer(name)
        return number == 0 ? nil : number
    }
}
