import NetworkPrimitives
import TURN

/// What a server makes once, when it starts: sockets, threads, the sizes of tables. Settings of a reload must have the
/// same, which the marks in the table of options see to; this is the check behind them.
struct StartBound: Equatable {
    private let listeners: [SocketAddress]
    private let streamListeners: [SocketAddress]
    private let proxyPorts: Set<UInt16>
    private let relayAddresses: [RelayAddress]
    private let fallbackRelayAddresses: [RelayAddress]
    private let relayPorts: ClosedRange<UInt16>
    private let devices: [String?]
    private let servesPlain: [Bool]
    private let sizes: [Int]

    init(_ settings: ServerSettings) {
        listeners = settings.listenerAddresses
        streamListeners = settings.streamListenerAddresses
        proxyPorts = settings.proxyPorts
        relayAddresses = settings.turn.relayAddresses
        fallbackRelayAddresses = settings.turn.fallbackRelayAddresses
        relayPorts = settings.relayPorts
        devices = [settings.device, settings.relayDevice]
        servesPlain = [settings.servesPlainDatagrams, settings.servesPlainStreams]
        let limits = settings.turn.limits
        sizes = [
            settings.relaySocketsMax, settings.connectionsPerWorkerMax, settings.signalingConnectionsMax,
            settings.streams.connectionsMax, settings.streams.idlePerSourceMax, settings.socketBufferBytes,
            limits.allocationsMax, limits.permissionsPerAllocationMax, limits.channelsPerAllocationMax,
            limits.reservationsMax, limits.tcpPeersMax,
        ]
    }
}
