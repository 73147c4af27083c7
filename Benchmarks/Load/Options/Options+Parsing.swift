import NetworkPrimitives

// The words of the command line, one by one, and then whether they make sense together.
extension Options {
    /// The words behind the program's name.
    static func parse(_ words: [String]) -> Result<Options, OptionError> {
        var options = Options()
        var rest = words[...]
        guard let word = rest.popFirst(), let mode = Mode(rawValue: word) else {
            let names = Mode.allCases.map(\.rawValue) + SignalOptions.Mode.allCases.map(\.rawValue) + ["report"]
            return .failure(
                OptionError(word: words.first ?? "MODE", advice: "a mode comes first: \(names.joined(separator: ", "))")
            )
        }
        options.mode = mode
        do throws(OptionError) {
            while let word = rest.popFirst() {
                if options.takeFlag(word) { continue }
                guard let allowed = Self.allowed[word] else {
                    throw OptionError(word: word, advice: "there is no such option")
                }
                guard let value = rest.popFirst() else {
                    throw OptionError(word: word, advice: "a value is missing: \(allowed)")
                }
                guard options.take(word, value) else {
                    throw OptionError(word: "\(word) \(value)", advice: "allowed is \(allowed)")
                }
            }
            try options.checkTogether()
            return .success(options)
        } catch {
            return .failure(error)
        }
    }

    /// What may stand behind each word.
    private static let allowed: [String: String] = [
        "--server": "an IPv4 address and a port, as in 127.0.0.1:3478",
        "--transport": "udp, tcp, tls or dtls",
        "--user": "a name",
        "--password": "a text",
        "--allocations": "1 to 16000",
        "--payload": "1 to 60000 bytes",
        "--burst": "1 to 64",
        "--direction": "up, down or both",
        "--window": "1 to 65536",
        "--rate": "1 to 10000000 a second",
        "--churn": "1 to 10000 a second",
        "--hold": "0 to 600 seconds",
        "--seconds": "0.01 to 3600",
        "--warmup": "0 to 3600",
        "--pid": "the number of a process",
        "--html": "the path of a file",
        "--name": "a text",
    ]

    private mutating func takeFlag(_ word: String) -> Bool {
        switch word {
        case "--json": isJSON = true
        case "--floor": isFloor = true
        case "--flood": isFlooding = true
        case "--direct": isDirect = true
        case "--probe": hasProbe = true
        case "--bare": isBare = true
        case "--resume": resumes = true
        case "--tls12": isTLS12 = true
        case "--no-gro": takesTrains = false
        case "--no-spin": spins = false
        default: return false
        }
        return true
    }

    private mutating func take(_ word: String, _ value: String) -> Bool {
        switch word {
        case "--server": assign(SocketAddress(value).flatMap { $0.family == .ipv4 ? $0 : nil }, to: \.server)
        case "--transport": assign(Transport(rawValue: value), to: \.transport)
        case "--user": assign(value, to: \.user)
        case "--password": assign(value, to: \.password)
        case "--allocations": assign(number(value, 1...16_000), to: \.allocations)
        // Below the 65,507 bytes of a datagram, with room for an indication's headers.
        case "--payload": assign(number(value, 1...60_000), to: \.payload)
        // The kernel takes 64 segments in a train.
        case "--burst": assign(number(value, 1...64), to: \.burst)
        case "--direction": assign(Direction(rawValue: value), to: \.direction)
        case "--window": assign(number(value, 1...65_536).map { Int?.some($0) }, to: \.window)
        case "--rate": assign(number(value, 1...10_000_000), to: \.rate)
        case "--churn": assign(number(value, 1...10_000), to: \.churnRate)
        case "--hold": assign(seconds(value, 0...600), to: \.hold)
        case "--seconds": assign(seconds(value, 0.01...3600), to: \.seconds)
        case "--warmup": assign(seconds(value, 0...3600), to: \.warmup)
        case "--pid": assign(Int32(value).flatMap { $0 > 0 ? Int32?.some($0) : nil }, to: \.pid)
        case "--html": assign(value.isEmpty ? nil : String?.some(value), to: \.htmlPath)
        case "--name": assign(String?.some(value), to: \.name)
        default: false
        }
    }

    private mutating func assign<Value>(_ value: Value?, to place: WritableKeyPath<Options, Value>) -> Bool {
        guard let value else { return false }
        self[keyPath: place] = value
        return true
    }

    private func number(_ text: String, _ range: ClosedRange<Int>) -> Int? {
        Int(text).flatMap { range.contains($0) ? $0 : nil }
    }

    private func seconds(_ text: String, _ range: ClosedRange<Double>) -> Double? {
        Double(text).flatMap { range.contains($0) ? $0 : nil }
    }

    /// Words that are right alone and wrong together.
    private func checkTogether() throws(OptionError) {
        try checkTransport()
        // What a datagram is packed in: an indication needs 44 bytes, rounded up.
        if burst > 1, burst * (payload + 64) > 65_000 {
            throw OptionError(word: "--burst \(burst)", advice: "with this payload, at most \(65_000 / (payload + 64))")
        }
        if burst > 1, mode == .refresh || !hasTraffic {
            throw OptionError(word: "--burst", advice: "mode \(mode.rawValue) sends requests one by one")
        }
        if isFlooding, rate > 0 || window != nil {
            throw OptionError(word: "--flood", advice: "either this, or --rate, or --window")
        }
        if rate > 0, window != nil { throw OptionError(word: "--window", advice: "either this or --rate") }
        if isFlooding || rate > 0, !hasTraffic {
            throw OptionError(
                word: isFlooding ? "--flood" : "--rate", advice: "mode \(mode.rawValue) goes as fast as it is answered")
        }
        if isDirect, !mode.isRelaying || mode == .churn {
            throw OptionError(word: "--direct", advice: "this is for the modes channel and indication")
        }
        if isDirect, hasProbe { throw OptionError(word: "--probe", advice: "with --direct there is no server to ask") }
        if hasProbe, !hasTraffic {
            throw OptionError(word: "--probe", advice: "this runs next to modes with traffic")
        }
        if isFloor, ![.channel, .indication, .binding].contains(mode) {
            throw OptionError(word: "--floor", advice: "this is for the modes channel, indication and binding")
        }
    }

    /// Whether the mode sends by a pace, and not one step after the other.
    private var hasTraffic: Bool { ![.allocate, .idle, .handshake].contains(mode) }

    private func checkTransport() throws(OptionError) {
        let word = "--transport \(transport.rawValue)"
        if transport == .udp, mode == .handshake {
            throw OptionError(word: word, advice: "mode handshake needs tcp, tls or dtls")
        }
        if isDirect, transport != .udp { throw OptionError(word: word, advice: "with --direct there is only udp") }
        if isFloor, transport != .udp, transport != .tcp || mode == .binding {
            throw OptionError(word: word, advice: "the floor knows udp, and tcp for the modes channel and indication")
        }
        // A record holds 16,384 bytes, and a datagram one record.
        if transport == .dtls, mode.isRelaying, payload > 16_000 {
            throw OptionError(word: "--payload \(payload)", advice: "over dtls at most 16000 bytes")
        }
        if isBare, mode != .idle || transport == .udp {
            throw OptionError(word: "--bare", advice: "this is for mode idle over tcp, tls or dtls")
        }
        if resumes, transport != .tls && transport != .dtls {
            throw OptionError(word: "--resume", advice: "this is for tls and dtls")
        }
        if isTLS12, transport != .tls { throw OptionError(word: "--tls12", advice: "this is for --transport tls") }
    }
}
