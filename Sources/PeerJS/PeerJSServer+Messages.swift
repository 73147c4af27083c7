import Containers
import JSON
package import NetworkPrimitives
package import Signaling

// What clients say to each other, and what waits for those who are not there.
extension PeerJSServer {
    package mutating func receive(
        _ text: [UInt8], from connection: ConnectionID, at now: Instant, unixTime: UnixTime
    ) {
        defer { settle(at: now) }
        guard let client = host.receive(byteCount: text.count, from: connection, at: now),
            peers.contains(client.index)
        else { return }
        peers[client.index].lastHeardAt = now
        guard let message = try? JSONDocument(parsing: text, limits: Self.jsonLimits).root, message.kind == .object,
            message.count <= Self.membersMax, let word = message["type"],
            let type = PeerJSMessageType.allCases.first(where: { word.equals($0.rawValue) })
        else {
            host.counters.malformed += 1
            return
        }
        // Nobody answers a heartbeat.
        guard type != .heartbeat else { return }
        guard let target = message["dst"]?.utf8 else {
            // To leave without saying whom is to leave everybody.
            guard type == .leave else { return host.counters.malformed += 1 }
            return host.end(client, .bye, code: DialectCloseCode.normal, reason: "", at: now)
        }
        send(type, message["payload"]?.rawBytes, from: client, to: target, at: now)
    }

    private mutating func send(
        _ type: PeerJSMessageType, _ payload: ArraySlice<UInt8>?, from client: SlabHandle, to target: [UInt8],
        at now: Instant
    ) {
        guard host.admission(of: peers[client.index].seat)?.grants.contains(.signal) == true else {
            return host.counters.undeliverable += 1
        }
        let (source, room) = (peers[client.index].id, peers[client.index].room)
        let name = PeerName(target, in: room)
        if let receiver = peerByName[name] {
            // The receiver's own id, so that nothing that the sender wrote is in the text but the payload.
            let id = peers[receiver.index].id
            return host.send(PeerJSText.forwarded(type, from: source, to: id, payload: payload), to: receiver)
        }
        guard type.waits, target.count <= settings.limits.idByteCountMax, !target.isEmpty else {
            return host.counters.undeliverable += 1
        }
        guard isPlain(target) else { return host.counters.malformed += 1 }
        let text = PeerJSText.forwarded(type, from: source, to: target, payload: payload)
        guard enqueue(text, from: client, to: target, name, at: now) else {
            peerCounters.queueFull += 1
            return host.send(PeerJSText.forwarded(.expire, from: target, to: source, payload: nil), to: client)
        }
    }

    /// Whether the bytes stand in a JSON string as they are.
    private func isPlain(_ id: [UInt8]) -> Bool {
        id.allSatisfy { (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    // MARK: - The queue

    private mutating func enqueue(
        _ text: [UInt8], from client: SlabHandle, to target: [UInt8], _ name: PeerName, at now: Instant
    ) -> Bool {
        let limits = settings.limits
        guard peers[client.index].queuedCount < limits.queuedPerSenderMax,
            peers[client.index].queuedByteCount + text.count <= limits.queuedByteCountPerSenderMax,
            queuedCount < limits.queuedMax, queuedByteCount + text.count <= limits.queuedByteCountMax,
            let queue = queueByName[name] ?? openQueue(for: target, name, at: now)
        else { return false }
        queues[queue].messages.append(
            OfflineQueue.Message(sender: client, senderID: peers[client.index].id, text: text))
        peers[client.index].queuedCount += 1
        peers[client.index].queuedByteCount += text.count
        queuedCount += 1
        queuedByteCount += text.count
        peerCounters.queued += 1
        return true
    }

    private mutating func openQueue(for id: [UInt8], _ name: PeerName, at now: Instant) -> SlabHandle? {
        let expiresAt = now.advanced(bySeconds: settings.expirySeconds)
        guard let queue = queues.insert(OfflineQueue(name: name, id: id, expiresAt: expiresAt)) else { return nil }
        guard queueOrder.append(queue) else {
            _ = queues.remove(queue)
            return nil
        }
        queueByName.insert(queue, for: name)
        return queue
    }

    /// Takes a queue out, with all that it counted for.
    private mutating func closeQueue(_ handle: SlabHandle) -> OfflineQueue? {
        guard let queue = queues.remove(handle) else { return nil }
        queueByName.remove(queue.name)
        for message in queue.messages {
            queuedCount -= 1
            queuedByteCount -= message.text.count
            guard isPresent(message.sender) else { continue }
            peers[message.sender.index].queuedCount -= 1
            peers[message.sender.index].queuedByteCount -= message.text.count
        }
        return queue
    }

    private func isPresent(_ client: SlabHandle) -> Bool {
        peers.contains(client.index) && peers[client.index].handle == client
    }

    /// Gives somebody who has come what waited.
    mutating func deliverQueue(to client: SlabHandle, _ name: PeerName) {
        guard let handle = queueByName[name], let queue = closeQueue(handle) else { return }
        for message in queue.messages { host.send(message.text, to: client) }
        peerCounters.deliveredLate += UInt64(queue.messages.count)
    }

    /// Ends the queues whose time is over: each sender is told once for each whom it could not reach. At most a few
    /// hundred a call.
    mutating func expireQueues(at now: Instant) {
        for _ in 0..<256 {
            guard let handle = queueOrder.first else { return }
            guard queues.contains(handle) else {
                _ = queueOrder.popFirst()
                continue
            }
            guard queues[handle].expiresAt <= now else { return }
            _ = queueOrder.popFirst()
            guard let queue = closeQueue(handle) else { continue }
            var told: [SlabHandle] = []
            for message in queue.messages where !told.contains(message.sender) {
                told.append(message.sender)
                peerCounters.expired += 1
                let text = PeerJSText.forwarded(.expire, from: queue.id, to: message.senderID, payload: nil)
                host.send(text, to: message.sender)
            }
        }
    }
}
