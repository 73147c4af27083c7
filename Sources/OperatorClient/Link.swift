import CClient
import Glibc
package import NetworkPrimitives

/// A connection of a command to a server. Every call waits for its result, no longer than it is told to.
@safe
package struct Link: ~Copyable {
    /// How a server is reached.
    package enum Transport: String, Hashable, Sendable, CaseIterable {
        case unix, udp, tcp, tls, dtls

        /// Messages arrive whole or not at all.
        package var isDatagrams: Bool { self == .udp || self == .dtls }

        package var isEncrypted: Bool { self == .tls || self == .dtls }
    }

    /// Where a connection goes.
    package struct Destination: Sendable {
        package var transport: Transport
        /// A numeric address, or the path of a Unix socket.
        package var host: String
        package var port: UInt16 = 0
        /// The name that a server with several certificates is asked for.
        package var serverName: String?
        /// A file with the authorities that are believed; nil for those of the system.
        package var authorities: String?

        package init(unix path: String) {
            transport = .unix
            host = path
        }

        package init(_ transport: Transport, _ address: SocketAddress) {
            self.transport = transport
            host = "\(address.ip)"
            port = address.port
        }
    }

    private let handle: OpaquePointer

    package init(to destination: Destination, milliseconds: Int) throws(LinkFailure) {
        var failure = tern_client_failure()
        let opened = unsafe Self.open(destination, milliseconds, &failure)
        guard let opened = unsafe opened else { throw LinkFailure(failure) }
        unsafe handle = opened
    }

    deinit { unsafe tern_client_close(handle) }

    private static func open(
        _ destination: Destination, _ milliseconds: Int, _ failure: inout tern_client_failure
    ) -> OpaquePointer? {
        unsafe destination.host.withCString { host in
            unsafe withOptional(destination.serverName) { name in
                unsafe withOptional(destination.authorities) { authorities in
                    var plan = unsafe tern_client_plan(
                        kind: kind(destination.transport), host: host, port: destination.port,
                        milliseconds: Int32(clamping: milliseconds), server_name: name, authorities: authorities)
                    return unsafe tern_client_open(&plan, &failure)
                }
            }
        }
    }

    private static func withOptional<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
        guard let text else { return body(nil) }
        return unsafe text.withCString { unsafe body($0) }
    }

    private static func kind(_ transport: Transport) -> Int32 {
        switch transport {
        case .unix: Int32(TERN_CLIENT_UNIX.rawValue)
        case .udp: Int32(TERN_CLIENT_UDP.rawValue)
        case .tcp: Int32(TERN_CLIENT_TCP.rawValue)
        case .tls: Int32(TERN_CLIENT_TLS.rawValue)
        case .dtls: Int32(TERN_CLIENT_DTLS.rawValue)
        }
    }

    // MARK: - Bytes

    package func send(_ bytes: [UInt8], milliseconds: Int) throws(LinkFailure) {
        let result = unsafe bytes.withUnsafeBufferPointer { buffer -> Int32 in
            guard let start = buffer.baseAddress else { return 0 }
            return unsafe tern_client_send(handle, start, buffer.count, Int32(clamping: milliseconds))
        }
        guard result == 0 else { throw LinkFailure(errno: -result) }
    }

    /// What has come of a stream, empty at its end, or one datagram.
    package func receive(byteCountMax: Int = 65_536, milliseconds: Int) throws(LinkFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCountMax)
        let count = unsafe bytes.withUnsafeMutableBufferPointer { buffer -> Int64 in
            guard let start = buffer.baseAddress else { return 0 }
            return unsafe tern_client_receive(handle, start, buffer.count, Int32(clamping: milliseconds))
        }
        guard count >= 0 else { throw LinkFailure(errno: Int32(-count)) }
        bytes.removeLast(bytes.count - Int(count))
        return bytes
    }

    // MARK: - Queries

    /// Our own address; nil on a Unix socket.
    package var local: SocketAddress? {
        var text = [CChar](repeating: 0, count: 64)
        var port: UInt16 = 0
        guard unsafe tern_client_local(handle, &text, text.count, &port), let ip = IPAddress(Self.text(text)) else {
            return nil
        }
        return SocketAddress(ip: ip, port: port)
    }

    /// What the server's certificate says; nil without TLS.
    package var certificate: PeerCertificate? {
        var raw = tern_client_certificate()
        guard unsafe tern_client_certificate(handle, &raw) else { return nil }
        return PeerCertificate(
            notBefore: UnixTime(seconds: raw.not_before), notAfter: UnixTime(seconds: raw.not_after),
            isTrusted: raw.is_trusted, reason: Self.text(bytesOf: raw.reason), subject: Self.text(bytesOf: raw.subject))
    }

    /// Whether the server's certificate is for a DNS name, or for a numeric address.
    package func certificateIsFor(_ name: String) -> Bool {
        unsafe name.withCString { unsafe tern_client_certificate_is_for(handle, $0) }
    }

    /// The addresses of a name, each once.
    package static func resolve(_ name: String) throws(LinkFailure) -> [IPAddress] {
        var texts = [CChar](repeating: 0, count: 4096)
        var reason = [CChar](repeating: 0, count: 160)
        let count = unsafe name.withCString {
            unsafe tern_client_resolve($0, &texts, texts.count, &reason, reason.count)
        }
        guard count > 0 else { throw .unresolved(text(reason)) }
        var addresses: [IPAddress] = []
        for piece in texts.prefix(Int(count)).split(separator: 0) {
            if let ip = IPAddress(text(Array(piece))), !addresses.contains(ip) { addresses.append(ip) }
        }
        return addresses
    }

    private static func text(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    fileprivate static func text<Tuple>(bytesOf tuple: Tuple) -> String {
        unsafe withUnsafeBytes(of: tuple) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// What a server shows of itself in TLS.
package struct PeerCertificate: Equatable, Sendable {
    package let notBefore: UnixTime
    package let notAfter: UnixTime
    /// An authority vouches for it; whether its time has come is another matter.
    package let isTrusted: Bool
    /// Why it is not trusted.
    package let reason: String
    package let subject: String
}

/// Why there is no connection, or no answer.
package enum LinkFailure: Error, Equatable, Sendable {
    /// Somebody answered that nobody listens there.
    case refused
    /// Nothing came back at all.
    case timedOut
    /// The connection was there and was cut.
    case reset
    /// No way leads there: routes, or an ICMP message that says so.
    case unreachable(String)
    /// No such Unix socket.
    case missing
    case denied
    /// TLS did not come about.
    case handshake(String)
    /// The file with the authorities cannot be used.
    case authorities(String)
    case unresolved(String)
    case other(String)

    fileprivate init(_ failure: tern_client_failure) {
        let said = Link.text(bytesOf: failure.text)
        switch failure.stage {
        case Int32(TERN_CLIENT_AUTHORITIES.rawValue): self = .authorities(said)
        case Int32(TERN_CLIENT_HANDSHAKE.rawValue) where failure.error == EPROTO || failure.error == EPIPE:
            self = .handshake(said.isEmpty ? "the server hung up" : said)
        default: self.init(errno: failure.error)
        }
    }

    fileprivate init(errno: Int32) {
        switch errno {
        case ECONNREFUSED: self = .refused
        case ETIMEDOUT: self = .timedOut
        case ECONNRESET, EPIPE: self = .reset
        case ENOENT, ENOTDIR: self = .missing
        case EACCES, EPERM: self = .denied
        case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN, EADDRNOTAVAIL, EAFNOSUPPORT:
            self = .unreachable(Self.words(errno))
        default: self = .other(Self.words(errno))
        }
    }

    private static func words(_ errno: Int32) -> String {
        guard let text = unsafe strerror(errno) else { return "error \(errno)" }
        return unsafe String(cString: text)
    }
}
