import NetworkPrimitives

/// What to measure and how hard: the command line.
struct Options {
    enum Mode: String, CaseIterable { case channel, indication, binding, allocate, idle }
    enum Direction: String, CaseIterable { case up, down, both }

    var mode = Mode.channel
    var server = SocketAddress(ip: .v4(.loopback), port: 3478)
    var user = ""
    var password = ""
    var allocations = 100
    var payload = 160
    var burst = 1
    var direction = Direction.up
    /// Datagrams in flight, or cycles under way in mode `allocate`.
    var window: Int?
    /// Datagrams a second in all; 0 sends as soon as the window has room.
    var rate = 0
    var seconds = 1.5
    var warmup = 0.3
    var pid: Int32?
    var isJSON = false
    /// The server is the floor forwarder, which is told of each flow by one datagram and knows no users.
    var isFloor = false

    static let usage = """
        usage: tern-bench MODE [options]

        Puts load on a TURN server from one core, as its clients and their peers at once.

          channel       relay ChannelData over UDP
          indication    relay Send and Data indications
          binding       Binding requests
          allocate      Allocate, 401, Allocate, CreatePermission, ChannelBind, Refresh 0, each from a new address
          idle          open allocations, and ask what they cost in memory and CPU while nothing moves

          --server ADDRESS:PORT    default 127.0.0.1:3478; IPv4
          --user NAME, --password TEXT
          --allocations N          default 100
          --payload BYTES          default 160
          --burst N                datagrams of one flow sent together, default 1
          --direction up|down|both from client to peer, or back; default up
          --window N               datagrams in flight (256), or cycles under way in mode allocate (16)
          --rate N                 datagrams a second in all instead of a full window
          --seconds S, --warmup S  default 1.5 and 0.3
          --pid PID                the server's process, whose CPU and memory are to be reported
          --floor                  the server is Benchmarks/Floor
          --json                   one line for programs
        """

    /// Nil, and a reason, when the words make no sense.
    static func parse(_ words: [String]) -> Result<Options, OptionError> {
        var options = Options()
        var rest = words[...]
        guard let mode = rest.popFirst().flatMap({ Mode(rawValue: $0) }) else {
            return .failure(OptionError(word: nil))
        }
        options.mode = mode
        while let word = rest.popFirst() {
            if options.takeFlag(word) { continue }
            guard let value = rest.popFirst(), options.take(word, value) else {
                return .failure(OptionError(word: word))
            }
        }
        return .success(options)
    }

    private mutating func takeFlag(_ word: String) -> Bool {
        switch word {
        case "--json": isJSON = true
        case "--floor": isFloor = true
        default: return false
        }
        return true
    }

    private mutating func take(_ word: String, _ value: String) -> Bool {
        switch word {
        case "--server": return assign(SocketAddress(value).flatMap { $0.family == .ipv4 ? $0 : nil }, to: \.server)
        case "--user": return assign(value, to: \.user)
        case "--password": return assign(value, to: \.password)
        case "--allocations": return assign(Self.number(value, 1...16_000), to: \.allocations)
        // Below the 65,507 bytes of a datagram, with room for an indication's headers.
        case "--payload": return assign(Self.number(value, 1...60_000), to: \.payload)
        // The kernel takes 64 segments in a train, and 65,507 bytes; the product is checked when trains are made.
        case "--burst": return assign(Self.number(value, 1...64), to: \.burst)
        case "--direction": return assign(Direction(rawValue: value), to: \.direction)
        case "--window":
            guard let number = Self.number(value, 1...65_536) else { return false }
            window = number
            return true
        case "--rate": return assign(Self.number(value, 1...10_000_000), to: \.rate)
        case "--seconds": return assign(Double(value).flatMap { (0.01...3600).contains($0) ? $0 : nil }, to: \.seconds)
        case "--warmup": return assign(Double(value).flatMap { (0...3600).contains($0) ? $0 : nil }, to: \.warmup)
        case "--pid":
            guard let number = Int32(value), number > 0 else { return false }
            pid = number
            return true
        default: return false
        }
    }

    private mutating func assign<Value>(_ value: Value?, to place: WritableKeyPath<Options, Value>) -> Bool {
        guard let value else { return false }
        self[keyPath: place] = value
        return true
    }

    private static func number(_ text: String, _ range: ClosedRange<Int>) -> Int? {
        Int(text).flatMap { range.contains($0) ? $0 : nil }
    }
}

/// The word of the command line that was not understood; nil for a missing mode.
struct OptionError: Error {
    let word: String?
}
