import CLinux
import Glibc

/// A system call that failed: what was tried, and the kernel's reason.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name of the call, such as `bind`.
    package let operation: String
    package let errno: Int32

    package init(operation: String, errno: Int32) {
        self.operation = operation
        self.errno = errno
    }

    /// Like `bind: Address already in use (98)`.
    package var description: String {
        guard let text = unsafe tern_error_text(errno) else { return "\(operation): error \(errno)" }
        return unsafe "\(operation): \(String(cString: text)) (\(errno))"
    }

    /// There is nothing of that name.
    package var isNoSuchName: Bool { errno == ENOENT }

    package var isAddressInUse: Bool { errno == EADDRINUSE }

    /// Binding to a network interface failed, because of the interface or for want of the right to.
    package var isAboutDevice: Bool { operation == "setsockopt(SO_BINDTODEVICE)" }

    /// There is no network interface of that name.
    package var isNoSuchDevice: Bool { errno == ENODEV }

    /// The address is none of this machine's.
    package var isAddressNotAvailable: Bool { errno == EADDRNOTAVAIL }

    /// The process or the system has no descriptor left.
    package var isOutOfDescriptors: Bool { errno == EMFILE || errno == ENFILE }

    package var isPermissionDenied: Bool { errno == EACCES || errno == EPERM }

    package var isWouldBlock: Bool { errno == EAGAIN }

    /// An earlier datagram of this socket met an ICMP error, and this call was told instead of doing its work. Read the
    /// error queue and carry on: the socket is sound.
    package var isDeliveryReport: Bool {
        switch errno {
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENONET, ENOPROTOOPT, EOPNOTSUPP, EMSGSIZE, EPROTO,
            EACCES:
            true
        default: false
        }
    }

    /// Passes on a result of the C shim, where a negative number is a negated errno.
    @discardableResult
    package static func check(_ operation: StaticString, _ result: CInt) throws(SystemError) -> CInt {
        guard result >= 0 else { throw SystemError(operation: operation.description, errno: -result) }
        return result
    }
}
