import Containers
import STUN

/// Somebody who has allocations: a name with the keys that it has shown, kept as long as the last of its allocations.
struct Account {
    let identity: Identity
    let userhash: [UInt8]
    var md5Key: LongTermKey?
    var sha256Key: LongTermKey?
    var allocationCount = 0

    func key(_ algorithm: PasswordAlgorithm) -> LongTermKey? {
        switch algorithm {
        case .md5: md5Key
        case .sha256: sha256Key
        }
    }

    mutating func remember(_ key: LongTermKey, _ algorithm: PasswordAlgorithm) {
        switch algorithm {
        case .md5: md5Key = key
        case .sha256: sha256Key = key
        }
    }
}

/// The accounts of one worker, by name. Nobody gets in without an allocation, so their number is bounded by theirs.
struct AccountTable: ~Copyable {
    private var accounts: Slab<Account>
    private var byName: [[UInt8]: SlabHandle] = [:]
    private var nameByHash: [[UInt8]: [UInt8]] = [:]

    init(limit: Int) { accounts = Slab(limit: limit) }

    subscript(handle: SlabHandle) -> Account {
        _read { yield accounts[handle] }
        _modify { yield &accounts[handle] }
    }

    /// The name behind a USERHASH that one of our accounts has (RFC 8489 §14.4).
    func name(forHash hash: [UInt8]) -> [UInt8]? { nameByHash[hash] }

    /// The account of this identity with one more allocation.
    mutating func retain(_ identity: Identity, realm: [UInt8]) -> SlabHandle? {
        if let handle = byName[identity.username] {
            accounts[handle].allocationCount += 1
            return handle
        }
        let userhash = CredentialDirectory.userhash(of: identity.username, realm: realm)
        guard let handle = accounts.insert(Account(identity: identity, userhash: userhash, allocationCount: 1)) else {
            return nil
        }
        byName[identity.username] = handle
        nameByHash[userhash] = identity.username
        return handle
    }

    /// One allocation less; the last one takes the account along.
    mutating func release(_ handle: SlabHandle) {
        accounts[handle].allocationCount -= 1
        guard accounts[handle].allocationCount == 0, let account = accounts.remove(handle) else { return }
        byName[account.identity.username] = nil
        nameByHash[account.userhash] = nil
        guard accounts.count == 0 else { return }
        // A dictionary keeps its storage; after the last account nothing is to stay.
        byName = [:]
        nameByHash = [:]
    }

    /// The accounts of ephemeral names that `isWanted` wants.
    func handles(where isWanted: (Identity) -> Bool) -> Set<SlabHandle> {
        var handles: Set<SlabHandle> = []
        accounts.forEachHandle { handle in
            let identity = accounts[handle].identity
            if identity.isEphemeral, isWanted(identity) { handles.insert(handle) }
        }
        return handles
    }

    var count: Int { accounts.count }
}
