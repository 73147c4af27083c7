import EventLoop
import LinuxSockets
import NetworkPrimitives

/// On what, and when, a run was made.
struct Machine {
    let processor: String
    let processors: Int
    let kernel: String
    let date: String

    init() {
        processor = Self.firstModel(in: Self.text("/proc/cpuinfo")) ?? "unknown processor"
        processors =
            Self.text("/proc/stat").split(separator: "\n")
            .filter { $0.hasPrefix("cpu") && !$0.hasPrefix("cpu ") }.count
        kernel = "Linux " + Self.text("/proc/sys/kernel/osrelease").split(separator: "\n").joined()
        date = Self.date(secondsSince1970: Clock.wall().seconds)
    }

    /// The name of a process.
    static func name(of pid: Int32) -> String? {
        let name = text("/proc/\(pid)/comm").split(separator: "\n").joined()
        return name.isEmpty ? nil : name
    }

    private static func text(_ path: String) -> String {
        String(decoding: (try? Files.read(path, byteCountMax: 1 << 16)) ?? [], as: UTF8.self)
    }

    private static func firstModel(in text: String) -> String? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("model name") }),
            let colon = line.firstIndex(of: ":")
        else { return nil }
        return line[line.index(after: colon)...].split(separator: " ").joined(separator: " ")
    }

    /// UTC, as in 2026-01-31 23:59.
    static func date(secondsSince1970 seconds: Int64) -> String {
        let minutes = seconds / 60
        // Days are counted from 1 March of the year 0, so that the leap day comes last.
        let days = minutes / 1440 + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(civilMonth))-\(two(day)) \(two(minutes / 60 % 24)):\(two(minutes % 60)) UTC"
    }
}
