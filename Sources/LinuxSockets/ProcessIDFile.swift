import Glibc

/// The file by which scripts find the process (`pidfile`): there while the server runs, gone afterwards.
package struct ProcessIDFile: ~Copyable {
    private let path: String
    private let content: [UInt8]
    /// Kept, because whoever has given up root may not change the folder any more.
    private let file: FileDescriptor

    /// Writes the process id. What an earlier process has left behind is overwritten.
    package init(writing id: Int32, to path: String) throws(SystemError) {
        let flags = O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC
        let raw = unsafe path.withCString { unsafe open($0, flags, 0o644) }
        guard raw >= 0 else { throw SystemError(operation: "open \(path)", errno: errno) }
        let file = FileDescriptor(adopting: raw)
        let content = Array("\(id)\n".utf8)
        let written = unsafe content.withUnsafeBytes { unsafe Glibc.write(file.raw, $0.baseAddress, $0.count) }
        // A file that is there and says nothing would be believed to be one of a server that does not run.
        guard written == content.count else {
            throw SystemError(operation: "write \(path)", errno: written < 0 ? errno : ENOSPC)
        }
        self.path = path
        self.content = content
        self.file = file
    }

    /// Removes the file, unless another process has written its own id there. Where the folder is not ours to change
    /// the file stays and is empty.
    package borrowing func remove() {
        guard (try? Files.read(path, byteCountMax: 64)) == content else { return }
        guard unsafe path.withCString({ unsafe unlink($0) }) != 0 else { return }
        _ = ftruncate(file.raw, 0)
    }
}
