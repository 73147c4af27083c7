import CLinux
package import NetworkPrimitives

/// What this machine is called on the networks it is attached to.
package enum NetworkInterfaces {
    /// A machine with more addresses names its listeners in the configuration.
    private static let addressesMax = 1024

    /// The addresses of all interfaces that are up, in the system's order. Link-local IPv6 addresses are left out: they
    /// mean nothing without their interface. Empty when the system does not tell.
    package static func addresses() -> [IPAddress] {
        let found = unsafe [tern_address](unsafeUninitializedCapacity: addressesMax) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            unsafe buffer.initialize(repeating: tern_address())
            count = max(0, unsafe Int(tern_interface_addresses(start, buffer.count)))
        }
        return found.compactMap { KernelAddress.ip($0) }
    }
}
