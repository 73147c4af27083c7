import Containers
import NetworkPrimitives
import Signaling

// TURN credentials of members: at the entrance, on request, and renewed before they run out.
extension TernV1Server {
    mutating func sendCredentials(_ room: RoomName, _ exchange: Exchange) throws(Refusal) {
        let index = try membership(room, exchange)
        guard let grant = issue(index, of: exchange.session, exchange.now, exchange.unixTime) else {
            throw Refusal(.credentialsDenied, "your token or this server grants no TURN credentials")
        }
        let text = MessageText.credentials(room, grant, id: exchange.id)
        send(text, to: exchange.session, isConfidential: true, at: exchange.now)
        acknowledge(exchange)
    }

    /// Has the gate make credentials for a member, and sets the time of the next ones.
    mutating func issue(
        _ index: Int, of handle: SlabHandle, _ now: Instant, _ unixTime: UnixTime
    ) -> CredentialGrant? {
        let membership = sessions[handle].memberships[index]
        sessions[handle].memberships[index].renewAt = nil
        guard let admission = rooms.admission(of: membership.seat), admission.grants.contains(.turn),
            let issued = gate.issue(
                to: membership.tag, admission, visitor: sessions[handle].visitor, at: unixTime)
        else { return nil }
        let grant = CredentialGrant(issued, renewFraction: settings.renewFraction, jitter: jitter.next())
        let renewAt = now.advanced(byMilliseconds: grant.renewAfterMilliseconds)
        sessions[handle].memberships[index].renewAt = renewAt
        timers.scheduleEarlier(handle.index, at: renewAt)
        storedCounters.credentialsIssued += 1
        outputs.append(.member(.issued(membership.tag, expiresAt: issued.expiresAt)))
        return grant
    }

    /// Sends new credentials for those memberships whose time has come.
    mutating func renewCredentials(of handle: SlabHandle, at now: Instant, unixTime: UnixTime) {
        for index in sessions[handle].memberships.indices {
            guard let renewAt = sessions[handle].memberships[index].renewAt, renewAt <= now,
                let grant = issue(index, of: handle, now, unixTime)
            else { continue }
            storedCounters.credentialsRenewed += 1
            let text = MessageText.credentials(sessions[handle].memberships[index].room, grant, id: nil)
            send(text, to: handle, isConfidential: true, at: now)
        }
    }
}
