import Foundation
import NetworkPrimitives
import TestSupport

/// A TCP connection of a test, written byte by byte as nobody else would.
final class TCPStream {
    private let descriptor: Int32
    private lazy var buffer = [UInt8](repeating: 0, count: 65_536)
    /// What has come and was not asked for yet.
    private var waiting: [UInt8] = []
    /// Whether the other side has ended the connection, well or by a reset.
    private(set) var hasEnded = false
    /// TLS between this and the test, once it has begun.
    private var layer: TLSLayer?

    /// Connects, from `source` if that matters. A small `receiveBuffer` fills up soon.
    init(to destination: SocketAddress, from source: String? = nil, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(destination.family == .ipv4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("socket: errno \(errno)") }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        if let source {
            let own = SocketAddress(ip: try .parsed(source), port: 0)
            guard own.withSockaddr({ Glibc.bind(descriptor, $0, $1) }) == 0 else {
                throw TestFailure("bind \(source): errno \(errno)")
            }
        }
        guard destination.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
            throw TestFailure("connect \(destination): errno \(errno)")
        }
        limitWrites()
    }

    /// A connection that was accepted.
    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        limitWrites()
    }

    /// So that no write of a test hangs when the server does not read.
    private func limitWrites() {
        var limit = timeval(tv_sec: 0, tv_usec: 200_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Whether nobody has the port, on any address of this host.
    static func canListen(on port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        let own = SocketAddress(ip: .v4(.any), port: port)
        return own.withSockaddr({ Glibc.bind(descriptor, $0, $1) }) == 0
    }

    /// Shakes hands, and speaks TLS from then on; false when the server refuses.
    func startTLS(_ protocols: [String] = [], within limit: Duration = .seconds(20)) -> Bool {
        let layer = TLSLayer(protocols)
        self.layer = layer
        let deadline = ContinuousClock.now + limit
        while true {
            let progress = layer.handshake()
            guard writeRaw(layer.output()), progress >= 0 else { return false }
            if progress == 1 { return true }
            guard receive(until: deadline) else { return false }
        }
    }

    /// What ALPN chose.
    var applicationProtocol: String? { layer?.applicationProtocol }

    /// SHA-256 of the server's certificate.
    var fingerprint: [UInt8]? { layer?.fingerprint }

    /// Writes everything; false when the connection has ended or the server takes nothing more.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        guard let layer else { return writeRaw(bytes) }
        return layer.write(bytes) && writeRaw(layer.output())
    }

    /// Writes `bytes` and ends TLS in one segment, with something behind the end that belongs to nobody.
    @discardableResult
    func endTLS(saying bytes: [UInt8] = [], behind: [UInt8] = []) -> Bool {
        guard let layer, bytes.isEmpty || layer.write(bytes) else { return false }
        layer.close()
        return writeRaw(layer.output() + behind)
    }

    private func writeRaw(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let flags = Int32(MSG_NOSIGNAL)
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    @discardableResult
    func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    /// Lets the end of the connection be a reset.
    func resetOnClose() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// Says that nothing more comes.
    func endWrites() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Exactly `count` bytes; nil when they do not come in time.
    func read(_ count: Int, within limit: Duration = .seconds(5)) -> [UInt8]? {
        let deadline = ContinuousClock.now + limit
        while waiting.count < count { guard receive(until: deadline) else { return nil } }
        defer { waiting.removeFirst(count) }
        return Array(waiting.prefix(count))
    }

    /// The next STUN message or ChannelData with its padding (RFC 8656 §12.5); nil when none comes in time.
    func readMessage(within limit: Duration = .seconds(5)) -> [UInt8]? {
        guard let header = read(4, within: limit) else { return nil }
        let length = Int(header[2]) << 8 | Int(header[3])
        let rest = header[0] < 4 ? length + 16 : (length + 3) / 4 * 4
        return read(rest).map { header + $0 }
    }

    /// Everything up to and with `mark`; nil when it does not come in time.
    func read(through mark: String, within limit: Duration = .seconds(5)) -> String? {
        let deadline = ContinuousClock.now + limit
        while true {
            if let range = Data(waiting).range(of: Data(mark.utf8)) {
                let text = String(decoding: waiting[..<range.upperBound], as: UTF8.self)
                waiting.removeFirst(range.upperBound)
                return text
            }
            guard receive(until: deadline) else { return nil }
        }
    }

    /// Everything until the other side ends the connection; nil when it does not in time.
    func readToEnd(within limit: Duration = .seconds(5)) -> [UInt8]? {
        let deadline = ContinuousClock.now + limit
        while receive(until: deadline) {}
        defer { waiting = [] }
        return hasEnded ? waiting : nil
    }

    /// Waits for more; false when there is none in time, or never again.
    private func receive(until deadline: ContinuousClock.Instant) -> Bool {
        guard !hasEnded else { return false }
        let left = max(.zero, deadline - ContinuousClock.now)
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
        guard poll(&ready, 1, Int32(milliseconds)) > 0 else { return false }
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else {
            hasEnded = true
            return false
        }
        guard let layer else {
            waiting += buffer[..<count]
            return true
        }
        layer.input(Array(buffer[..<count]))
        // Before the handshake is complete there is nothing to read.
        waiting += layer.read()
        _ = writeRaw(layer.output())
        return true
    }
}

extension TCPStream {
    /// The status of the next response, whose body is read away.
    func status(within limit: Duration = .seconds(5)) -> Int? {
        guard let head = read(through: "\r\n\r\n", within: limit) else { return nil }
        let length = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
        _ = read(length.flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0, within: limit)
        return head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    /// Whether a request is answered as it should be.
    func isServed() -> Bool {
        write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") && status() == 200
    }

    // MARK: - WebSocket

    /// Becomes a WebSocket, with the key of RFC 6455 §1.3; the value of Sec-WebSocket-Accept is returned.
    func upgrade() -> String? {
        write(
            """
            GET /v1/signal HTTP/1.1\r
            Host: localhost\r
            Connection: keep-alive, Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
            Sec-WebSocket-Protocol: tern.v1\r
            \r

            """)
        guard let head = read(through: "\r\n\r\n"), head.hasPrefix("HTTP/1.1 101 ") else { return nil }
        return head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("sec-websocket-accept:") }
            .map { $0.dropFirst(21).trimmingCharacters(in: .whitespaces) }
    }

    /// Writes one frame with a mask, or with less than its header promises.
    @discardableResult
    func writeFrame(first: UInt8 = 0x81, _ payload: [UInt8], promising count: Int? = nil) -> Bool {
        let count = count ?? payload.count
        var frame = [first]
        if count < 126 {
            frame.append(0x80 | UInt8(count))
        } else if count < 65_536 {
            frame += [0xFE, UInt8(count >> 8), UInt8(count & 0xFF)]
        } else {
            frame += [0xFF] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
        }
        let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        return write(frame + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] })
    }

    @discardableResult
    func writeText(_ text: String) -> Bool { writeFrame(Array(text.utf8)) }

    /// The next frame of the server: its first byte and its payload. A server masks nothing (RFC 6455 §5.1).
    func readFrame(within limit: Duration = .seconds(5)) -> (first: UInt8, payload: [UInt8])? {
        guard let head = read(2, within: limit), head[1] & 0x80 == 0 else { return nil }
        var count = Int(head[1])
        if count >= 126 {
            guard let length = read(count == 126 ? 2 : 8, within: limit) else { return nil }
            count = length.reduce(0) { $0 << 8 | Int($1) }
        }
        return read(count, within: limit).map { (head[0], $0) }
    }

    /// The text of the next message, with pings answered that come before it; nil when something else comes.
    func readText(within limit: Duration = .seconds(5)) -> String? {
        while let (first, payload) = readFrame(within: limit) {
            if first == 0x81 { return String(decoding: payload, as: UTF8.self) }
            guard first == 0x89, writeFrame(first: 0x8A, payload) else { return nil }
        }
        return nil
    }

    /// The code of the close frame that comes behind whatever else; nil when none does.
    func closeCode(within limit: Duration = .seconds(5)) -> Int? {
        while let (first, payload) = readFrame(within: limit) {
            if first == 0x88, payload.count >= 2 { return Int(payload[0]) << 8 | Int(payload[1]) }
        }
        return nil
    }

    /// Enters a room that is open to all, and has read what it was told about it.
    func enter(_ room: String) -> Bool {
        guard upgrade() != nil else { return false }
        writeText(#"{"type":"hello","v":1}"#)
        guard readText()?.contains("welcome") == true else { return false }
        writeText(#"{"type":"join","room":"\#(room)","ice":false}"#)
        return readText()?.contains("joined") == true
    }
}
