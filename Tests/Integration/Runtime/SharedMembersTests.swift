import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN
import TestSupport
import Testing

@testable import ServerRuntime

@Suite("Members shared by workers")
struct SharedMembersTests {
    private static let user = Array("tern.3.m-abcdefghijklmnop".utf8)
    private let members = SharedMembers(MemberTable(limit: 10_000, start: .zero))
    private let identity = CredentialDirectory(realm: [], users: [], sharedSecrets: [[1]])
        .identity(of: Array("1750000100:".utf8) + user)

    private func instant(_ second: UInt32) -> Instant { Instant.zero.advanced(bySeconds: second) }

    private func unix(_ second: Int64) -> UnixTime { UnixTime(seconds: 1_750_000_000 + second) }

    private func names(_ inbox: RevocationInbox) -> Set<CredentialScope>? {
        guard case .scopes(let scopes) = inbox.take() else { return nil }
        return scopes
    }

    private func revoke(_ scope: CredentialScope, at second: UInt32 = 0) -> Bool {
        members.revoke([scope], until: unix(100), at: instant(second), unixTime: unix(Int64(second)))
    }

    @Test("every worker is told of a revocation, and every thread sees it", .requirement("RI-member-17"))
    func tellsAll() throws {
        let mailboxes = try (0..<3).map { _ in try Mailbox<WorkerMessage>(limit: 4) }
        let inboxes = mailboxes.map { members.join($0) }
        #expect(members.enter(Self.user, at: instant(0)))
        #expect(members.standing(of: identity, at: instant(1)) == .present)
        #expect(revoke(.user(Self.user)))
        #expect(members.standing(of: identity, at: instant(1)) == .revoked)
        for (mailbox, inbox) in zip(mailboxes, inboxes) {
            #expect(mailbox.drain().count == 1)
            #expect(names(inbox) == [.user(Self.user)])
            #expect(names(inbox) == [])
        }
    }

    @Test("a full mailbox loses no revocation: its worker has been woken", .requirement("RI-member-17"))
    func fullMailbox() throws {
        let mailbox = try Mailbox<WorkerMessage>(limit: 1)
        let inbox = members.join(mailbox)
        mailbox.post(.stop)
        #expect(revoke(.user(Self.user)))
        var poller = try Poller()
        try poller.add(mailbox.raw, token: 0, interest: .readable)
        #expect(try poller.wait(until: .zero, now: .zero) == 1)
        #expect(mailbox.drain().count == 1)
        #expect(names(inbox) == [.user(Self.user)])
    }

    @Test("a worker that is stuck is told to ask about everybody", .requirement("RI-member-17"))
    func stuckWorker() throws {
        let inbox = members.join(try Mailbox<WorkerMessage>(limit: 4))
        for number in 0..<RevocationInbox.scopesMax { #expect(revoke(.name(Array("\(number)".utf8)))) }
        #expect(names(inbox)?.count == 4_096)
        for number in 0...RevocationInbox.scopesMax { #expect(revoke(.name(Array("1:\(number)".utf8)))) }
        #expect(names(inbox) == nil)
        #expect(names(inbox) == [])
    }

    @Test("graces that are over are posted in one go", .requirement("RI-member-17"))
    func graces() throws {
        let mailbox = try Mailbox<WorkerMessage>(limit: 4)
        let inbox = members.join(mailbox)
        for number in 0..<600 {
            let user = Array("tern.3.m-\(number)".utf8)
            #expect(members.enter(user, at: instant(0)))
            members.issued(user, expiresAt: unix(600), at: instant(0), unixTime: unix(0))
            members.leave(user, graceUntil: instant(10), deletes: true)
        }
        #expect(members.nextDeadline != nil)
        members.handleDeadline(at: instant(9), unixTime: unix(9))
        #expect(mailbox.drain().isEmpty)
        members.handleDeadline(at: instant(11), unixTime: unix(11))
        #expect(mailbox.drain().count == 1)
        #expect(names(inbox)?.count == 600)
        #expect(members.counters.revoked == 600 && members.count == 600)
    }
}
