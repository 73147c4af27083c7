import Configuration
import LinuxSockets
import NetworkPrimitives

// Listening for clients that come by connections.
extension Server {
    /// Bytes that a connection takes beyond what it can send at present. More would be old when it leaves, with answers
    /// behind it; less would leave the line idle between two rounds of a worker.
    private static let unsentByteCountMax = 32_768

    /// One set of listeners a worker; the kernel spreads connections over them (SO_REUSEPORT).
    func openStreamListeners() throws(StartFailure) -> [[HeldListener]] {
        for address in settings.streamListenerAddresses { try requireUnusedStream(address) }
        var sets: [[HeldListener]] = []
        for _ in 0..<workerCount {
            var listeners: [HeldListener] = []
            for address in settings.streamListenerAddresses {
                let options = TCPListenerOptions(
                    device: settings.device, reusePort: true, unsentByteCountMax: Self.unsentByteCountMax)
                if let listener = try openStreamListener(address, options) { listeners.append(listener) }
            }
            sets.append(listeners)
        }
        return sets
    }

    /// See `requireUnused`.
    private func requireUnusedStream(_ address: SocketAddress) throws(StartFailure) {
        _ = try openStreamListener(address, TCPListenerOptions(device: settings.device))
    }

    private func openStreamListener(
        _ address: SocketAddress, _ options: TCPListenerOptions
    ) throws(StartFailure) -> HeldListener? {
        do {
            let listener = try TCPListener(binding: address, options: options)
            return HeldListener(
                listener, mayBeHTTP: servesHTTP(on: address), expectsProxy: settings.proxyPorts.contains(address.port))
        } catch {
            // A host without IPv6 is served over IPv4, unless somebody asked for that very address.
            if address.ip == .v6(.any), case .allLocal = configuration.listeners.addresses, !error.isAddressInUse {
                return nil
            }
            throw StartFailure("cannot listen on TCP \(address): \(error); \(advice(error, about: address))")
        }
    }
}
