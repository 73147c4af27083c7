import Configuration
import NetworkPrimitives
import WebService

/// An address that signaling listens on, and what for.
struct SignalingListener: Sendable {
    let address: SocketAddress
    let profile: ListenerProfile

    /// Signaling-port first, then the ports of dialects, each on every address.
    static func all(of signaling: ServerConfiguration.Signaling) -> [SignalingListener] {
        let addresses: [IPAddress] =
            switch signaling.addresses {
            case .allLocal: AddressFamily.allCases.map { .any($0) }
            case .these(let addresses): addresses
            }
        let ports =
            [(signaling.port, ListenerProfile.everything)]
            + signaling.dialects.ports.map { ($0.number, .only(DialectEntrance($0.dialect))) }
        return ports.flatMap { port, profile in
            addresses.map { SignalingListener(address: SocketAddress(ip: $0, port: port), profile: profile) }
        }
    }
}

extension DialectEntrance {
    /// Where the clients of a dialect come in.
    init(_ name: SignalingDialectName) {
        self =
            switch name {
            case .socketIO, .simplePeer, .codelab, .nodePark, .socketIOChannels: .socketIO
            case .peerJS: .peerJS
            case .channels: .channels
            case .yWebRTC: .yWebRTC
            case .pixelStreaming: .pixelStreaming
            case .pixelStreamingStreamer: .pixelStreamingStreamer
            case .pixelStreamingSFU: .pixelStreamingSFU
            }
    }
}
