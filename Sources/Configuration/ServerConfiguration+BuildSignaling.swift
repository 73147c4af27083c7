import NetworkPrimitives

// The part about signaling. See `ServerConfiguration+Build.swift`.

extension ServerConfiguration.Signaling {
    /// Nil without a port.
    init?(
        _ settings: Settings, listeners: ServerConfiguration.Listeners.Addresses, quotas: ServerConfiguration.Quotas,
        log: inout DiagnosticLog
    ) {
        port = UInt16(settings.integer("signaling-port"))
        guard port != 0 else {
            Self.reportUnused(settings, log: &log)
            return nil
        }
        let written = settings.addresses("signaling-ip", countMax: Self.listCountMax, log: &log)
        addresses = written.isEmpty ? listeners : .these(written)
        origins = Origins(settings, log: &log)
        anonymousRooms = Self.anonymousRooms(settings, log: &log)
        apiKeys = Self.apiKeys(settings, log: &log)
        adminKeys = Self.adminKeys(settings, log: &log)
        tokenIssuers = Self.tokenIssuers(settings, apiKeys: apiKeys, log: &log)
        turnHosts = settings.distinct("signaling-turn-host", countMax: Self.turnHostCountMax, log: &log) { value in
            if case .host(let host) = value { host } else { nil }
        }
        trustedProxies = Self.trustedProxies(settings, log: &log)
        staticRoot = settings.text("static-root")
        compressesMessages = settings.flag("websocket-deflate")
        dialects = Dialects(settings, signalingPort: port, log: &log)
        credentials = Credentials(settings, quotas: quotas, log: &log)
        limits = Limits(settings, log: &log)
        http = HTTPLimits(settings)
        reportNoEntrance(settings, log: &log)
    }

    /// One warning for each option, so that nobody believes in a limit or a key that is not looked at.
    private static func reportUnused(_ settings: Settings, log: inout DiagnosticLog) {
        // Who wrote the port, and badly, has an error already; who wrote 0 has switched signaling off on purpose.
        guard !settings.isWritten("signaling-port") else { return }
        for option in OptionTable.signaling where settings.isWritten(option.name) && !settings.isMalformed(option.name)
        {
            let message = "it has no effect without signaling-port; write signaling-port=8080, or remove it"
            log.add(.warning, at: settings.place(of: option.name), about: option.name, message)
        }
    }

    private func reportNoEntrance(_ settings: Settings, log: inout DiagnosticLog) {
        guard apiKeys.isEmpty, tokenIssuers.isEmpty, anonymousRooms.isEmpty else { return }
        // A line that could not be read has its own error already.
        for name in ["signaling-api-key", "signaling-token-issuer", "signaling-anonymous-rooms"]
        where settings.isWritten(name) { return }
        let message =
            "nobody can enter a room; add signaling-api-key=id:secret with a secret from openssl rand -hex 32, "
            + "signaling-token-issuer, or signaling-anonymous-rooms"
        log.add(.warning, at: settings.place(of: "signaling-port"), about: "signaling-port", message)
    }

    private static func anonymousRooms(_ settings: Settings, log: inout DiagnosticLog) -> [String] {
        let name = "signaling-anonymous-rooms"
        let rooms = settings.distinctTexts(name, countMax: listCountMax, log: &log)
        if rooms.contains("*") {
            let message =
                "anybody who reaches this server can enter every room and relay through it; name a prefix, such as "
                + "lobby-*, outside of tests"
            log.add(.warning, at: settings.place(of: name) { $0 == .text("*") }, about: name, message)
        }
        return rooms
    }

    private static func apiKeys(_ settings: Settings, log: inout DiagnosticLog) -> [SignalingAPIKey] {
        let name = "signaling-api-key"
        var keys: [SignalingAPIKey] = []
        for entry in settings.written(name) {
            guard case .apiKey(let key) = entry.value, !keys.contains(key) else { continue }
            if key.secret == LongSecret.sample {
                log.add(.error, at: entry.place, about: name, sampleMessage)
            } else if keys.contains(where: { $0.id == key.id }) {
                let message = "a second secret for the id \(key.id.quoted); give each key an id of its own"
                log.add(.error, at: entry.place, about: name, message)
            } else if keys.count == keyCountMax {
                log.add(.error, at: entry.place, about: name, "more than \(keyCountMax) keys")
                break
            } else {
                keys.append(key)
            }
        }
        return keys
    }

