import Containers
import CredentialService
import HTTP
import JSON
import NetworkPrimitives
import Signaling
import TernV1
import WebSocket

@testable import WebService

/// A web service with a clock that the test moves, and clients whose bytes go in and come out by hand.
final class ServiceHarness {
    static let applicationSecret = "0123456789abcdef0123456789abcdef"
    static let operatorSecret = "fedcba9876543210fedcba9876543210"
    /// 2027-01-15T08:00:00Z.
    static let startOfWallClock = UnixTime(seconds: 1_800_000_000)

    var service: WebService
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var outputs: [WebOutput] = []
    private var received: [ConnectionID: [UInt8]] = [:]
    /// Connections that the service has closed, and those to which it says nothing more.
    private(set) var closed: Set<ConnectionID> = []
    private(set) var shutDown: Set<ConnectionID> = []
    /// Clients that take no bytes at present.
    var stalled: Set<ConnectionID> = []

    init(
        anonymousRooms: [String] = [], site: any SiteContent = EmbeddedSite(),
        _ change: (inout WebSettings, inout SignalingLimits) -> Void = { _, _ in },
        dialects: (Gate) -> DialectServers = { _ in DialectServers() }
    ) throws {
        var settings = WebSettings()
        var limits = SignalingLimits()
        settings.version = "test"
        change(&settings, &limits)
        let authority = try Self.authority(anonymousRooms)
        service = WebService(
            settings: settings, authority: authority, site: site,
            signaling: TernV1Server(
                settings: TernV1Settings(limits: limits), gate: authority.gate,
                secret: [UInt8](repeating: 7, count: 32)),
            dialects: dialects(authority.gate), secret: [UInt8](repeating: 9, count: 32), start: now)
    }

    private static func authority(_ anonymousRooms: [String]) throws -> Authority {
        let servers = IceServerTemplate(
            hosts: [], externalAddresses: [], endpoints: [IceServerTemplate.Endpoint(.udp, port: 3478)])
        let issuer = CredentialIssuer(secret: Array("shared".utf8), quotaPerMember: 12, servers: servers)
        let key = try TokenKey(id: "app", secret: Array(applicationSecret.utf8))
        let gate = Gate(
            tokens: TokenVerifier(keys: [key]),
            anonymous: Gate.AnonymousAccess(rooms: anonymousRooms.compactMap { RoomPattern($0) }), issuer: issuer)
        return Authority(
            gate: gate,
            keys: APIKeys(
                applicationKeys: [("app", Array(applicationSecret.utf8))],
                operatorSecrets: [Array(operatorSecret.utf8)]),
            minters: ["app": TokenMinter(key: key)!], issuer: issuer, servers: servers)
    }

    var unixTime: UnixTime {
        UnixTime(seconds: Self.startOfWallClock.seconds + Int64(now.nanoseconds / 1_000_000_000) - 1)
    }

    // MARK: - Driving

    func advance(seconds: UInt32) {
        let end = now.advanced(bySeconds: seconds)
        while let deadline = service.nextDeadline, deadline <= end {
            now = max(now, deadline)
            service.handleDeadline(at: now, unixTime: unixTime)
            settle()
        }
        now = end
    }

    func connect(from address: String = "192.0.2.1", to profile: ListenerProfile = .everything) -> ConnectionID? {
        let local = IPAddress("198.51.100.1")!
        let connection = service.open(
            remote: IPAddress(address)!, local: local, profile: profile, at: now)
        settle()
        return connection
    }

    func send(_ text: String, on connection: ConnectionID) { send(Array(text.utf8), on: connection) }

    func send(_ bytes: [UInt8], on connection: ConnectionID) {
        service.receive(bytes.span.bytes, on: connection, at: now, unixTime: unixTime)
        settle()
    }

    func endStream(_ connection: ConnectionID) {
        service.endOfStream(connection, at: now, unixTime: unixTime)
        settle()
    }

    /// What a shell does after every input.
    func settle() {
        repeat {
            outputs += service.takeOutputs()
            while let connection = service.nextReady() { write(to: connection) }
        } while !service.isSettled
        outputs += service.takeOutputs()
    }

