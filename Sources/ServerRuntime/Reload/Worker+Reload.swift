import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN

// Other settings for a worker that runs.
extension Worker {
    /// Goes by the newest settings that there are. One reads its mailbox in between two datagrams: none is judged by
    /// half of the old settings and half of the new ones.
    mutating func adoptNews(at now: Instant) {
        guard let settings = context.news.news(since: &edition) else { return }
        context.settings = settings
        server.adopt(settings.turn)
        forwarder.adopt(settings.turn)
        streams.idleSeconds = settings.streams.idleSeconds
        var random = OSRandom()
        dtls.adopt(DTLSLimits(settings), seed: random.next())
        gathering = Gathering(microseconds: settings.gatherMicroseconds, at: now)
        reviewPeers(at: now)
    }

    /// Ends what the peer rules refuse by now, for some allocations a round: the others' packets must not wait for a
    /// look at all of them.
    mutating func reviewPeers(at now: Instant) {
        guard server.isReviewingPeers else { return }
        server.reviewPeers()
        drainOutputs(at: now)
    }
}
