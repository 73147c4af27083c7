import Configuration
import LinuxSockets
import NetworkPrimitives
import WebService

/// Where HTTP and WebSocket are served, and what for.
struct SignalingListener: Sendable {
    enum Place: Hashable, Sendable {
        case address(SocketAddress)
        /// The path of a Unix socket.
        case unix(String)
    }

    let place: Place
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
            addresses.map { SignalingListener(place: .address(SocketAddress(ip: $0, port: port)), profile: profile) }
        }
    }

    /// The port of metrics and the control socket.
    static func forOperators(_ configuration: ServerConfiguration) -> [SignalingListener] {
        var listeners: [SignalingListener] = []
        if let metrics = configuration.metrics.listener {
            let addresses = metrics.address.map { [$0] } ?? AddressFamily.allCases.map { .any($0) }
            for ip in addresses {
                let address = SocketAddress(ip: ip, port: metrics.port)
                listeners.append(SignalingListener(place: .address(address), profile: .metrics))
            }
        }
        if let path = configuration.controlSocket {
            listeners.append(SignalingListener(place: .unix(path), profile: .control))
        }
        return listeners
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
