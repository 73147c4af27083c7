import NetworkPrimitives

/// What to measure of signaling and how hard: the command line of the modes whose names begin with `signal-`.
struct SignalOptions {
    enum Mode: String, CaseIterable {
        case idle = "signal-idle"
        case relay = "signal-relay"
        case join = "signal-join"
        case issue = "signal-issue"
    }
    /// What members send: to one other member, or to all others of the room.
    enum Message: String { case signal, broadcast }

    var mode = Mode.relay
    var server = SocketAddress(ip: .v4(.loopback), port: 8080)
    var message = Message.signal
    /// All members of a room broadcast at once, not the first one alone.
    var everybodyTalks = false
    var rooms = 100
    /// Members of each room.
    var members = 2
    /// Bytes of the opaque part of each message.
    var payload = 200
    /// Messages of one sender that leave together, as candidates do.
    var burst = 1
    /// Senders with messages under way, joins or requests.
    var window: Int?
    /// Bursts a second in all; 0 sends as soon as the last one of a sender has arrived.
    var rate = 0
    var seconds = 1.5
    var warmup = 1.0
    /// Idle connections that say hello and join no room.
    var staysOutside = false
    /// Members do not ask for TURN credentials when they join.
    var withoutCredentials = false
    var key = ""
    var pid: Int32?
    var isJSON = false

    static let help = """

        Modes for signaling; tern.v1 over WebSocket, or HTTP
          signal-idle     open rooms x members connections, keep them, and ask what they cost in memory and CPU
          signal-relay    send messages through rooms
          signal-join     connect, say hello, join, until all rooms are full; then leave, and again
          signal-issue    ask for TURN credentials over HTTP, each with a name of its own
        Their options
          --server ADDRESS:PORT    IPv4; default 127.0.0.1:8080
          --message signal|broadcast
                                   to one other member (default), or to all others of the room
          --everybody              all members broadcast together, not the first of each room alone
          --rooms N, --members N   default 100 and 2
          --payload BYTES          of the opaque part of a message, default 200
          --burst N                messages of one sender that leave together, default 1
          --window N               senders with messages under way (all), joins under way (64), or HTTP connections (16)
          --rate N                 bursts a second in all instead of a full window
          --seconds S, --warmup S  default 1.5 and 1
          --outside                idle connections join no room
          --no-ice                 members ask for no credentials when they join
          --key SECRET             the API key for signal-issue
          --pid PID, --json        as above
        """

    /// The words behind the program's name; nil for the mode when it is none of these.
    static func parse(_ words: [String]) -> Result<SignalOptions, OptionError>? {
        var rest = words[...]
        guard let mode = rest.popFirst().flatMap({ Mode(rawValue: $0) }) else { return nil }
        var options = SignalOptions()
        options.mode = mode
        while let word = rest.popFirst() {
            if options.takeFlag(word) { continue }
            guard let value = rest.popFirst() else {
                return .failure(OptionError(word: word, advice: "there is no such option, or its value is missing"))
            }
            guard options.take(word, value) else {
                return .failure(OptionError(word: "\(word) \(value)", advice: "there is no such option or value"))
            }
        }
        return .success(options)
    }

    private mutating func takeFlag(_ word: String) -> Bool {
        switch word {
        case "--json": isJSON = true
        case "--everybody": everybodyTalks = true
        case "--outside": staysOutside = true
        case "--no-ice": withoutCredentials = true
        default: return false
        }
        return true
    }

    private mutating func take(_ word: String, _ value: String) -> Bool {
        switch word {
        case "--server": return assign(SocketAddress(value).flatMap { $0.family == .ipv4 ? $0 : nil }, to: \.server)
        case "--message": return assign(Message(rawValue: value), to: \.message)
        case "--rooms": return assign(Self.number(value, 1...100_000), to: \.rooms)
        case "--members": return assign(Self.number(value, 1...10_000), to: \.members)
        // Below the 64 KiB of a message, with room for what is around the data.
        case "--payload": return assign(Self.number(value, 32...60_000), to: \.payload)
        case "--burst": return assign(Self.number(value, 1...64), to: \.burst)
        case "--window":
            guard let number = Self.number(value, 1...65_536) else { return false }
            window = number
            return true
        case "--rate": return assign(Self.number(value, 1...10_000_000), to: \.rate)
        case "--seconds": return assign(Double(value).flatMap { (0.01...3600).contains($0) ? $0 : nil }, to: \.seconds)
        case "--warmup": return assign(Double(value).flatMap { (0...3600).contains($0) ? $0 : nil }, to: \.warmup)
        case "--key": return assign(value, to: \.key)
        case "--pid":
            guard let number = Int32(value), number > 0 else { return false }
            pid = number
            return true
        default: return false
        }
    }

    private mutating func assign<Value>(_ value: Value?, to place: WritableKeyPath<SignalOptions, Value>) -> Bool {
        guard let value else { return false }
        self[keyPath: place] = value
        return true
    }

    private static func number(_ text: String, _ range: ClosedRange<Int>) -> Int? {
        Int(text).flatMap { range.contains($0) ? $0 : nil }
    }
}
