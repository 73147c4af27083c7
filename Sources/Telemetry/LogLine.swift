package import NetworkPrimitives

/// How much a line matters.
package enum LogLevel: Int, Comparable, Sendable, CaseIterable {
    case debug, info, notice, warning, error

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

    package var name: StaticString {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .notice: "notice"
        case .warning: "warning"
        case .error: "error"
        }
    }
}

/// One record of the log: always one line, whatever a stranger put into it.
package struct LogLine: Equatable, Sendable {
    package let level: LogLevel
    package let time: UnixTime
    /// Without control characters; see `Quoted`.
    package let text: String

    package init(_ level: LogLevel, at time: UnixTime, _ text: String) {
        self.level = level
        self.time = time
        self.text = text
    }

    /// `2026-11-20T18:00:00Z info: text`.
    package var formatted: String { [self].formatted }
}

extension [LogLine] {
    /// All lines as one text, each but the last with a line feed.
    package var formatted: String {
        var text = ""
        text.reserveCapacity(count * 160)
        // Lines come in crowds, and a date takes longer to write than the rest.
        var date = ""
        var time: UnixTime?
        for line in self {
            if line.time != time {
                time = line.time
                date = "\(CivilTime(line.time))"
            }
            if !text.isEmpty { text += "\n" }
            text += date
            text += " "
            text += "\(line.level.name)"
            text += ": "
            text += line.text
        }
        return text
    }
}

/// Bytes that a stranger chose, for a log line: printable ASCII as it is, everything else as `\xNN`, at most 64 bytes.
package struct Quoted: CustomStringConvertible {
    static let byteCountMax = 64
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var description: String {
        var line = LineBuilder()
        line.append(quoted: bytes)
        return line.text
    }
}

/// A point in time as people write it, in UTC: `2026-11-20T18:00:00Z` (RFC 3339).
package struct CivilTime: CustomStringConvertible {
    private let time: UnixTime

    package init(_ time: UnixTime) { self.time = time }

    package var description: String {
        let day = time.seconds >= 0 ? time.seconds / 86_400 : (time.seconds - 86_399) / 86_400
        let second = time.seconds - day * 86_400
        let date = Self.date(ofDay: day)
        let clock = "\(Self.two(second / 3600)):\(Self.two(second / 60 % 60)):\(Self.two(second % 60))"
        return "\(date.year)-\(Self.two(date.month))-\(Self.two(date.day))T\(clock)Z"
    }

    /// The Gregorian date of a day counted from 1970-01-01. Years are taken to begin in March, so that the leap day is
    /// the last one, and the calendar repeats every 400 years of 146,097 days.
    private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
