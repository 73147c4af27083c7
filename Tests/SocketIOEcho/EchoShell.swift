import CredentialService
import EngineIO
import EventLoop
import HTTP
import LinuxSockets
import NetworkPrimitives
import Signaling
import TernV1
import WebService
import WebSocket

/// Tern's service of HTTP and WebSocket between an endpoint and the loopback, in one thread.
struct EchoShell: ~Copyable {
    private let listener: TCPListener
    private var poller: Poller
    private var service: WebService
    private var connections: [UInt64: HeldConnection] = [:]
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    private static let listenerToken = UInt64.max

    /// A connection in a place of its own, as dictionaries take no values that cannot be copied.
    private final class HeldConnection {
        let connection: TCPConnection
        var watchesWrites = false
        init(_ connection: consuming TCPConnection) { self.connection = connection }
    }

    var port: UInt16 { listener.localAddress.port }

    init(_ endpoint: any EngineEndpoint, port: UInt16) throws {
        let listener = try TCPListener(binding: SocketAddress(ip: .v4(.loopback), port: port))
        let poller = try Poller()
        try poller.add(listener.raw, token: Self.listenerToken, interest: .readable)
        self.listener = listener
        self.poller = poller
        service = Self.service(endpoint)
    }

    private static func service(_ endpoint: any EngineEndpoint) -> WebService {
        var settings = WebSettings()
        settings.entrances = [.socketIO]
        settings.origins = OriginPolicy(allowsAll: true)
        settings.http.bodyByteCountMax = 1_000_000
        settings.engineWebSocket = WebSocketLimits(messageByteCountMax: 1_000_000)
        settings.connectsPerSecond = 10_000
        settings.connectsBurst = 10_000
        let servers = IceServerTemplate(hosts: [], externalAddresses: [], endpoints: [])
        let authority = Authority(
            gate: Gate(tokens: TokenVerifier(keys: []), anonymous: Gate.AnonymousAccess(rooms: []), issuer: nil),
            keys: APIKeys(applicationKeys: [], operatorSecrets: []), minters: [:], issuer: nil, servers: servers)
        var random = OSRandom()
        return WebService(
            settings: settings, authority: authority, site: EmbeddedSite(),
            signaling: TernV1Server(
                settings: TernV1Settings(limits: SignalingLimits()), gate: authority.gate, secret: random.bytes(32)),
            dialects: DialectServers(engine: endpoint), secret: random.bytes(32), start: Clock.monotonic())
    }

    mutating func run() throws {
        while true {
            let count = try poller.wait(until: service.nextDeadline, now: Clock.monotonic())
            let now = Clock.monotonic()
            if let deadline = service.nextDeadline, deadline <= now {
                service.handleDeadline(at: now, unixTime: Clock.wall())
            }
            for index in 0..<count {
                let event = poller.event(at: index)
                if event.token == Self.listenerToken {
                    accept(at: now)
                } else if event.isReadable || event.hasError {
                    read(event.token, at: now)
                }
                if event.isWritable { service.mayWrite(ConnectionID(rawValue: event.token)) }
            }
            while let connection = service.nextReady() { write(to: connection, at: now) }
            _ = service.takeOutputs()
        }
    }

    private mutating func accept(at now: Instant) {
        while case .connection(let accepted) = listener.accept() {
            let (remote, local) = (accepted.remoteAddress.ip, accepted.localAddress.ip)
            guard let id = service.open(remote: remote, local: local, at: now) else { continue }
            let held = HeldConnection(accepted.take())
            connections[id.rawValue] = held
            try? poller.add(held.connection.raw, token: id.rawValue, interest: .readable)
        }
    }

    private mutating func read(_ token: UInt64, at now: Instant) {
        let id = ConnectionID(rawValue: token)
        while let held = connections[token] {
            var span = buffer.mutableSpan
            var room = span.mutableBytes
            switch held.connection.read(into: &room) {
            case .bytes(let count):
                let bytes = buffer
                service.receive(
                    bytes.span.bytes.extracting(0..<count), on: id, at: now, unixTime: Clock.wall())
            case .wouldBlock: return
            case .endOfStream:
                try? poller.modify(held.connection.raw, token: token, interest: [])
                return service.endOfStream(id, at: now, unixTime: Clock.wall())
            case .failed:
                service.closed(id, at: now)
                connections[token] = nil
            }
        }
    }

    private mutating func write(to id: ConnectionID, at now: Instant) {
        while let held = connections[id.rawValue] {
            let pieces = service.pending(id)
            var written = 0
            if !pieces.isEmpty {
                switch held.connection.write(gathering: pieces) {
                case .wrote(let count): written = count
                case .wouldBlock:
                    _ = service.wrote(0, to: id, at: now, unixTime: Clock.wall())
                    try? poller.modify(held.connection.raw, token: id.rawValue, interest: [.readable, .writable])
                    return
                case .failed:
                    service.closed(id, at: now)
                    connections[id.rawValue] = nil
                    return
                }
            }
            switch service.wrote(written, to: id, at: now, unixTime: Clock.wall()) {
            case .more: continue
            case .idle: return
            case .shutDownWrites:
                try? held.connection.shutdownWrites()
                return
            case .close: connections[id.rawValue] = nil
            }
        }
    }
}
