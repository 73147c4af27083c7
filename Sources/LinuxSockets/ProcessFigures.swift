import Glibc

/// What this process takes of the machine (proc(5)).
package enum ProcessFigures {
    /// Memory that is in use and not swapped out; 0 when the system does not tell.
    package static func residentBytes() -> UInt64 {
        guard let text = try? Files.read("/proc/self/statm", byteCountMax: 256) else { return 0 }
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = UInt64(fields[1]) else { return 0 }
        return pages * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
    }

    /// Descriptors that are open; 0 when the system does not tell.
    package static func openFiles() -> Int {
        guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        // Without `.`, `..`, and the descriptor of the look itself.
        return max(0, count - 3)
    }

    /// Descriptors that may be open; 0 when there is no limit (sysconf(3) asks for RLIMIT_NOFILE).
    package static func openFilesMax() -> Int { max(0, sysconf(Int32(_SC_OPEN_MAX))) }
}
