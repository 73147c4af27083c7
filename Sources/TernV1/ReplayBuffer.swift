/// What was sent to a session and may not have arrived, so that it can be sent again over another connection.
///
/// Messages are numbered from 1 on, without the number being sent: both sides count. The last ones are kept, until
/// their arrival is known. Texts are shared with the output, not copied.
struct ReplayBuffer {
    struct Entry {
        let text: [UInt8]
        let isConfidential: Bool
    }

    /// How many were sent; the number of the last one.
    private(set) var sentCount: UInt64 = 0
    private(set) var entries: [Entry] = []
    private(set) var byteCount = 0

    /// The number of the first message that is still here.
    var firstNumber: UInt64 { sentCount - UInt64(entries.count) + 1 }

    /// Numbers a message and keeps it. What no longer fits goes, oldest first; answers the number of the last one that
    /// went, 0 if none did.
    mutating func append(_ entry: Entry, messagesMax: Int, bytesMax: Int) -> UInt64 {
        entries.append(entry)
        byteCount += entry.text.count
        sentCount += 1
        guard entries.count > messagesMax || byteCount > bytesMax else { return 0 }
        var goneCount = 0
        var goneBytes = 0
        while goneCount < entries.count, entries.count - goneCount > messagesMax || byteCount - goneBytes > bytesMax {
            goneBytes += entries[goneCount].text.count
            goneCount += 1
        }
        drop(goneCount)
        return firstNumber - 1
    }

    /// Forgets the messages up to this number, because they have arrived.
    mutating func confirm(upTo number: UInt64) {
        guard !entries.isEmpty, number >= firstNumber else { return }
        drop(Int(min(number, sentCount) - firstNumber + 1))
    }

    /// Whether everything behind this number is still here. Nobody has received what was not sent.
    func canResume(after number: UInt64) -> Bool { number <= sentCount && number + 1 >= firstNumber }

    private mutating func drop(_ count: Int) {
        guard count < entries.count else {
            // An idle session holds no memory for this.
            entries = []
            byteCount = 0
            return
        }
        for entry in entries[..<count] { byteCount -= entry.text.count }
        entries.removeFirst(count)
    }
}
