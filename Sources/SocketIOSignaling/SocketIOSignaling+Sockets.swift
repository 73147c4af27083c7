import Containers
import HTTP
import JSON
import NetworkPrimitives
import Signaling
import SocketIO

/// Somebody whose dialect is not known yet.
struct Newcomer {
    let socket: SocketID
    let opening: Opening
    /// What others may call it.
    let name: String
}

/// Where a socket stands.
enum Place {
    case newcomer(SlabHandle)
    /// The index of its dialect.
    case speaker(Int)
}

extension SocketID {
    init(_ connection: ConnectionID) { self.init(rawValue: connection.rawValue) }
}

extension ConnectionID {
    init(_ socket: SocketID) { self.init(rawValue: socket.rawValue) }
}

// The life of a socket: it comes, says something, and goes.
extension SocketIOSignaling {
    // MARK: - Coming

    /// Somebody wants into a namespace.
    func welcome(_ connect: SocketConnect) {
        counters.connections += 1
        guard departure == nil else { return server.disconnect(connect.socket, .closeTransport) }
        let room: RoomName?
        switch Self.place(of: connect.namespace) {
        case .unnamed: room = nil
        case .room(let name): room = name
        case .invalid: return server.refuse(connect.socket, message: "Invalid namespace")
        }
        let opening = Opening(visitor: connect.visitor, token: Self.token(of: connect), room: room)
        do throws(AdmissionRefusal) { try judge(opening) } catch {
            return refuse(connect, OpeningRefusal.admission(error))
        }
        let newcomer = Newcomer(socket: connect.socket, opening: opening, name: name(of: connect))
        // As many as there can be sockets.
        guard let handle = newcomers.insert(newcomer) else { return refuse(connect, .full) }
        places.insert(.newcomer(handle), for: connect.socket)
        server.accept(connect.socket)
        // Some dialects are known by the namespace, because their clients may not say anything for long.
        if let room, let index = spoken.firstIndex(where: { $0.knows(room) }) {
            bind(connect.socket, newcomer, to: index)
        }
    }

    private static func place(of namespace: String) -> PathRoom {
        guard let target = RequestTarget(namespace), target.rawQuery == nil else { return .invalid }
        return PathRoom(segments: target.segments)
    }

    /// In the packet, else in a header of the first request, else in the query of namespace or session. An empty one is
    /// none.
    private static func token(of connect: SocketConnect) -> [UInt8]? {
        let auth = connect.auth.flatMap { try? JSONDocument(parsing: Array($0)) }?.root
        let candidates = [auth?["token"]?.utf8, connect.token, connect.query("token").map { Array($0.utf8) }]
        return candidates.lazy.compactMap { $0 }.first { !$0.isEmpty }
    }

    /// What is known already is judged already, so that the client gets an error that it can read. The dialect asks the
    /// gate again when it takes the client.
    private func judge(_ opening: Opening) throws(AdmissionRefusal) {
        do throws(AdmissionRefusal) {
            let pass = try identify(opening.token)
            guard let room = opening.room else { return }
            let admission = try gate.admit(pass, to: room, from: opening.visitor, at: unixTime)
            guard admission.grants.contains(.join) else { throw .forbidden }
        } catch {
            counters.refusedByGate += 1
            if let event = Self.event(error, opening) { events.append(event) }
            throw error
        }
    }

    private func identify(_ token: [UInt8]?) throws(AdmissionRefusal) -> Pass? {
        guard let token else { return nil }
        return try gate.identify(token, at: unixTime)
    }

    /// For the log, and for whoever counts guesses. To come without a token is no guess.
    private static func event(_ refusal: AdmissionRefusal, _ opening: Opening) -> SignalingEvent? {
        switch refusal {
        case .unauthorized where opening.token != nil: .unauthorized(opening.visitor)
        case .unauthorized, .forbidden: opening.room.map { .refused(opening.visitor, $0) }
        case .tokenExpired, .tokenNotYetValid: .outdatedToken(opening.visitor)
        }
    }

