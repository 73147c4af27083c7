import NetworkPrimitives
import Testing

@testable import Signaling

/// Rooms with a clock, and the outputs of the last act in words.
final class RoomHarness {
    private var server: RoomServer
    var now = Instant(nanoseconds: 1_000_000_000)
    var unixTime = UnixTime(seconds: 1_800_000_000)
    private(set) var heard: [String] = []
    /// Names that stand for random ids in what was heard.
    private var names: [ParticipantID: String] = [:]

    init(_ change: (inout SignalingLimits) -> Void = { _ in }) {
        var limits = SignalingLimits()
        change(&limits)
        let identifiers = IdentifierSource(secret: [UInt8](repeating: 7, count: 32), purpose: 1)
        server = RoomServer(limits: limits, identifiers: identifiers)
    }

    /// Does one thing and says what came of it.
    func act<Result>(_ body: (inout RoomServer) throws -> Result) rethrows -> Result {
        heard = []
        defer { drain() }
        return try body(&server)
    }

    func query<Result>(_ body: (borrowing RoomServer) -> Result) -> Result { body(server) }

    /// Joins an endpoint whose participant is then called by its number in what is heard.
    @discardableResult
    func join(
        _ room: String, _ endpoint: UInt64, identity: String? = nil, grants: Grants = .standard, capacity: Int? = nil,
        change: (inout Entrance) -> Void = { _ in }
    ) throws -> SeatID {
        let who = identity.map { Admission.Identity(issuer: "key", subject: $0) }
        var entrance = Entrance(
            endpoint: EndpointID(rawValue: endpoint),
            admission: Admission(identity: who, grants: grants, capacity: capacity))
        change(&entrance)
        heard = []
        let name = try #require(RoomName(room.utf8))
        do {
            let seat = try server.join(name, entrance, at: now, unixTime: unixTime)
            names[try id(seat)] = "p\(endpoint)"
            drain()
            return seat
        } catch {
            drain()
            throw error
        }
    }

    func id(_ seat: SeatID) throws -> ParticipantID {
        let participant = server.participant(of: seat)
        return try #require(participant).id
    }

    func advance(seconds: UInt32) {
        now = now.advanced(bySeconds: seconds)
        act { $0.handleDeadline(at: now) }
    }

    private func drain() {
        while let output = server.nextOutput() { heard.append(words(output)) }
    }

    private func words(_ output: RoomOutput) -> String {
        switch output {
        case .membership(.opened(let room)): "\(room) opened"
        case .membership(.freed(let room)): "\(room) freed"
        case .membership(.entered(let room, _, let endpoint, _)): "\(room) entered \(endpoint.rawValue)"
        case .membership(.left(let room, _, let endpoint, _, let reason)):
            "\(room) left \(endpoint.rawValue) \(reason)"
        case .deliver(let delivery): "\(delivery.recipients.map(\.rawValue)) \(words(delivery.event))"
        }
    }

    private func words(_ event: RoomEvent) -> String {
        switch event {
        case .participantJoined(let room, let who): "\(room) +\(call(who.id))"
        case .participantLeft(let room, let who, let reason): "\(room) -\(call(who)) \(reason)"
        case .participantUpdated(let room, let who): "\(room) =\(call(who.id)) \(text(who.metadata[...]))"
        case .signal(let room, let from, let data): "\(room) signal \(call(from)) \(text(data))"
        case .broadcast(let room, let from, let data): "\(room) broadcast \(call(from)) \(text(data))"
        case .removed(let room, let reason, let explanation): "\(room) removed \(reason) '\(explanation)'"
        }
    }

    private func call(_ id: ParticipantID) -> String { names[id] ?? "?" }

    private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

func bytes(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }
