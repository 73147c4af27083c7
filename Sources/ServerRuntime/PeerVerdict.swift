package import Configuration
import LinuxSockets
package import NetworkPrimitives
import TURN

/// What the peer policy of a configuration says on this host about one peer: the same decision, by the same code, that
/// a permission or a channel gets.
package struct PeerVerdict: Sendable {
    package let isAllowed: Bool
    /// The rule that decides, as the operator wrote it or as it is built in.
    package let rule: String

    package init(of ip: IPAddress, port: UInt16?, _ configuration: ServerConfiguration) {
        let host = HostFacts(
            addresses: NetworkInterfaces.addresses(), hostName: Process.hostName(), openFilesMax: 1024,
            workerCount: 1)
        let settings = ServerSettings(configuration, host: host, nonceSecret: [0])
        let filter = settings.turn.peerFilter
        let decision = port.map { filter.decide(SocketAddress(ip: ip, port: $0)) } ?? filter.decide(ip)
        isAllowed = decision.isAllowed
        switch decision {
        case .allowed(let rule), .denied(let rule): self.rule = rule
        }
    }
}
