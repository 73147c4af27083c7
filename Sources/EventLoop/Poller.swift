package import CLinux
package import LinuxSockets
package import NetworkPrimitives

/// Waits for descriptors and deadlines (epoll, level-triggered: what is not dealt with is reported again).
@safe package struct Poller: ~Copyable {
    /// What to be told about a descriptor. Errors are always reported.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let readable = Interest(rawValue: UInt32(TERN_EVENT_READABLE))
        package static let writable = Interest(rawValue: UInt32(TERN_EVENT_WRITABLE))
    }

    /// Events of one round; more are reported by the next.
    package static let capacity = Int(TERN_EVENTS_PER_WAIT)

    private let descriptor: FileDescriptor
    package let events: UnsafeMutablePointer<tern_event>
    /// Events of the last round.
    package private(set) var count = 0

    package init() throws(SystemError) {
        descriptor = FileDescriptor(adopting: try SystemError.check("epoll_create1", tern_epoll_create()))
        unsafe events = .allocate(capacity: Self.capacity)
        unsafe events.initialize(repeating: tern_event(), count: Self.capacity)
    }

    deinit { unsafe events.deallocate() }

    /// Watches a descriptor. `token` comes back with its events; the poller does not look at it.
    package func add(_ raw: CInt, token: UInt64, interest: Interest) throws(SystemError) {
        try SystemError.check("epoll_ctl(ADD)", tern_epoll_add(descriptor.raw, raw, interest.rawValue, token))
    }

    /// Changes token and interest of a descriptor being watched.
    package func modify(_ raw: CInt, token: UInt64, interest: Interest) throws(SystemError) {
        try SystemError.check("epoll_ctl(MOD)", tern_epoll_modify(descriptor.raw, raw, interest.rawValue, token))
    }

    /// Stops watching. Closing a descriptor does so too, but events of this round may still carry its token.
    package func remove(_ raw: CInt) throws(SystemError) {
        try SystemError.check("epoll_ctl(DEL)", tern_epoll_remove(descriptor.raw, raw))
    }

    /// Waits until something happens or `deadline` has come (nil: for ever; a deadline in the past: not at all).
    /// Returns the number of events; 0 also after a signal.
    package mutating func wait(until deadline: Instant?, now: Instant) throws(SystemError) -> Int {
        count = 0
        let nanoseconds = deadline.map { Int64(clamping: $0.nanoseconds(since: now)) } ?? -1
        let result = unsafe tern_epoll_wait(descriptor.raw, events, nanoseconds)
        count = Int(try SystemError.check("epoll_wait", result))
        return count
    }

    /// What has happened to a descriptor.
    package typealias Event = (token: UInt64, isReadable: Bool, isWritable: Bool, hasError: Bool)

    /// An event of the last round.
    @inlinable package func event(at index: Int) -> Event {
        precondition(index >= 0 && index < count, "the event exists")
        let event = unsafe events[index]
        return (
            event.token,
            event.events & UInt32(TERN_EVENT_READABLE) != 0,
            event.events & UInt32(TERN_EVENT_WRITABLE) != 0,
            event.events & UInt32(TERN_EVENT_ERROR) != 0
        )
    }
}
