import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN

/// One client of the server: its way there, and how far it has come with its requests.
final class Client {
    enum Step {
        /// An Allocate without credentials, which is answered by realm and nonce.
        case challenge
        /// A Binding request, which shows that the server has finished its handshake too.
        case ask
        case allocate, permit, bind, release
        /// The one datagram that the floor forwarder wants.
        case openFloor
    }

    enum Progress {
        case waiting, advanced, finished, failed(Int)
        /// The connection is gone.
        case lost
    }

    /// The channel of every client: it means something only together with the client's address. Low, because new
    /// versions of coturn refuse 0x5000 and up.
    static let channel: UInt16 = 0x4000

    let link: Link
    private let credentials: Credentials
    private let peer: SocketAddress
    private(set) var relayed: SocketAddress?
    private(set) var nonce: [UInt8] = []
    private var steps: ArraySlice<Step> = []
    private var transaction: TransactionID
    private(set) var retransmissions = 0
    /// When the script began, and when the request under way was sent last, in nanoseconds.
    private(set) var beganAt: UInt64 = 0
    private(set) var sentAt: UInt64 = 0

    /// `number` is unique within the run, and the client has an address of 127.0.0.0/8 of its own: the system uses
    /// ports again at once, and a server remembers for a while who spoke from there.
    init(
        number: UInt32, peer: SocketAddress, credentials: Credentials, options: Options, links: Links?
    ) {
        transaction = TransactionID(high: number, low: Clock.monotonic().nanoseconds)
        link = Link(from: options.isOnLoopback ? Self.address(number) : options.own, options, links)
        self.peer = peer
        self.credentials = credentials
    }

    private static let firstHost = UInt32(truncatingIfNeeded: Clock.monotonic().nanoseconds >> 10)

    /// One of 127.0.0.0/8 that is no other client's.
    static func address(_ number: UInt32) -> IPv4Address {
        // Neither 127.0.0.1 and its neighbours, where the server and the peers are, nor the broadcast address.
        let hosts: UInt64 = 0xFF_0000
        return IPv4Address(rawValue: 0x7F00_8000 + UInt32((UInt64(firstHost) + UInt64(number)) % hosts))
    }

    var isFinished: Bool { steps.isEmpty }

    /// Connects, if that has not happened yet, and sends the first request.
    func begin(_ script: [Step]) throws(SystemError) {
        steps = script[...]
        retransmissions = 0
        beganAt = Clock.monotonic().nanoseconds
        try link.open()
        nextTransaction()
        sendRequest()
    }

    func retransmit() {
        retransmissions += 1
        if link.retransmits() { sendRequest() } else { sentAt = Clock.monotonic().nanoseconds }
    }

    /// The connection is gone, and nothing will come of the script.
    func lose() -> Progress {
        steps = []
        return .lost
    }

    func receive(_ bytes: RawSpan) -> Progress {
        guard let step = steps.first else { return .waiting }
        if case .openFloor = step { return receiveFloor(bytes) }
        guard let response = Response(bytes, to: transaction) else { return .waiting }
        switch response.errorCode {
        case nil: break
        case 401 where step == .challenge, 438:
            nonce = response.nonce ?? []
            credentials.enter(realm: response.realm ?? [])
            return advance(past: step == .challenge)
        case let code?:
            steps = []
            return .failed(code)
        }
        if let address = response.relayed { relayed = address }
        return advance(past: true)
    }

    private func receiveFloor(_ bytes: RawSpan) -> Progress {
        let start = link.isReliable ? 4 : 0
        guard bytes.byteCount == (link.isReliable ? 12 : 6), case .v4 = peer.ip else { return .waiting }
        relayed = SocketAddress(
            ip: .v4(IPv4Address(rawValue: bytes.bigEndianUInt32(at: start))), port: bytes.bigEndianUInt16(at: start + 4)
        )
        return advance(past: true)
    }

    private func advance(past isDone: Bool) -> Progress {
        if isDone { steps = steps.dropFirst() }
        guard !steps.isEmpty else { return .finished }
        nextTransaction()
        sendRequest()
        return .advanced
    }

    private func nextTransaction() {
        // Nobody is to be kept from guessing these.
        transaction = TransactionID(high: transaction.high, low: transaction.low + 1)
    }

    private func sendRequest() {
        guard let step = steps.first else { return }
        sentAt = Clock.monotonic().nanoseconds
        var storage = InlineArray<1024, UInt8>(repeating: 0)
        var span = storage.mutableSpan
        let count = unsafe write(step, into: span.mutableBytes)
        link.send(unsafe storage.span.bytes.extracting(0..<count))
    }

    private func write(_ step: Step, into buffer: consuming MutableRawSpan) -> Int {
        if case .openFloor = step { return writeFloor(into: buffer) }
        var writer = MessageWriter(
            into: buffer, type: MessageType(Self.method(of: step), .request), transactionID: transaction)
        switch step {
        case .challenge, .allocate: writer.append(.requestedTransport, UInt32(17) << 24)
        case .permit: writer.appendXORAddress(.xorPeerAddress, peer)
        case .bind:
            writer.append(.channelNumber, UInt32(Self.channel) << 16)
            writer.appendXORAddress(.xorPeerAddress, peer)
        case .release: writer.append(.lifetime, UInt32(0))
        case .openFloor, .ask: break
        }
        guard step != .challenge, step != .ask else { return writer.finish() }
        writer.append(.username, credentials.user)
        writer.append(.realm, credentials.realm)
        writer.append(.nonce, nonce)
        writer.appendMessageIntegrity(credentials.key)
        return writer.finish()
    }

    private func writeFloor(into buffer: consuming MutableRawSpan) -> Int {
        guard case .v4(let ip) = peer.ip else { return 0 }
        var start = 2
        buffer.storeBigEndian(UInt16(0xF100), at: 0)
        if link.isReliable {
            // A frame, so that its end is known.
            buffer.storeBigEndian(UInt32(0x4F00_0006), at: 0)
            buffer.storeBigEndian(UInt16(0), at: 10)
            start = 4
        }
        buffer.storeBigEndian(ip.rawValue, at: start)
        buffer.storeBigEndian(peer.port, at: start + 4)
        return link.isReliable ? 12 : 8
    }

    private static func method(of step: Step) -> Method {
        switch step {
        case .challenge, .allocate, .openFloor: .allocate
        case .ask: .binding
        case .permit: .createPermission
        case .bind: .channelBind
        case .release: .refresh
        }
    }
}
