import NetworkPrimitives
import STUN
import TURN

// Answers that go another way than the question came, and those that send clients another way.
extension TURNWorld {
    /// An answer goes back where the request came from, but for what RFC 5780 §7.2 and §7.5 allow over UDP: from
    /// another address of ours, to another port of the same host.
    func checkWay(_ path: FiveTuple, from asked: FiveTuple, _ request: STUNMessage, _ response: STUNMessage) {
        guard path != asked else { return }
        require(setup.settings.discovery != nil && asked.transport == .udp, "the answer goes to who asked")
        require(path.transport == .udp, "an answer comes by the transport of the request")
        require(request.type.method == .binding && response.type.messageClass == .success, "only NAT discovery wanders")
        require(path.client.socketAddress.ip == asked.client.socketAddress.ip, "nobody else's host is answered")
        require(path.server.family == asked.server.family, "an answer is of the family of the request")
        require(TURNScene.discoveryIPs.contains(path.server.ip), "an answer leaves from an address of ours")
        require(TURNScene.discoveryPorts.contains(path.server.port), "an answer leaves from a port of ours")
    }

    /// RFC 8489 §10, §14.15, §14.16.
    func checkRedirection(_ response: STUNMessage, _ bytes: [UInt8], _ request: STUNMessage, _ path: FiveTuple) {
        require(response.type.messageClass == .error && request.type.method == .allocate, "Allocate is sent elsewhere")
        let proof = IntegrityKind(of: response)
        require(proof != nil, "nobody is sent elsewhere without proof")
        require(effectCount == 0, "who is sent elsewhere has nothing here")
        let family: UInt8 = path.client.socketAddress.family == .ipv4 ? 1 : 2
        let value = Self.value(of: .alternateServer, in: bytes) ?? []
        require(value.count == (family == 1 ? 8 : 20) && value[1] == family, "the other server is of the family")
        let own = setup.path(0).server.ip == path.server.ip && family == 1
        require(!own || value.suffix(4) != [192, 0, 2, 1], "the other server is another one")
        guard Self.value(of: .alternateDomain, in: bytes) != nil else { return }
        require(proof == .sha256, "a name comes by what SHA-256 protects")
        require(path.transport == .tls || path.transport == .dtls, "a name is for who checks certificates")
    }

    /// The first attribute of a type that servers need not read.
    static func value(of type: AttributeType, in bytes: [UInt8]) -> [UInt8]? {
        var start = 20
        while start + 4 <= bytes.count {
            let length = Int(bytes[start + 2]) << 8 | Int(bytes[start + 3])
            let isWanted = UInt16(bytes[start]) << 8 | UInt16(bytes[start + 1]) == type.rawValue
            if isWanted { return Array(bytes[start + 4..<start + 4 + length]) }
            start += 4 + (length + 3) / 4 * 4
        }
        return nil
    }
}
