import Containers
import NetworkPrimitives

/// A host that clients want to reach: it echoes, and it speaks without being asked, from this port and from others.
package final class PeerNode: Node {
    private let address: SocketAddress
    private let echoPercent: Int
    private let stopsAt: Instant
    private var random: SplitMix64
    private var contacts: [SocketAddress] = []
    private var nextActionAt: Instant
    package private(set) var receivedCount = 0

    package init(_ address: SocketAddress, echoPercent: Int = 50, stopsAt: Instant, seed: UInt64) {
        self.address = address
        self.echoPercent = echoPercent
        self.stopsAt = stopsAt
        random = SplitMix64(seed: seed)
        nextActionAt = Instant.zero.advanced(byMilliseconds: UInt32.random(in: 0...5000, using: &random))
    }

    package var hosts: [IPAddress] { [address.ip] }
    package var nextDeadline: Instant? { nextActionAt < stopsAt ? nextActionAt : nil }

    package func receive(_ datagram: Datagram, at now: Instant) -> [Datagram] {
        receivedCount += 1
        if !contacts.contains(datagram.source) {
            contacts.append(datagram.source)
            if contacts.count > 8 { contacts.removeFirst() }
        }
        guard Int.random(in: 0..<100, using: &random) < echoPercent else { return [] }
        return [Datagram(source: datagram.destination, destination: datagram.source, payload: datagram.payload)]
    }

    package func handleDeadline(at now: Instant) -> [Datagram] {
        nextActionAt = now.advanced(byMilliseconds: UInt32.random(in: 1000...20_000, using: &random))
        guard !contacts.isEmpty else { return [] }
        let contact = contacts[Int.random(in: 0..<contacts.count, using: &random)]
        // A permission ignores the port (RFC 8656 §9).
        let port = Bool.random(using: &random) ? address.port : UInt16.random(in: 1...65535, using: &random)
        let payload = (0..<Int.random(in: 0...64, using: &random)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        return [Datagram(source: address.with(port: port), destination: contact, payload: payload)]
    }
}

/// Somebody on the path who means harm: sends noise, changes and repeats what others sent, and writes their addresses
/// on it.
package final class HostileNode: Node {
    private let address: SocketAddress
    private let targets: [SocketAddress]
    private let stopsAt: Instant
    private var random: SplitMix64
    private var heard: [Datagram] = []
    private var heardCount = 0
    private var nextActionAt = Instant.zero

    private static let heardMax = 128

    package init(_ address: SocketAddress, targets: [SocketAddress], stopsAt: Instant, seed: UInt64) {
        self.address = address
        self.targets = targets
        self.stopsAt = stopsAt
        random = SplitMix64(seed: seed)
    }

    package var hosts: [IPAddress] { [address.ip] }
    package var nextDeadline: Instant? { nextActionAt < stopsAt ? nextActionAt : nil }
    package var overhears: Bool { true }

    package func overhear(_ datagram: Datagram) {
        heardCount += 1
        if heard.count < Self.heardMax {
            heard.append(datagram)
        } else {
            heard[heardCount % Self.heardMax] = datagram
        }
    }

    package func receive(_ datagram: Datagram, at now: Instant) -> [Datagram] { [] }

    package func handleDeadline(at now: Instant) -> [Datagram] {
        nextActionAt = now.advanced(byMilliseconds: UInt32.random(in: 100...3000, using: &random))
        let target = targets[draw(targets.count)]
        guard !heard.isEmpty else { return [noise(to: target)] }
        let known = heard[draw(heard.count)]
        switch draw(8) {
        case 0: return [noise(to: target)]
        case 1: return [channelNoise(to: target, from: known.source)]
        case 2: return [mutated(known)]
        case 3: return [known]
        // Somebody else's message from an address of ours.
        case 4: return [Datagram(source: address, destination: known.destination, payload: known.payload)]
        // Data to wherever somebody was sent from: relayed addresses among them.
        case 5: return [Datagram(source: address, destination: known.source, payload: known.payload)]
        case 6: return draw(4) == 0 ? flood(target, as: known.source) : [crossed(known)]
        default: return [crossed(known)]
        }
    }

    private func draw(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) } }

    private func noise(to target: SocketAddress) -> Datagram {
        var payload = bytes(draw(120))
        // Half of it looks like STUN at first sight.
        if payload.count >= 20, draw(2) == 0 {
            payload[0] &= 0x03
            payload.replaceSubrange(4..<8, with: WireMessage.cookie)
            payload[2] = UInt8((payload.count - 20) >> 8)
            payload[3] = UInt8((payload.count - 20) & 0xFC)
            payload.removeLast(payload.count & 3)
        }
        return Datagram(source: address, destination: target, payload: payload)
    }

    private func channelNoise(to target: SocketAddress, from victim: SocketAddress) -> Datagram {
        let number = UInt16.random(in: 0x4000...0xFFFF, using: &random)
        let payload = WireWriter.channelData(draw(2) == 0 ? number : 0x4000 + number & 0x7, bytes(draw(40)))
        return Datagram(source: victim, destination: target, payload: payload)
    }

    private func mutated(_ known: Datagram) -> Datagram {
        var payload = known.payload
        guard !payload.isEmpty else { return known }
        for _ in 0...draw(4) { payload[draw(payload.count)] ^= UInt8(1 + draw(255)) }
        if draw(3) == 0 { payload.removeLast(1 + draw(payload.count)) }
        return Datagram(source: known.source, destination: known.destination, payload: payload)
    }

    /// More requests without credentials than a source may have answered.
    private func flood(_ target: SocketAddress, as victim: SocketAddress) -> [Datagram] {
        (0..<150).map { _ in
            var writer = WireWriter(WireMessage.allocate, .request, transactionID: bytes(12))
            writer.append(WireMessage.requestedTransport, [17, 0, 0, 0])
            return Datagram(source: victim, destination: target, payload: writer.bytes)
        }
    }

    /// A Send of one client as if another had sent it, to a peer that it may not reach.
    private func crossed(_ known: Datagram) -> Datagram {
        var writer = WireWriter(WireMessage.send, .indication, transactionID: bytes(12))
        let other = heard[draw(heard.count)]
        writer.append(WireMessage.peerAddress, address: other.source)
        writer.append(WireMessage.dataType, bytes(draw(30)))
        return Datagram(source: known.source, destination: targets[draw(targets.count)], payload: writer.bytes)
    }
}
