/// How many datagrams to ask a relay socket for.
///
/// Mostly one is there, and asking for more makes the kernel look a second time, which is a third of what reading
/// costs. Where peers send bursts that arrive as single datagrams, those have to be read together, or each would
/// travel alone. So the worker looks at what its reads bring: while they bring single datagrams it asks for one, and
/// now and then for more, to notice a change.
struct ReadDepth {
    /// Reads by which it is judged.
    static let period = 64
    /// Of single reads, one in so many asks for more.
    static let probeInterval = 16

    private var asksForOne = false
    private var reads = 0
    /// Which of sixteen reads asks for more. Another one in each period: with sixteen sockets that are read in turn it
    /// would otherwise always be the same socket.
    private var probed = 0
    /// Reads of this period that brought more than one datagram.
    private var deepReads = 0

    /// How much the next read is to ask for, of at most `room`.
    func limit(_ room: Int) -> Int { asksForOne && reads % Self.probeInterval != probed ? 1 : room }

    /// What a read brought.
    mutating func note(_ count: Int) {
        reads += 1
        if count > 1 {
            deepReads += 1
            asksForOne = false
        }
        guard reads == Self.period else { return }
        asksForOne = deepReads * Self.probeInterval < Self.period
        probed = (probed + 1) % Self.probeInterval
        reads = 0
        deepReads = 0
    }
}
