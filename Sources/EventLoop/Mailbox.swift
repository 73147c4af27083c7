import CLinux
package import LinuxSockets

/// Messages from any thread to the one that polls `raw`. Bounded: a receiver that is stuck costs no memory.
package final class Mailbox<Message: Sendable>: Sendable {
    private let pending: Locked<[Message]>
    private let descriptor: FileDescriptor
    private let limit: Int

    package init(limit: Int) throws(SystemError) {
        precondition(limit > 0, "a mailbox holds at least one message")
        self.limit = limit
        descriptor = FileDescriptor(adopting: try SystemError.check("eventfd", tern_eventfd_create()))
        pending = Locked([])
    }

    /// Readable while messages wait; to be used only while the mailbox lives.
    package var raw: CInt { descriptor.raw }

    /// Adds a message; false when the mailbox is full and the message was not taken.
    @discardableResult
    package func post(_ message: Message) -> Bool {
        let limit = limit
        let countBefore = pending.withLock { messages in
            let count = messages.count
            if count < limit { messages.append(message) }
            return count
        }
        guard countBefore < limit else { return false }
        // Only the first message of a batch wakes the receiver: the system call costs more than all the rest.
        if countBefore == 0 { tern_eventfd_signal(raw) }
        return true
    }

    /// Takes all messages, in the order of posting.
    package func drain() -> [Message] {
        // The signal is cleared before the messages are taken. The other way round, a message posted between the two
        // would lose its signal. This way the worst is a wake-up that finds nothing.
        tern_eventfd_clear(raw)
        return pending.withLock { messages in
            let taken = messages
            messages = []
            return taken
        }
    }
}