    private func write(to connection: ConnectionID) {
        guard !stalled.contains(connection) else {
            _ = service.wrote(0, to: connection, at: now, unixTime: unixTime)
            return
        }
        while true {
            let pieces = service.pending(connection)
            for piece in pieces { received[connection, default: []] += piece }
            let count = pieces.reduce(0) { $0 + $1.count }
            switch service.wrote(count, to: connection, at: now, unixTime: unixTime) {
            case .more: continue
            case .idle: return
            case .shutDownWrites:
                shutDown.insert(connection)
                return
            case .close:
                closed.insert(connection)
                return
            }
        }
    }

    // MARK: - What came back

    /// User names that the API took back.
    var revoked: [String] {
        outputs.compactMap { if case .revoke(let user) = $0 { String(decoding: user, as: UTF8.self) } else { nil } }
    }

    /// How many members were put out.
    var revokedMembers: Int {
        outputs.filter { if case .member(.revoked) = $0 { true } else { false } }.count
    }

    /// Takes the bytes that have come so far.
    func take(_ connection: ConnectionID) -> [UInt8] { received.removeValue(forKey: connection) ?? [] }

    func takeText(_ connection: ConnectionID) -> String { String(decoding: take(connection), as: UTF8.self) }

    /// One request on a connection of its own, and the whole answer.
    func exchange(
        _ request: String, from address: String = "192.0.2.1", to profile: ListenerProfile = .everything
    ) -> Answer {
        guard let connection = connect(from: address, to: profile) else { return Answer("") }
        send(request.replacing("\n", with: "\r\n"), on: connection)
        return Answer(takeText(connection))
    }

    /// A response, taken apart.
    struct Answer {
        let status: Int
        let head: String
        let body: String

        init(_ text: String) {
            let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
            head = parts.first.map(String.init) ?? ""
            body = parts.count > 1 ? String(parts[1]) : ""
            status = Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0
        }

        /// The value of a header, whatever the case of its name.
        func header(_ name: String) -> String? {
            for line in head.split(separator: "\r\n").dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2, parts[0].lowercased() == name.lowercased() {
                    return String(parts[1].drop { $0 == " " })
                }
            }
            return nil
        }
    }
}

/// A client of the WebSocket.
final class SocketClient {
    let connection: ConnectionID
    private let harness: ServiceHarness
    private var early: [UInt8] = []
    private var codec = WebSocketConnection(role: .client(maskingKey: 0x1234_5678))

    /// Nil when the upgrade was refused.
    convenience init?(_ harness: ServiceHarness, headers: String = "", from address: String = "192.0.2.1") {
        let native = "Sec-WebSocket-Protocol: tern.v1"
        self.init(
            harness, path: "/v1/signal", headers: headers.isEmpty ? native : "\(native)\n\(headers)", from: address)
    }

    /// Of any path and port.
    init?(
        _ harness: ServiceHarness, path: String, to profile: ListenerProfile = .everything, headers: String = "",
        from address: String = "192.0.2.1"
    ) {
        guard let connection = harness.connect(from: address, to: profile) else { return nil }
        self.harness = harness
        self.connection = connection
        let request = """
            GET \(path) HTTP/1.1
            Host: tern.example
            Upgrade: websocket
            Connection: Upgrade
            Sec-WebSocket-Version: 13
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
            """
        let lines = headers.isEmpty ? "\n\n" : "\n\(headers)\n\n"
        harness.send((request + lines).replacing("\n", with: "\r\n"), on: connection)
        let answer = harness.take(connection)
        guard answer.starts(with: "HTTP/1.1 101 ".utf8),
            let end = answer.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound
        else { return nil }
        // Some speakers have the first word.
        early = Array(answer[end...])
    }

    func send(_ text: String) {
        harness.send(WebSocketFrame.text(Array(text.utf8), maskingKey: 0x1234_5678), on: connection)
    }

    func send(frame: [UInt8]) { harness.send(frame, on: connection) }

    /// All that has come since the last time.
    func events() -> [WebSocketEvent] {
        let bytes = early + harness.take(connection)
        early = []
        var events: [WebSocketEvent] = []
        var offset = 0
        while let event = codec.nextEvent(in: bytes.span.bytes, from: &offset) { events.append(event) }
        return events
    }

    /// The texts among them.
    func texts() -> [String] {
        events().compactMap { event in
            if case .text(let text) = event { String(decoding: text, as: UTF8.self) } else { nil }
        }
    }
}