    private static func adminKeys(_ settings: Settings, log: inout DiagnosticLog) -> [String] {
        let name = "signaling-admin-key"
        let keys = settings.distinctTexts(name, countMax: keyCountMax, log: &log)
        if keys.contains(LongSecret.sample) {
            log.add(.error, at: settings.place(of: name) { $0 == .text(LongSecret.sample) }, about: name, sampleMessage)
        }
        return keys
    }

    private static let sampleMessage =
        "this is the text of the example, which everybody knows; make a secret: openssl rand -hex 32"

    private static func tokenIssuers(
        _ settings: Settings, apiKeys: [SignalingAPIKey], log: inout DiagnosticLog
    ) -> [SignalingTokenIssuer] {
        let name = "signaling-token-issuer"
        var issuers: [SignalingTokenIssuer] = []
        for entry in settings.written(name) {
            guard case .tokenIssuer(let issuer) = entry.value, !issuers.contains(issuer) else { continue }
            if issuers.contains(where: { $0.issuer == issuer.issuer }) {
                let message = "a second public key for the issuer \(issuer.issuer.quoted); an issuer has one"
                log.add(.error, at: entry.place, about: name, message)
            } else if apiKeys.contains(where: { $0.id == issuer.issuer }) {
                let message = "\(issuer.issuer.quoted) is the id of a signaling-api-key too; a token names one key"
                log.add(.error, at: entry.place, about: name, message)
            } else if issuers.count == keyCountMax {
                log.add(.error, at: entry.place, about: name, "more than \(keyCountMax) issuers")
                break
            } else {
                issuers.append(issuer)
            }
        }
        return issuers
    }

    private static func trustedProxies(_ settings: Settings, log: inout DiagnosticLog) -> [PeerMatcher] {
        let name = "signaling-trusted-proxy"
        let proxies = settings.distinct(name, countMax: listCountMax, log: &log) { value -> PeerMatcher? in
            if case .peers(let matcher) = value { matcher } else { nil }
        }
        for case .prefix(let prefix) in proxies where prefix.length == 0 {
            let message = "everybody is believed about where they come from; name the proxy's address"
            log.add(.warning, at: settings.place(of: name), about: name, message)
        }
        return proxies
    }
}

extension ServerConfiguration.Signaling.Origins {
    fileprivate init(_ settings: Settings, log: inout DiagnosticLog) {
        let name = "signaling-origin"
        let written = settings.distinctTexts(name, countMax: ServerConfiguration.Signaling.listCountMax, log: &log)
        allowsAny = written.contains("*")
        allowsNull = written.contains("null")
        named = written.filter { $0 != "*" && $0 != "null" }
        if allowsAny {
            let message =
                "pages of every site can connect with what the browsers of their visitors hold; name the sites"
            log.add(.warning, at: settings.place(of: name) { $0 == .text("*") }, about: name, message)
        }
    }
}

extension ServerConfiguration.Signaling.Credentials {
    fileprivate init(_ settings: Settings, quotas: ServerConfiguration.Quotas, log: inout DiagnosticLog) {
        lifetimeSeconds = settings.seconds("credential-lifetime")
        lifetimeSecondsMax = settings.seconds("credential-lifetime-max")
        anonymousLifetimeSeconds = settings.seconds("credential-lifetime-anonymous")
        sessionSecondsMax = settings.seconds("credential-session-max")
        onLeave = settings.text("credential-on-leave").flatMap(OnLeave.init) ?? .keep
        leaveGraceSeconds = settings.seconds("credential-leave-grace")
        allocationsPerMember =
            switch settings.writtenInteger("credential-quota") {
            case 0: nil
            case let written?: written
            case nil: quotas.allocationsPerMintedUser
            }
        for name in ["credential-lifetime", "credential-lifetime-anonymous"] {
            settings.require(name, atMost: "credential-lifetime-max", log: &log)
        }
    }
}

