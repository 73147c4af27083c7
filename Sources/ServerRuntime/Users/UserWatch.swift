import EventLoop
import LinuxSockets
import NetworkPrimitives
import UserDatabase

/// A thread that looks every second whether the database of users has changed. It alone waits for disks and locks:
/// workers have what it read last, and the thread that reloads is told.
final class UserWatch: Sendable {
    private enum Order: Sendable {
        /// Look at this from now on; at nothing, if nil.
        case watch(UserSelection?)
        case stop
    }

    private let orders: Mailbox<Order>
    private static let ordersMax = 64
    /// Between two looks, of which each costs one small read.
    private static let intervalMilliseconds: UInt32 = 1000
    /// A database that takes long to read is read again after so many times as long.
    private static let restFactor: UInt64 = 10

    /// Starts the thread. `report` is called on it, and returns whether the news were taken.
    init(_ selection: UserSelection?, report: @escaping @Sendable (UserNews) -> Bool) throws(SystemError) {
        let orders = try Mailbox<Order>(limit: Self.ordersMax)
        self.orders = orders
        // Nobody joins it: a disk that does not answer must not keep a server from stopping.
        _ = try WorkerThread.spawn(name: "users") { Self.run(selection, orders, report) }
    }

    /// False when the thread is so far behind that it did not take the order.
    func watch(_ selection: UserSelection?) -> Bool { orders.post(.watch(selection)) }

    func stop() { orders.post(.stop) }

    private static func run(
        _ selection: UserSelection?, _ orders: Mailbox<Order>, _ report: @Sendable (UserNews) -> Bool
    ) {
        guard var poller = try? Poller(), (try? poller.add(orders.raw, token: 0, interest: .readable)) != nil else {
            return
        }
        var lookout = selection.map { UserLookout($0.makeSource(), $0) }
        var nextLook: Instant? = selection == nil ? nil : Clock.monotonic()
        while (try? poller.wait(until: nextLook, now: Clock.monotonic())) != nil {
            for order in orders.drain() {
                guard case .watch(let selection) = order else { return }
                lookout = selection.map { UserLookout($0.makeSource(), $0) }
                nextLook = selection == nil ? nil : Clock.monotonic()
            }
            let start = Clock.monotonic()
            guard let look = nextLook, look <= start else { continue }
            let hasRead = lookout?.look(report) ?? false
            let end = Clock.monotonic()
            let rest = hasRead ? end.nanoseconds(since: start) / 1_000_000 * restFactor : 0
            nextLook = end.advanced(byMilliseconds: max(intervalMilliseconds, UInt32(clamping: rest)))
        }
    }
}
