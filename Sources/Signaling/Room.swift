import Containers
import NetworkPrimitives

/// A room and the two ends of the list of its members.
struct Room {
    let name: RoomName
    let capacity: Int
    let openedAt: UnixTime
    /// Members in the order of their joining, linked through the slab of all members.
    var first: SlabHandle?
    var last: SlabHandle?
    var memberCount = 0
    var bans: [Ban] = []

    struct Ban {
        let identity: Admission.Identity
        let until: Instant
    }

    func isBanned(_ identity: Admission.Identity, at now: Instant) -> Bool {
        bans.contains { $0.identity == identity && $0.until > now }
    }

    /// Keeps an identity out. When there is no room for another ban, the one that ends first makes room; false then.
    mutating func ban(_ identity: Admission.Identity, until: Instant, limit: Int, at now: Instant) -> Bool {
        bans.removeAll { $0.until <= now || $0.identity == identity }
        guard limit > 0 else { return false }
        let isRoomLeft = bans.count < limit
        if !isRoomLeft, let next = bans.indices.min(by: { bans[$0].until < bans[$1].until }) { bans.remove(at: next) }
        bans.append(Ban(identity: identity, until: until))
        return isRoomLeft
    }
}

/// A participant with what only the server knows of it.
struct Member {
    let id: ParticipantID
    let endpoint: EndpointID
    let room: SlabHandle
    let admission: Admission
    let name: String
    let role: String
    var metadata: [UInt8]
    let since: UnixTime
    var previous: SlabHandle?
    var next: SlabHandle?

    var participant: Participant {
        Participant(id: id, name: name, metadata: metadata, role: role, since: since)
    }
}

extension RoomName: FlatMapKey {
    /// See `FlatMapKey`. The length is part of it, so that a name and its continuation by zeros differ.
    package func hash(seed: UInt64) -> UInt64 {
        var state = seed ^ UInt64(bytes.count)
        var word: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            word = word << 8 | UInt64(byte)
            if index % 8 == 7 {
                state = mix(state ^ word, 0x9E37_79B9_7F4A_7C15)
                word = 0
            }
        }
        return (state ^ word).hash(seed: seed)
    }
}
