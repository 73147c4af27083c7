import CTLS
package import NetworkPrimitives

/// A DTLS 1.2 association of a client that has shown its address. As `TLSSession`, with three differences: a datagram
/// is taken whole, each record is a message of its own, and the handshake has a timer.
///
/// OpenSSL keeps that timer by the wall clock. `nextTimeout` translates what is left into the caller's time, and
/// `handleTimeout` does nothing when it comes too early, which happens when the wall clock is set back. Only
/// handshakes have a timer, so the caller's limit on their age ends what hangs by it.
package struct DTLSSession: ~Copyable, Sendable {
    private var session: TLSSession

    init(_ session: consuming TLSSession) { self.session = session }

    /// Takes one datagram and writes at most one message. While the progress is `hasMore`, call again with an empty
    /// datagram, or with the same one when none of it was taken. Broken and forged records are dropped in silence
    /// (RFC 6347 §4.1.2.7). A message that is longer than `plaintext` comes in pieces.
    package mutating func receive(
        _ datagram: RawSpan, plaintext: inout MutableRawSpan, outbox: inout TLSOutbox
    ) -> TLSReceipt {
        session.receive(datagram, plaintext: &plaintext, outbox: &outbox)
    }

    /// Encrypts one message into one datagram. False when the outbox has no room for it, when it is longer than a
    /// record, and before and after the time in which there are messages.
    package mutating func send(_ message: RawSpan, outbox: inout TLSOutbox) -> Bool {
        message.byteCount > 0 && session.send(message, outbox: &outbox) == message.byteCount
    }

    /// Says that we send no more (close_notify). It may be lost like any datagram.
    package mutating func close(outbox: inout TLSOutbox) { session.close(outbox: &outbox) }

    /// When the last flight is to be sent again; nil when nothing is awaited.
    package func nextTimeout(at now: Instant) -> Instant? {
        let microseconds = unsafe tern_dtls_remaining(session.handle)
        guard microseconds >= 0 else { return nil }
        // A timer of a minute is the longest there is; a clock that jumped must not make more of it.
        return now.advanced(byMilliseconds: UInt32(min((microseconds + 999) / 1000, 60_000)))
    }

    /// Sends the last flight again when it is time, and fails after twelve times without an answer.
    package mutating func handleTimeout(outbox: inout TLSOutbox) -> TLSProgress {
        let handle = unsafe session.handle
        let (status, _) = unsafe outbox.withIO(reading: RawSpan()) { io in
            unsafe tern_dtls_handle_timeout(handle, io)
        }
        return session.progress(status)
    }

    package var isEstablished: Bool { session.isEstablished }

    /// See `TLSSession.wasClosedByPeer`; datagrams have no other end, so idle sessions must time out.
    package var wasClosedByPeer: Bool { session.wasClosedByPeer }

    package var failure: TLSFailure? { session.failure }

    package var agreement: TLSAgreement? { session.agreement }
}