    /// In protocol 4 what a client calls its socket is what it proves itself to the transport with. Whoever knew it
    /// could poll in its place, so others are told another name.
    private func name(of connect: SocketConnect) -> String {
        switch connect.revision {
        case .five: connect.name
        case .four: "\(names.next())"
        }
    }

    private func refuse(_ connect: SocketConnect, _ refusal: OpeningRefusal) {
        var writer = JSONWriter()
        writer.beginObject()
        // Clients of protocol 4 get nothing but this.
        if connect.revision == .four { writer.member("message", refusal.sentence) }
        writer.member("code", refusal.code)
        writer.endObject()
        server.refuse(connect.socket, message: refusal.sentence, data: writer.bytes[...])
    }

    // MARK: - Saying something

    /// An event. Answers are not given: no dialect here has any.
    func hear(_ event: SocketEvent, from socket: SocketID) {
        switch places[socket] {
        case .speaker(let index): pass(event, from: socket, to: index)
        case .newcomer(let handle):
            guard let index = spoken.firstIndex(where: { $0.begins(with: event.array) }) else {
                counters.malformed += 1
                return dismiss(socket, unknownDialect)
            }
            if bind(socket, newcomers[handle], to: index) { pass(event, from: socket, to: index) }
        case nil: break
        }
    }

    private func pass(_ event: SocketEvent, from socket: SocketID, to index: Int) {
        let array = event.array.rawBytes
        guard event.arguments.attachments.isEmpty else {
            let byteCount = event.arguments.attachments.reduce(array.count) { $0 + $1.count }
            return spoken[index].receiveUnreadable(byteCount: byteCount, from: ConnectionID(socket), at: now)
        }
        spoken[index].receive(Array(array), from: ConnectionID(socket), at: now, unixTime: unixTime)
    }

    private var unknownDialect: String {
        "None of what is spoken here begins so: \(spoken.map(\.dialectName).joined(separator: ", "))."
    }

    /// Gives a newcomer to a dialect for good. False when the dialect does not take it.
    @discardableResult
    private func bind(_ socket: SocketID, _ newcomer: Newcomer, to index: Int) -> Bool {
        do throws(OpeningRefusal) {
            try spoken[index].connect(
                ConnectionID(socket), newcomer.opening, name: newcomer.name, at: now, unixTime: unixTime)
        } catch {
            if error == .draining { part(socket, .closeTransport) } else { dismiss(socket, error.sentence) }
            return false
        }
        if case .newcomer(let handle) = places[socket] { _ = newcomers.remove(handle) }
        places.update(.speaker(index), for: socket)
        return true
    }

    // MARK: - Going

    /// The last word to a socket.
    private func dismiss(_ socket: SocketID, _ sentence: String) {
        server.emit("error", SocketEmission(strings: [sentence]), to: [socket])
        part(socket, .kick)
    }

    /// Parts with a socket of which the dialect, if it has one, knows already.
    func part(_ socket: SocketID, _ farewell: SocketFarewell) {
        forget(socket)
        server.disconnect(socket, farewell)
    }

    /// A socket is gone.
    func lose(_ socket: SocketID) {
        if case .speaker(let index) = places[socket] { spoken[index].disconnect(ConnectionID(socket), at: now) }
        forget(socket)
    }

    private func forget(_ socket: SocketID) {
        if case .newcomer(let handle) = places.remove(socket) { _ = newcomers.remove(handle) }
    }
}

extension OpeningRefusal {
    /// In a word, for programs.
    var code: String {
        switch self {
        case .draining: "draining"
        case .full: "quota_exceeded"
        case .admission(let refusal): EntryRefusal.admission(refusal).code
        }
    }

    /// For people.
    var sentence: String {
        switch self {
        case .draining: "The server is about to stop."
        case .full: "The server has as many clients as it may."
        case .admission(.unauthorized): "The token is missing, or is none of this server."
        case .admission(.tokenExpired): "The token has expired."
        case .admission(.tokenNotYetValid): "The token is not valid yet."
        case .admission(.forbidden): "The token does not open this room."
        }
    }
}
