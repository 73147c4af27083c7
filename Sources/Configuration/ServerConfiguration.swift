package import NetworkPrimitives

/// Everything an operator decides, checked: who holds one needs to check nothing again. It never changes; a reload
/// makes a new one. Made by `load`, or by `development`.
package struct ServerConfiguration: Sendable, Equatable {
    /// Where clients are served.
    package let listeners: Listeners
    /// How clients are served who encrypt; nil when none are.
    package let encryption: Encryption?
    /// Ports whose clients come through balancers; nil when there are none.
    package let proxying: Proxying?
    /// Where peers are reached from.
    package let relay: Relay
    /// Whether peers are reached at all.
    package let relaying: Relaying
    /// Who may relay.
    package let authentication: Authentication
    /// How much of everything.
    package let quotas: Quotas
    /// How fast.
    package let rates: Rates
    /// How long.
    package let lifetimes: Lifetimes
    /// Which peers.
    package let peerPolicy: PeerPolicy
    /// Deviations from the plain protocol.
    package let protocolSwitches: ProtocolSwitches
    /// What is logged, and where.
    package let logging: Logging
    /// What the process does about itself.
    package let process: ProcessSettings
    /// How many threads.
    package let workers: Workers
    /// Signaling and the site beside it; nil when no port was written for them.
    package let signaling: Signaling?
    /// How the server ends.
    package let draining: Draining
    /// What is counted, for Prometheus.
    package let metrics: Metrics
    /// The socket by which operators speak to the server on its host; nil without one.
    package let controlSocket: String?
    /// NAT behaviour discovery; nil when it is off.
    package let discovery: Discovery?
    /// Where clients are sent instead.
    package let redirection: Redirection
}

extension ServerConfiguration {
    /// Whether the server relays at all.
    package enum Relaying: Hashable, Sendable {
        case enabled
        /// Binding requests only, and why.
        case stunOnly(reason: String)
    }

    /// The sockets that clients reach.
    package struct Listeners: Hashable, Sendable {
        /// Which addresses.
        package enum Addresses: Hashable, Sendable {
            /// Nothing was written: every address of the host.
            case allLocal
            case these([IPAddress])
        }

        /// Local addresses; those that were written occur once each.
        package let addresses: Addresses
        /// Not 0.
        package let port: UInt16
        /// `no-udp` was not written. Without it plain clients are refused on the TLS port too.
        package let servesUDP: Bool
        /// `no-tcp` was not written. The same goes for it.
        package let servesTCP: Bool
        /// TLS and DTLS are off because the operator said so, and not for want of a certificate.
        package let refusesEncryption: Bool
        /// Further ones, each once, none of them heard by the above.
        package let auxiliary: [SocketAddress]
        /// The network interface to bind to.
        package let device: String?
        /// For listeners and relay sockets.
        package let socketBufferByteCount: Int
    }

    /// The sockets that peers see.
    package struct Relay: Hashable, Sendable {
        /// Which addresses.
        package enum Addresses: Hashable, Sendable {
            /// Nothing was written: the address on which the client reached the server.
            case asReached
            case these([IPAddress])
        }

        /// The family of a relay address for which the client names none (RFC 8656 §7.2).
        package enum DefaultFamily: Hashable, Sendable {
            case ipv4
            case ipv6
            /// That of the client's own address.
            case asClient
        }

        /// Local addresses; those that were written occur once each.
        package let addresses: Addresses
        /// What clients are told instead of the local relay addresses.
        package let externalAddresses: ExternalAddresses
        /// The ports relay sockets are bound to.
        package let ports: RelayPortRange
        /// How long a port rests before another user may get it.
        package let portQuarantineSeconds: UInt32
        /// `no-udp-relay` was not written.
        package let allowsUDP: Bool
        /// `no-tcp-relay` was not written.
        package let allowsTCP: Bool
        /// For requests without REQUESTED-ADDRESS-FAMILY.
        package let defaultFamily: DefaultFamily
        /// The network interface that relay sockets are bound to.
        package let device: String?
    }

    /// Who may relay, and how they prove it.
    package struct Authentication: Hashable, Sendable {
        /// No name occurs twice.
        package let staticUsers: [StaticUser]
        /// All of them are accepted; at most `sharedSecretCountMax`.
        package let sharedSecrets: [String]
        /// Further ones; nil when `userdb` was not written, and with `no-auth`.
        package let database: Database?
        /// ASCII, no digit.
        package let restSeparator: UInt8
        /// A refresh after the expiry of time-limited credentials fails.
        package let strictExpiry: Bool
        /// `no-auth` was written: everybody may relay. Then there are neither users nor secrets.
        package let anonymous: Bool
        /// Nil when not written: the domain name of the host.
        package let realm: String?
        /// Nil when not written: the realm.
        package let serverName: String?
        /// 1 to 86400.
        package let nonceLifetimeSeconds: UInt32
        /// Nil when not written: random for each start.
        package let nonceSecret: String?
        /// Binding requests need credentials too.
        package let requiredForBinding: Bool
    }

