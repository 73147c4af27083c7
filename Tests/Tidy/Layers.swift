/// Where a target stands; Docs/Architecture.md draws the picture.
enum Ring: Sendable {
    case foundations, protocols, host, services, assembly, executables
}

/// What the sources of one target may import.
struct Layer: Sendable {
    let name: String
    let ring: Ring
    /// Targets of the project, as Package.swift declares them.
    let targets: Set<String>
    /// Modules of the system.
    let system: Set<String>

    init(_ name: String, _ ring: Ring, _ targets: Set<String> = [], system: Set<String> = []) {
        self.name = name
        self.ring = ring
        self.targets = targets
        self.system = system
    }

    /// The table of the layers. A new target gets a row here and an entry in Package.swift; they must agree.
    static let table: [Layer] = [
        Layer("NetworkPrimitives", .foundations),
        Layer("Containers", .foundations, ["NetworkPrimitives"]),
        Layer("COpenSSL", .foundations),
        Layer("Crypto", .foundations, ["COpenSSL"]),
        Layer("CZlib", .foundations),
        Layer("Deflate", .foundations, ["CZlib"]),
        Layer("CTLS", .foundations),
        Layer("CSQLite", .foundations),

        Layer("TLS", .protocols, ["NetworkPrimitives", "Crypto", "CTLS"]),
        Layer("ProxyProtocol", .protocols, ["NetworkPrimitives"]),
        Layer("STUN", .protocols, ["NetworkPrimitives", "Crypto"]),
        Layer("TURN", .protocols, ["NetworkPrimitives", "Containers", "Crypto", "STUN"]),
        Layer("JSON", .protocols),
        Layer("HTTP", .protocols, ["NetworkPrimitives"]),
        Layer("WebSocket", .protocols, ["NetworkPrimitives", "Crypto", "Deflate", "HTTP"]),
        Layer("Signaling", .protocols, ["NetworkPrimitives", "Containers", "Crypto", "JSON"]),
        Layer("TernV1", .protocols, ["NetworkPrimitives", "Containers", "Crypto", "JSON", "Signaling"]),
        Layer("EngineIO", .protocols, ["NetworkPrimitives", "Containers", "Crypto", "HTTP", "Signaling"]),
        Layer("SocketIO", .protocols, ["NetworkPrimitives", "Containers", "JSON", "HTTP", "Signaling", "EngineIO"]),
        Layer("ChannelSignaling", .protocols, ["NetworkPrimitives", "Containers", "JSON", "Signaling"]),
        Layer("YWebRTC", .protocols, ["NetworkPrimitives", "Containers", "JSON", "Signaling"]),
        Layer("PeerJS", .protocols, ["NetworkPrimitives", "Containers", "JSON", "Signaling"]),
        Layer("PixelStreaming", .protocols, ["NetworkPrimitives", "Containers", "JSON", "Signaling"]),
        Layer("SimplePeer", .protocols, ["NetworkPrimitives", "Containers", "JSON", "Signaling"]),
        Layer(
            "SocketIOSignaling", .protocols,
            [
                "NetworkPrimitives", "Containers", "JSON", "HTTP", "Signaling", "EngineIO", "SocketIO", "SimplePeer",
                "Codelab", "NodePark", "SocketIOChannels",
            ]),
        Layer("Codelab", .protocols, ["NetworkPrimitives", "Containers", "JSON", "Signaling"]),
        Layer("NodePark", .protocols, ["NetworkPrimitives", "Containers", "JSON", "Signaling"]),
        Layer("SocketIOChannels", .protocols, ["NetworkPrimitives", "Containers", "JSON", "Signaling"]),

        Layer("CLinux", .host),
        Layer("LinuxSockets", .host, ["NetworkPrimitives", "CLinux"], system: ["Glibc"]),
        Layer("EventLoop", .host, ["NetworkPrimitives", "LinuxSockets", "CLinux"], system: ["Glibc"]),
        Layer("CClient", .host),

        Layer("Configuration", .services, ["NetworkPrimitives"]),
        Layer("Telemetry", .services, ["NetworkPrimitives"]),
        Layer("CredentialService", .services, ["NetworkPrimitives", "Crypto", "JSON", "TURN", "Signaling"]),
        Layer("UserDatabase", .services, ["NetworkPrimitives", "Crypto", "CSQLite", "TURN", "Telemetry"]),
        Layer("Pages", .services),
        Layer(
            "WebService", .services,
            [
                "NetworkPrimitives", "Containers", "Crypto", "JSON", "HTTP", "WebSocket", "Signaling", "TernV1",
                "ChannelSignaling", "YWebRTC", "PeerJS", "PixelStreaming", "EngineIO", "CredentialService", "Pages",
            ]),

        Layer(
            "ServerRuntime", .assembly,
            [
                "NetworkPrimitives", "Containers", "Crypto", "JSON", "TLS", "ProxyProtocol", "STUN", "TURN", "HTTP",
                "WebSocket", "Signaling", "TernV1", "ChannelSignaling", "YWebRTC", "PeerJS", "PixelStreaming",
                "EngineIO", "SocketIO", "SocketIOSignaling", "SimplePeer", "Codelab", "NodePark", "SocketIOChannels",
                "LinuxSockets", "EventLoop", "Configuration", "Telemetry",
                "CredentialService", "UserDatabase", "WebService",
            ], system: ["Glibc"]),
        Layer(
            "OperatorClient", .assembly,
            [
                "NetworkPrimitives", "Crypto", "JSON", "STUN", "TURN", "LinuxSockets", "EventLoop", "CClient",
            ], system: ["Glibc"]),
        Layer(
            "tern", .executables,
            [
                "NetworkPrimitives", "Crypto", "JSON", "TURN", "Signaling", "LinuxSockets", "EventLoop",
                "Configuration", "CredentialService", "UserDatabase", "ServerRuntime", "OperatorClient",
            ]),
    ]

