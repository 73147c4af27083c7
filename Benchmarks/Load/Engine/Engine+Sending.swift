import CLoad
import EventLoop
import NetworkPrimitives

// What leaves, and when.
extension Engine {
    private static let stallNanoseconds: UInt64 = 50_000_000
    private static let waitNanoseconds: UInt64 = 200_000
    /// Datagrams sent until we look what has arrived: longer rounds would make our own sockets overflow.
    private static let roundMax = 64

    /// Sends what is to be sent now; the result is when there will be more.
    mutating func send(at now: UInt64) -> UInt64 {
        let next =
            switch pace {
            case .window(let size): fillWindow(size, at: now)
            case .rate: sendDue(at: now)
            case .flood: flood(at: now)
            }
        guard let links else { return next }
        waiting = links.flush()
        // The kernel tells us of room by nothing but taking more.
        return waiting > 0 ? min(next, now + Self.waitNanoseconds) : next
    }

    private mutating func fillWindow(_ size: Int, at now: UInt64) -> UInt64 {
        if inFlight > 0, now > lastArrival + Self.stallNanoseconds {
            // What has been missing for so long is lost; without it the window would stay closed for ever.
            inFlight = 0
            lastArrival = now
            stalls += 1
        }
        while inFlight + burst <= size { sendBurst(dueAt: Clock.monotonic().nanoseconds) }
        return now + Self.stallNanoseconds
    }

    private mutating func sendDue(at now: UInt64) -> UInt64 {
        guard pacer != nil else { return now }
        pacer?.skipHopeless(at: now)
        var time = now
        var count = 0
        while let due = pacer?.due, due <= time, count < Self.roundMax {
            time = Clock.monotonic().nanoseconds
            if due >= measureFrom { lateness?.record(time - due) }
            sendBurst(dueAt: due)
            pacer?.advance()
            count += burst
        }
        return pacer?.due ?? now
    }

    private mutating func flood(at now: UInt64) -> UInt64 {
        var count = 0
        while count < Self.roundMax {
            sendBurst(dueAt: Clock.monotonic().nanoseconds)
            count += burst
        }
        return now
    }

    /// The next flow's turn.
    private mutating func sendBurst(dueAt due: UInt64) {
        let flow = flows[nextFlow]
        nextFlow = nextFlow + 1 == flows.count ? 0 : nextFlow + 1
        let result = unsafe trains.withUnsafeMutableBytes { buffer -> CInt in
            guard let base = buffer.baseAddress else { return 0 }
            let train = unsafe base + flow.start
            if let offset = flow.stampOffset {
                for index in 0..<burst {
                    unsafe stamp.write(due, to: train + index * flow.datagramBytes + offset)
                }
            }
            if flow.isSealed { unsafe key.seal(UnsafeMutableRawBufferPointer(start: train, count: flow.datagramBytes)) }
            if flow.link >= 0, let links {
                return unsafe links.put(
                    train, count: flow.datagramBytes * burst, segment: flow.datagramBytes, on: flow.link)
            }
            return burst == 1
                ? unsafe cload_send(flow.sender, train, flow.datagramBytes)
                : unsafe cload_send_train(
                    flow.sender, train, flow.datagramBytes * burst, UInt16(flow.datagramBytes))
        }
        // A stream that is full holds back who floods it.
        if result < 0, flow.link >= 0, pace == .flood { return }
        sent += burst
        if result < 0 {
            // Sent, as far as the measurement goes, and lost.
            refusedBySystem += burst
        } else {
            inFlight += burst
        }
    }
}
