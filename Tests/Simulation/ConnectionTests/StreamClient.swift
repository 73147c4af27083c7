import Containers
import NetworkPrimitives
import SimulationKit
import TURN

/// A client at the end of a connection, and what it is owed: each answer, and of the data of peers what is not dropped,
/// in order. It frames what it reads by itself.
final class StreamClient {
    static let server = IPAddress.v4(9, 9, 9, 9).port(3478)
    /// The first one has a channel, the second one a permission.
    static let peers = [IPAddress.v4(8, 0, 0, 1).port(4000), IPAddress.v4(8, 0, 0, 2).port(4001)]
    private static let channel: UInt16 = 0x4001

    private let index: Int
    private let keys: WireKeys
    private let realm: String
    private var nonce: [UInt8] = []
    private var serial: UInt32 = 0

    /// Nil while there is no connection.
    private(set) var path: FiveTuple?
    var toServer: [UInt8] = []
    var toClient: [UInt8] = []
    var isStalled = false
    private(set) var hasSentNonsense = false
    private var received: [UInt8] = []

    /// Requests without an answer, in order.
    private var asked: [(id: WireMessage.ID, method: UInt16, deletes: Bool)] = []
    var answersOwed = 0
    private var hasAllocation = false
    private var hasChannel = false
    /// All frames that were written, and of data what has not come out of the other end yet.
    private var written: [[UInt8]] = []
    private var data: [[UInt8]] = []
    /// What peers sent that has not been read, and how much of it the server says it has dropped.
    var expected: [(peer: SocketAddress, payload: [UInt8])] = []
    var droppedCount = 0
    private var skippedCount = 0

    init(_ index: Int, keys: WireKeys, realm: String) {
        self.index = index
        self.keys = keys
        self.realm = realm
    }

    func connect(port: UInt16) {
        let client = IPAddress.v4(7, 0, 0, UInt8(index + 1)).port(port)
        path = FiveTuple(
            client: ClientAddress(client), server: Self.server, transport: index % 2 == 0 ? .tcp : .tls)
    }

    func disconnect() {
        (path, nonce, hasAllocation, hasChannel, isStalled, hasSentNonsense) = (nil, [], false, false, false, false)
        (toServer, toClient, received, written, data) = ([], [], [], [], [])
        (asked, expected) = ([], [])
        (answersOwed, droppedCount, skippedCount) = (0, 0, 0)
    }

    // MARK: - Writing

    /// Without a nonce the answer is a challenge, which brings one.
    func request(_ choice: Int, random: inout SplitMix64) {
        guard hasRoom, asked.count < 200, !hasSentNonsense else { return }
        let method: UInt16
        switch choice {
        case 0: method = WireMessage.binding
        case 1, 2: method = hasAllocation ? WireMessage.channelBind : WireMessage.allocate
        case 3: method = hasAllocation ? WireMessage.createPermission : WireMessage.allocate
        default: method = WireMessage.refresh
        }
        let deletes = method == WireMessage.refresh && hasAllocation && random.next() % 20 == 0
        serial += 1
        var id = [UInt8](repeating: UInt8(index), count: 12)
        for place in 0..<4 { id[8 + place] = UInt8(truncatingIfNeeded: serial >> UInt32(24 - 8 * place)) }
        var writer = WireWriter(method, .request, transactionID: id)
        switch method {
        case WireMessage.allocate: writer.append(WireMessage.requestedTransport, number: 17 << 24)
        case WireMessage.refresh: writer.append(WireMessage.lifetime, number: deletes ? 0 : 600)
        case WireMessage.channelBind:
            writer.append(WireMessage.channelNumber, number: UInt32(Self.channel) << 16)
            writer.append(WireMessage.peerAddress, address: Self.peers[0])
        case WireMessage.createPermission: writer.append(WireMessage.peerAddress, address: Self.peers[1])
        default: break
        }
        if method != WireMessage.binding, !nonce.isEmpty {
            writer.append(WireMessage.username, Array("user".utf8))
            writer.append(WireMessage.realm, Array(realm.utf8))
            writer.append(WireMessage.nonce, nonce)
            writer.appendIntegrity(key: keys.md5)
        }
        if deletes { (hasAllocation, hasChannel) = (false, false) }
        asked.append((id, method, deletes))
        put(writer.bytes)
    }

    func sendData(random: inout SplitMix64) {
        guard hasRoom, hasChannel, !hasSentNonsense else { return }
        let payload = stamp(Int(random.next() % 1_400), random: &random)
        var frame = WireWriter.channelData(Self.channel, payload)
        while frame.count % 4 != 0 { frame.append(UInt8(truncatingIfNeeded: random.next())) }
        data.append(payload)
        put(frame)
    }