    /// The folders of the tests and benchmarks that run a whole server in their process.
    static let usersOfTheRuntime = [
        // The simulation of lossy links drives the table of associations, which is the shell's.
        "Benchmarks/", "Tests/Integration", "Tests/ServerRuntimeTests", "Tests/Simulation/ConnectionTests",
    ]

    /// The one target that sees a library of the system.
    static let ownerOfLibrary = [
        "COpenSSL": "Crypto", "CZlib": "Deflate", "CTLS": "TLS", "CSQLite": "UserDatabase", "CClient": "OperatorClient",
    ]

    /// What is wrong with the table itself: the law of the rings, whatever the rows say.
    static func violations(in table: [Layer]) -> [String] {
        let rings = Dictionary(table.map { ($0.name, $0.ring) }) { first, _ in first }
        var result: [String] = []
        for layer in table {
            for target in layer.targets.sorted() {
                guard let ring = rings[target] else {
                    result.append("\(layer.name) needs \(target), which the table does not have")
                    continue
                }
                if !layer.ring.mayImport.contains(ring) { result.append("\(layer.name) must not see \(target)") }
                if let owner = ownerOfLibrary[target], layer.name != owner {
                    result.append("only \(owner) may see \(target), not \(layer.name)")
                }
            }
            if [.foundations, .protocols, .services].contains(layer.ring), let module = layer.system.sorted().first {
                result.append("\(layer.name) must not see \(module)")
            }
            if layer.system.contains("Foundation") { result.append("no Foundation in the server: \(layer.name)") }
        }
        return result
    }
}

extension Ring {
    /// The rings that this one may import from.
    var mayImport: Set<Ring> {
        switch self {
        case .foundations: [.foundations]
        case .protocols: [.foundations, .protocols]
        case .host: [.foundations, .host]
        case .services: [.foundations, .protocols, .services]
        case .assembly: [.foundations, .protocols, .host, .services]
        case .executables: [.foundations, .protocols, .host, .services, .assembly]
        }
    }
}
