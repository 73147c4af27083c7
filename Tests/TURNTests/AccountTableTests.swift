import Containers
import NetworkPrimitives
import Testing

@testable import TURN

@Suite("Table of accounts")
struct AccountTableTests {
    private func identity(_ name: String, isEphemeral: Bool = false) -> Identity {
        let bytes = Array(name.utf8)
        return Identity(username: bytes, quotaKey: bytes, mintedQuota: nil, isEphemeral: isEphemeral)
    }

    private func handle(_ table: borrowing AccountTable, _ name: String) -> SlabHandle? {
        let bytes = Array(name.utf8)
        return table.handle(of: bytes.span.bytes)
    }

    /// With the mask 0 all names share one hash, so that only their bytes tell them apart.
    @Test("names with one hash are told apart, whichever leaves first", arguments: [UInt64.max, 0])
    func collisions(mask: UInt64) throws {
        let orders = [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"], ["b", "c", "a"]]
        for order in orders {
            var table = AccountTable(limit: 3, realm: [], seed: 7, hashMask: mask)
            var handles: [String: SlabHandle] = [:]
            for name in ["a", "b", "c"] {
                let inserted = table.insert(identity(name), nil)
                let account = try #require(inserted)
                handles[name] = account
            }
            #expect(table.insert(identity("d"), nil) == nil)
            for (index, name) in order.enumerated() {
                #expect(handle(table, name) == handles[name])
                table.release(try #require(handles[name]))
                #expect(handle(table, name) == nil)
                for other in order[(index + 1)...] { #expect(handle(table, other) == handles[other]) }
            }
            #expect(table.count == 0)
        }
    }

    @Test("an account lives as long as the last of its allocations")
    func lastAllocation() throws {
        var table = AccountTable(limit: 1, realm: [], seed: 7)
        let inserted = table.insert(identity("a"), nil)
        let account = try #require(inserted)
        table.retain(account)
        table.release(account)
        #expect(handle(table, "a") == account)
        table.release(account)
        #expect(handle(table, "a") == nil)
    }

    @Test("an ephemeral name is found by its hash while it has an account, and a static one is the directory's")
    func userhash() throws {
        let realm = Array("r".utf8)
        var table = AccountTable(limit: 2, realm: realm, seed: 7)
        let ephemeral = identity("1750000000:a", isEphemeral: true)
        let inserted = table.insert(ephemeral, NameTerm(expiresAt: 1_750_000_000, isMember: false))
        let account = try #require(inserted)
        _ = table.insert(identity("b"), nil)
        let hash = CredentialDirectory.userhash(of: ephemeral.username, realm: realm)
        #expect(table.name(forHash: hash) == ephemeral.username)
        var other = hash
        other[31] ^= 1
        #expect(table.name(forHash: other) == nil)
        #expect(table.name(forHash: Array(hash.prefix(31))) == nil)
        #expect(table.name(forHash: CredentialDirectory.userhash(of: [0x62], realm: realm)) == nil)
        table.release(account)
        #expect(table.name(forHash: hash) == nil)
    }
}
