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

    /// For a server that does not run; rules of its database count as well.
    package init(of ip: IPAddress, port: UInt16?, _ configuration: ServerConfiguration, _ stored: StoredUsers?) {
        let settings = ServerSettings(configuration, host: .ofThisProcess(), nonceSecret: [0], stored: stored)
        self.init(of: ip, port: port, settings.turn.peerFilter)
    }

    init(of ip: IPAddress, port: UInt16?, _ filter: PeerFilter) {
        let decision = port.map { filter.decide(SocketAddress(ip: ip, port: $0)) } ?? filter.decide(ip)
        isAllowed = decision.isAllowed
        switch decision {
        case .allowed(let rule), .denied(let rule): self.rule = rule
        }
    }
}
