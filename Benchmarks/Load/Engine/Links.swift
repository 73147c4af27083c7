import CLoad
import LinuxSockets
import NetworkPrimitives

/// Connections to the server by TCP, TLS or DTLS, each known by its number: what is put to them is gathered, and leaves
/// with the next flush.
@safe final class Links {
    /// Handshakes that were finished, and how many of them went on from an earlier session.
    typealias Handshakes = (finished: Int, resumed: Int)

    private let set: OpaquePointer

    /// Nil for UDP, which needs none of this.
    init?(_ options: Options) {
        let kind: Int
        switch options.transport {
        case .udp: return nil
        case .tcp: kind = CLOAD_TCP
        case .tls: kind = CLOAD_TLS
        case .dtls: kind = CLOAD_DTLS
        }
        var wanted = cload_links_options(
            transport: Int32(kind), is_tls12: options.isTLS12, resumes: options.resumes,
            takes_trains: options.takesTrains)
        guard let created = unsafe cload_links_create(&wanted) else { preconditionFailure("no memory for connections") }
        unsafe set = created
    }

    deinit { unsafe cload_links_destroy(set) }

    /// Begins to connect, without waiting.
    func open(from source: IPv4Address, to server: SocketAddress) throws(SystemError) -> Int32 {
        guard case .v4(let ip) = server.ip else { throw SystemError(operation: "connect: IPv4 only", errno: 97) }
        return try SystemError.check("connect", unsafe cload_links_open(set, source.rawValue, ip.rawValue, server.port))
    }

    func close(_ number: Int32) { unsafe cload_links_close(set, number) }

    func raw(_ number: Int32) -> CInt { unsafe cload_links_descriptor(set, number) }

    func isShaking(_ number: Int32) -> Bool { unsafe cload_links_state(set, number) == CLOAD_LINK_SHAKING }

    func hasEnded(_ number: Int32) -> Bool { unsafe cload_links_state(set, number) == CLOAD_LINK_ENDED }

    /// Why a link has ended; nil when the server ended it.
    func failure(_ number: Int32) -> SystemError? {
        let error = unsafe cload_links_error(set, number)
        return error == 0 ? nil : SystemError(operation: "connection", errno: error)
    }

    /// Whether the messages, each of `segment` bytes, will leave.
    @inline(__always)
    func put(_ start: UnsafeRawPointer, count: Int, segment: Int, on number: Int32) -> CInt {
        unsafe cload_links_put(set, number, start, count, segment)
    }

    /// Writes what was put; returns how many links have more than the kernel takes at present.
    @discardableResult @inline(__always)
    func flush() -> Int { unsafe Int(cload_links_flush(set)) }

    /// Whether bytes wait for room in the kernel, or for the connection.
    func waits(_ number: Int32) -> Bool { unsafe cload_links_waits(set, number) }

    /// Reads once, and calls `body` with every message that is whole; returns how many there were.
    @inline(__always)
    func receive(from number: Int32, _ body: (UnsafeRawBufferPointer) -> Void) -> Int {
        let count = unsafe Int(cload_links_receive(set, number))
        let frames = unsafe cload_links_frames(set)
        let bytes = unsafe UnsafeRawPointer(cload_links_bytes(set))
        for index in 0..<count {
            let frame = unsafe frames[index]
            unsafe body(UnsafeRawBufferPointer(start: bytes + Int(frame.start), count: Int(frame.count)))
        }
        return count
    }

    /// Sends a flight of a handshake again when it is time; only DTLS has such.
    func retransmit(_ number: Int32) { unsafe cload_links_retransmit(set, number) }

    var handshakes: Handshakes {
        let counts = unsafe cload_links_handshakes(set)
        return (Int(counts.finished), Int(counts.resumed))
    }

    /// Version and cipher suite; nil when there are none.
    var protocolName: String? {
        let name = unsafe String(cString: cload_links_protocol(set))
        return name.isEmpty ? nil : name
    }
}
