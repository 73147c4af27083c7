import EventLoop

/// The settings that threads go by, for them to fetch when there are newer ones. A message in their mailboxes wakes
/// them; they look here whenever they have read that, so that a mailbox without room for the message costs nothing, and
/// of several reloads in a row each thread makes one.
final class SettingsBoard<Settings: Sendable>: Sendable {
    private struct State {
        var settings: Settings?
        var edition = 0
    }

    private let state = Locked(State())

    /// Nothing is posted: threads begin with the settings that they are given.
    init() {}

    func post(_ settings: Settings) {
        state.withLock { state in
            state.settings = settings
            state.edition += 1
        }
    }

    /// The settings, unless the thread knows this edition of them; it does from here on.
    func news(since edition: inout Int) -> Settings? {
        let known = edition
        let (current, settings) = state.withLock { state in
            (state.edition, state.edition == known ? nil : state.settings)
        }
        edition = current
        return settings
    }
}
