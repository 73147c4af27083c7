extension ServerConfiguration {
    /// Signaling, the HTTP interface beside it, and the site, all on one TCP port.
    package struct Signaling: Hashable, Sendable {
        /// Those of the relay's listeners unless others were written.
        package let addresses: Listeners.Addresses
        /// Not 0.
        package let port: UInt16
        /// Whose pages may connect.
        package let origins: Origins
        /// Names of rooms, `prefix*` or `*`; each once.
        package let anonymousRooms: [String]
        /// No id occurs twice.
        package let apiKeys: [SignalingAPIKey]
        /// Each once, 32 to 1024 bytes. Without one nobody administers.
        package let adminKeys: [String]
        /// No issuer occurs twice, and none is the id of an API key: an issuer names one key.
        package let tokenIssuers: [SignalingTokenIssuer]
        /// What clients are told; empty means the name by which they called.
        package let turnHosts: [SignalingHost]
        /// Who is believed about where a client comes from.
        package let trustedProxies: [PeerMatcher]
        /// The directory of the site; nil for the built-in pages.
        package let staticRoot: String?
        /// permessage-deflate is agreed to.
        package let compressesMessages: Bool
        /// TURN credentials of members.
        /// The protocols of other signaling servers.
        package let dialects: Dialects
        package let credentials: Credentials
        package let limits: Limits
        package let http: HTTPLimits
    }
}

extension ServerConfiguration.Signaling {
    /// Whose pages may connect. Without any entry those of the server's own site.
    package struct Origins: Hashable, Sendable {
        /// `*` was written.
        package let allowsAny: Bool
        /// `null` was written.
        package let allowsNull: Bool
        /// As browsers send them, each once.
        package let named: [String]
    }

    /// TURN credentials of members. Times in seconds.
    package struct Credentials: Hashable, Sendable {
        /// What becomes of the allocations of a member that left.
        package enum OnLeave: String, Hashable, Sendable {
            /// They end by themselves.
            case keep
            /// They end after `leaveGraceSeconds`.
            case grace
            /// They end at once.
            case delete
        }

        /// At most `lifetimeSecondsMax`.
        package let lifetimeSeconds: UInt32
        package let lifetimeSecondsMax: UInt32
        /// Of visitors of anonymous rooms; at most `lifetimeSecondsMax`.
        package let anonymousLifetimeSeconds: UInt32
        /// How long allocations go on in a session whose credentials have expired.
        package let sessionSecondsMax: UInt32
        package let onLeave: OnLeave
        /// How long a member that left can still allocate.
        package let leaveGraceSeconds: UInt32
        /// Of one member; nil is no limit.
        package let allocationsPerMember: Int?
    }

    /// How much a stranger can make signaling hold or do. A source is an IPv4 address or an IPv6 /64.
    package struct Limits: Hashable, Sendable {
        package let connectionsMax: Int
        package let connectionsPerSourceMax: Int
        package let connectsPerSecondPerSource: Int
        package let connectsBurstPerSource: Int
        /// Refused tokens and keys.
        package let failuresPerMinutePerSource: Int
        /// Without a token. 0 is no limit.
        package let anonymousJoinsPerSecondPerSource: Int
        package let anonymousJoinsBurstPerSource: Int
        package let sessionsMax: Int
        package let roomsPerSessionMax: Int
        package let roomsMax: Int
        package let roomCapacity: Int
        package let emptyRoomSeconds: UInt32
        package let messageByteCountMax: Int
        package let messagesPerSecond: Int
        package let messagesBurst: Int
        package let metadataByteCountMax: Int
        /// At least `messageByteCountMax`.
        package let queueByteCountMax: Int
        package let queueMessagesMax: Int
        package let resumeSeconds: UInt32
        /// At most `queueMessagesMax`.
        package let replayMessagesMax: Int
        /// At most `queueByteCountMax`.
        package let replayByteCountMax: Int
        package let heartbeatSeconds: UInt32
        package let helloSeconds: UInt32
    }

    /// What one HTTP request may be and take.
    package struct HTTPLimits: Hashable, Sendable {
        /// Request line and headers.
        package let headByteCountMax: Int
        package let headersMax: Int
        package let bodyByteCountMax: Int
        package let headSeconds: UInt32
        package let bodySeconds: UInt32
        package let idleSeconds: UInt32
    }

    /// Every token names one key, so the number costs little; more are a mistake in a script.
    package static let keyCountMax = 64
    /// Patterns, sites and proxies are looked through one by one.
    package static let listCountMax = 256
    /// Each is a URL or three in what every client is told.
    package static let turnHostCountMax = 4
}

extension ServerConfiguration.Signaling: CustomStringConvertible, CustomReflectable {
    /// How many keys there are, not which: a configuration that is printed by accident shows none.
    package var description: String {
        "port \(port), \(apiKeys.count) API keys, \(adminKeys.count) admin keys, \(tokenIssuers.count) issuers"
    }

    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
