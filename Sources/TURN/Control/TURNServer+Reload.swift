import Containers
import NetworkPrimitives
import STUN

/// What a challenge of earlier settings asked for. Clients show it until they are told otherwise.
struct FormerChallenge: Equatable {
    let realm: [UInt8]
    /// PASSWORD-ALGORITHMS.
    let offer: [UInt8]

    init(_ settings: TURNSettings) {
        realm = settings.realm
        if case .credentials(let directory) = settings.access { offer = directory.offer } else { offer = [] }
    }
}

// Other settings for a server that runs. What exists goes on: allocations keep their lifetime, bandwidth and relays.
// What is asked for from now on is judged by the new settings, and so is what had been permitted.
extension TURNServer {
    /// How many kinds of earlier challenges are met with a new one instead of a refusal.
    private static let formerChallengesMax = 4
    /// Allocations whose peers are judged again in one call.
    static let reviewsPerCall = 256

    /// Goes by other settings from now on, of which sizes of tables and relay addresses are as they were.
    ///
    /// Nobody's key is taken for granted any more: a user who has gone, or a secret, gets 401. Their allocations end
    /// with the lifetime that they were granted, or earlier, as permissions and channels run out. Peers are judged anew
    /// by `reviewPeers`, to be called until there is nothing left of it.
    package mutating func adopt(_ new: TURNSettings) {
        precondition(new.limits.sizesTables(as: settings.limits), "tables are made once")
        precondition(new.relayAddresses == settings.relayAddresses, "ports of relay addresses are handed out elsewhere")
        noteChallenge(of: new)
        adoptRates(of: new)
        // They may have been changed since by somebody who drains this server.
        if new.alternates != settings.alternates { alternates = new.alternates }
        settings = new
        style = ResponseStyle(software: new.software, sendsReasonPhrases: new.sendsReasonPhrases)
        if case .credentials(let directory) = new.access {
            accounts.adopt(realm: new.realm) { directory.ephemeral($0)?.term }
        } else {
            accounts.adopt(realm: new.realm) { _ in nil }
        }
        nextReview = 0
    }

    /// RFC 8489 §9.2.4 has 401 for another realm and 400 for another offer, and a client that has an allocation gives
    /// up on either. It did what we asked: it is told anew, by 438, as when its nonce has run out.
    private mutating func noteChallenge(of new: TURNSettings) {
        let (former, next) = (FormerChallenge(settings), FormerChallenge(new))
        formerChallenges.removeAll { $0 == next }
        guard former != next else { return }
        if formerChallenges.count == Self.formerChallengesMax { formerChallenges.removeFirst() }
        formerChallenges.append(former)
    }

    /// A meter of another rate begins anew; one of the same rate remembers who is over it.
    private mutating func adoptRates(of new: TURNSettings) {
        if new.unauthenticatedRepliesPerSecond != settings.unauthenticatedRepliesPerSecond {
            challengeMeter = Self.meter(new.unauthenticatedRepliesPerSecond, new.limits, seed: random.next())
        }
        if new.bindingRepliesPerSecond != settings.bindingRepliesPerSecond {
            bindingMeter = Self.meter(new.bindingRepliesPerSecond, new.limits, seed: random.next())
        }
    }

    static func meter(_ repliesPerSecond: Int, _ limits: Limits, seed: UInt64) -> SourceRateLimiter {
        SourceRateLimiter(
            seed: seed, ratePerSecond: repliesPerSecond, burst: repliesPerSecond * 5,
            capacity: limits.meteredSourcesMax)
    }

    // MARK: - Peers

    /// Whether allocations are left whose peers the present rules have not judged.
    package var isReviewingPeers: Bool { nextReview != nil }

    /// Judges the peers of the next few allocations by the present rules. What is refused now ends at once: permission,
    /// channels, connections. The client hears of it when it asks for them again, by 403.
    package mutating func reviewPeers() {
        guard var index = nextReview else { return }
        for _ in 0..<Self.reviewsPerCall {
            guard let handle = allocations.firstHandle(from: index) else {
                nextReview = nil
                return
            }
            reviewPeers(of: AllocationID(handle))
            index = handle.index + 1
        }
        nextReview = index
    }

    /// The same for one allocation, such as one that comes from a worker that has not come so far.
    mutating func reviewPeers(of id: AllocationID) {
        let (filter, external) = (settings.peerFilter, externalAddresses)
        // A client named the peer by one of the two addresses that a relay of ours may have; which one is not kept.
        func isRefused(_ peer: IPAddress) -> Bool {
            !filter.decide(peer).isAllowed && !filter.decide(external.advertised(peer)).isAllowed
        }
        func isRefused(_ peer: SocketAddress) -> Bool {
            let other = SocketAddress(ip: external.advertised(peer.ip), port: peer.port)
            return !filter.decide(peer).isAllowed && !filter.decide(other).isAllowed
        }
        allocations[id.handle].withdraw(
            permissions: { isRefused($0.peer) }, channels: { isRefused($0.peer) }, index: id.index, &outputs)
        endPeers(of: id) { isRefused($0) }
    }
}

extension Limits {
    /// Whether tables made for these limits serve for those too.
    fileprivate func sizesTables(as other: Limits) -> Bool {
        allocationsMax == other.allocationsMax && permissionsPerAllocationMax == other.permissionsPerAllocationMax
            && channelsPerAllocationMax == other.channelsPerAllocationMax && reservationsMax == other.reservationsMax
            && tcpPeersMax == other.tcpPeersMax
    }
}
