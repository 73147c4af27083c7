package import NetworkPrimitives

/// Everything an operator decides, checked: who holds one needs to check nothing again. It never changes; a reload
/// makes a new one. Made by `load`, or by `development`.
package struct ServerConfiguration: Sendable, Equatable {
    package let listeners: Listeners
    package let relay: Relay
    package let relaying: Relaying
    package let authentication: Authentication
    package let quotas: Quotas
    package let rates: Rates
    package let lifetimes: Lifetimes
    package let peerPolicy: PeerPolicy
    package let protocolSwitches: ProtocolSwitches
    package let logging: Logging
    package let process: ProcessSettings
    package let workers: Workers
}

extension ServerConfiguration {
    /// Whether the server relays at all.
    package enum Relaying: Hashable, Sendable {
        case enabled
        /// Binding requests only, and why.
        case stunOnly(reason: String)
    }

    package struct Listeners: Hashable, Sendable {
        package enum Addresses: Hashable, Sendable {
            /// Nothing was written: every address of the host.
            case allLocal
            case these([IPAddress])
        }

        package let addresses: Addresses
        package let port: UInt16
        /// `no-udp` was not written.
        package let servesUDP: Bool
        /// The network interface to bind to.
        package let device: String?
        /// For listeners and relay sockets.
        package let socketBufferByteCount: Int
    }

    package struct Relay: Hashable, Sendable {
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

        package let addresses: Addresses
        package let externalAddresses: ExternalAddresses
        package let ports: RelayPortRange
        package let portQuarantineSeconds: UInt32
        package let allowsUDP: Bool
        package let allowsTCP: Bool
        package let defaultFamily: DefaultFamily
    }

    package struct Authentication: Hashable, Sendable {
        /// No name occurs twice.
        package let staticUsers: [StaticUser]
        /// All of them are accepted; at most `sharedSecretCountMax`.
        package let sharedSecrets: [String]
        /// ASCII, no digit.
        package let restSeparator: UInt8
        /// A refresh after the expiry of time-limited credentials fails.
        package let strictExpiry: Bool
        /// `no-auth` was written: everybody may relay. Then there are neither users nor secrets.
        package let anonymous: Bool
        /// Nil when not written: the domain name of the host.
        package let realm: String?
        package let serverName: String?
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
        package let allocationsInTotal: Int?
        package let allocationsPerAddress: Int?
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
        /// New peer addresses an allocation may name at once before the rate counts.
        package static let newPeersBurst = 64

        package let unauthorizedAnswersPerSource: Int?
        package let bindingAnswersPerSource: Int?
        package let newPeersPerAllocation: Int?
    }

    package struct Lifetimes: Hashable, Sendable {
        /// RFC 8656 §7.2: 600, or the maximum if that is less.
        package var allocationDefaultSeconds: UInt32 { min(600, allocationMaximumSeconds) }
        package let allocationMaximumSeconds: UInt32
        package let channelSeconds: UInt32
        package let permissionSeconds: UInt32
    }

    package struct PeerPolicy: Hashable, Sendable {
        /// In the order in which they were written. Allowing rules win over denying ones.
        package let rules: [PeerRule]
        package let allowsLoopback: Bool
        /// Peers with ports below 1024 are refused.
        package let deniesLowPorts: Bool
    }

    package struct ProtocolSwitches: Hashable, Sendable {
        package let alwaysAddsFingerprint: Bool
        package let sendsSoftware: Bool
        package let sendsReasonPhrase: Bool
        package let acceptsRFC3489: Bool
        /// Channel numbers 0x5000 through 0x7FFF are accepted.
        package let acceptsRFC5766Channels: Bool
        /// `no-stun` was not written.
        package let answersBinding: Bool
    }

    package struct Logging: Hashable, Sendable {
        package enum Destination: Hashable, Sendable {
            case standardOutput
            case systemLog
            /// `addsSuffix`: the process id and the date belong into the name.
            case file(path: String, addsSuffix: Bool)
        }

        package enum Verbosity: Hashable, Sendable {
            case normal
            case verbose
            case extraVerbose
        }

        package enum Level: String, Hashable, Sendable, CaseIterable {
            case debug
            case info
            case notice
            case warning
            case error
        }

        /// At least one.
        package let destinations: [Destination]
        package let verbosity: Verbosity
        package let minimumLevel: Level
        package let logsBindings: Bool
        package let logsInvalidPackets: Bool
    }

    package struct ProcessSettings: Hashable, Sendable {
        package let pidFile: String?
        package let user: String?
        package let group: String?
    }

    package struct Workers: Hashable, Sendable {
        package static let countMax = 128

        /// 1...128; nil when not written.
        let writtenCount: Int?
        /// Nil when not written or 0.
        let writtenProcessorCount: Int?

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
