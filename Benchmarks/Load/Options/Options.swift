import NetworkPrimitives

/// What to measure and how hard: what the command line of the TURN modes comes to.
struct Options: Sendable {
    enum Mode: String, CaseIterable {
        case channel, indication, binding, refresh, allocate, idle, churn, handshake

        /// Whether payloads go through the server.
        var isRelaying: Bool { [.channel, .indication, .churn].contains(self) }
        /// Whether the server is asked, again and again, over sockets that stay.
        var isAsking: Bool { self == .binding || self == .refresh }
    }
    enum Direction: String, CaseIterable { case up, down, both }
    /// How clients reach the server; peers are reached by UDP.
    enum Transport: String, CaseIterable {
        case udp, tcp, tls, dtls

        /// Whether nothing is lost on the way, and messages follow each other without a gap.
        var isReliable: Bool { self == .tcp || self == .tls }
    }
    /// What decides when the next datagram leaves.
    enum Pace: Equatable {
        /// A datagram has arrived: so many are in flight.
        case window(Int)
        /// The clock: so many a second.
        case rate(Int)
        /// Nothing.
        case flood
    }

    var mode = Mode.channel
    var server = SocketAddress(ip: .v4(.loopback), port: 3478)
    /// Where clients and peers are.
    var own = IPv4Address.loopback
    var transport = Transport.udp
    var user = ""
    var password = ""
    var allocations = 100
    var payload = 160
    var burst = 1
    var direction = Direction.up
    /// Datagrams in flight, or cycles and connections under way in modes `allocate` and `handshake`.
    var window: Int?
    /// Datagrams a second in all; 0 sends as soon as the window has room.
    var rate = 0
    /// Sends as fast as it can, whatever arrives.
    var isFlooding = false
    /// Without the server, from the clients to the peers: what the generator and the kernel need for themselves.
    var isDirect = false
    /// Mode `idle`: connections without an allocation.
    var isBare = false
    /// TLS 1.3 is not offered.
    var isTLS12 = false
    /// Handshakes go on from an earlier session.
    var resumes = false
    /// Asks the server fifty times a second, next to the load.
    var hasProbe = false
    /// Allocations a second that come and go in mode `churn`, and how long each stays.
    var churnRate = 200
    var hold = 0.5
    var seconds = 1.5
    var warmup = 0.3
    var pid: Int32?
    /// Receives trains in one piece.
    var takesTrains = true
    /// Waits by looking, when paced, instead of sleeping.
    var spins = true
    /// The server is the floor forwarder, which is told of each flow by one datagram and knows no users.
    var isFloor = false
    var isJSON = false
    var htmlPath: String?
    /// What the server is called in reports.
    var name: String?

    var pace: Pace {
        if isFlooding { return .flood }
        return rate > 0 ? .rate(rate) : .window(max(window ?? (mode == .refresh ? 64 : 256), burst))
    }

    /// Whether what is sent has room for a time.
    var hasStamps: Bool { mode.isAsking || payload >= Stamp.byteCount }
}

/// A command line that cannot be followed: the word, and what would have been right.
struct OptionError: Error {
    let word: String
    let advice: String
}
