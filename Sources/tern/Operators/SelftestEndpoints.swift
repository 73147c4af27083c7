import Configuration
import NetworkPrimitives
import OperatorClient

/// Where a selftest goes.
enum SelftestEndpoints {
    /// A host with a hundred addresses is not tried at each.
    private static let addressesMax = 8

    /// Every place where the configuration has clients served on this host.
    static func inside(_ configuration: ServerConfiguration, _ own: [IPAddress]) -> [SelftestEndpoint] {
        let services = Services(configuration)
        let addresses: [IPAddress]
        switch configuration.listeners.addresses {
        case .these(let written): addresses = written.map { $0.isUnspecified ? .loopback($0.family) : $0 }
        case .allLocal:
            // The ones that others use, if there are any.
            let outer = own.filter { !$0.isLoopback }
            addresses = outer.isEmpty ? [.loopback(.ipv4)] : outer
        }
        var endpoints = services.endpoints(at: Array(addresses.prefix(addressesMax)))
        let auxiliary = configuration.listeners.auxiliary
        for transport in services.transports where !transport.isEncrypted {
            for address in auxiliary where !services.expectsHeader(transport, address.port) {
                endpoints.append(SelftestEndpoint(transport, address))
            }
        }
        return endpoints
    }

    /// What a server offers at each of its addresses.
    struct Services {
        var port: UInt16 = 3478
        var securePort: UInt16 = 5349
        var transports: [Link.Transport] = [.udp, .tcp]
        /// TCP ports whose connections begin with a header of the PROXY protocol, which clients do not write.
        private var portsWithHeader: Set<UInt16> = []

        /// Without a configuration what most servers offer.
        init(_ configuration: ServerConfiguration?) {
            guard let configuration else { return }
            port = configuration.listeners.port
            transports = []
            if configuration.listeners.servesUDP { transports.append(.udp) }
            if configuration.listeners.servesTCP { transports.append(.tcp) }
            portsWithHeader = configuration.proxying?.ports ?? []
            guard let encryption = configuration.encryption else { return }
            securePort = encryption.port
            if encryption.servesTLS { transports.append(.tls) }
            if encryption.servesDTLS { transports.append(.dtls) }
        }

        func expectsHeader(_ transport: Link.Transport, _ port: UInt16) -> Bool {
            !transport.isDatagrams && portsWithHeader.contains(port)
        }

        func endpoints(at addresses: [IPAddress]) -> [SelftestEndpoint] {
            transports.flatMap { transport -> [SelftestEndpoint] in
                let port = transport.isEncrypted ? securePort : port
                guard !expectsHeader(transport, port) else { return [] }
                return addresses.map { SelftestEndpoint(transport, SocketAddress(ip: $0, port: port)) }
            }
        }
    }
}
