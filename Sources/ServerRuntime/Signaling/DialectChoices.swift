import ChannelSignaling
import Codelab
import Configuration
import EngineIO
import LinuxSockets
import NetworkPrimitives
import NodePark
import PeerJS
import PixelStreaming
import Signaling
import SimplePeer
import SocketIO
import SocketIOChannels
import SocketIOSignaling
import WebService
import YWebRTC

/// What the operator decided about the protocols of other signaling servers, turned into what their machines take; nil
/// for those that are not turned on.
struct DialectChoices: Sendable {
    let channels: ChannelSignalingSettings?
    let yWebRTC: YWebRTCSettings?
    let peerJS: PeerJSSettings?
    let pixelStreaming: PixelStreamingSettings?
    let socketIO: SocketIOSignalingSettings?

    /// None.
    init() { (channels, yWebRTC, peerJS, pixelStreaming, socketIO) = (nil, nil, nil, nil, nil) }

    init(_ signaling: ServerConfiguration.Signaling, publicAddresses: [IPAddress]) {
        let chosen = signaling.dialects
        var channels = ChannelSignalingSettings()
        channels.sendsIceServers = chosen.sendsIceServers
        channels.host.adopt(signaling.limits)
        var yWebRTC = YWebRTCSettings()
        yWebRTC.sendsIceServers = chosen.sendsIceServers
        yWebRTC.host.adopt(signaling.limits)
        var peerJS = PeerJSSettings(defaultRoom: Self.room(of: .peerJS))
        peerJS.keys = chosen.peerJSKeys
        peerJS.allowsDiscovery = chosen.peerJSDiscovery
        peerJS.host.adopt(signaling.limits)
        var pixelStreaming = PixelStreamingSettings(defaultRoom: Self.room(of: .pixelStreaming))
        pixelStreaming.playersPerStreamerMax = chosen.playersPerStreamerMax
        pixelStreaming.host.adopt(signaling.limits)
        self.channels = chosen.speaks(.channels) ? channels : nil
        self.yWebRTC = chosen.speaks(.yWebRTC) ? yWebRTC : nil
        self.peerJS = chosen.speaks(.peerJS) ? peerJS : nil
        let sides: [SignalingDialectName] = [.pixelStreaming, .pixelStreamingStreamer, .pixelStreamingSFU]
        self.pixelStreaming = sides.contains(where: chosen.speaks) ? pixelStreaming : nil
        let isOverSocketIO = chosen.spoken.contains(where: \.isOverSocketIO)
        socketIO = isOverSocketIO ? Self.socketIO(signaling, publicAddresses: publicAddresses) : nil
    }

    /// The machines, each with randomness of its own.
    func makeServers(gate: any Gatekeeper, random: inout OSRandom, at now: Instant) -> DialectServers {
        var (channelsBox, yWebRTCBox): (DialectBox<ChannelSignaling>?, DialectBox<YWebRTC>?)
        var (peerJSBox, pixelStreamingBox): (DialectBox<PeerJSServer>?, DialectBox<PixelStreamingServer>?)
        if let channels {
            let machine = ChannelSignaling(settings: channels, gate: gate, secret: random.bytes(32))
            channelsBox = DialectBox(machine, name: SignalingDialectName.channels.rawValue)
        }
        if let yWebRTC {
            let machine = YWebRTC(settings: yWebRTC, gate: gate, secret: random.bytes(32))
            yWebRTCBox = DialectBox(machine, name: SignalingDialectName.yWebRTC.rawValue)
        }
        if let peerJS {
            let machine = PeerJSServer(settings: peerJS, gate: gate, secret: random.bytes(32))
            peerJSBox = DialectBox(machine, name: SignalingDialectName.peerJS.rawValue)
        }
        if let pixelStreaming {
            let machine = PixelStreamingServer(settings: pixelStreaming, gate: gate, secret: random.bytes(32))
            pixelStreamingBox = DialectBox(machine, name: SignalingDialectName.pixelStreaming.rawValue)
        }
        let engine = socketIO.map {
            SocketIOSignaling(settings: $0, gate: gate, secret: random.bytes(32), start: now)
        }
        return DialectServers(
            channels: channelsBox, yWebRTC: yWebRTCBox, peerJS: peerJSBox, pixelStreaming: pixelStreamingBox,
            engine: engine)
    }

