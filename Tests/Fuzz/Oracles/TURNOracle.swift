import NetworkPrimitives
import STUN
import TURN

/// Any bytes are a script: three choose a configuration, the rest are what clients, peers, the network and the clocks
/// do. `TURNWorld` says what holds all the while; two hours after the last of it nothing is left.
package func checkTURN(_ input: RawSpan) {
    var script = Script(input.array())
    let world = TURNWorld(TURNSetup(&script))
    var player = TURNPlayer(world: world)
    // The bound keeps an execution short; libFuzzer makes scripts longer than they need be.
    var steps = 0
    while !script.isOver, steps < 200 {
        player.step(&script)
        steps += 1
    }
    for _ in 0..<8 { world.advance(byMilliseconds: 15 * 60 * 1_000) }
    world.checkEmpty()
}

/// Turns the bytes of a script into events.
struct TURNPlayer {
    let world: TURNWorld
    private var last: TURNDatagram?

    init(world: TURNWorld) { self.world = world }

    private static let waits: [UInt32] = [
        1, 100, 999, 1_000, 5_000, 29_999, 30_000, 59_000, 299_999, 300_000, 300_001, 599_999, 600_000, 601_000,
        3_600_000, 7_200_000,
    ]
    private static let lengths = [4, 0, 1, 3, 100, 1_200]

    mutating func step(_ script: inout Script) {
        let choice = script.byte()
        switch choice & 0x0F {
        case 0, 1, 2, 3, 4: request(&script)
        case 5: send(&script)
        case 6: channelData(&script)
        case 7: wait(&script)
        case 8: peerDatagram(&script)
        case 9: icmp(&script)
        case 10: world.failures.append(script.pick([.addressInUse, nil, .outOfResources]))
        case 11: setWallClock(&script)
        case 12: replay(&script)
        case 13: raw(&script, isRepaired: true)
        case 14 where choice >= 0x80: signal(&script)
        case 15 where choice >= 0x80: world.disconnect(Int(choice >> 4 & 0b11))
        default: raw(&script, isRepaired: false)
        }
    }

    private mutating func request(_ script: inout Script) {
        let builder = TURNRequestBuilder(setup: world.setup, unixTime: world.unixTime, tokens: world.tokens)
        let datagram = builder.build(&script)
        last = datagram
        world.receive(datagram)
    }

    private func send(_ script: inout Script) {
        var buffer = [UInt8](repeating: 0xEE, count: 1_300)
        var span = buffer.mutableSpan
        let choice = script.byte()
        var writer = MessageWriter(
            into: span.mutableBytes, type: MessageType(.send, .indication),
            transactionID: TransactionID(high: 1, low: UInt64(choice)))
        writer.appendXORAddress(.xorPeerAddress, TURNScene.peer(&script))
        if choice & 0x80 != 0 { writer.append(.dontFragment, []) }
        writer.append(.data, [UInt8](repeating: choice, count: script.pick(Self.lengths)))
        let count = writer.finish()
        world.receive(TURNDatagram(bytes: Array(buffer[..<count]), pathIndex: Int(choice & 0b11)))
    }

    private func channelData(_ script: inout Script) {
        let choice = script.byte()
        let number: UInt8 = choice & 0x80 == 0 ? 0x40 : 0x50
        let count = script.pick(Self.lengths)
        let header = [number, choice >> 4 & 0b111, UInt8(count >> 8), UInt8(count & 0xFF)]
        let bytes = header + [UInt8](repeating: choice, count: count)
        world.receive(TURNDatagram(bytes: bytes, pathIndex: Int(choice & 0b11)))
    }

    private func wait(_ script: inout Script) { world.advance(byMilliseconds: script.pick(Self.waits)) }

    private func peerDatagram(_ script: inout Script) {
        let sockets = world.sockets.keys.sorted { $0.rawValue < $1.rawValue }
        guard !sockets.isEmpty else { return }
        let socket = script.pick(sockets)
        let peer = TURNScene.peer(&script)
        world.receiveFromPeer(socket, peer, [UInt8](repeating: 7, count: script.pick(Self.lengths)))
    }

    /// Signaling: the member enters, is given a name, leaves, is put out; or an operator puts somebody out.
    private func signal(_ script: inout Script) {
        guard let members = world.members else { return }
        switch script.byte() & 0b111 {
        case 0, 1: members.enter(at: world.now)
        case 2: members.issue(at: world.now, unixTime: world.unixTime)
        case 3, 4:
            let grace = world.now.advanced(byMilliseconds: script.pick(Self.waits))
            members.leave(graceUntil: grace, deletes: script.byte() & 1 != 0)
        case 5: world.delete(members.handleDeadline(at: world.now, unixTime: world.unixTime))
        case 6: world.revoke([.user(TURNMembers.user)])
        default:
            let name = script.pick([TURNScene.eve, TURNScene.minted, TURNScene.member, TURNScene.alice]).name
            let isName = script.byte() & 1 == 0
            world.revoke([isName ? .name(name) : .user(world.setup.directory.identity(of: name).quotaKey)])
        }
    }

    private func icmp(_ script: inout Script) {
        let allocation = UInt32(script.byte() & 0b11)
        let peer = TURNScene.peer(&script)
        let message = ICMPMessage(peer: peer, type: script.byte(), code: script.byte(), errorData: script.uint32())
        world.receiveICMP(message, allocation: allocation)
    }

    private func setWallClock(_ script: inout Script) {
        let start = TURNScene.startOfWallClock
        let times: [Int64] = [start, start + 600, start + 901, start - 3_600, 0, -1, .min, .max, start + (1 << 24)]
        world.unixTime = UnixTime(seconds: script.pick(times))
    }

    /// The last request again, perhaps from elsewhere, where nobody may believe it.
    private func replay(_ script: inout Script) {
        guard var datagram = last else { return }
        datagram.pathIndex = Int(script.byte() & 0b11)
        datagram.mustAuthenticate = false
        world.receive(datagram)
    }

    private func raw(_ script: inout Script, isRepaired: Bool) {
        let choice = script.byte()
        var bytes = script.take(Int(script.byte()))
        if isRepaired {
            while bytes.count < 20 || bytes.count % 4 != 0 { bytes.append(0) }
            bytes[0] &= 0x3F
            bytes[2] = UInt8((bytes.count - 20) >> 8)
            bytes[3] = UInt8((bytes.count - 20) & 0xFF)
            bytes.replaceSubrange(4..<8, with: [0x21, 0x12, 0xA4, 0x42])
        }
        world.receive(TURNDatagram(bytes: bytes, pathIndex: Int(choice & 0b11)))
    }
}
