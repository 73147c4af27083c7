import Configuration
import NetworkPrimitives
import TURN

// Where clients come in, and where they are sent on.
extension ServerSettings {
    /// The port of plain clients where they are served, and that of the others; either serves both kinds, and so do the
    /// further listeners.
    static func listenerAddresses(
        _ configuration: ServerConfiguration, isPlain: Bool, isSecure: Bool, others: [UInt16] = []
    ) -> [SocketAddress] {
        guard isPlain || isSecure else { return [] }
        let listeners = configuration.listeners
        var ports = isPlain ? [listeners.port] : []
        if isSecure, let port = configuration.encryption?.port, !ports.contains(port) { ports.append(port) }
        ports += others
        let addresses =
            switch listeners.addresses {
            case .allLocal: AddressFamily.allCases.map { IPAddress.any($0) }
            case .these(let addresses): addresses
            }
        var result = ports.flatMap { port in addresses.map { SocketAddress(ip: $0, port: port) } }
        var further = listeners.auxiliary
        if isPlain, let discovery = configuration.discovery {
            further += discovery.pairs.flatMap { [$0.first, $0.second] }.map {
                SocketAddress(ip: $0, port: discovery.alternatePort)
            }
        }
        for address in further where !result.contains(address) { result.append(address) }
        return result
    }

    /// Ports of ours that a relay must not reach.
    static func listenerPorts(_ configuration: ServerConfiguration) -> [UInt16] {
        let main = [
            configuration.listeners.port, configuration.encryption?.port, configuration.discovery?.alternatePort,
            configuration.proxying?.ownPort, configuration.signaling?.port,
        ].compactMap(\.self)
        return main + configuration.listeners.auxiliary.map(\.port)
    }

    static func discovery(_ configuration: ServerConfiguration) -> NATDiscovery? {
        guard let discovery = configuration.discovery else { return nil }
        let external = configuration.relay.externalAddresses
        let pairs = discovery.pairs.compactMap { pair in
            NATDiscovery.Pair(
                .init(local: pair.first, advertised: external.advertised(for: pair.first)),
                .init(local: pair.second, advertised: external.advertised(for: pair.second)))
        }
        return NATDiscovery(
            pairs: pairs, port: configuration.listeners.port, alternatePort: discovery.alternatePort)
    }

    static func alternates(_ redirection: ServerConfiguration.Redirection) -> AlternateServers {
        func servers(_ written: [ServerConfiguration.Redirection.Server]) -> [AlternateServer] {
            written.map { AlternateServer($0.address, domain: $0.name.map { Array($0.utf8) }) }
        }
        return AlternateServers(
            udp: servers(redirection.udp), tcp: servers(redirection.tcp), secure: servers(redirection.secure))
    }
}