    /// The first byte of another protocol.
    func sendNonsense() {
        hasSentNonsense = true
        toServer.append(0x47)
    }

    func nextFromPeer(byteCount: Int, random: inout SplitMix64) -> [UInt8] { stamp(byteCount, random: &random) }

    private var hasRoom: Bool { toServer.count < StreamWorld.pipeByteCount }

    private func put(_ frame: [UInt8]) {
        written.append(frame)
        toServer += frame
    }

    private func stamp(_ byteCount: Int, random: inout SplitMix64) -> [UInt8] {
        let stamp = random.next()
        return (0..<byteCount).map { UInt8(truncatingIfNeeded: stamp >> UInt64($0 % 8 * 8)) ^ UInt8($0 / 8 & 0xFF) }
    }

    // MARK: - What the server has read

    func checkArrival(of frame: [UInt8], _ world: StreamWorld) {
        if written.isEmpty || written.removeFirst() != frame { world.fail("a frame was torn on its way to the server") }
    }

    func checkRelayed(_ payload: [UInt8], to peer: SocketAddress, _ world: StreamWorld) {
        world.tally.relayed += 1
        if data.isEmpty || data.removeFirst() != payload { world.fail("a payload is not the next one that was sent") }
        if peer != Self.peers[0] { world.fail("a payload goes to another peer") }
    }

    // MARK: - Reading

    func read(_ limit: Int, _ world: StreamWorld) {
        let count = min(limit, toClient.count)
        received += toClient.prefix(count)
        toClient.removeFirst(count)
        while received.count >= 4 {
            let length = Int(received[2]) << 8 | Int(received[3])
            let isChannelData = received[0] & 0xC0 == 0x40
            let frameCount = isChannelData ? 4 + (length + 3) / 4 * 4 : 20 + length
            guard received.count >= frameCount else { return }
            let frame = Array(received[..<frameCount])
            received.removeFirst(frameCount)
            if isChannelData {
                if frame[0] != 0x40 || frame[1] != 1 { world.fail("data comes by a channel that nobody bound") }
                take(Array(frame[4..<4 + length]), from: Self.peers[0], world)
            } else if let message = WireMessage(parsing: frame) {
                take(message, world)
            } else {
                world.fail("a frame was torn on its way to the client")
            }
        }
    }

    private func take(_ message: WireMessage, _ world: StreamWorld) {
        guard message.messageClass != .indication else {
            guard let payload = message.value(WireMessage.dataType),
                let peer = message.address(WireMessage.peerAddress)
            else { return world.fail("a Data indication says too little") }
            return take(payload, from: peer, world)
        }
        world.tally.answers += 1
        answersOwed -= 1
        guard !asked.isEmpty else { return world.fail("an answer to nothing") }
        let question = asked.removeFirst()
        guard question.id == message.transactionID, question.method == message.method else {
            return world.fail("an answer is missing")
        }
        if let challenge = message.value(WireMessage.nonce), message.messageClass == .error { nonce = challenge }
        let isSuccess = message.messageClass == .success
        switch question.method {
        case WireMessage.allocate:
            // Of two in a row the second is a mismatch.
            if isSuccess { hasAllocation = true }
        case WireMessage.channelBind: if isSuccess { hasChannel = !asked.contains { $0.deletes } }
        default: break
        }
        if isSuccess, asked.contains(where: \.deletes) { (hasAllocation, hasChannel) = (false, false) }
    }

    /// The next of what was sent to us, or one behind those that were dropped.
    private func take(_ payload: [UInt8], from peer: SocketAddress, _ world: StreamWorld) {
        world.tally.delivered += 1
        guard let place = expected.firstIndex(where: { $0.payload == payload && $0.peer == peer }) else {
            return world.fail("data comes that was not sent, or twice, or behind what was sent later")
        }
        skippedCount += place
        expected.removeFirst(place + 1)
        if skippedCount > droppedCount { world.fail("data is missing that was not dropped") }
    }

    /// Nothing is under way any more.
    func checkSettled(_ world: StreamWorld) {
        guard path != nil else { return }
        if !hasSentNonsense, !asked.isEmpty || answersOwed != 0 { world.fail("an answer was dropped") }
        if !data.isEmpty { world.fail("a payload never left") }
        if skippedCount + expected.count != droppedCount { world.fail("drops are counted wrongly") }
        if !received.isEmpty || !written.isEmpty { world.fail("half a frame is left") }
    }
}
