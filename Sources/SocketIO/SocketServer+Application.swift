import Containers
import EngineIO
package import NetworkPrimitives

// What the application says. What it says to somebody who is no more is dropped.
extension SocketServer {
    /// Lets somebody into the namespace that it asked for.
    package mutating func accept(_ socket: SocketID) {
        guard let handle = live(socket), !sockets[handle].isAccepted else { return }
        sockets[handle].isAccepted = true
        let session = sockets[handle].session
        sessions[session].connectBy = nil
        counters.connected += 1
        let text = SocketPacketText.connected(
            sockets[handle].namespace, id: sockets[handle].name, sessions[session].revision)
        send([.text(text[...])], to: handle)
    }

    /// Keeps somebody out of the namespace that it asked for. The data is a JSON text for the program on the other
    /// side; in protocol 4 it takes the place of the message.
    package mutating func refuse(_ socket: SocketID, message: String, data: ArraySlice<UInt8>? = nil) {
        guard let handle = live(socket), !sockets[handle].isAccepted else { return }
        counters.refused += 1
        let namespace = sockets[handle].namespace
        let session = sockets[handle].session
        forget(socket: handle)
        sendRefusal(namespace, message: message, data: data, to: session)
    }

    /// Sends an event, which is written once for all who are in the same namespace.
    package mutating func emit(_ name: String, _ arguments: SocketEmission, to recipients: [SocketID]) {
        for (namespace, sessions) in groups(of: recipients) {
            counters.eventsOut += UInt64(sessions.count)
            let text = SocketPacketText.event(namespace, name: name, arguments, nil)
            outputs.append(.send(messages(text, arguments), to: sessions))
        }
    }

    /// Sends an event that is written already: a JSON array of its name and its arguments, without white space before
    /// it, which clients would take for a number. It is copied once for all who are in the same namespace.
    package mutating func emit(array text: [UInt8], to recipients: [SocketID]) {
        precondition(text.first == UInt8(ascii: "["), "an event is an array")
        for (namespace, sessions) in groups(of: recipients) {
            counters.eventsOut += UInt64(sessions.count)
            let text = SocketPacketText.event(namespace, array: text)
            outputs.append(.send([.text(text[...])], to: sessions))
        }
    }

    /// The sessions of those who are in a namespace, by the namespace.
    private func groups(of recipients: [SocketID]) -> [(namespace: String, sessions: [EngineSessionID])] {
        var groups: [(namespace: String, sessions: [EngineSessionID])] = []
        for recipient in recipients {
            guard let handle = live(recipient), sockets[handle].isAccepted else { continue }
            let engine = sessions[sockets[handle].session].engine
            if let index = groups.firstIndex(where: { $0.namespace == sockets[handle].namespace }) {
                groups[index].sessions.append(engine)
            } else {
                groups.append((sockets[handle].namespace, [engine]))
            }
        }
        return groups
    }

    /// Sends an event that wants an answer: `acknowledged` with this id. Nil, and nothing is sent, when the socket is
    /// no more or owes too many answers.
    package mutating func ask(
        _ name: String, _ arguments: SocketEmission, of socket: SocketID
    ) -> AcknowledgementID? {
        guard let handle = live(socket), sockets[handle].isAccepted,
            sockets[handle].questions.count < settings.questionsPerSocketMax
        else { return nil }
        let id = AcknowledgementID(rawValue: sockets[handle].lastQuestion)
        sockets[handle].lastQuestion += 1
        sockets[handle].questions.append(id.rawValue)
        counters.eventsOut += 1
        let text = SocketPacketText.event(sockets[handle].namespace, name: name, arguments, id)
        send(messages(text, arguments), to: handle)
        return id
    }

    /// Answers an event that wanted an answer.
    package mutating func acknowledge(_ id: AcknowledgementID, _ arguments: SocketEmission, to socket: SocketID) {
        guard let handle = live(socket), sockets[handle].isAccepted else { return }
        let text = SocketPacketText.acknowledgement(sockets[handle].namespace, arguments, id)
        send(messages(text, arguments), to: handle)
    }

    /// Parts with a client. `disconnected` is said for each socket that ends by it.
    package mutating func disconnect(_ socket: SocketID, _ farewell: SocketFarewell, at now: Instant) {
        guard let handle = live(socket) else { return }
        let session = sockets[handle].session
        switch farewell {
        case .closeTransport: closeSession(session, .server)
        case .kick:
            send([.text(SocketPacketText.disconnected(sockets[handle].namespace)[...])], to: handle)
            outputs.append(.disconnected(socket, .server))
            sessions[session].noteParting(sockets[handle].namespace)
            forget(socket: handle)
            guard isWelcome(session) else { return }
            // Who was sent away leaves, or is closed.
            guard sessions[session].sockets.isEmpty else { return }
            sessions[session].connectBy = now.advanced(byMilliseconds: settings.connectTimeoutMilliseconds)
            rearm(session)
        }
    }

    private mutating func send(_ messages: [EngineMessage], to socket: SlabHandle) {
        outputs.append(.send(messages, to: [sessions[sockets[socket].session].engine]))
    }

    private func messages(_ text: [UInt8], _ arguments: SocketEmission) -> [EngineMessage] {
        [.text(text[...])] + arguments.attachments.map { .binary($0) }
    }
}
