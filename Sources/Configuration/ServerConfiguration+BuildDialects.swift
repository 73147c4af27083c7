extension ServerConfiguration.Signaling {
    /// The protocols of other signaling servers.
    package struct Dialects: Hashable, Sendable {
        /// Those that are turned on, on whatever port.
        package let spoken: Set<SignalingDialectName>
        /// Those with paths on signaling-port.
        package let shared: Set<SignalingDialectName>
        /// Ports of one dialect each, in order; none is signaling-port.
        package let ports: [Port]
        /// The dialect of the other paths of signaling-port.
        package let root: SignalingDialectName?
        /// Whether clients that have no word for it are sent credentials.
        package let sendsIceServers: Bool
        package let codelabCapacity: Int
        package let nodeParkCapacity: Int
        /// Keys that are no tokens.
        package let peerJSKeys: Set<String>
        package let peerJSDiscovery: Bool
        package let playersPerStreamerMax: Int
        package let socketIO: SocketIO

        /// A port and what it is for.
        package struct Port: Hashable, Sendable {
            package let number: UInt16
            package let dialect: SignalingDialectName
        }

        /// How Socket.IO is spoken.
        package struct SocketIO: Hashable, Sendable {
            /// `all`, `polling` or `websocket`.
            package enum Transports: String, Hashable, Sendable { case all, polling, websocket }

            package let transports: Transports
            package let allowsEIO3: Bool
            package let allowsJSONP: Bool
        }

        /// Whether anybody may speak it anywhere.
        package func speaks(_ name: SignalingDialectName) -> Bool {
            spoken.contains(name) || name.isOverSocketIO && spoken.contains(.socketIO)
        }
    }
}

extension ServerConfiguration.Signaling.Dialects {
    init(_ settings: Settings, signalingPort: UInt16, log: inout DiagnosticLog) {
        var spoken: Set<SignalingDialectName> = []
        var shared: Set<SignalingDialectName> = []
        var ports: [Port] = []
        for entry in settings.written("signaling-dialect") {
            guard case .dialect(let dialect) = entry.value else { continue }
            spoken.insert(dialect.name)
            guard let number = dialect.port, number != signalingPort else {
                shared.formUnion(Self.entrances(of: dialect.name))
                continue
            }
            let port = Port(number: number, dialect: dialect.name)
            if let other = ports.first(where: { $0.number == number }) {
                guard other != port else { continue }
                // Those over Socket.IO share a port, as the first event tells them apart.
                guard !(other.dialect.isOverSocketIO && dialect.name.isOverSocketIO) else { continue }
                let message = "port \(number) is for \(other.dialect.rawValue) already; choose another one"
                log.add(.error, at: entry.place, about: "signaling-dialect", message)
            } else {
                ports.append(port)
            }
        }
        self.spoken = spoken
        self.shared = shared
        self.ports = ports
        root = Self.root(settings, shared: shared, log: &log)
        sendsIceServers = settings.flag("dialect-ice-servers")
        codelabCapacity = settings.integer("codelab-room-capacity")
        nodeParkCapacity = settings.integer("node-park-room-capacity")
        let keys = settings.texts("peerjs-key")
        peerJSKeys = Set(keys.isEmpty ? ["peerjs"] : keys)
        peerJSDiscovery = settings.flag("peerjs-discovery")
        playersPerStreamerMax = settings.integer("pixel-streaming-players-max")
        socketIO = SocketIO(
            transports: settings.text("socketio-transports").flatMap(SocketIO.Transports.init) ?? .all,
            allowsEIO3: !settings.flag("no-socketio-eio3"), allowsJSONP: settings.flag("socketio-jsonp"))
    }

    /// Whoever turns Pixel Streaming on wants all of its sides.
    private static func entrances(of name: SignalingDialectName) -> Set<SignalingDialectName> {
        name == .pixelStreaming ? [name, .pixelStreamingStreamer, .pixelStreamingSFU] : [name]
    }

    private static func root(
        _ settings: Settings, shared: Set<SignalingDialectName>, log: inout DiagnosticLog
    ) -> SignalingDialectName? {
        let option = "signaling-root-dialect"
        guard let name = settings.text(option).flatMap(SignalingDialectName.init) else { return nil }
        if !shared.contains(name) {
            let message = "it is not turned on; add signaling-dialect=\(name.rawValue)"
            log.add(.error, at: settings.place(of: option), about: option, message)
        }
        return name
    }
}
