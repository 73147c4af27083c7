import CTLS

/// Why a session ended otherwise than by close_notify. None of them says more to the peer than its alert did.
package enum TLSFailure: Hashable, Sendable {
    /// The first bytes were another protocol.
    case notTLS
    case unsupportedVersion
    case noSharedCipher
    /// ALPN found nothing in common (RFC 7301 §3.2).
    case noApplicationProtocol
    /// It was missing, or of no authority that we know.
    case clientCertificate
    /// A record that was changed on its way, or by its sender.
    case badRecord
    /// The peer gave up, with this code (RFC 8446 §6).
    case peerAlert(UInt8)
    /// More bytes than a handshake may have.
    case handshakeTooLong
    /// No answer to any retransmission.
    case timeout
    case outOfMemory
    /// Anything else that RFC 8446, RFC 5246 or RFC 6347 does not allow.
    case protocolViolation
}

/// How a session stands after a call.
package enum TLSProgress: Equatable, Sendable {
    /// Everything was used.
    case needsInput
    /// There is more plain text: call again, with what was not taken of the input.
    case hasMore
    /// The outbox has no room: empty it and call again, with what was not taken of the input.
    case outboxFull
    /// The peer said that it sends no more.
    case closed
    case failed(TLSFailure)
}

/// What a call of `receive` did.
package struct TLSReceipt: Equatable, Sendable {
    /// Of the input; the rest must be given again.
    package let takenByteCount: Int
    /// Written to the room for plain text, from its start.
    package let plaintextByteCount: Int
    package let progress: TLSProgress
}

/// What a handshake agreed on.
package struct TLSAgreement: Equatable, Sendable {
    /// Versions by their number on the wire.
    package enum Version: Hashable, Sendable {
        case tls12, tls13, dtls12
    }

    package let version: Version
    /// OpenSSL's name.
    package let cipher: String
    /// By ALPN.
    package let applicationProtocol: String?
}

/// A TLS connection of a client as a machine: bytes go in and come out, and it never waits.
///
/// The time at which certificates of clients are judged and the randomness of keys are OpenSSL's own; everything else
/// follows from the input. Lives on one thread at a time.
@safe
package struct TLSSession: ~Copyable, @unchecked Sendable {  // reason: it has one owner, and no thread is remembered
    let handle: OpaquePointer
    /// OpenSSL's callbacks use it as long as the session lives.
    private let context: TLSContext

    /// Waits for a ClientHello. Nil when there is no memory.
    package init?(_ context: TLSContext) {
        guard let made = unsafe tern_tls_session_make(context.handle) else { return nil }
        unsafe handle = made
        self.context = context
    }

    deinit { unsafe tern_tls_session_free(handle) }

    /// Takes bytes of the network, as many as `plaintext` and `outbox` allow, in whatever pieces they come. Answers of
    /// the handshake go to the outbox; those to a peer that failed as well, so it is to be sent in any case.
    package mutating func receive(
        _ ciphertext: RawSpan, plaintext: inout MutableRawSpan, outbox: inout TLSOutbox
    ) -> TLSReceipt {
        var produced = 0
        let handle = unsafe handle
        let (status, taken) = unsafe plaintext.withUnsafeMutableBytes { room in
            let start = unsafe room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe outbox.withIO(reading: ciphertext) { io in
                unsafe tern_tls_receive(handle, io, start, room.count, &produced)
            }
        }
        return TLSReceipt(takenByteCount: taken, plaintextByteCount: produced, progress: progress(status))
    }

    /// Encrypts as much as the outbox has room for, which is how many bytes are returned. Nothing before the handshake
    /// is complete, and nothing after `close` or a failure.
    package mutating func send(_ plaintext: RawSpan, outbox: inout TLSOutbox) -> Int {
        var taken = 0
        let handle = unsafe handle
        unsafe plaintext.withUnsafeBytes { plain in
            let start = unsafe plain.baseAddress?.assumingMemoryBound(to: UInt8.self)
            _ = unsafe outbox.withIO(reading: RawSpan()) { io in
                unsafe tern_tls_send(handle, io, start, plain.count, &taken)
            }
        }
        return taken
    }

    /// Says that we send no more (close_notify). The peer may still send, and should be read until it says so too.
    package mutating func close(outbox: inout TLSOutbox) {
        let handle = unsafe handle
        _ = unsafe outbox.withIO(reading: RawSpan()) { io in unsafe tern_tls_close(handle, io) }
    }

    package var isEstablished: Bool { unsafe tern_tls_is_established(handle) }

    /// Whether the peer said that it sends no more. When the connection ends and this is false, what came may have
    /// been cut short by somebody else (RFC 8446 §6.1).
    package var wasClosedByPeer: Bool { unsafe tern_tls_has_closed(handle) }

    package var failure: TLSFailure? {
        let code = unsafe Int(tern_tls_failure(handle))
        switch code {
        case TERN_TLS_FAILURE_NONE: return nil
        case TERN_TLS_FAILURE_NOT_TLS: return .notTLS
        case TERN_TLS_FAILURE_VERSION: return .unsupportedVersion
        case TERN_TLS_FAILURE_NO_SHARED_CIPHER: return .noSharedCipher
        case TERN_TLS_FAILURE_NO_APPLICATION_PROTOCOL: return .noApplicationProtocol
        case TERN_TLS_FAILURE_CLIENT_CERTIFICATE: return .clientCertificate
        case TERN_TLS_FAILURE_BAD_RECORD: return .badRecord
        case TERN_TLS_FAILURE_PEER_ALERT: return unsafe .peerAlert(UInt8(truncatingIfNeeded: tern_tls_alert(handle)))
        case TERN_TLS_FAILURE_TOO_LONG: return .handshakeTooLong
        case TERN_TLS_FAILURE_TIMEOUT: return .timeout
        case TERN_TLS_FAILURE_MEMORY: return .outOfMemory
        default: return .protocolViolation
        }
    }

    /// Nil until the handshake is complete.
    package var agreement: TLSAgreement? {
        guard isEstablished else { return nil }
        var name = [UInt8](repeating: 0, count: 255)
        let count = unsafe tern_tls_protocol(handle, &name, name.count)
        let version: TLSAgreement.Version =
            switch unsafe tern_tls_version(handle) {
            case 0x0304: .tls13
            case 0xFEFD: .dtls12
            default: .tls12
            }
        return TLSAgreement(
            version: version, cipher: unsafe String(cString: tern_tls_cipher(handle)),
            applicationProtocol: count == 0 ? nil : String(decoding: name[..<count], as: UTF8.self))
    }

    func progress(_ status: Int32) -> TLSProgress {
        switch Int(status) {
        case TERN_TLS_NEEDS_INPUT: .needsInput
        case TERN_TLS_MORE: .hasMore
        case TERN_TLS_OUTPUT_FULL: .outboxFull
        case TERN_TLS_CLOSED: .closed
        default: .failed(failure ?? .protocolViolation)
        }
    }
}