    /// Socket.IO, and the dialects that it carries.
    private static func socketIO(
        _ signaling: ServerConfiguration.Signaling, publicAddresses: [IPAddress]
    ) -> SocketIOSignalingSettings {
        let (chosen, limits) = (signaling.dialects, signaling.limits)
        var settings = SocketIOSignalingSettings()
        settings.engine = engine(signaling)
        if chosen.speaks(.simplePeer) {
            var simplePeer = SimplePeerSettings(defaultRoom: room(of: .simplePeer))
            simplePeer.host.adopt(limits)
            settings.simplePeer = simplePeer
        }
        if chosen.speaks(.codelab) {
            var codelab = CodelabSettings()
            codelab.host.adopt(limits)
            codelab.host.limits.roomCapacity = chosen.codelabCapacity
            codelab.publicAddresses = publicAddresses
            codelab.sendsIceServers = true
            settings.codelab = codelab
        }
        if chosen.speaks(.nodePark) {
            var nodePark = NodeParkSettings()
            nodePark.host.adopt(limits)
            nodePark.host.limits.roomCapacity = chosen.nodeParkCapacity
            nodePark.sendsIceServers = true
            settings.nodePark = nodePark
        }
        if chosen.speaks(.socketIOChannels) {
            var channels = SocketIOChannelsSettings()
            channels.host.adopt(limits)
            channels.sendsIceServers = true
            settings.socketIOChannels = channels
        }
        return settings
    }

    private static func engine(_ signaling: ServerConfiguration.Signaling) -> EngineSettings {
        let chosen = signaling.dialects.socketIO
        var engine = EngineSettings()
        engine.transports =
            switch chosen.transports {
            case .all: .all
            case .polling: .pollingOnly
            case .websocket: .webSocketOnly
            }
        engine.allowsVersion3 = chosen.allowsEIO3
        engine.allowsJSONP = chosen.allowsJSONP
        engine.limits.sessionsMax = signaling.limits.sessionsMax
        engine.limits.sessionsPerSourceMax = signaling.limits.connectionsPerSourceMax
        engine.limits.payloadByteCountMax = payloadByteCountMax(signaling)
        engine.limits.bufferedByteCountMax = signaling.limits.queueByteCountMax
        engine.limits.bufferedPacketsMax = signaling.limits.queueMessagesMax
        return engine
    }

    /// The room of those whose path names none has the name of the dialect, so that the operator can open it.
    private static func room(of name: SignalingDialectName) -> RoomName {
        guard let room = RoomName(name.rawValue.utf8) else { preconditionFailure("the name is one of a room") }
        return room
    }

    /// Bytes of one request or frame of Socket.IO: a client that polls sends what it has at once.
    static func payloadByteCountMax(_ signaling: ServerConfiguration.Signaling) -> Int {
        max(signaling.http.bodyByteCountMax, signaling.limits.messageByteCountMax)
    }
}

extension DialectSettings {
    /// The operator's limits; but how many rooms a client needs, how many clients a room and how often a ping is the
    /// dialect's own business.
    fileprivate mutating func adopt(_ limits: ServerConfiguration.Signaling.Limits) {
        let own = self.limits
        self.limits = SignalingLimits(limits)
        self.limits.roomsPerSessionMax = own.roomsPerSessionMax
        self.limits.roomCapacity = own.roomCapacity
        self.limits.heartbeatSeconds = own.heartbeatSeconds
    }
}
