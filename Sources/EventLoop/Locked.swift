import CLinux
import Glibc

/// State that several threads may touch, one at a time.
///
/// Over a pthread mutex and not `Synchronization.Mutex`, in whose contended path the thread sanitizer sees races that
/// are none.
@safe package final class Locked<State: ~Copyable>: @unchecked Sendable {  // reason: the mutex guards every access
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var state: State

    package init(_ state: consuming sending State) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        let result = unsafe pthread_mutex_init(mutex, nil)
        precondition(result == 0, "a plain mutex needs no resources")
        self.state = state
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Runs `body` while no one else can. Locking again from within never returns.
    package func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&state)
    }
}
