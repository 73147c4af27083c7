import LinuxSockets
import NetworkPrimitives

/// How one client reaches the server: a UDP socket, or a connection of a set.
///
/// A class, because it closes what it has opened.
final class Link {
    private let source: IPv4Address
    private let server: SocketAddress
    private let takesTrains: Bool
    /// Whether messages follow each other in a stream, where nothing is lost.
    let isReliable: Bool
    /// Nil for UDP.
    private let links: Links?
    private var socket: Socket?
    /// In `links`; -1 for UDP, and before there is a connection.
    private(set) var number: Int32 = -1
    /// The poller looks for room to write.
    var watchesWrites = false

    init(from source: IPv4Address, _ options: Options, _ links: Links?) {
        self.source = source
        server = options.server
        takesTrains = options.takesTrains
        isReliable = options.transport.isReliable
        self.links = links
    }

    deinit {
        if number >= 0 { links?.close(number) }
    }

    /// Begins to connect; messages may be sent at once, and leave when there is a connection.
    func open() throws(SystemError) {
        guard !isOpen else { return }
        if let links {
            number = try links.open(from: source, to: server)
        } else {
            let opened = try Socket(on: source, takesTrains: takesTrains)
            try opened.connect(to: server)
            socket = opened
        }
    }

    var isOpen: Bool { socket != nil || number >= 0 }

    /// The descriptor; -1 when there is none, or none any more.
    var raw: CInt {
        if let socket { return socket.raw }
        guard let links, number >= 0 else { return -1 }
        return links.raw(number)
    }

    /// The descriptor, where the kernel counts what found no room at it: streams lose nothing.
    var droppingSocket: CInt? { isReliable || raw < 0 ? nil : raw }

    func send(_ bytes: RawSpan) {
        guard let links, number >= 0 else {
            socket?.send(bytes)
            return
        }
        unsafe bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            _ = unsafe links.put(start, count: buffer.count, segment: buffer.count, on: number)
        }
        links.flush()
    }

    /// Calls `body` with the messages that have come. `inbox` is for datagrams.
    func receive(_ inbox: Inbox, _ body: (RawSpan) -> Void) {
        if let links, number >= 0 {
            _ = unsafe links.receive(from: number) { unsafe body($0.bytes) }
        } else if let socket {
            for slot in 0..<inbox.receive(from: socket.raw, limit: 4) {
                _ = unsafe inbox.forEachDatagram(inSlot: slot) { unsafe body($0.bytes) }
            }
        }
    }

    /// Whether bytes wait for room in the kernel.
    var waits: Bool {
        guard let links, number >= 0 else { return false }
        return links.waits(number)
    }

    /// Whether the server or an error has ended the connection.
    var hasEnded: Bool {
        guard let links, number >= 0 else { return false }
        return links.hasEnded(number)
    }

    /// Why it has ended; nil when the server ended it.
    var failure: SystemError? {
        guard let links, number >= 0 else { return nil }
        return links.failure(number)
    }

    /// Whether what was lost has to be sent again by us: not on a stream, and within a handshake others see to it.
    func retransmits() -> Bool {
        guard let links, number >= 0 else { return true }
        guard links.isShaking(number) else { return !isReliable }
        links.retransmit(number)
        return false
    }
}
