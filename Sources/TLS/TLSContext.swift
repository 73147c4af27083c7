import CTLS

/// What the sessions of a listener have in common: identities, versions, ciphers, ALPN. Never changes; a renewed
/// certificate is a new context, and sessions that live keep the one they began with.
///
/// A class because it owns memory of OpenSSL that all threads make sessions from.
@safe
package final class TLSContext: @unchecked Sendable {  // reason: OpenSSL counts references to it atomically
    /// Streams or datagrams: TLS 1.2 and 1.3, or DTLS 1.2, the only one that OpenSSL 3.0 has beside the broken 1.0.
    package enum Transport: Hashable, Sendable {
        case tls, dtls
    }

    /// How sessions are to be. What is left out is as OpenSSL or this file prefers it.
    package struct Settings: Equatable, Sendable {
        package var transport: Transport
        /// ALPN in order of preference (RFC 7301). A client that offers only others is refused, one that offers none
        /// is served.
        package var applicationProtocols: [String] = []
        /// `cipher-list`, for TLS 1.2 and DTLS 1.2. TLS 1.3 has no weak ones.
        package var cipherList: String?
        /// `ec-curve-name`: names with colons between them.
        package var groups: String?
        /// `no-tlsv1_2`.
        package var refusesTLS12 = false
        /// `CA-file` as PEM: a client then needs a certificate of one of these authorities.
        package var clientAuthorities: [UInt8]?
        /// What a client may send until the handshake is complete; a chain of certificates is what needs most.
        package var handshakeByteCountMax: UInt32 = 65_536
        /// The payload of a datagram of the handshake. 1200 bytes pass everywhere that IPv6 passes.
        package var datagramByteCountMax: UInt32 = 1200
        /// Until an unanswered flight is sent again (RFC 6347 §4.2.4.1); twice as long at each further time. At least
        /// 16: OpenSSL takes a timer with less than 15 ms to go for expired.
        package var retransmissionMilliseconds: UInt32 = 1000

        package init(transport: Transport) { self.transport = transport }
    }

    package let transport: Transport
    /// In the order given.
    package let identities: [TLSIdentity]

    let handle: OpaquePointer

    /// One identity, or one for each kind of key: OpenSSL takes what the client can check, ECDSA before RSA.
    package init(_ identities: [TLSIdentity], _ settings: Settings) throws(TLSConfigurationError) {
        guard !identities.isEmpty else { throw .noIdentity }
        var problem = tern_tls_problem()
        let made = unsafe Self.make(identities, settings, &problem)
        guard let made = unsafe made else { throw Self.error(problem, identities, settings) }
        unsafe handle = made
        transport = settings.transport
        self.identities = identities
    }

    deinit { unsafe tern_tls_context_free(handle) }

    private static func make(
        _ identities: [TLSIdentity], _ settings: Settings, _ problem: inout tern_tls_problem
    ) -> OpaquePointer? {
        let handles = unsafe identities.map { unsafe $0.handle }
        // RFC 7301 §3.1: each name behind a byte with its length.
        let protocols = settings.applicationProtocols.flatMap { name -> [UInt8] in
            precondition((1...255).contains(name.utf8.count), "ALPN writes the length into one byte")
            return [UInt8(name.utf8.count)] + name.utf8
        }
        precondition(settings.retransmissionMilliseconds >= 16, "OpenSSL would send each flight twice at once")
        precondition(settings.datagramByteCountMax >= 256, "OpenSSL cannot cut a handshake into smaller pieces")
        var options = unsafe tern_tls_options()
        unsafe options.datagrams = settings.transport == .dtls
        unsafe options.refuses_1_2 = settings.refusesTLS12
        unsafe options.handshake_bytes_max = settings.handshakeByteCountMax
        unsafe options.payload_max = settings.datagramByteCountMax
        unsafe options.retransmission_milliseconds = min(settings.retransmissionMilliseconds, 60_000)
        return unsafe withOptionalCString(settings.cipherList) { ciphers in
            unsafe withOptionalCString(settings.groups) { groups in
                unsafe protocols.withUnsafeBufferPointer { protocols in
                    unsafe (settings.clientAuthorities ?? []).withUnsafeBufferPointer { authorities in
                        unsafe options.ciphers = ciphers
                        unsafe options.groups = groups
                        unsafe options.protocols = protocols.baseAddress
                        unsafe options.protocols_count = protocols.count
                        if settings.clientAuthorities != nil {
                            unsafe options.authorities = authorities.baseAddress
                            unsafe options.authorities_count = authorities.count
                        }
                        return unsafe tern_tls_context_make(&options, handles, handles.count, &problem)
                    }
                }
            }
        }
    }

    private static func error(
        _ problem: tern_tls_problem, _ identities: [TLSIdentity], _ settings: Settings
    ) -> TLSConfigurationError {
        let index = Int(problem.index)
        let source = identities.indices.contains(index) ? identities[index].source : ""
        return switch Int(problem.code) {
        case TERN_TLS_CIPHERS: .ciphers(settings.cipherList ?? "", reason: problem.reason)
        case TERN_TLS_GROUPS: .groups(settings.groups ?? "", reason: problem.reason)
        case TERN_TLS_AUTHORITIES: .authorities(reason: problem.reason)
        case TERN_TLS_IDENTITY_REFUSED: .refused(certificate: source, reason: problem.reason)
        case TERN_TLS_IDENTITY_TWICE: .twoOfOneKind(certificate: source)
        default: .library(reason: problem.reason)
        }
    }
}
