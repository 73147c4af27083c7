import CLinux
import Glibc
package import LinuxSockets

/// Signals as readable events (signalfd).
package struct SignalSource: ~Copyable {
    private let descriptor: FileDescriptor

    /// Blocks `signals` in the calling thread, where they stay blocked. Make it before other threads are spawned: they
    /// inherit the mask, and a signal that any thread leaves open takes its default action there.
    package init(_ signals: [Int32]) throws(SystemError) {
        let raw = unsafe signals.withUnsafeBufferPointer { numbers -> CInt in
            guard let first = numbers.baseAddress else { return -EINVAL }
            return unsafe tern_signalfd_create(first, numbers.count)
        }
        descriptor = FileDescriptor(adopting: try SystemError.check("signalfd", raw))
    }

    /// Readable while a signal waits; to be used only while the source lives.
    package var raw: CInt { descriptor.raw }

    /// Takes the next signal's number; nil when none waits. A signal raised several times may come once.
    package func read() -> Int32? {
        let number = tern_signalfd_read(raw)
        return number > 0 ? number : nil
    }
}
