import Containers
import NetworkPrimitives
import TURN

// Connections that come through a proxy, which says for whom before anything else is said (PROXY protocol).
extension StreamTable {
    /// Reads what the proxy says. Nil once it is complete and the client has said something behind it.
    mutating func readProxyHeader(_ handle: SlabHandle, at now: Instant) -> StreamRead? {
        guard var held = connections[handle].proxyHeader else { return nil }
        connections[handle].proxyHeader = nil
        switch connections[handle].stream.readProxyHeader(into: &held, &workspace) {
        case .incomplete:
            connections[handle].proxyHeader = held
            return .bytes(0, more: false)
        case .ended: return .endOfStream
        case .malformed:
            counters.badProxyHeaders += 1
            return .failed
        case .local: break
        case .client(let client, let server):
            guard move(handle, to: FiveTuple(client: ClientAddress(client), server: server, transport: .tcp)) else {
                workspace.removeAll()
                return .failed
            }
        }
        startTimer(handle, at: now)
        return workspace.isEmpty ? .bytes(0, more: false) : nil
    }

    /// From now on the connection is that of the client, in all books. False when it cannot be taken.
    private mutating func move(_ handle: SlabHandle, to path: FiveTuple) -> Bool {
        let before = connections[handle].path
        guard path.wire != before.wire else { return true }
        if let earlier = handles[path.wire] {
            // The client has come again from the same port before the proxy has told of the end of its last connection.
            // That one's allocation has to end first, so the client must try once more.
            end(earlier, .byClient)
            counters.refused += 1
            return false
        }
        guard book.move(before.client.socketAddress.ip, to: path.client.socketAddress.ip) else {
            counters.refused += 1
            return false
        }
        handles.remove(before.wire)
        handles.insert(handle, for: path.wire)
        connections[handle].path = path
        return true
    }

    /// Whether this connection has to be given up because what it begins with is not encrypted.
    mutating func refusesPlain(_ handle: SlabHandle) -> Bool {
        guard requiresTLS, connections[handle].stream.protection == .plain else { return false }
        counters.unencrypted += 1
        workspace.removeAll()
        return true
    }
}
