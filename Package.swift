// swift-tools-version: 6.2
// The layers from bottom to top. Docs/Architecture.md says what each target is for; Scripts/check builds with
// `--explicit-target-dependency-import-check error`, so an import that is not declared here does not pass.
import PackageDescription

/// Every target of the product: the compiler enforces what reviewers would otherwise have to.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Tests may use Foundation and `!`; warnings still fail.
let relaxed: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]

let foundations: [Target] = [
    .target(name: "NetworkPrimitives", swiftSettings: strict),
    .target(name: "Containers", dependencies: ["NetworkPrimitives"], swiftSettings: strict),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "Crypto", dependencies: ["COpenSSL"], swiftSettings: strict),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Deflate", dependencies: ["CZlib"], swiftSettings: strict),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .target(
        name: "CTLS", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
        linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
]

let protocols: [Target] = [
    .target(name: "TLS", dependencies: ["NetworkPrimitives", "Crypto", "CTLS"], swiftSettings: strict),
    .target(name: "STUN", dependencies: ["NetworkPrimitives", "Crypto"], swiftSettings: strict),
    .target(
        name: "TURN", dependencies: ["NetworkPrimitives", "Containers", "Crypto", "STUN"], swiftSettings: strict),
    .target(name: "ProxyProtocol", dependencies: ["NetworkPrimitives"], swiftSettings: strict),
    .target(name: "JSON", swiftSettings: strict),
    .target(name: "HTTP", dependencies: ["NetworkPrimitives"], swiftSettings: strict),
    .target(
        name: "WebSocket", dependencies: ["NetworkPrimitives", "Crypto", "Deflate", "HTTP"], swiftSettings: strict),
    .target(
        name: "Signaling", dependencies: ["NetworkPrimitives", "Containers", "Crypto", "JSON"], swiftSettings: strict),
    .target(
        name: "TernV1", dependencies: ["NetworkPrimitives", "Containers", "Crypto", "JSON", "Signaling"],
        swiftSettings: strict),
    .target(
        name: "EngineIO", dependencies: ["NetworkPrimitives", "Containers", "Crypto", "HTTP", "Signaling"],
        swiftSettings: strict),
    .target(
        name: "SocketIO", dependencies: ["NetworkPrimitives", "Containers", "JSON", "HTTP", "Signaling", "EngineIO"],
        swiftSettings: strict),
    .target(
        name: "ChannelSignaling", dependencies: ["NetworkPrimitives", "Containers", "JSON", "Signaling"],
        swiftSettings: strict),
    .target(
        name: "YWebRTC", dependencies: ["NetworkPrimitives", "Containers", "JSON", "Signaling"],
        swiftSettings: strict),
    .target(
        name: "PeerJS", dependencies: ["NetworkPrimitives", "Containers", "JSON", "Signaling"],
        swiftSettings: strict),
    .target(
        name: "PixelStreaming", dependencies: ["NetworkPrimitives", "Containers", "JSON", "Signaling"],
        swiftSettings: strict),
    .target(
        name: "SimplePeer", dependencies: ["NetworkPrimitives", "Containers", "JSON", "Signaling"],
        swiftSettings: strict),
    .target(
        name: "SocketIOSignaling",
        dependencies: [
            "NetworkPrimitives", "Containers", "JSON", "HTTP", "Signaling", "EngineIO", "SocketIO", "SimplePeer",
            "Codelab", "NodePark", "SocketIOChannels",
        ], swiftSettings: strict),
    .target(
        name: "Codelab", dependencies: ["NetworkPrimitives", "Containers", "JSON", "Signaling"],
        swiftSettings: strict),
    .target(
        name: "NodePark", dependencies: ["NetworkPrimitives", "Containers", "JSON", "Signaling"],
        swiftSettings: strict),
    .target(
        name: "SocketIOChannels", dependencies: ["NetworkPrimitives", "Containers", "JSON", "Signaling"],
        swiftSettings: strict),
]

