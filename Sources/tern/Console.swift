import LinuxSockets

/// The terminal. Lines leave at once: whoever waits for `ready` may read from a pipe.
enum Console {
    static func write(_ text: String) { (try? LineSink.standardOutput())?.write(text) }

    static func complain(_ text: String) { (try? LineSink.standardError())?.write(text) }

    /// A word of the command line that is quoted back: printable, and short.
    static func shown(_ word: String) -> String {
        let printable = word.unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7F }.prefix(60)
        return "'" + String(String.UnicodeScalarView(printable)) + "'"
    }
}
