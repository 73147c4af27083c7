import EventLoop

/// What the poller looks for at one end. A descriptor of a splice of which nothing is wanted is not watched at all: a
/// connection that is closed on both sides would be reported again and again, while what it still holds waits for the
/// other end.
struct SpliceWatch {
    private var token: WorkerToken?
    private var interest: Poller.Interest?

    /// Nil watches nothing. False when the poller has no room for one more.
    mutating func set(
        _ wanted: Poller.Interest?, on raw: CInt, _ token: WorkerToken, _ poller: borrowing Poller
    ) -> Bool {
        guard interest != wanted || wanted != nil && self.token != token else { return true }
        do {
            switch (interest, wanted) {
            case (_, nil): try poller.remove(raw)
            case (nil, let wanted?): try poller.add(raw, token: token.bits, interest: wanted)
            case (_, let wanted?): try poller.modify(raw, token: token.bits, interest: wanted)
            }
        } catch { return false }
        interest = wanted
        self.token = token
        return true
    }
}
