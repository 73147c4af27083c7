import CLinux
import Glibc

extension Files {
    /// Makes an empty file that only its owner may read and write. False when there is something of that name, which
    /// stays as it is.
    package static func makePrivate(_ path: String) throws(SystemError) -> Bool {
        let raw = unsafe path.withCString { unsafe open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        guard raw >= 0 else {
            guard errno != EEXIST else { return false }
            throw SystemError(operation: "make \(path)", errno: errno)
        }
        _ = FileDescriptor(adopting: raw)
        return true
    }

    package static func remove(_ path: String) { _ = unsafe path.withCString { unsafe unlink($0) } }
}

/// What comes by standard input.
package enum StandardInput {
    package static var isTerminal: Bool { isatty(0) == 1 }

    /// Everything up to the end, or up to one byte more than `byteCountMax`, so that the caller sees that it is too
    /// much; from a terminal one line, which is not shown while it is typed.
    package static func readSecret(byteCountMax: Int) throws(SystemError) -> [UInt8] {
        guard isTerminal else { return try read(byteCountMax: byteCountMax, isLine: false) }
        var settings = termios()
        guard unsafe tcgetattr(0, &settings) == 0 else { throw SystemError(operation: "tcgetattr", errno: errno) }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        _ = unsafe tcsetattr(0, TCSAFLUSH, &silent)
        defer { _ = unsafe tcsetattr(0, TCSAFLUSH, &settings) }
        return try read(byteCountMax: byteCountMax, isLine: true)
    }

    private static func read(byteCountMax: Int, isLine: Bool) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= byteCountMax {
            let count = unsafe Glibc.read(0, &chunk, min(chunk.count, byteCountMax + 1 - bytes.count))
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw SystemError(operation: "read", errno: errno)
            }
            guard count > 0 else { break }
            bytes += chunk[..<count]
            if isLine, bytes.last == UInt8(ascii: "\n") { break }
        }
        return bytes
    }
}

/// The variables that the process was started with.
package enum Environment {
    /// Nil when there is none of that name.
    package static func value(of name: String) -> String? {
        guard let start = unsafe getenv(name) else { return nil }
        return unsafe String(cString: start)
    }
}
