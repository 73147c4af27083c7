import CLinux
package import LinuxSockets

/// A thread of the operating system.
package struct WorkerThread: Sendable {
    private let handle: ThreadHandle

    /// Starts a thread that runs `body` and ends. The kernel shows the first 15 bytes of `name`. With `cpu` the thread
    /// runs on that processor only. Signals blocked by the caller are blocked in the thread.
    package static func spawn(
        name: String, cpu: Int? = nil, body: @escaping @Sendable () -> Void
    ) throws(SystemError) -> WorkerThread {
        let context = unsafe Unmanaged.passRetained(ThreadBody(run: body))
        var thread: UInt64 = 0
        let result = unsafe tern_thread_start(
            name, Int32(clamping: cpu ?? -1), runThreadBody, context.toOpaque(), &thread)
        if result < 0 { unsafe context.release() }
        try SystemError.check("pthread_create", result)
        return WorkerThread(handle: ThreadHandle(thread))
    }

    /// Waits until the thread has ended. Only the first call waits; a thread must not join itself.
    package func join() { handle.join() }
}

/// The closure of a thread, boxed for its way through a C pointer.
private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
}

// A function and not a closure: a closure made in top-level code crashes when another thread calls it.
private func runThreadBody(_ context: UnsafeMutableRawPointer) {
    let body = unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue()
    body.run()
}

/// A class so that copies of `WorkerThread` agree on whether the thread was joined: POSIX leaves joining twice
/// undefined.
private final class ThreadHandle: Sendable {
    private let thread: Locked<UInt64?>

    init(_ thread: UInt64) { self.thread = Locked(thread) }

    deinit {
        if let thread = take() { tern_thread_detach(thread) }
    }

    func join() {
        if let thread = take() { tern_thread_join(thread) }
    }

    private func take() -> UInt64? {
        thread.withLock { thread in
            let taken = thread
            thread = nil
            return taken
        }
    }
}
