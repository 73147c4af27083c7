import CLinux
import Glibc

/// What tells one content of a file from another: for ETag, for If-Modified-Since, and to see that it was exchanged.
package struct FileVersion: Hashable, Sendable {
    package let byteCount: Int
    /// Since 1970.
    package let modifiedSeconds: Int64
    package let modifiedNanoseconds: UInt32
    package let inode: UInt64
    package let device: UInt64
}

extension FileVersion {
    init(_ status: tern_file_status) {
        self.init(
            byteCount: Int(status.size), modifiedSeconds: status.modified,
            modifiedNanoseconds: status.modified_nanoseconds, inode: status.inode, device: status.device)
    }
}

/// A file's bytes, and the version that they are.
package struct FileContent: Equatable, Sendable {
    package let bytes: [UInt8]
    package let version: FileVersion
}

/// A directory whose files anybody may read: regular files only, never beyond the directory, and nothing whose name
/// begins with a dot but `.well-known` (RFC 8615) at the top.
///
/// The directory is held open: who exchanges it for another of the same name has to tell the server. Symbolic links
/// work as long as they stay beneath it, except on kernels before 5.6, where no link is followed.
package struct StaticRoot: ~Copyable, Sendable {
    /// Directories above a file and the file itself.
    package static let segmentsMax = 32
    /// Bytes of a name.
    package static let segmentByteCountMax = 255

    /// Who sees to it that a path stays beneath the directory.
    package enum Resolution: Sendable {
        /// The kernel (openat2), or we where it cannot.
        case byKernel
        /// We, name by name, following no link: what older kernels get.
        case stepwise
    }

    private let descriptor: FileDescriptor
    private let resolution: Resolution

    /// A relative path counts from the working directory.
    package init(path: String, resolution: Resolution = .byKernel) throws(SystemError) {
        let raw = unsafe tern_directory_open(path)
        guard raw >= 0 else { throw SystemError(operation: "open \(path)", errno: -raw) }
        descriptor = FileDescriptor(adopting: raw)
        self.resolution = resolution
    }

    /// The content of the file below these directories, already percent-decoded. Nil when there is none, it may not be
    /// read, it is no regular file, it is larger than `byteCountMax`, or it keeps changing while it is read.
    package func read(_ segments: [String], byteCountMax: Int) -> FileContent? {
        guard let file = file(segments), var version = Self.version(of: file), version.byteCount <= byteCountMax
        else { return nil }
        // A file that is written in place could give the start of one version and the end of another.
        for _ in 0..<3 {
            guard let bytes = Self.bytes(of: file, count: version.byteCount), let after = Self.version(of: file),
                after.byteCount <= byteCountMax
            else { return nil }
            if bytes.count == version.byteCount, after == version { return FileContent(bytes: bytes, version: version) }
            version = after
        }
        return nil
    }

    /// The version of the file that `read` would give, without reading it; its size is not looked at.
    package func version(of segments: [String]) -> FileVersion? {
        guard let file = file(segments) else { return nil }
        return Self.version(of: file)
    }

    private func file(_ segments: [String]) -> FileDescriptor? {
        guard (1...Self.segmentsMax).contains(segments.count) else { return nil }
        for (index, segment) in segments.enumerated() {
            guard Self.isServed(segment, isFirst: index == 0) else { return nil }
        }
        let path = segments.joined(separator: "/")
        let raw =
            switch resolution {
            case .byKernel: unsafe tern_open_beneath(descriptor.raw, path)
            case .stepwise: unsafe tern_open_beneath_stepwise(descriptor.raw, path)
            }
        return raw >= 0 ? FileDescriptor(adopting: raw) : nil
    }

    /// Refuses empty names, `.`, `..` and hidden files, and what would not be one name to the kernel.
    private static func isServed(_ segment: String, isFirst: Bool) -> Bool {
        let bytes = segment.utf8
        guard (1...segmentByteCountMax).contains(bytes.count), !bytes.contains(0), !bytes.contains(UInt8(ascii: "/"))
        else { return false }
        return bytes.first != UInt8(ascii: ".") || (isFirst && segment == ".well-known")
    }

    private static func version(of file: borrowing FileDescriptor) -> FileVersion? {
        var status = tern_file_status()
        guard unsafe tern_file_status(file.raw, &status) == 0, status.is_regular else { return nil }
        return FileVersion(status)
    }

    private static func bytes(of file: borrowing FileDescriptor, count: Int) -> [UInt8]? {
        guard lseek(file.raw, 0, SEEK_SET) == 0 else { return nil }
        var result = Int64(0)
        // One byte more than expected, so that a file that has grown is seen to have.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count + 1) { buffer, filled in
            guard let start = buffer.baseAddress else { return }
            result = unsafe tern_file_read(file.raw, start, count + 1)
            filled = Int(max(result, 0))
        }
        return result >= 0 ? bytes : nil
    }
}
