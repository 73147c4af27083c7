import Configuration
import EventLoop
import LinuxSockets
import NetworkPrimitives
package import TURN
import Telemetry

// Where clients come in over UDP, what is said when that fails, and what else is known about it at the start.
extension Server {
    /// The sockets of each worker; the kernel spreads clients over them (SO_REUSEPORT).
    func openListeners() throws(StartFailure) -> [ListenerGroup] {
        for address in settings.listenerAddresses { try requireUnused(address) }
        var groups: [ListenerGroup] = []
        for address in settings.listenerAddresses {
            let group = try ListenerGroup(workers: workerCount) { () throws(StartFailure) in try openListener(address) }
            if let group { groups.append(group) }
        }
        return groups
    }

    /// SO_REUSEPORT lets every process of this user share a port, a second server that was started by mistake too; the
    /// two would get half of the clients each. A socket without it tells whether anybody has the port.
    private func requireUnused(_ address: SocketAddress) throws(StartFailure) {
        _ = try openSocket(address, UDPSocketOptions(device: settings.device))
    }

    private func openListener(_ address: SocketAddress) throws(StartFailure) -> HeldSocket? {
        let options = UDPSocketOptions(
            reusePort: true, packetInfo: address.ip.isUnspecified, receiveBufferBytes: settings.socketBufferBytes,
            sendBufferBytes: settings.socketBufferBytes, device: settings.device,
            coalesces: settings.coalescesDatagrams)
        return try openSocket(address, options)
    }

    private func openSocket(
        _ address: SocketAddress, _ options: UDPSocketOptions
    ) throws(StartFailure) -> HeldSocket? {
        do { return HeldSocket(try UDPSocket(binding: address, options: options)) } catch {
            // A host without IPv6 is served over IPv4, unless somebody asked for that very address.
            if address.ip == .v6(.any), case .allLocal = configuration.listeners.addresses, !error.isAddressInUse {
                return nil
            }
            throw StartFailure("cannot listen on \(address): \(error); \(advice(error, about: address))")
        }
    }

    /// What to do about a listener that could not be opened.
    func advice(_ error: SystemError, about address: SocketAddress) -> String {
        if let advice = deviceAdvice(error, "listening-device") { return advice }
        let (ipOption, portOption) = options(of: address)
        if error.isAddressInUse { return "another server has the port; stop it or choose another \(portOption)" }
        if error.isAddressNotAvailable { return "this host does not have the address; check \(ipOption)" }
        if error.isPermissionDenied { return "ports below 1024 need root or CAP_NET_BIND_SERVICE" }
        return ipOption == portOption ? "check \(ipOption)" : "check \(ipOption) and \(portOption)"
    }

    /// What the operator wrote a listener by.
    private func options(of address: SocketAddress) -> (ip: String, port: String) {
        if configuration.listeners.auxiliary.contains(address) { return ("aux-server", "aux-server") }
        if address.port == configuration.discovery?.alternatePort { return ("listening-ip", "alt-listening-port") }
        if address.port == configuration.proxying?.ownPort { return ("listening-ip", "tcp-proxy-port") }
        return ("listening-ip", address.port == configuration.listeners.port ? "listening-port" : "tls-listening-port")
    }

    /// Nil when the failure is about something else than the network interface.
    func deviceAdvice(_ error: SystemError, _ option: String) -> String? {
        guard error.isAboutDevice else { return nil }
        if error.isNoSuchDevice { return "this host has no such network interface; check \(option) against `ip link`" }
        if error.isPermissionDenied {
            return "this kernel lets only root or CAP_NET_RAW choose a network interface; "
                + "give the server the capability, or remove \(option)"
        }
        return "check \(option)"
    }

    // MARK: - Relaying

    /// Relay sockets are opened one by one while the server runs. What would keep all of them from a network interface
    /// is found now, with the rights that are left after the start.
    func requireRelayDevice(for configuration: ServerConfiguration) throws(StartFailure) {
        guard let device = settings.relayDevice, case .enabled = configuration.relaying else { return }
        for relay in settings.turn.relayAddresses {
            do {
                _ = try UDPSocket(binding: SocketAddress(ip: relay.local, port: 0), options: .init(device: device)).raw
            } catch {
                let advice = deviceAdvice(error, "relay-device") ?? "check relay-device and relay-ip"
                throw StartFailure("cannot relay from \(relay.local) through \(device): \(error); \(advice)")
            }
        }
    }

    // MARK: - Elsewhere

    /// Sends Allocate requests to these servers from now on; none of them serves everybody here again.
    package func redirect(to alternates: AlternateServers) {
        for mailbox in mailboxes { mailbox.post(.redirect(alternates)) }
    }

    // MARK: - Words

    func logListening() {
        if let discovery = configuration.discovery {
            let pairs = discovery.pairs.map { "\($0.first) and \($0.second)" }.joined(separator: ", ")
            log.write(
                .notice,
                "NAT behaviour discovery on \(pairs), ports \(configuration.listeners.port) and "
                    + "\(discovery.alternatePort)")
        }
        let redirection = configuration.redirection
        for (servers, transports) in [
            (redirection.udp, "UDP"), (redirection.tcp, "TCP"), (redirection.secure, "TLS and DTLS"),
        ] where !servers.isEmpty {
            let listed = servers.map(\.address.description).joined(separator: ", ")
            log.write(.notice, "Allocate requests over \(transports) are redirected to \(listed)")
        }
    }
}
