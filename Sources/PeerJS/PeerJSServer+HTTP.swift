import JSON
package import NetworkPrimitives
package import Signaling

// What is asked over HTTP.
extension PeerJSServer {
    /// Answers a GET; nil for the WebSocket's own path, which is to be upgraded.
    package mutating func answer(
        _ route: PeerJSRoute, visitor: Visitor, at now: Instant, unixTime: UnixTime
    ) -> PeerJSAnswer? {
        switch route {
        case .socket: return nil
        case .about: return .json(Self.about)
        case .id(let key):
            do { _ = try pass(of: key, visitor: visitor, at: unixTime) } catch { return .unauthorized }
            return .text(freshID())
        case .peers(let key, let room):
            guard settings.allowsDiscovery else { return .unauthorized }
            do {
                let pass = try pass(of: key, visitor: visitor, at: unixTime)
                let place = room ?? pass?.pass.rooms?.room ?? settings.defaultRoom
                let admission = try host.admit(pass, to: place, from: visitor, at: unixTime)
                guard admission.grants.contains(.join) else { return .unauthorized }
                return .json(ids(in: place))
            } catch { return .unauthorized }
        }
    }

    private static let about = Array(
        #"{"name":"Tern","description":"Brokers connections between PeerJS clients.","website":""}"#.utf8)

    /// What a key says: nothing, for one of the list that strangers may use.
    private mutating func pass(
        of key: String, visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> PassBox? {
        guard !settings.keys.contains(key) else { return nil }
        do { return try host.identify(Array(key.utf8), visitor: visitor, at: unixTime) } catch {
            peerCounters.refusedKeys += 1
            throw error
        }
    }

    /// A random UUID (RFC 9562 §5.4), which is what clients of PeerServer are used to. 122 random bits need not be
    /// compared with the ids in use.
    private mutating func freshID() -> [UInt8] {
        let random = ids.next()
        let high = random.high & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = random.low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        var text: [UInt8] = []
        for index in 0..<32 {
            if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
            let word = index < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index % 16)) & 0xF)
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
        return text
    }

    private func ids(in room: RoomName) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        for resident in host.residents(of: room).prefix(settings.limits.discoveredMax) {
            writer.string(resident.participant.name)
        }
        writer.endArray()
        return writer.bytes
    }
}
