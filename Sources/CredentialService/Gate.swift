package import NetworkPrimitives
package import Signaling

/// Whom the operator lets in: the holders of tokens, and strangers into the rooms that are open to them.
package struct Gate: Gatekeeper {
    /// What somebody without a token gets.
    package struct AnonymousAccess: Sendable {
        /// The rooms that are open; none by default.
        package var rooms: [RoomPattern]
        /// The longest lifetime of TURN credentials. Shorter than that of members with a token, as nobody answers for
        /// it.
        package var credentialSecondsMax: UInt32
        /// Who counts as anonymous at all.
        package var visitors: Visitors

        /// Who may be a stranger here.
        package enum Visitors: Hashable, Sendable {
            case everybody
            /// Those on this machine: the mode for development.
            case onLoopback
        }

        package init(
            rooms: [RoomPattern] = [], credentialSecondsMax: UInt32 = 300, visitors: Visitors = .everybody
        ) {
            self.rooms = rooms
            self.credentialSecondsMax = credentialSecondsMax
            self.visitors = visitors
        }

        /// Everything but throwing others out.
        static let grants: Grants = [.join, .signal, .broadcast, .turn]
    }

    private let tokens: TokenVerifier
    private let anonymous: AnonymousAccess
    private let issuer: CredentialIssuer?

    /// Without an issuer, as on a server that relays nothing, members get no credentials.
    package init(tokens: TokenVerifier, anonymous: AnonymousAccess = AnonymousAccess(), issuer: CredentialIssuer?) {
        self.tokens = tokens
        self.anonymous = anonymous
        self.issuer = issuer
    }

    package func identify(_ token: [UInt8], at unixTime: UnixTime) throws(AdmissionRefusal) -> Pass {
        try tokens.verify(token, at: unixTime)
    }

    /// Somebody with a pass is judged by the pass alone, even in a room that is open to strangers: a token says all
    /// that its holder may do, and one that has run out does not turn its holder into a stranger.
    package func admit(
        _ pass: Pass?, to room: RoomName, from visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> Admission {
        guard let pass else { return try admitAnonymous(to: room, from: visitor) }
        try pass.checkTimes(at: unixTime)
        guard pass.grants.contains(.join), pass.rooms?.matches(room) == true else { throw .forbidden }
        return Admission(
            identity: pass.subject.map { Admission.Identity(issuer: pass.issuer, subject: $0) }, grants: pass.grants,
            capacity: pass.capacity, credentialSecondsMax: pass.credentialSecondsMax, transports: pass.transports)
    }

    package func issue(
        to member: MemberTag, _ admission: Admission, visitor: Visitor, at unixTime: UnixTime
    ) -> IssuedCredentials? {
        guard admission.grants.contains(.turn) else { return nil }
        let terms = CredentialTerms(
            requestedSeconds: admission.credentialSeconds, secondsMax: admission.credentialSecondsMax,
            transports: admission.transports)
        return issuer?.issue(to: .member(member), terms, visitor: visitor, at: unixTime)
    }

    private func admitAnonymous(to room: RoomName, from visitor: Visitor) throws(AdmissionRefusal) -> Admission {
        guard anonymous.rooms.contains(where: { $0.matches(room) }), isWelcome(visitor) else { throw .unauthorized }
        return Admission(
            identity: nil, grants: AnonymousAccess.grants, credentialSecondsMax: anonymous.credentialSecondsMax)
    }

    private func isWelcome(_ visitor: Visitor) -> Bool {
        switch anonymous.visitors {
        case .everybody: return true
        case .onLoopback:
            guard visitor.address.unmapped.isLoopback else { return false }
            // A page from elsewhere can reach us through a browser on this machine by a name of its own that leads to
            // 127.0.0.1 (DNS rebinding), and so can the world through a proxy. Both call us by another name.
            guard let host = visitor.host else { return true }
            return IceHost(host)?.isLoopback ?? false
        }
    }
}
