import NetworkPrimitives
import STUN

/// How long things live (RFC 8656 §7.2, §9, §12).
package struct LifetimePolicy: Sendable {
    package let defaultSeconds: UInt32
    package let maximumSeconds: UInt32
    package let permissionSeconds: UInt32
    package let channelSeconds: UInt32

    package init(
        defaultSeconds: UInt32 = 600, maximumSeconds: UInt32 = 3600, permissionSeconds: UInt32 = 300,
        channelSeconds: UInt32 = 600
    ) {
        precondition(defaultSeconds > 0, "a zero default would delete on every refresh")
        precondition(defaultSeconds <= maximumSeconds)
        precondition(permissionSeconds > 0 && channelSeconds > 0)
        self.defaultSeconds = defaultSeconds
        self.maximumSeconds = maximumSeconds
        self.permissionSeconds = permissionSeconds
        self.channelSeconds = channelSeconds
    }

    /// Never less than the default, never more than the maximum (RFC 8656 §7.2).
    package func grant(requestedSeconds: UInt32?) -> UInt32 {
        min(max(requestedSeconds ?? defaultSeconds, defaultSeconds), maximumSeconds)
    }

    /// How long a port is held for RESERVATION-TOKEN (RFC 8656 §7.2: at least 30 seconds).
    package static let reservationSeconds: UInt32 = 30
}

/// Who may use the relay.
package enum Access: Sendable {
    /// Long-term credentials (RFC 8489 §9.2).
    case credentials(CredentialDirectory)
    /// Anybody: only when the operator wrote `no-auth`.
    case anonymous
    /// Nobody: STUN alone.
    case stunOnly
}

/// Which relayed address a client gets that names no family (RFC 8656 §7.2).
package enum DefaultAddressFamily: Sendable {
    case ipv4, ipv6
    /// The family that the client itself uses.
    case sameAsClient
}

/// Everything about the protocol that a configuration decides: one immutable value, replaced as a whole.
package struct TURNSettings: Sendable {
    package var realm: [UInt8]
    package var access: Access
    package var nonces: NonceAuthority
    package var relayAddresses: [RelayAddress]
    /// Those to take from when the client did not reach us by a relay address of the family it wants.
    package var fallbackRelayAddresses: [RelayAddress]
    package var peerFilter: PeerFilter
    package var limits: Limits
    package var lifetimes = LifetimePolicy()
    package var channelNumbers = ChannelNumberRange.rfc8656
    package var defaultAddressFamily = DefaultAddressFamily.ipv4
    /// Bytes a second and direction of one allocation; 0 is without limit.
    package var bytesPerSecondMax: UInt64 = 0
    /// 401, 438 and 400 answers a second to one source; 0 is without limit.
    package var unauthenticatedRepliesPerSecond = 20
    /// Binding answers a second to one source; 0 is without limit.
    package var bindingRepliesPerSecond = 100
    /// Whether UDP is relayed (`no-udp-relay` says no).
    package var relaysUDP = true
    /// Whether there is anything beside Binding.
    package var servesTURN = true
    /// Whether TCP is relayed (`no-tcp-relay` says no).
    package var relaysTCP = true
    /// The ports of relayed addresses. On an address of our own, Connect reaches these and nothing else.
    package var relayPorts: ClosedRange<UInt16> = 1024...65_535
    package var answersBinding = true
    /// Nil unless the server has two addresses for it.
    package var discovery: NATDiscovery?
    /// Where Allocate requests are sent instead; see `TURNServer.alternates`.
    package var alternates = AlternateServers.none
    /// Whether answered Binding requests are reported, for a log.
    package var reportsBindings = false
    package var requiresAuthenticationForBinding = false
    package var answersClassicBinding = false
    package var alwaysAddsFingerprint = false
    package var sendsReasonPhrases = false
    /// Makes tickets by which clients keep their allocation at another address (RFC 8016); nil forbids that.
    package var tickets: TicketAuthority?
    /// SOFTWARE of authenticated responses; nobody else is told.
    package var software: [UInt8]?

    package init(
        realm: [UInt8], access: Access, nonces: NonceAuthority, relayAddresses: [RelayAddress],
        peerFilter: PeerFilter, limits: Limits
    ) {
        precondition(realm.count <= 128, "a longer realm would make 401 an amplifier")
        self.realm = realm
        self.access = access
        self.nonces = nonces
        self.relayAddresses = relayAddresses
        fallbackRelayAddresses = relayAddresses
        self.peerFilter = peerFilter
        self.limits = limits
    }

    package var externalAddresses: ExternalAddresses { ExternalAddresses(relayAddresses) }
}
