import CLinux

/// Owns one kernel descriptor. There is exactly one owner, and the end of the owner closes it.
package struct FileDescriptor: ~Copyable, Sendable {
    private let number: CInt

    package init(adopting raw: CInt) {
        precondition(raw >= 0, "the caller turns a failed system call into SystemError first")
        number = raw
    }

    deinit { tern_close(number) }

    /// The number, to be used only while the owner lives.
    package var raw: CInt { number }
}