extension ServerConfiguration.Signaling.Limits {
    fileprivate init(_ settings: Settings, log: inout DiagnosticLog) {
        connectionsMax = settings.integer("signaling-connections-max")
        connectionsPerSourceMax = settings.integer("signaling-connections-per-source")
        connectsPerSecondPerSource = settings.integer("signaling-connect-rate")
        connectsBurstPerSource = settings.integer("signaling-connect-burst")
        failuresPerMinutePerSource = settings.integer("signaling-auth-failures")
        anonymousJoinsPerSecondPerSource = settings.integer("signaling-anonymous-join-rate")
        anonymousJoinsBurstPerSource = settings.integer("signaling-anonymous-join-burst")
        sessionsMax = settings.integer("signaling-sessions-max")
        roomsPerSessionMax = settings.integer("signaling-session-rooms")
        roomsMax = settings.integer("signaling-rooms-max")
        roomCapacity = settings.integer("signaling-room-capacity")
        emptyRoomSeconds = settings.seconds("signaling-room-linger")
        messageByteCountMax = settings.integer("signaling-message-max")
        messagesPerSecond = settings.integer("signaling-message-rate")
        messagesBurst = settings.integer("signaling-message-burst")
        metadataByteCountMax = settings.integer("signaling-metadata-max")
        queueByteCountMax = settings.integer("signaling-queue-bytes")
        queueMessagesMax = settings.integer("signaling-queue-messages")
        resumeSeconds = settings.seconds("signaling-resume")
        replayMessagesMax = settings.integer("signaling-replay-messages")
        replayByteCountMax = settings.integer("signaling-replay-bytes")
        heartbeatSeconds = settings.seconds("signaling-heartbeat")
        helloSeconds = settings.seconds("signaling-hello-timeout")
        // Metadata comes in a message; a message has to fit into a queue, and so has what is sent again on resuming:
        // else the connection would be closed as too slow before it had a chance.
        settings.require("signaling-metadata-max", atMost: "signaling-message-max", log: &log)
        settings.require("signaling-message-max", atMost: "signaling-queue-bytes", log: &log)
        settings.require("signaling-replay-bytes", atMost: "signaling-queue-bytes", log: &log)
        settings.require("signaling-replay-messages", atMost: "signaling-queue-messages", log: &log)
    }
}

extension ServerConfiguration.Signaling.HTTPLimits {
    fileprivate init(_ settings: Settings) {
        headByteCountMax = settings.integer("http-head-max")
        headersMax = settings.integer("http-headers-max")
        bodyByteCountMax = settings.integer("http-body-max")
        headSeconds = settings.seconds("http-head-timeout")
        bodySeconds = settings.seconds("http-body-timeout")
        idleSeconds = settings.seconds("http-idle-timeout")
    }
}

extension Settings {
    fileprivate func seconds(_ name: String) -> UInt32 { UInt32(integer(name)) }

    /// Reports two numbers that are in the wrong order, at the one that was written.
    fileprivate func require(_ name: String, atMost other: String, log: inout DiagnosticLog) {
        guard integer(name) > integer(other), !isMalformed(name), !isMalformed(other) else { return }
        let subject = isWritten(name) ? name : other
        let message = "\(name) \(integer(name)) is above \(other) \(integer(other)); lower the one or raise the other"
        log.add(.error, at: place(of: subject), about: subject, message)
    }

    /// The values of a repeatable option, each once, in order.
    fileprivate func distinct<Value: Equatable>(
        _ name: String, countMax: Int, log: inout DiagnosticLog, _ value: (OptionValue) -> Value?
    ) -> [Value] {
        var result: [Value] = []
        for entry in written(name) {
            guard let value = value(entry.value), !result.contains(value) else { continue }
            guard result.count < countMax else {
                log.add(.error, at: entry.place, about: name, "more than \(countMax) values")
                break
            }
            result.append(value)
        }
        return result
    }

    fileprivate func distinctTexts(_ name: String, countMax: Int, log: inout DiagnosticLog) -> [String] {
        distinct(name, countMax: countMax, log: &log) { value in
            if case .text(let text) = value { text } else { nil }
        }
    }

    /// Where the last such value was written.
    fileprivate func place(of name: String, _ isMeant: (OptionValue) -> Bool) -> Place {
        written(name).last { isMeant($0.value) }?.place ?? .configuration
    }
}
