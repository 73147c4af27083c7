import CLinux
import Glibc

/// Small files, read whole.
package enum Files {
    /// The content of a file of at most `byteCountMax` bytes; one byte more is returned of a larger one, so that the
    /// caller sees it is too large.
    package static func read(_ path: String, byteCountMax: Int) throws(SystemError) -> [UInt8] {
        let raw = unsafe path.withCString { unsafe open($0, O_RDONLY | O_CLOEXEC) }
        guard raw >= 0 else { throw SystemError(operation: "open \(path)", errno: errno) }
        let file = FileDescriptor(adopting: raw)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= byteCountMax {
            let count = unsafe Glibc.read(file.raw, &chunk, min(chunk.count, byteCountMax + 1 - bytes.count))
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw SystemError(operation: "read \(path)", errno: errno)
            }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Whether there is a file that can be read.
    package static func isReadable(_ path: String) -> Bool {
        unsafe path.withCString { unsafe access($0, R_OK) == 0 }
    }

    /// What the path leads to at present, symbolic links followed; nil when it leads to nothing that we may see.
    package static func version(_ path: String) -> FileVersion? {
        var status = tern_file_status()
        guard unsafe tern_path_status(path, &status) == 0 else { return nil }
        return FileVersion(status)
    }
}

/// A file or stream that lines are added to.
package struct LineSink: ~Copyable {
    private let descriptor: FileDescriptor

    /// Opens a file for appending, and makes it if it is not there.
    package init(appendingTo path: String) throws(SystemError) {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC
        let raw = unsafe path.withCString { unsafe open($0, flags, 0o640) }
        guard raw >= 0 else { throw SystemError(operation: "open \(path)", errno: errno) }
        descriptor = FileDescriptor(adopting: raw)
    }

    /// Writes a file anew.
    package init(replacing path: String) throws(SystemError) {
        let flags = O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC
        let raw = unsafe path.withCString { unsafe open($0, flags, 0o644) }
        guard raw >= 0 else { throw SystemError(operation: "open \(path)", errno: errno) }
        descriptor = FileDescriptor(adopting: raw)
    }

    /// The standard output of the process.
    package static func standardOutput() throws(SystemError) -> LineSink {
        LineSink(FileDescriptor(adopting: try SystemError.check("dup", negated(fcntl(1, F_DUPFD_CLOEXEC, 3)))))
    }

    package static func standardError() throws(SystemError) -> LineSink {
        LineSink(FileDescriptor(adopting: try SystemError.check("dup", negated(fcntl(2, F_DUPFD_CLOEXEC, 3)))))
    }

    private init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Writes the text and a line feed. What cannot be written, on a full disk say, is lost: a log never stops a relay.
    package func write(_ text: String) {
        var bytes = Array(text.utf8)
        bytes.append(UInt8(ascii: "\n"))
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(
                    descriptor.raw, buffer.baseAddress.map { unsafe $0 + written }, buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }

    private static func negated(_ result: CInt) -> CInt { result >= 0 ? result : -errno }
}

/// The process as the operating system knows it.
package enum Process {
    package static var id: Int32 { getpid() }

    /// Lets a write to a pipe that nobody reads fail instead of ending the process.
    package static func ignoreBrokenPipes() { tern_ignore_broken_pipes() }

    /// Asks this process to stop, as an operator would.
    package static func askToStop() { _ = kill(getpid(), SIGTERM) }

    package static func exit(_ status: Int32) -> Never { Glibc.exit(status) }

    /// Takes on a group, by its name; before the user, who may not change it any more.
    package static func become(group: String) throws(SystemError) {
        try SystemError.check("setgid", unsafe tern_set_group(group))
    }

    /// Takes on the group that a user belongs to, so that root's group does not stay behind.
    package static func become(groupOf user: String) throws(SystemError) {
        try SystemError.check("setgid", unsafe tern_set_group_of_user(user))
    }

    /// Takes on a user, by its name. There is no way back.
    package static func become(user: String) throws(SystemError) {
        try SystemError.check("setuid", unsafe tern_set_user(user))
    }

    /// The host's name, with the domain if it has one.
    package static func hostName() -> String {
        let bytes = unsafe [CChar](unsafeUninitializedCapacity: 256) { buffer, count in
            guard let start = buffer.baseAddress, unsafe gethostname(start, buffer.count) == 0 else { return }
            count = unsafe strnlen(start, buffer.count)
        }
        return String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The system's log (syslog(3)).
package enum SystemLog {
    package static func open() { tern_syslog_open() }

    /// `severity` is that of syslog: 3 error, 4 warning, 5 notice, 6 info, 7 debug.
    package static func write(severity: Int32, _ text: String) { unsafe tern_syslog_write(severity, text) }
}
