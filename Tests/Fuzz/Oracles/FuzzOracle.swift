/// A promise about any bytes at all: `check` returns when it holds and traps when it does not.
package struct FuzzOracle: Sendable {
    /// Names the fuzz program `Fuzz<name>` and the folders `Corpus/<name>` and `Regressions/<name>`.
    package let name: String
    /// Traps when the bytes break the promise.
    package let check: @Sendable (RawSpan) -> Void

    /// Every oracle. The replay tests run each over its corpus, so a new one is registered here and nowhere else.
    package static let all: [FuzzOracle] = [
        FuzzOracle(name: "STUN", check: checkSTUN),
        FuzzOracle(name: "AddressText", check: checkAddressText),
        FuzzOracle(name: "TURN", check: checkTURN),
        FuzzOracle(name: "DataPlane", check: checkDataPlane),
        FuzzOracle(name: "Configuration", check: checkConfiguration),
        FuzzOracle(name: "Credentials", check: checkCredentials),
        FuzzOracle(name: "Tokens", check: checkTokens),
        FuzzOracle(name: "JSON", check: checkJSON),
        FuzzOracle(name: "HTTP", check: checkHTTP),
        FuzzOracle(name: "WebSocket", check: checkWebSocket),
        FuzzOracle(name: "Signaling", check: checkSignaling),
        FuzzOracle(name: "Dialects", check: checkDialects),
        FuzzOracle(name: "ProxyProtocol", check: checkProxyProtocol),
        FuzzOracle(name: "EngineIO", check: checkEngineIO),
        FuzzOracle(name: "SocketIO", check: checkSocketIO),
        FuzzOracle(name: "Streams", check: checkStreams),
        FuzzOracle(name: "TLS", check: checkTLS),
    ]
}

/// Ends the process with the promise that was broken; in release builds too, unlike `assert`.
func require(_ holds: Bool, _ promise: StaticString, line: UInt = #line) {
    guard holds else { fatalError("broken promise in line \(line): \(promise)") }
}
