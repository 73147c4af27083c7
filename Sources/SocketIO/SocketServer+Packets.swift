import Containers
import EngineIO
import NetworkPrimitives
import Signaling

// What clients say.
extension SocketServer {
    mutating func receive(text: ArraySlice<UInt8>, on handle: SlabHandle, at now: Instant) {
        // While attachments are due, nothing else may come.
        guard sessions[handle].assembly == nil else { return fail(handle) }
        let packet: SocketPacket
        do throws(SocketPacketError) {
            packet = try SocketPacket(parsing: text, revision: sessions[handle].revision, limits: settings.packets)
        } catch {
            if error == .attachments { counters.attachmentLimits += 1 }
            return fail(handle)
        }
        guard packet.attachmentCount > 0 else { return perform(packet, [], on: handle) }
        // Nothing is held for a packet that nobody would get.
        guard acceptedSocket(packet.namespace, on: handle) != nil || isParted(packet.namespace, handle) else {
            return fail(handle)
        }
        let until = now.advanced(byMilliseconds: settings.attachmentTimeoutMilliseconds)
        sessions[handle].assembly = SocketSession.Assembly(packet: packet, until: until)
        rearm(handle)
    }

    mutating func receive(attachment: ArraySlice<UInt8>, on handle: SlabHandle, at now: Instant) {
        guard var assembly = sessions[handle].assembly else { return fail(handle) }
        assembly.byteCount += attachment.count
        guard assembly.byteCount <= settings.packets.attachmentByteCountMax else {
            counters.attachmentLimits += 1
            return fail(handle)
        }
        assembly.attachments.append(attachment)
        guard assembly.attachments.count == assembly.packet.attachmentCount else {
            // The array is not copied each time: nobody else holds it.
            sessions[handle].assembly = assembly
            return
        }
        sessions[handle].assembly = nil
        perform(assembly.packet, assembly.attachments, on: handle)
    }

    // MARK: - Packets

    private mutating func perform(
        _ packet: SocketPacket, _ attachments: [ArraySlice<UInt8>], on handle: SlabHandle
    ) {
        if case .connect(let auth) = packet.content {
            return request(packet.namespace, query: packet.query, auth: auth, on: handle)
        }
        guard let socket = acceptedSocket(packet.namespace, on: handle) else {
            if !isParted(packet.namespace, handle) { fail(handle) }
            return
        }
        let id = SocketID(rawValue: socket.rawValue)
        switch packet.content {
        case .connect: break
        case .disconnect:
            outputs.append(.disconnected(id, .client))
            forget(socket: socket)
        case .event(let name, var arguments, let acknowledgement):
            arguments.attachments = attachments
            counters.eventsIn += 1
            let event = SocketEvent(name: name, arguments: arguments, acknowledgement: acknowledgement)
            outputs.append(.event(id, event))
        case .acknowledgement(var arguments, let answered):
            // An answer to nothing is no crime: the question may have been given up.
            guard let index = sockets[socket].questions.firstIndex(of: answered.rawValue) else { return }
            sockets[socket].questions.remove(at: index)
            arguments.attachments = attachments
            outputs.append(.acknowledged(id, answered, arguments))
        }
    }

    /// Whether a packet for a namespace that the session is not in may be dropped: right behind a kick a client does
    /// not know yet. Who was never there, or has left by itself, had to know.
    private func isParted(_ namespace: String, _ handle: SlabHandle) -> Bool {
        sessions[handle].partedWith.contains(namespace)
    }

    private func acceptedSocket(_ namespace: String, on handle: SlabHandle) -> SlabHandle? {
        sessions[handle].sockets.first { sockets[$0].namespace == namespace && sockets[$0].isAccepted }
    }

    // MARK: - Namespaces

    /// A session asks for a namespace, or is in it by default.
    mutating func request(_ namespace: String, query: String, auth: ArraySlice<UInt8>?, on handle: SlabHandle) {
        let session = sessions[handle]
        guard !session.sockets.contains(where: { sockets[$0].namespace == namespace }) else { return fail(handle) }
        guard settings.namespaces.mayContain(namespace) else {
            counters.refusedNamespaces += 1
            return sendRefusal(namespace, message: "Invalid namespace", data: nil, to: handle)
        }
        let socket = Socket(session: handle, namespace: namespace, name: name(in: namespace, of: session))
        guard session.sockets.count < settings.socketsPerSessionMax, let socketHandle = sockets.insert(socket) else {
            counters.tooManySockets += 1
            return sendRefusal(namespace, message: "Too many namespaces", data: nil, to: handle)
        }
        sessions[handle].sockets.append(socketHandle)
        let connect = SocketConnect(
            socket: SocketID(rawValue: socketHandle.rawValue), session: session.engine, revision: session.revision,
            namespace: namespace, name: socket.name, auth: auth, visitor: session.visitor,
            queries: [session.query, query])
        outputs.append(.connect(connect))
    }

    /// In protocol 4 the client knows its name without being told: it is the transport's id.
    private mutating func name(in namespace: String, of session: SocketSession) -> String {
        switch session.revision {
        case .five: "\(names.next())"
        case .four: namespace == "/" ? "\(session.secret)" : "\(namespace)#\(session.secret)"
        }
    }

    mutating func sendRefusal(
        _ namespace: String, message: String, data: ArraySlice<UInt8>?, to handle: SlabHandle
    ) {
        let text = SocketPacketText.refused(namespace, message: message, data: data, sessions[handle].revision)
        outputs.append(.send([.text(text[...])], to: [sessions[handle].engine]))
        _ = isWelcome(handle)
    }

    /// Counts that a session was kept or sent out of a namespace. One that goes on trying is closed, and this is false:
    /// each of its tries may cost us the check of a signature.
    mutating func isWelcome(_ handle: SlabHandle) -> Bool {
        sessions[handle].refusalCount += 1
        guard sessions[handle].refusalCount >= settings.refusalsPerSessionMax else { return true }
        counters.tooManyRefusals += 1
        closeSession(handle, .malformed)
        return false
    }
}
