import CredentialService
import HTTP
import JSON
import NetworkPrimitives
import Signaling
import TernV1

// What operators see and do: rooms and sessions.
extension WebService {
    /// Rooms that one answer lists.
    private static let roomsListedMax = 1000

    mutating func rooms(_ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        do throws(ResponseError) {
            try requireOperator(context)
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("count", liveCounts.rooms)
            writer.name("rooms")
            writer.beginArray()
            for room in roomSummaries(limit: Self.roomsListedMax) {
                writer.beginObject()
                writer.member("room", room.name.description)
                writer.member("participants", room.participantCount)
                writer.member("capacity", room.capacity)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
            return .json(writer.bytes).uncached
        } catch { return error.response }
    }

    mutating func roomDetail(_ name: RoomName, _ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        do throws(ResponseError) {
            try requireOperator(context)
            if request.method == .delete {
                guard closeRoom(name, at: context.now) else { throw Self.noSuchRoom }
                outputs.append(.event(.closedByOperator("room \(name)")))
                return .empty(.noContent)
            }
            guard let room = room(named: name) else { throw Self.noSuchRoom }
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("room", room.summary.name.description)
            writer.member("capacity", room.summary.capacity)
            writer.name("participants")
            writer.beginArray()
            for occupant in room.participants { Self.write(occupant, to: &writer) }
            writer.endArray()
            writer.endObject()
            return .json(writer.bytes).uncached
        } catch { return error.response }
    }

    mutating func session(_ id: String, _ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        do throws(ResponseError) {
            try requireOperator(context)
            if request.method == .delete {
                guard endSession(id, at: context.now) else { throw Self.noSuchSession }
                outputs.append(.event(.closedByOperator("a session")))
                return .empty(.noContent)
            }
            guard let session = session(named: id) else { throw Self.noSuchSession }
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("session", "\(session.id)")
            if let identity = session.identity { writer.member("identity", identity.subject) }
            writer.member("address", "\(session.visitor.address)")
            writer.member("connected", session.isConnected)
            writer.member("since", Int(session.since.seconds))
            writer.name("rooms")
            writer.strings(session.seats.map(\.room.description))
            writer.endObject()
            return .json(writer.bytes).uncached
        } catch { return error.response }
    }

    private static func write(_ occupant: RoomDetail.Occupant, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", "\(occupant.participant.id)")
        if !occupant.participant.name.isEmpty { writer.member("name", occupant.participant.name) }
        if let identity = occupant.identity { writer.member("identity", identity.subject) }
        writer.member("session", "\(occupant.session)")
        writer.member("address", "\(occupant.address)")
        writer.member("connected", occupant.isConnected)
        writer.endObject()
    }

    private static var noSuchRoom: ResponseError {
        ResponseError(.notFound, "room_not_found", "nobody is in a room of this name")
    }

    private static var noSuchSession: ResponseError {
        ResponseError(.notFound, "session_not_found", "there is no such session")
    }
}
