import CLinux

/// What the system lets this process have.
package enum ResourceLimits {
    /// Raises the number of files that may be open to what the system allows at most; returns what holds afterwards.
    package static func raiseOpenFiles() -> Int { max(0, Int(tern_raise_open_files())) }
}

/// The heap of the process.
package enum Heap {
    /// Gives free pages back to the system. Takes a millisecond for some ten megabytes: for moments when nothing is
    /// going on.
    package static func trim() { tern_trim_heap() }
}

/// How many processors are ours.
package enum ProcessorCount {
    /// The processors that the process may run on, or the container's quota of processor time if that is less; rounded
    /// up, and at least 1.
    package static func available() -> Int {
        let allowed = max(1, Int(tern_affinity_count()))
        return min(allowed, quota(readingFile: text(ofFile:)) ?? allowed)
    }

    /// The number of the processor for the thread `number`, when each is to have one of its own for as long as there
    /// are enough; nil when the system does not tell.
    package static func processor(forThread number: Int) -> Int? {
        let count = tern_affinity_count()
        guard count > 0 else { return nil }
        let processor = tern_affinity_processor(Int32(number % Int(count)))
        return processor < 0 ? nil : Int(processor)
    }

    /// The least quota of the process's control groups, in whole processors rounded up; nil when there is none.
    ///
    /// `readingFile` is a parameter so that tests can describe a container.
    package static func quota(readingFile text: (String) -> String?) -> Int? {
        guard let groups = text("/proc/self/cgroup") else { return nil }
        var least: Int?
        for line in groups.split(separator: "\n") {
            // Lines are `hierarchy:controllers:path` (cgroups(7)).
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isUnified = fields[0] == "0" && fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("cpu") else { continue }
            for path in pathsToRoot(fields[2]) {
                let quota =
                    isUnified
                    ? unifiedQuota(text("/sys/fs/cgroup\(path)/cpu.max"))
                    : legacyQuota(
                        text("/sys/fs/cgroup/cpu\(path)/cpu.cfs_quota_us"),
                        period: text("/sys/fs/cgroup/cpu\(path)/cpu.cfs_period_us"))
                if let quota { least = min(least ?? quota, quota) }
            }
        }
        return least
    }

    /// `/a/b` gives `/a/b`, `/a` and the empty path: a group is bound by the quotas of all groups around it. In a
    /// container the path may name groups that are not visible there; those are then found only at the root.
    private static func pathsToRoot(_ path: Substring) -> [String] {
        var paths = [""]
        var current = ""
        for component in path.split(separator: "/") {
            current += "/" + component
            paths.append(current)
        }
        return paths.reversed()
    }

    /// `cpu.max` holds quota and period in microseconds, or the word `max` (cgroup v2).
    private static func unifiedQuota(_ text: String?) -> Int? {
        let words = (text ?? "").split { $0 == " " || $0 == "\n" }
        guard words.count == 2 else { return nil }
        return processors(quota: Int(words[0]), period: Int(words[1]))
    }

    private static func legacyQuota(_ quota: String?, period: String?) -> Int? {
        processors(quota: number(quota), period: number(period))
    }

    private static func number(_ text: String?) -> Int? {
        text?.split(separator: "\n").first.flatMap { Int($0) }
    }

    /// Nil without a quota, which cgroup v1 writes as -1.
    private static func processors(quota: Int?, period: Int?) -> Int? {
        guard let quota, let period, quota > 0, period > 0 else { return nil }
        return quota / period + (quota % period == 0 ? 0 : 1)
    }

    private static func text(ofFile path: String) -> String? {
        var count: Int64 = 0
        let bytes = unsafe [CChar](unsafeUninitializedCapacity: 8192) { buffer, filled in
            guard let start = buffer.baseAddress else { return }
            count = unsafe tern_read_file(path, start, buffer.count)
            filled = max(0, Int(count))
        }
        guard count >= 0 else { return nil }
        return String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
