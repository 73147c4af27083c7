import Crypto
import NetworkPrimitives
import STUN
import TURN

/// A client as bytes: all that it ever sends is made beforehand, so that nothing of it is measured.
struct Requests {
    static let channel: UInt16 = 0x4000

    let path: FiveTuple
    let peer: SocketAddress
    private let username: [UInt8]
    private let key: HMACSHA1Key
    private let nonce: [UInt8]

    init(
        _ world: borrowing World, client: SocketAddress, peer: SocketAddress, username: [UInt8], password: [UInt8]
    ) {
        path = FiveTuple(client: ClientAddress(client), server: World.server, transport: .udp)
        self.peer = peer
        self.username = username
        let colon = [UInt8(ascii: ":")]
        let text = username + colon + World.realm + colon + password
        key = HMACSHA1Key(key: text.withRawSpan { MD5.hash($0).array })
        nonce = world.nonce(for: path)
    }

    var binding: [UInt8] { message(.binding) { $0.appendFingerprint() } }

    /// An Allocate that knows nothing yet.
    var firstAllocate: [UInt8] {
        message(.allocate) { $0.append(.requestedTransport, UInt32(17) << 24) }
    }

    /// A Refresh that knows nothing yet.
    var firstRefresh: [UInt8] { message(.refresh) { $0.append(.lifetime, UInt32(600)) } }

    var allocate: [UInt8] {
        authenticated(.allocate) { $0.append(.requestedTransport, UInt32(17) << 24) }
    }

    /// An allocation that outlives the measurement.
    var allocateForLong: [UInt8] {
        authenticated(.allocate) { writer in
            writer.append(.requestedTransport, UInt32(17) << 24)
            writer.append(.lifetime, World.longSeconds)
        }
    }

    func refresh(seconds: UInt32) -> [UInt8] { authenticated(.refresh) { $0.append(.lifetime, seconds) } }

    var createPermission: [UInt8] {
        authenticated(.createPermission) { $0.appendXORAddress(.xorPeerAddress, peer) }
    }

    var channelBind: [UInt8] {
        authenticated(.channelBind) { writer in
            writer.append(.channelNumber, UInt32(Self.channel) << 16)
            writer.appendXORAddress(.xorPeerAddress, peer)
        }
    }

    func channelData(byteCount: Int) -> [UInt8] {
        let header = [
            UInt8(Self.channel >> 8), UInt8(Self.channel & 0xFF), UInt8(byteCount >> 8), UInt8(byteCount & 0xFF),
        ]
        return header + [UInt8](repeating: 0xA5, count: byteCount)
    }

    func sendIndication(byteCount: Int) -> [UInt8] {
        message(.send, .indication) { writer in
            writer.appendXORAddress(.xorPeerAddress, peer)
            writer.append(.data, [UInt8](repeating: 0xA5, count: byteCount))
        }
    }

    private func authenticated(_ method: Method, _ body: (inout MessageWriter) -> Void) -> [UInt8] {
        message(method) { writer in
            body(&writer)
            writer.append(.username, username)
            writer.append(.realm, World.realm)
            writer.append(.nonce, nonce)
            writer.appendMessageIntegrity(key)
        }
    }

    private func message(
        _ method: Method, _ messageClass: MessageClass = .request, _ body: (inout MessageWriter) -> Void
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 2048)
        var span = bytes.mutableSpan
        var writer = unsafe MessageWriter(
            into: span.mutableBytes, type: MessageType(method, messageClass),
            transactionID: TransactionID(high: UInt32(method.rawValue), low: 0x0102_0304_0506_0708))
        body(&writer)
        let count = writer.finish()
        return Array(bytes[..<count])
    }
}