let host: [Target] = [
    .target(name: "CLinux", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    .target(name: "LinuxSockets", dependencies: ["NetworkPrimitives", "CLinux"], swiftSettings: strict),
    .target(
        name: "EventLoop", dependencies: ["NetworkPrimitives", "LinuxSockets", "CLinux"], swiftSettings: strict),
    // Of the commands, which may wait.
    .target(
        name: "CClient", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
        linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
]

let services: [Target] = [
    .target(name: "Configuration", dependencies: ["NetworkPrimitives"], swiftSettings: strict),
    .target(name: "Telemetry", dependencies: ["NetworkPrimitives"], swiftSettings: strict),
    .target(
        name: "CredentialService", dependencies: ["NetworkPrimitives", "Crypto", "JSON", "TURN", "Signaling"],
        swiftSettings: strict),
    .target(
        name: "UserDatabase", dependencies: ["NetworkPrimitives", "Crypto", "CSQLite", "TURN", "Telemetry"],
        swiftSettings: strict),
    // The pages of the site as bytes; `#embed` is of C23.
    .target(
        name: "Pages", exclude: ["site"], cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror", "-std=c23"])]),
    .target(
        name: "WebService",
        dependencies: [
            "NetworkPrimitives", "Containers", "Crypto", "JSON", "HTTP", "WebSocket", "Signaling", "TernV1",
            "ChannelSignaling", "YWebRTC", "PeerJS", "PixelStreaming", "EngineIO", "CredentialService", "Pages",
        ], swiftSettings: strict),
]

let assembly: [Target] = [
    .target(
        name: "ServerRuntime",
        dependencies: [
            "NetworkPrimitives", "Containers", "Crypto", "JSON", "TLS", "ProxyProtocol", "STUN", "TURN", "HTTP",
            "WebSocket", "Signaling", "TernV1", "ChannelSignaling", "YWebRTC", "PeerJS", "PixelStreaming", "EngineIO",
            "SocketIO", "SocketIOSignaling", "SimplePeer", "Codelab", "NodePark", "SocketIOChannels",
            "LinuxSockets", "EventLoop", "Configuration", "Telemetry", "CredentialService", "UserDatabase",
            "WebService",
        ], swiftSettings: strict),
    .target(
        name: "OperatorClient",
        dependencies: [
            "NetworkPrimitives", "Crypto", "JSON", "STUN", "TURN", "LinuxSockets", "EventLoop", "CClient",
        ], swiftSettings: strict),
    .executableTarget(
        name: "tern",
        dependencies: [
            "NetworkPrimitives", "Crypto", "JSON", "TURN", "Signaling", "LinuxSockets", "EventLoop", "Configuration",
            "CredentialService", "UserDatabase", "ServerRuntime", "OperatorClient",
        ],
        swiftSettings: strict),
]

/// Tools that measure, beside the product; Benchmarks/README.md.
let benchmarks: [Target] = [
    .target(
        name: "CLoad", path: "Benchmarks/CLoad", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
        linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    .executableTarget(
        name: "tern-bench",
        dependencies: [
            "NetworkPrimitives", "Crypto", "STUN", "JSON", "WebSocket", "LinuxSockets", "EventLoop", "CLoad",
        ],
        path: "Benchmarks/Load", swiftSettings: strict),
    .executableTarget(
        name: "tern-budgets", dependencies: ["NetworkPrimitives", "Containers", "Crypto", "STUN", "TURN"],
        path: "Benchmarks/Budgets", exclude: ["budgets.json"], swiftSettings: strict),
]

let testTargets: [Target] = [
    // Reads the sources; the option table is all that it links.
    .testTarget(name: "TidyTests", dependencies: ["Configuration"], path: "Tests/Tidy", swiftSettings: relaxed),
    .target(name: "TestSupport", path: "Tests/Support", swiftSettings: relaxed),
    .testTarget(
        name: "NetworkPrimitivesTests", dependencies: ["NetworkPrimitives", "TestSupport"], swiftSettings: relaxed),
    .testTarget(name: "ContainersTests", dependencies: ["Containers", "NetworkPrimitives"], swiftSettings: relaxed),
    .testTarget(name: "CryptoTests", dependencies: ["Crypto", "TestSupport"], swiftSettings: relaxed),
    .testTarget(
        name: "STUNTests", dependencies: ["STUN", "Crypto", "NetworkPrimitives", "FuzzOracles", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "TURNTests", dependencies: ["TestSupport", "TURN", "STUN", "Crypto", "Containers", "NetworkPrimitives"],
        swiftSettings: relaxed),
    .testTarget(name: "DeflateTests", dependencies: ["Deflate"], swiftSettings: relaxed),
    .target(
        name: "CTLSClient", path: "Tests/TLSSupport", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
        linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    .target(name: "TLSClient", dependencies: ["CTLSClient"], path: "Tests/TLSClient", swiftSettings: relaxed),
    .testTarget(
        name: "TLSTests", dependencies: ["TLS", "TLSClient", "CTLSClient", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "ProxyProtocolTests", dependencies: ["ProxyProtocol", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"], swiftSettings: relaxed),
    .testTarget(name: "HTTPTests", dependencies: ["HTTP", "NetworkPrimitives", "TestSupport"], swiftSettings: relaxed),
    .testTarget(
        name: "WebSocketTests", dependencies: ["WebSocket", "HTTP", "Deflate", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "SignalingTests", dependencies: ["Signaling", "Containers", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "TernV1Tests",
        dependencies: ["TernV1", "Signaling", "Containers", "JSON", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    // A gate, clocks and connections for the machines of all dialects.
    .target(
        name: "DialectSupport", dependencies: ["Signaling", "NetworkPrimitives"], path: "Tests/DialectSupport",
        swiftSettings: relaxed),
    .testTarget(
        name: "ChannelSignalingTests",
        dependencies: ["ChannelSignaling", "DialectSupport", "Signaling", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "YWebRTCTests",
        dependencies: ["YWebRTC", "DialectSupport", "Signaling", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "CodelabTests",
        dependencies: ["Codelab", "DialectSupport", "JSON", "Signaling", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "NodeParkTests",
        dependencies: ["NodePark", "DialectSupport", "JSON", "Signaling", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "SocketIOChannelsTests",
        dependencies: ["SocketIOChannels", "DialectSupport", "JSON", "Signaling", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "PeerJSTests",
        dependencies: ["PeerJS", "DialectSupport", "Signaling", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "PixelStreamingTests",
        dependencies: ["PixelStreaming", "DialectSupport", "Signaling", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "EngineIOTests", dependencies: ["EngineIO", "HTTP", "Signaling", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "SocketIOTests",
        dependencies: ["SocketIO", "EngineIO", "HTTP", "JSON", "Signaling", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "SimplePeerTests",
        dependencies: ["SimplePeer", "DialectSupport", "JSON", "Signaling", "NetworkPrimitives", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "SocketIOSignalingTests",
        dependencies: [
            "SocketIOSignaling", "SimplePeer", "Codelab", "SocketIOChannels", "DialectSupport", "SocketIO", "EngineIO",
            "HTTP", "JSON", "Signaling", "Containers", "NetworkPrimitives", "TestSupport",
        ], swiftSettings: relaxed),
    .testTarget(
        name: "CredentialServiceTests",
        dependencies: [
            "CredentialService", "Signaling", "TURN", "JSON", "Crypto", "NetworkPrimitives", "TestSupport",
        ], swiftSettings: relaxed),
    .testTarget(
        name: "UserDatabaseTests", dependencies: ["UserDatabase", "TURN", "Crypto", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "WebServiceTests",
        dependencies: [
            "WebService", "Containers", "CredentialService", "TernV1", "ChannelSignaling", "YWebRTC", "PeerJS",
            "PixelStreaming", "EngineIO", "EchoEndpoints", "Signaling", "WebSocket", "HTTP", "JSON", "Crypto",
            "NetworkPrimitives", "TestSupport",
        ], swiftSettings: relaxed),
    .target(
        name: "SocketSupport", dependencies: ["LinuxSockets", "EventLoop", "NetworkPrimitives"],
        path: "Tests/SocketSupport", swiftSettings: relaxed),
    .testTarget(
        name: "HostTests",
        dependencies: ["LinuxSockets", "EventLoop", "NetworkPrimitives", "SocketSupport", "TestSupport"],
        swiftSettings: relaxed),
    .testTarget(
        name: "OperatorClientTests", dependencies: ["OperatorClient", "JSON", "NetworkPrimitives"],
        swiftSettings: relaxed),
    .testTarget(
        name: "ConfigurationTests", dependencies: ["Configuration", "NetworkPrimitives"],
        resources: [.copy("Fixtures")], swiftSettings: relaxed),
    // These two run the executable as a process, so they link nothing of the server.
    .testTarget(
        name: "InteropTests", dependencies: ["TestSupport"], path: "Tests/Interop", exclude: ["Clients", "coturn"],
        swiftSettings: relaxed),
    .testTarget(
        name: "IntegrationTests",
        dependencies: ["TestSupport", "TLSClient", "CTLSClient", "TURN", "STUN", "Crypto", "NetworkPrimitives"],
        path: "Tests/Integration", exclude: ["Runtime"], swiftSettings: relaxed),
    .testTarget(
        name: "LoadTests", dependencies: ["tern-bench", "LinuxSockets", "NetworkPrimitives"], path: "Tests/Load",
        swiftSettings: relaxed),
    // Workers in this process, to see what no client can.
    // The application that the official suites of Engine.IO and Socket.IO want.
    .target(
        name: "EchoEndpoints", dependencies: ["NetworkPrimitives", "HTTP", "Signaling", "EngineIO", "SocketIO"],
        path: "Tests/EchoEndpoints", swiftSettings: relaxed),
    .executableTarget(
        name: "tern-socketio-echo",
        dependencies: [
            "EchoEndpoints", "NetworkPrimitives", "HTTP", "WebSocket", "Signaling", "TernV1", "EngineIO",
            "LinuxSockets", "EventLoop", "CredentialService", "WebService",
        ], path: "Tests/SocketIOEcho", swiftSettings: relaxed),
    .testTarget(
        name: "RuntimeTests",
        dependencies: [
            "ServerRuntime", "Configuration", "TURN", "TLS", "STUN", "Crypto", "LinuxSockets", "EventLoop",
            "Telemetry", "UserDatabase", "NetworkPrimitives", "Containers", "SocketSupport", "TestSupport", "TLSClient",
            "CTLSClient",
        ], path: "Tests/Integration/Runtime", swiftSettings: relaxed),
]

/// An oracle takes any bytes and traps when a promise about them is broken; Tests/Fuzz/README.md says how to add one.
let fuzzing: [Target] = [
    .target(
        name: "FuzzOracles",
        dependencies: [
            "TURN", "STUN", "Crypto", "Containers", "NetworkPrimitives", "Configuration", "JSON", "HTTP", "WebSocket",
            "Deflate", "ProxyProtocol", "Signaling", "TernV1", "ChannelSignaling", "YWebRTC", "PeerJS",
            "PixelStreaming", "SimplePeer", "Codelab", "NodePark", "SocketIOChannels", "EngineIO", "SocketIO",
            "CredentialService", "TLS", "TLSClient",
        ],
        path: "Tests/Fuzz/Oracles", swiftSettings: relaxed),
    .testTarget(
        name: "FuzzReplayTests", dependencies: ["FuzzOracles", "TestSupport"], path: "Tests/Fuzz/Replay",
        swiftSettings: relaxed),
]

/// The fuzz programs need libFuzzer and its instrumentation, so they exist only for Scripts/fuzz.
func fuzzProgram(_ name: String) -> Target {
    .executableTarget(
        name: name, dependencies: ["FuzzOracles", "CLibFuzzer"], path: "Tests/Fuzz/\(name)",
        swiftSettings: relaxed + [.unsafeFlags(["-parse-as-library"])],
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])])
}

let fuzzPrograms: [Target] = [
    .systemLibrary(name: "CLibFuzzer", path: "Tests/Fuzz/CLibFuzzer"),
    fuzzProgram("FuzzSTUN"),
    fuzzProgram("FuzzAddressText"),
    fuzzProgram("FuzzTURN"),
    fuzzProgram("FuzzDataPlane"),
    fuzzProgram("FuzzConfiguration"),
    fuzzProgram("FuzzCredentials"),
    fuzzProgram("FuzzJSON"),
    fuzzProgram("FuzzHTTP"),
    fuzzProgram("FuzzWebSocket"),
    fuzzProgram("FuzzSignaling"),
    fuzzProgram("FuzzDialects"),
    fuzzProgram("FuzzTokens"),
    fuzzProgram("FuzzProxyProtocol"),
    fuzzProgram("FuzzEngineIO"),
    fuzzProgram("FuzzSocketIO"),
    fuzzProgram("FuzzStreams"),
    fuzzProgram("FuzzTLS"),
]

/// The whole server in one thread against a virtual network, from a seed.
let simulation: [Target] = [
    .target(
        name: "SimulationKit", dependencies: ["TURN", "STUN", "Crypto", "Containers", "NetworkPrimitives"],
        // Optimised in debug builds too: what judges the server is most of the work, and the server itself is not in
        // here.
        path: "Tests/Simulation/Kit", swiftSettings: relaxed + [.unsafeFlags(["-O"])]),
    .testTarget(
        name: "SimulationTests",
        dependencies: [
            "SimulationKit", "TestSupport", "TURN", "STUN", "Crypto", "Containers", "NetworkPrimitives",
        ],
        path: "Tests/Simulation/Tests", swiftSettings: relaxed),
    .testTarget(
        name: "ConnectionSimulationTests",
        dependencies: [
            "SimulationKit", "ServerRuntime", "TLS", "TLSClient", "CTLSClient", "TestSupport", "TURN", "Containers",
            "NetworkPrimitives",
        ],
        path: "Tests/Simulation/ConnectionTests", swiftSettings: relaxed),
    .target(
        name: "RoomSimulationKit", dependencies: ["TernV1", "Signaling", "JSON", "NetworkPrimitives", "TestSupport"],
        path: "Tests/Simulation/RoomKit", swiftSettings: relaxed + [.unsafeFlags(["-O"])]),
    .testTarget(
        name: "RoomSimulationTests",
        dependencies: ["RoomSimulationKit", "SimulationKit", "TernV1", "Signaling", "TestSupport"],
        path: "Tests/Simulation/RoomTests", swiftSettings: relaxed),
]

let package = Package(
    name: "tern",
    targets: foundations + protocols + host + services + assembly + benchmarks + testTargets + simulation + fuzzing
        + (Context.environment["TERN_FUZZ"] == nil ? [] : fuzzPrograms)
)
