import Testing

extension Rule {
    /// Who sees whom.
    static let layering: [Rule] = [
        Rule(
            "layering",
            check: { tree in
                Layer.table.flatMap { layer in
                    let allowed = layer.targets.union(layer.system)
                    return tree.swift(under: "Sources/\(layer.name)/").flatMap { file, source in
                        source.imports.filter { !allowed.contains($0.module) }.map {
                            Finding(file, $0.line, "\(layer.name) does not import \($0.module); see Layers.swift")
                        }
                    }
                }
            },
            examples: [
                Example("Sources/STUN/A.swift", "import Crypto\n// import Glibc\nlet text = \"import Glibc\""),
                Example("Sources/STUN/A.swift", "package import Crypto\nimport Foundation", lines: [2]),
                Example("Sources/TURN/A.swift", "import struct EventLoop.Clock\npackage import Glibc", lines: [1, 2]),
                Example("Sources/Containers/A.swift", "import Synchronization\nimport Dispatch", lines: [1, 2]),
                Example("Sources/EventLoop/A.swift", "import TURN", lines: [1]),
                Example("Sources/Configuration/A.swift", "import LinuxSockets", lines: [1]),
                Example("Sources/STUN/A.swift", "@_exported import COpenSSL", lines: [1]),
            ]),
        Rule(
            "layers-declared", check: layersDeclared,
            examples: [
                Example(
                    "Package.swift", #"let t: [Target] = [.target(name: "STUN", dependencies: ["Crypto"])]"#, lines: [1]
                ),
                Example(
                    "Package.swift",
                    #"let a: Target = .target(name: "STUN", dependencies: ["Crypto", "NetworkPrimitives"])"#),
                Example("Package.swift", #"let a: Target = .target(name: "News", path: "Sources/News")"#, lines: [1]),
                Example("Package.swift", #"let a: Target = .target(name: "Bench", path: "Benchmarks/A")"#),
                Example("Sources/News/A.swift", "", lines: [1]),
                Example(
                    [
                        "Package.swift":
                            #"let a: Target = .target(name: "Containers", dependencies: ["NetworkPrimitives"])"#,
                        "Sources/Containers/A.swift": "struct A {}",
                    ], findings: ["Package.swift:1"]),
            ]),
        Rule(
            "runtime-users", check: runtimeUsers,
            examples: [
                Example(
                    "Package.swift",
                    #"""
                    let a: [Target] = [
                        .testTarget(name: "ATests", dependencies: ["ServerRuntime"]),
                        .testTarget(name: "B", dependencies: ["ServerRuntime"], path: "Tests/Integration"),
                        .executableTarget(name: "C", dependencies: ["ServerRuntime"], path: "Benchmarks/C"),
                        .target(name: "Configuration", dependencies: ["ServerRuntime"]),
                        .executableTarget(name: "tern", dependencies: ["ServerRuntime"]),
                    ]
                    """#, lines: [2, 5])
            ]),
    ]

    /// The table of layers and the manifest say the same, and a dependency that nobody imports is in neither.
    private static func layersDeclared(in tree: Tree) -> [Finding] {
        guard let file = tree.file("Package.swift"), let source = file.source else {
            return foldersWithoutLayer(tree)
        }
        var findings = foldersWithoutLayer(tree)
        for target in Manifest(source).targets where target.path.hasPrefix("Sources/") {
            guard let layer = Layer.table.first(where: { $0.name == target.name }) else {
                findings.append(Finding(file, target.line, "give \(target.name) a row in Tests/Tidy/Layers.swift"))
                continue
            }
            let declared = Set(target.dependencies)
            if declared != layer.targets {
                let names = declared.symmetricDifference(layer.targets).sorted().joined(separator: ", ")
                findings.append(Finding(file, target.line, "\(target.name) and Layers.swift disagree about \(names)"))
            }
            let sources = tree.swift(under: target.path + "/")
            let imported = Set(sources.flatMap { $0.source.imports.map(\.module) })
            if !sources.isEmpty, let unused = declared.subtracting(imported).sorted().first {
                findings.append(
                    Finding(file, target.line, "\(target.name) imports \(unused) nowhere; do not declare it"))
            }
        }
        return findings
    }

    private static func foldersWithoutLayer(_ tree: Tree) -> [Finding] {
        let names = Set(Layer.table.map(\.name))
        return tree.files(under: "Sources/").compactMap { file in
            let target = file.path.split(separator: "/")[1]
            return names.contains(String(target))
                ? nil : Finding(file, 1, "give \(target) a row in Tests/Tidy/Layers.swift")
        }
    }

    private static func runtimeUsers(in tree: Tree) -> [Finding] {
        guard let file = tree.file("Package.swift"), let source = file.source else { return [] }
        return Manifest(source).targets.compactMap { target in
            guard target.dependencies.contains("ServerRuntime") else { return nil }
            if target.kind == "executableTarget" { return nil }
            if Layer.usersOfTheRuntime.contains(where: { (target.path + "/").hasPrefix($0) }) { return nil }
            return Finding(file, target.line, "only executables, benchmarks and integration tests use ServerRuntime")
        }
    }
}

@Suite("Table of layers")
struct LayerTests {
    @Test("keeps the law of the rings")
    func holds() {
        #expect(Layer.violations(in: Layer.table) == [])
    }

    @Test("a row that breaks the law is found")
    func broken() {
        let table = [
            Layer("COpenSSL", .foundations),
            Layer("Crypto", .foundations, ["COpenSSL"]),
            Layer("Core", .protocols, ["Sockets", "COpenSSL"], system: ["Glibc"]),
            Layer("Sockets", .host, ["Core"], system: ["Glibc"]),
            Layer("Service", .services, ["Sockets", "Core"]),
            Layer("Runtime", .assembly, ["Core", "Sockets", "Nowhere"], system: ["Foundation"]),
        ]
        #expect(
            Layer.violations(in: table) == [
                "only Crypto may see COpenSSL, not Core",
                "Core must not see Sockets",
                "Core must not see Glibc",
                "Sockets must not see Core",
                "Service must not see Sockets",
                "Runtime needs Nowhere, which the table does not have",
                "no Foundation in the server: Runtime",
            ])
    }
}
