import Configuration
import NetworkPrimitives

/// Any bytes as a configuration file and a command line: `file` 0x1E `word` 0x1F `word` …. Loading never traps, says a
/// bounded number of short things, gives a configuration unless there was an error, and repeats no secret.
///
/// 0x1D stands for a secret. It is put where an operator would have put one: into the value of any option that is not
/// known to hold something else.
package func checkConfiguration(_ input: RawSpan) {
    let parts = input.array().split(separator: 0x1E, maxSplits: 1, omittingEmptySubsequences: false)
    let file = ConfigurationFile(bytes: plantSecrets(inFile: Array(parts[0])))
    let words = parts.count < 2 ? [] : parts[1].split(separator: 0x1F, omittingEmptySubsequences: false)
    let options = CommandLineOptions(parsing: plantSecrets(inWords: words.map { String(decoding: $0, as: UTF8.self) }))
    require(options.diagnostics.count <= 201, "a command line is commented upon in two hundred messages")

    let result = ServerConfiguration.load(file: file, commandLine: options)
    require(result.diagnostics.count <= 201, "there are two hundred messages and one that counts the others")
    let hasError = result.diagnostics.contains { $0.severity == .error }
    require((result.configuration == nil) == hasError, "there is a configuration unless there was an error")
    for diagnostic in result.diagnostics {
        let text = diagnostic.description
        require(text.utf8.count < 2_000, "a message is short")
        require(
            text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }, "a message is one line of text")
        require(!text.contains(secret), "a message repeats no secret")
    }
    guard let configuration = result.configuration else { return }
    require(!"\(configuration)".contains(secret), "a configuration that is printed shows no secret")
    if let signaling = configuration.signaling { checkSignaling(signaling) }
}

/// What those who hold a configuration do not check again.
private func checkSignaling(_ signaling: ServerConfiguration.Signaling) {
    require(signaling.port != 0, "there is a port")
    let names = signaling.apiKeys.map(\.id) + signaling.tokenIssuers.map(\.issuer)
    require(Set(names).count == names.count, "an issuer names one key")
    let secrets = signaling.apiKeys.map(\.secret) + signaling.adminKeys
    require(secrets.allSatisfy { (32...1024).contains($0.utf8.count) }, "a key cannot be guessed")
    require(signaling.tokenIssuers.allSatisfy { $0.publicKeyPath.hasPrefix("/") }, "a key's path is absolute")
    let limits = signaling.limits
    require(limits.messageByteCountMax <= limits.queueByteCountMax, "a message fits into a queue")
    require(limits.replayByteCountMax <= limits.queueByteCountMax, "a replay fits into a queue")
    let credentials = signaling.credentials
    require(credentials.lifetimeSeconds <= credentials.lifetimeSecondsMax, "lifetimes are in order")
    for origin in signaling.origins.named {
        let again = ServerConfiguration.load(
            file: ConfigurationFile(text: "no-auth\nsignaling-port=1\nsignaling-origin=\(origin)"))
        require(again.configuration?.signaling?.origins.named == [origin], "an origin reads as itself")
    }
}

// MARK: - Secrets

/// Nothing that could be the name of an option.
private let secret = "S3cr3t~Zx9"
private let placeholder: UInt8 = 0x1D

private func plantSecrets(inFile bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(placeholder) else { return bytes }
    var result: [UInt8] = []
    for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
        if index > 0 { result.append(0x0A) }
        let replacement = mayHoldSecret(line) ? Array(secret.utf8) : [0x78]
        for byte in line { result += byte == placeholder ? replacement : [byte] }
    }
    return result
}

/// Whether what the line calls itself is not a known option whose values may be shown.
private func mayHoldSecret(_ line: ArraySlice<UInt8>) -> Bool {
    let isBlank: (UInt8) -> Bool = { [0x20, 0x09, 0x0D].contains($0) }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let start = line.starts(with: mark) ? line.dropFirst(3) : line
    let name = start.drop(while: isBlank).prefix { !isBlank($0) && $0 != UInt8(ascii: "=") }
    return OptionTable.option(named: String(decoding: name, as: UTF8.self)).map { $0.kind.isConfidential } ?? true
}

private func plantSecrets(inWords words: [String]) -> [String] {
    let mark = Character(Unicode.Scalar(placeholder))
    return words.enumerated().map { index, word in
        guard word.contains(mark) else { return word }
        let mayPlant = mayHoldSecret(word, after: index > 0 ? words[index - 1] : "", mark)
        return String(word.flatMap { $0 == mark ? Array(mayPlant ? secret : "x") : [$0] })
    }
}

/// Whether a secret in this word would be the value of a confidential option, or of none that we know.
private func mayHoldSecret(_ word: String, after previous: String, _ mark: Character) -> Bool {
    if word.hasPrefix("--") {
        guard let equals = word.firstIndex(of: "="), !word[..<equals].contains(mark) else { return false }
        return mayBeConfidential(word[..<equals].dropFirst(2))
    }
    if word.hasPrefix("-") { return word.hasPrefix("-u") }
    if previous.hasPrefix("--") { return !previous.contains("=") && mayBeConfidential(previous.dropFirst(2)) }
    return !previous.hasPrefix("-") || previous == "-u"
}

/// A name may be cut short, so all that begin with it count.
private func mayBeConfidential(_ name: Substring) -> Bool {
    if let option = OptionTable.option(named: String(name)) { return option.kind.isConfidential }
    let candidates = OptionTable.all.filter { $0.names.contains { $0.hasPrefix(name) } }
    return candidates.allSatisfy { $0.kind.isConfidential }
}
