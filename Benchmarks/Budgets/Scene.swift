import Crypto
import NetworkPrimitives
import TURN

/// A world in which an operation can be done, and the operation in it.
struct Scene: ~Copyable {
    private var world = World()
    private let operation: Operation
    private let client: Requests
    private let steps: [Step]
    /// The peer behind its channel, and another port of the same host, which has a permission only.
    private let peer = World.address(203, 1, 113, 5, port: 6000)
    private let peerWithoutChannel = World.address(203, 1, 113, 5, port: 6001)

    /// A datagram, and what must become of it.
    private struct Step {
        let datagram: [UInt8]
        let outcome: Outcome
    }

    init(_ operation: Operation) {
        self.operation = operation
        var username = World.user
        var password = World.password
        if operation == .refreshEphemeral {
            username = Array("1750003600:alice".utf8)
            password = EphemeralCredential.password(of: username, secret: HMACSHA1Key(key: World.sharedSecret))
        }
        client = Requests(
            world, client: World.address(198, 52, 100, 7, port: 40_000), peer: peer, username: username,
            password: password)
        steps = Self.steps(of: operation, client)
        switch operation {
        case .allocationCycle, .expiry: break
        default:
            // Everything else is about an allocation that is there, with a permission and a channel.
            perform([
                Step(datagram: client.allocate, outcome: .success),
                Step(datagram: client.createPermission, outcome: .success),
                Step(datagram: client.channelBind, outcome: .success),
            ])
        }
        keepOthers()
    }

    /// Other allocations of the same user: nobody has a server to themselves, and the first and the last of a table
    /// cost what those between them do not.
    private mutating func keepOthers() {
        for number in 1...UInt32(10) {
            let others = Requests(
                world, client: World.address(198, 52, 100, 100 + number, port: 40_000), peer: peer,
                username: World.user, password: World.password)
            perform([Step(datagram: others.allocateForLong, outcome: .success)], on: others.path)
        }
    }

    private static func steps(of operation: Operation, _ client: Requests) -> [Step] {
        func success(_ datagrams: [UInt8]...) -> [Step] { datagrams.map { Step(datagram: $0, outcome: .success) } }
        let challenge = Step(datagram: client.firstAllocate, outcome: .error)
        switch operation {
        case .channelUp:
            return [Step(datagram: client.channelData(byteCount: Operation.payloadByteCount), outcome: .relayed)]
        case .sendIndication:
            return [Step(datagram: client.sendIndication(byteCount: Operation.payloadByteCount), outcome: .relayed)]
        case .channelDown, .dataIndication: return []
        case .binding: return success(client.binding)
        case .challenge: return [Step(datagram: client.firstRefresh, outcome: .error)]
        case .refresh, .refreshEphemeral: return success(client.refresh(seconds: 600))
        case .createPermission: return success(client.createPermission)
        case .channelBind: return success(client.channelBind)
        case .allocationCycle:
            return [challenge]
                + success(client.allocate, client.createPermission, client.channelBind, client.refresh(seconds: 0))
        case .expiry: return success(client.allocate, client.createPermission, client.channelBind)
        }
    }

    /// Does the operation so often.
    mutating func run(_ count: Int) {
        for _ in 0..<count {
            switch operation {
            case .channelDown: receive(from: peer)
            case .dataIndication: receive(from: peerWithoutChannel)
            case .allocationCycle:
                perform(steps)
                // Ports have to come back from their rest.
                world.advance(milliseconds: 100)
            case .expiry:
                perform(steps)
                // Far enough for the default lifetime; the others live longer.
                world.advance(milliseconds: 700_000)
            default: perform(steps)
            }
        }
    }

    private mutating func receive(from peer: SocketAddress) {
        let outcome = world.receiveFromPeer(peer, byteCount: Operation.payloadByteCount, allocation: 0)
        precondition(outcome == .relayed, "what is measured is the operation and not its refusal")
    }

    private mutating func perform(_ steps: [Step]) { perform(steps, on: client.path) }

    private mutating func perform(_ steps: [Step], on path: FiveTuple) {
        for step in steps {
            let outcome = world.receiveFromClient(step.datagram, on: path)
            precondition(outcome == step.outcome, "what is measured is the operation and not its refusal")
        }
    }
}
