import Containers
import HTTP
import JSON
import NetworkPrimitives
import Signaling
import SocketIO

/// Where a socket stands.
enum Place {
    /// It has said nothing.
    case newcomer(SlabHandle)
    /// It has said nothing either, and was given to a dialect because of its namespace.
    case listener(SlabHandle, Int)
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
        if let room, let index = spoken.firstIndex(where: { $0.knows(room) }) { entrust(handle, to: index) }
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
            guard let index = dialect(of: event) else {
                counters.malformed += 1
                return dismiss(socket, unknownDialect)
            }
            guard bind(newcomers[handle], to: index) else { return }
            entrustAnnounced(of: index)
            pass(event, from: socket, to: index)
        case .listener(let handle, let guessed):
            // That a namespace is one of a dialect may be the doing of a stranger who never was there, so what the
            // socket itself says counts for more.
            let index = spoken[guessed].begins(with: event.array) ? guessed : dialect(of: event) ?? guessed
            guard let listener = listeners.remove(handle) else { return }
            places.update(.speaker(guessed), for: socket)
            if index != guessed {
                spoken[guessed].disconnect(ConnectionID(socket), at: now)
                guard bind(listener, to: index) else { return }
                entrustAnnounced(of: index)
            }
            pass(event, from: socket, to: index)
        case nil: break
        }
    }

    private func dialect(of event: SocketEvent) -> Int? { spoken.firstIndex { $0.begins(with: event.array) } }

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

    /// Gives those who wait in a namespace to the dialect that it has turned out to be of. Where it was the coming of a
    /// socket that has told, they have to be there before its first event is passed on, because it may be for them.
    func entrustAnnounced(of index: Int) {
        for room in spoken[index].takeAnnounced() {
            while let handle = newcomers.last(in: room) { entrust(handle, to: index) }
        }
    }

    /// Gives somebody who is silent to a dialect, until it says something else.
    private func entrust(_ handle: SlabHandle, to index: Int) {
        guard let newcomer = newcomers.remove(handle) else { return }
        guard bind(newcomer, to: index), let listener = listeners.insert(newcomer) else { return }
        places.update(.listener(listener, index), for: newcomer.socket)
    }

    /// Gives a socket to a dialect. False when the dialect does not take it.
    private func bind(_ newcomer: Newcomer, to index: Int) -> Bool {
        do throws(OpeningRefusal) {
            try spoken[index].connect(
                ConnectionID(newcomer.socket), newcomer.opening, name: newcomer.name, at: now, unixTime: unixTime)
        } catch {
            if error == .draining {
                part(newcomer.socket, .closeTransport)
            } else {
                dismiss(newcomer.socket, error.sentence)
            }
            return false
        }
        if case .newcomer(let handle) = places[newcomer.socket] { newcomers.remove(handle) }
        places.update(.speaker(index), for: newcomer.socket)
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
        switch places[socket] {
        case .speaker(let index), .listener(_, let index):
            spoken[index].disconnect(ConnectionID(socket), at: now)
        case .newcomer, nil: break
        }
        forget(socket)
    }

    private func forget(_ socket: SocketID) {
        switch places.remove(socket) {
        case .newcomer(let handle): newcomers.remove(handle)
        case .listener(let handle, _): _ = listeners.remove(handle)
        case .speaker, nil: break
        }
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
