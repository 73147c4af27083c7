import CTLS
import Crypto
package import NetworkPrimitives

/// What became of a datagram from an address without a session.
package enum DTLSGreeting: ~Copyable {
    /// It is no ClientHello.
    case ignored
    /// The outbox holds a HelloVerifyRequest.
    case challenged
    /// It brought the cookie back, so the address is real; the outbox holds our first flight.
    case accepted(DTLSSession)
}

/// Meets strangers over DTLS, and remembers nothing of them until they have shown that they receive what is sent to
/// their address (RFC 6347 §4.2.1).
///
/// The cookie is an HMAC over address, port and the minute. A whole minute older is taken too.
package struct DTLSListener: ~Copyable {
    private static let cookieSeconds: UInt64 = 60

    private let context: TLSContext
    private let key: HMACSHA256Key
    /// Takes one ClientHello after the other, and becomes the session of one that is good.
    private var next: TLSSession?

    /// `cookieKey` is a secret of at least 16 random bytes; who shares it takes the cookies of the others.
    package init(_ context: TLSContext, cookieKey: [UInt8]) {
        precondition(context.transport == .dtls, "a context of streams knows no cookies")
        precondition(cookieKey.count >= 16, "who guesses the key makes cookies for addresses that are not his")
        self.context = context
        key = HMACSHA256Key(key: cookieKey)
        next = TLSSession(context)
    }

    /// Whether these bytes begin an association: a handshake record of epoch 0 with a ClientHello (RFC 6347 §4.3.2).
    ///
    /// An address that has a session may send one too, after a restart (§4.2.8). It then goes to `receive` of the
    /// listener, and the old session must live on until that returns `accepted`: anybody can forge a ClientHello.
    package static func isClientHello(_ datagram: RawSpan) -> Bool {
        guard datagram.byteCount >= 25 else { return false }
        let record = datagram.bigEndianUInt32(at: 0)
        // Type 22, major version 254, and the two bytes of the epoch behind it; then type 1 of the handshake.
        return record >> 16 == 0x16FE && datagram.bigEndianUInt16(at: 3) == 0
            && datagram.bigEndianUInt16(at: 13) >> 8 == 1
    }

    /// Looks at a datagram of an address that has no session.
    package mutating func receive(
        _ datagram: RawSpan, from client: SocketAddress, at now: Instant, outbox: inout TLSOutbox
    ) -> DTLSGreeting {
        guard Self.isClientHello(datagram) else { return .ignored }
        guard let session = next.take() ?? TLSSession(context) else { return .ignored }
        let minute = now.nanoseconds / 1_000_000_000 / Self.cookieSeconds
        let cookie = cookie(for: client, minute: minute)
        let before = self.cookie(for: client, minute: minute == 0 ? 0 : minute - 1)
        let sent = outbox.byteCount
        let handle = unsafe session.handle
        let (result, _) = unsafe outbox.withIO(reading: datagram) { io in
            unsafe tern_dtls_listen(handle, io, cookie, before, cookie.count)
        }
        if result == 1 { return .accepted(DTLSSession(session)) }
        next = consume session
        return outbox.byteCount > sent ? .challenged : .ignored
    }

    private func cookie(for client: SocketAddress, minute: UInt64) -> [UInt8] {
        let (high, low): (UInt64, UInt64) =
            switch client.ip {
            case .v4(let address): (0, UInt64(address.rawValue))
            case .v6(let address): (address.high, address.low)
            }
        let about: [UInt64] = [minute, high, low, UInt64(client.port) << 8 | UInt64(client.ip.family.rawValue)]
        return unsafe key.authenticate(about.span.bytes).array
    }
}
