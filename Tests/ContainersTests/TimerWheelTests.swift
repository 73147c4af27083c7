import Containers
import NetworkPrimitives
import Testing

private let tick: UInt64 = 1 << 20

@Suite("TimerWheel")
struct TimerWheelTests {
    private func at(_ nanoseconds: UInt64) -> Instant { Instant(nanoseconds: nanoseconds) }

    @Test("a timer fires at its deadline rounded up to a tick, and not a nanosecond before")
    func rounding() {
        var wheel = TimerWheel(start: .zero)
        wheel.schedule(3, at: at(5 * tick + 1))
        #expect(wheel.nextDeadline == at(6 * tick))
        #expect(wheel.popExpired(at: at(6 * tick - 1)) == nil)
        #expect(wheel.popExpired(at: at(6 * tick)) == 3)
        #expect(wheel.popExpired(at: at(6 * tick)) == nil)
        wheel.schedule(3, at: at(9 * tick))
        #expect(wheel.popExpired(at: at(9 * tick - 1)) == nil)
        #expect(wheel.popExpired(at: at(9 * tick)) == 3)
        #expect(wheel.nextDeadline == nil)
    }

    @Test("a deadline in the past is due at once, and time that runs backwards fires nothing")
    func past() {
        var wheel = TimerWheel(start: at(100 * tick))
        wheel.schedule(0, at: at(1))
        #expect(wheel.nextDeadline == at(100 * tick))
        #expect(wheel.popExpired(at: at(50 * tick)) == nil)
        #expect(wheel.popExpired(at: at(100 * tick)) == 0)
    }

    @Test("scheduling again replaces, cancelling forgets, and both may be repeated")
    func replace() {
        var wheel = TimerWheel(start: .zero)
        wheel.schedule(1, at: at(2 * tick))
        wheel.schedule(1, at: at(90 * tick))
        #expect(wheel.count == 1)
        #expect(wheel.popExpired(at: at(89 * tick)) == nil)
        wheel.schedule(1, at: at(90 * tick))
        wheel.cancel(1)
        wheel.cancel(1)
        wheel.cancel(1_000_000)
        #expect(wheel.count == 0)
        #expect(wheel.isScheduled(1) == false)
        #expect(wheel.popExpired(at: at(1000 * tick)) == nil)
    }

    @Test("timers of one tick come in the order in which they were scheduled")
    func order() {
        var wheel = TimerWheel(start: .zero)
        for id in [5, 2, 9, 7] as [UInt32] { wheel.schedule(id, at: at(10 * tick)) }
        wheel.cancel(2)
        #expect((0..<4).map { _ in wheel.popExpired(at: at(11 * tick)) } == [5, 9, 7, nil])
    }

    /// One timer on each side of the border of every level, and one beyond all of them.
    static let distances: [UInt64] = (0...6).flatMap { level -> [UInt64] in
        let border: UInt64 = 1 << UInt64(6 * level)
        return [border - 1, border, border + 1].map { $0 * tick }
    }

    @Test("following nextDeadline reaches every timer in its tick within a few steps", arguments: distances)
    func progress(distance: UInt64) {
        for start in [0, 63, 64, 4095, 1 << 30, 68_719_476_735] as [UInt64] {
            var wheel = TimerWheel(start: at(start * tick))
            let deadline = start * tick + distance
            wheel.schedule(0, at: at(deadline))
            var previous = Instant.zero
            var fired = false
            for _ in 0..<8 where !fired {
                guard let next = wheel.nextDeadline else { break }
                #expect(next.nanoseconds <= deadline)
                #expect(next > previous || previous == .zero)
                previous = next
                fired = wheel.popExpired(at: next) == 0
            }
            #expect(fired && previous == at(deadline), "start \(start) distance \(distance)")
        }
    }

    @Test("the far end of time neither traps nor fires early")
    func farEnd() {
        var wheel = TimerWheel(start: .zero)
        wheel.schedule(0, at: at(.max))
        wheel.schedule(1, at: at(.max - tick))
        wheel.schedule(2, at: at(1 << 63))
        #expect(wheel.popExpired(at: at(1 << 63)) == 2)
        #expect(wheel.popExpired(at: at(1 << 63)) == nil)
        #expect(wheel.popExpired(at: at(.max)) == 1)
        #expect(wheel.popExpired(at: at(.max)) == nil)
        #expect(wheel.count == 1)
        #expect(wheel.nextDeadline == at(.max))
    }

    @Test("a jump over ten hours brings every timer, in order of ticks")
    func jump() {
        var wheel = TimerWheel(start: .zero)
        for id in 0..<1000 { wheel.schedule(UInt32(id), at: at(UInt64(1000 - id) * 36_000_000_000)) }
        var ids: [UInt32] = []
        while let id = wheel.popExpired(at: at(36_000_000_000_000 + tick)) { ids.append(id) }
        let inOrder = ids == (0..<1000).reversed().map { UInt32($0) }
        #expect(inOrder)
    }

    @Test("the memory of ids returns when the last timer is gone")
    func memory() {
        var wheel = TimerWheel(start: .zero)
        for id in 0..<10_000 { wheel.schedule(UInt32(id), at: at(tick)) }
        #expect(wheel.idsInMemory >= 10_000)
        for id in 1..<10_000 { wheel.cancel(UInt32(id)) }
        #expect(wheel.popExpired(at: at(tick)) == 0)
        #expect(wheel.popExpired(at: at(tick)) == nil)
        #expect(wheel.idsInMemory == 0)
        wheel.schedule(4, at: at(9 * tick))
        wheel.cancel(4)
        #expect(wheel.idsInMemory > 0)
    }

    @Test("a wheel behaves like a list of deadlines", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func model(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        // Odd seeds begin shortly before a border of all levels.
        var now = seed % 2 == 0 ? random.next() >> 8 : (1 << 56) - 5 * tick
        var wheel = TimerWheel(start: at(now))
        var model: [UInt32: UInt64] = [:]
        for step in 0..<10_000 {
            let place = "seed \(seed) step \(step)"
            let id = UInt32(random.next() % 200)
            switch random.next() % 8 {
            case 0..<4:
                // Distances of every magnitude from a nanosecond to about 4.5 years; some lie in the past.
                let distance = random.next() >> (7 + random.next() % 57)
                let deadline = random.next() % 10 == 0 ? now - min(now, distance) : now + distance
                wheel.schedule(id, at: at(deadline))
                model[id] = deadline
            case 4:
                wheel.cancel(id)
                model[id] = nil
            default:
                if random.next() % 2 == 0, let next = wheel.nextDeadline {
                    now = max(now, next.nanoseconds)
                } else {
                    now += random.next() >> (16 + random.next() % 48)
                }
                try drain(&wheel, &model, at: now, place)
            }
            try check(wheel.count == model.count, place)
            try check(wheel.isScheduled(id) == (model[id] != nil), place)
            let earliest = model.values.min().map { max(($0 + tick - 1) / tick, now / tick) * tick }
            try check((wheel.nextDeadline == nil) == (earliest == nil), place)
            if let next = wheel.nextDeadline, let earliest { try check(next.nanoseconds <= earliest, place) }
        }
    }

    private func drain(
        _ wheel: inout TimerWheel, _ model: inout [UInt32: UInt64], at now: UInt64, _ place: String
    ) throws {
        while let id = wheel.popExpired(at: at(now)) {
            let deadline = try unwrap(model.removeValue(forKey: id))
            try check(deadline <= now, place)
        }
        for deadline in model.values { try check(deadline + tick > now, place) }
        if let next = wheel.nextDeadline { try check(next.nanoseconds > now, place) }
    }
}