    /// Zero never means "none at all" here; where there is no limit, there is no number.
    package struct Quotas: Hashable, Sendable {
        /// For users with a password or key.
        package let allocationsPerUser: Int?
        /// For users of a shared secret.
        package let allocationsPerMintedUser: Int?
        /// For the whole server.
        package let allocationsInTotal: Int?
        /// For one client address; an IPv6 /64 counts as one.
        package let allocationsPerAddress: Int?
        /// At least 1.
        package let permissionsPerAllocation: Int
        /// At most `permissionsPerAllocation`.
        package let channelsPerAllocation: Int
        /// Per direction.
        package let bytesPerSecondPerAllocation: Int?
        /// Per direction, to be handed out; only together with `bytesPerSecondPerAllocation`.
        package let bytesPerSecondInTotal: Int?
    }

    /// Events per second; nil is no limit.
    package struct Rates: Hashable, Sendable {
        /// 401 and 438 answers to one IPv4 address or IPv6 /64.
        package let unauthorizedAnswersPerSource: Int?
        /// Binding answers to one IPv4 address or IPv6 /64.
        package let bindingAnswersPerSource: Int?
        /// Peer addresses an allocation names for the first time.
        package let newPeersPerAllocation: Int?
    }

    /// In seconds.
    package struct Lifetimes: Hashable, Sendable {
        /// RFC 8656 §7.2: 600, or the maximum if that is less.
        package var allocationDefaultSeconds: UInt32 { min(600, allocationMaximumSeconds) }
        /// The most that one Allocate or Refresh is granted; at least 60.
        package let allocationMaximumSeconds: UInt32
        /// 600 by RFC 8656 §12.
        package let channelSeconds: UInt32
        /// 300 by RFC 8656 §9.
        package let permissionSeconds: UInt32
        /// How long a client's connection may stay without an allocation; 0 is without limit.
        package let connectionWithoutAllocationSeconds: UInt32
    }

    /// What the operator says about peers, on top of the built-in rules.
    package struct PeerPolicy: Hashable, Sendable {
        /// In the order in which they were written. Allowing rules win over denying ones.
        package let rules: [PeerRule]
        /// `allow-loopback-peers` was written.
        package let allowsLoopback: Bool
        /// Peers with ports below 1024 are refused.
        package let deniesLowPorts: Bool
    }

    /// Deviations from the plain protocol; all off by default but `answersBinding`.
    package struct ProtocolSwitches: Hashable, Sendable {
        /// FINGERPRINT in every answer, not only to clients that use it.
        package let alwaysAddsFingerprint: Bool
        /// SOFTWARE in answers.
        package let sendsSoftware: Bool
        /// A reason phrase in ERROR-CODE.
        package let sendsReasonPhrase: Bool
        /// Binding requests without the magic cookie are answered.
        package let acceptsRFC3489: Bool
        /// Channel numbers 0x5000 through 0x7FFF are accepted.
        package let acceptsRFC5766Channels: Bool
        /// `no-stun` was not written.
        package let answersBinding: Bool
        /// Allocations go along when their clients change address (RFC 8016).
        package let allowsMobility: Bool
    }

    /// What is logged, and where.
    package struct Logging: Hashable, Sendable {
        /// Where messages go.
        package enum Destination: Hashable, Sendable {
            case standardOutput
            case systemLog
            /// `addsSuffix`: the process id and the date belong into the name.
            case file(path: String, addsSuffix: Bool)
        }

        /// How many kinds of messages there are.
        package enum Verbosity: Hashable, Sendable {
            case normal
            case verbose
            case extraVerbose
        }

        /// From the least to the most important.
        package enum Level: String, Hashable, Sendable, CaseIterable {
            case debug
            case info
            case notice
            case warning
            case error
        }

        /// At least one.
        package let destinations: [Destination]
        /// How many kinds of messages there are.
        package let verbosity: Verbosity
        /// Messages below it are left out.
        package let minimumLevel: Level
        /// Binding requests are logged.
        package let logsBindings: Bool
        /// Dropped packets are logged, with a rate limit.
        package let logsInvalidPackets: Bool
    }

    /// What the process does about itself; nil where nothing was written.
    package struct ProcessSettings: Hashable, Sendable {
        /// The file to write the process id to.
        package let pidFile: String?
        /// The user to become after the sockets are open.
        package let user: String?
        /// The group to become after the sockets are open.
        package let group: String?
    }

    /// How many threads serve clients.
    package struct Workers: Hashable, Sendable {
        /// More threads than this are not started.
        package static let countMax = 128

        /// 1...128; nil when not written.
        let writtenCount: Int?
        /// Nil when not written or 0.
        let writtenProcessorCount: Int?
        /// Whether each thread stays on one processor.
        package let arePinned: Bool
        /// How long datagrams may gather at part load; 0...1000.
        package let gatherMicroseconds: Int

        /// The number of worker threads on a host with so many processors.
        package func count(detectedProcessors: Int) -> Int {
            min(max(writtenCount ?? writtenProcessorCount ?? detectedProcessors, 1), Self.countMax)
        }
    }
}

extension ServerConfiguration.Authentication: CustomStringConvertible, CustomReflectable {
    /// How many secrets there are, not which: a configuration that is printed by accident shows none.
    package var description: String {
        "\(staticUsers.count) users, \(sharedSecrets.count) shared secrets, \(anonymous ? "anonymous" : "no anonymous")"
    }

    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

extension ServerConfiguration.Authentication {
    /// Every check of time-limited credentials tries each secret, so there is a bound.
    package static let sharedSecretCountMax = 16
}
