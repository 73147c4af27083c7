import Containers
import Crypto
import NetworkPrimitives
import STUN

/// Somebody who has allocations: a name with the keys that it has shown, kept as long as the last of its allocations.
struct Account {
    let identity: Identity
    /// What the name says, if it is an ephemeral one.
    fileprivate(set) var term: NameTerm?
    var keys = AccountKeys()
    var allocationCount: UInt32 = 1
    /// The next account whose name has the same hash.
    fileprivate var next: SlabHandle?

    init(_ identity: Identity, _ term: NameTerm?) {
        self.identity = identity
        self.term = term
    }

    /// The key that the name has shown last in this way.
    func key(_ algorithm: PasswordAlgorithm, _ kind: IntegrityKind) -> ResponseIntegrity { keys.key(algorithm, kind) }

    mutating func remember(_ key: ResponseIntegrity, _ algorithm: PasswordAlgorithm) { keys.remember(key, algorithm) }
}

/// The keys that a name has shown last, one for each integrity attribute.
package struct AccountKeys: Sendable {
    private var sha1: (key: HMACSHA1Key, algorithm: PasswordAlgorithm)?
    private var sha256: (key: HMACSHA256Key, algorithm: PasswordAlgorithm)?

    func key(_ algorithm: PasswordAlgorithm, _ kind: IntegrityKind) -> ResponseIntegrity {
        switch kind {
        case .sha1: if let sha1, sha1.algorithm == algorithm { .sha1(sha1.key) } else { .none }
        case .sha256: if let sha256, sha256.algorithm == algorithm { .sha256(sha256.key) } else { .none }
        }
    }

    mutating func remember(_ key: ResponseIntegrity, _ algorithm: PasswordAlgorithm) {
        switch key {
        case .none: break
        case .sha1(let key): sha1 = (key, algorithm)
        case .sha256(let key): sha256 = (key, algorithm)
        }
    }
}

/// The accounts of one worker, by name. Nobody gets in without an allocation, so their number is bounded by theirs.
struct AccountTable: ~Copyable {
    private var accounts: Slab<Account>
    /// The first account for each hash of a name. Names are looked up for each request, and lie in the request: nothing
    /// is copied for it.
    private var firstByHash: FlatMap<UInt64, SlabHandle>
    /// Ephemeral names by the first word of their USERHASH. Of two that agree in it the first one is found.
    private var byUserhash: FlatMap<UInt64, SlabHandle>
    private let seed: UInt64
    private let hashMask: UInt64
    private var realm: [UInt8]

    /// A test may mask hashes, so that names collide which never would.
    init(limit: Int, realm: [UInt8], seed: UInt64, hashMask: UInt64 = .max) {
        accounts = Slab(limit: limit)
        firstByHash = FlatMap(seed: seed, limit: limit)
        byUserhash = FlatMap(seed: seed, limit: limit)
        self.seed = seed
        self.hashMask = hashMask
        self.realm = realm
    }

    subscript(handle: SlabHandle) -> Account {
        _read { yield accounts[handle] }
        _modify { yield &accounts[handle] }
    }

    /// The account of this name, if it has one.
    func handle(of name: RawSpan) -> SlabHandle? {
        var next = firstByHash[hash(of: name)]
        while let handle = next {
            if has(handle, name: name) { return handle }
            next = accounts[handle].next
        }
        return nil
    }

    func has(_ handle: SlabHandle, name: RawSpan) -> Bool {
        accounts[handle].identity.username.withRawSpan { $0.hasSameBytes(as: name) }
    }

    /// The name behind a USERHASH that one of our ephemeral accounts has (RFC 8489 §14.4); static ones are known to the
    /// directory.
    func name(forHash hash: [UInt8]) -> [UInt8]? {
        guard hash.count == SHA256Digest.byteCount, let handle = byUserhash[Self.firstWord(hash)] else { return nil }
        let name = accounts[handle].identity.username
        return CredentialDirectory.userhash(of: name, realm: realm) == hash ? name : nil
    }

    /// One allocation more for an account.
    mutating func retain(_ handle: SlabHandle) { accounts[handle].allocationCount += 1 }

    /// A new account with one allocation, for a name that has none.
    mutating func insert(_ identity: Identity, _ term: NameTerm?) -> SlabHandle? {
        guard let handle = accounts.insert(Account(identity, term)) else { return nil }
        let hash = hash(of: identity)
        if !firstByHash.insert(handle, for: hash) {
            accounts[handle].next = firstByHash[hash]
            firstByHash.update(handle, for: hash)
        }
        if identity.isEphemeral { byUserhash.insert(handle, for: userhashWord(of: identity)) }
        return handle
    }

    /// One allocation less; the last one takes the account along.
    mutating func release(_ handle: SlabHandle) {
        accounts[handle].allocationCount -= 1
        guard accounts[handle].allocationCount == 0 else { return }
        unlink(handle)
        _ = accounts.remove(handle)
    }

    private mutating func unlink(_ handle: SlabHandle) {
        let identity = accounts[handle].identity
        let next = accounts[handle].next
        let hash = hash(of: identity)
        guard var before = firstByHash[hash] else { preconditionFailure("an account is found by its name") }
        if before != handle {
            while let after = accounts[before].next, after != handle { before = after }
            accounts[before].next = next
        } else if let next {
            firstByHash.update(next, for: hash)
        } else {
            firstByHash.remove(hash)
        }
        guard identity.isEphemeral else { return }
        let word = userhashWord(of: identity)
        if byUserhash[word] == handle { byUserhash.remove(word) }
    }

    private func hash(of identity: Identity) -> UInt64 {
        identity.username.withRawSpan { hash(of: $0) }
    }

    private func hash(of name: RawSpan) -> UInt64 { Containers.hash(name, seed: seed) & hashMask }

    private func userhashWord(of identity: Identity) -> UInt64 {
        Self.firstWord(CredentialDirectory.userhash(of: identity.username, realm: realm))
    }

    private static func firstWord(_ hash: [UInt8]) -> UInt64 { hash.withRawSpan { $0.bigEndianUInt64(at: 0) } }

    /// Other users and secrets may hold from now on: every key has to be shown anew, and names say what `term` makes of
    /// them. Whom an account counts for stays, as its quota does.
    mutating func adopt(realm newRealm: [UInt8], term: ([UInt8]) -> NameTerm?) {
        let isRenamed = newRealm != realm
        realm = newRealm
        if isRenamed { byUserhash = FlatMap(seed: seed, limit: byUserhash.limit) }
        var next = accounts.firstHandle(from: 0)
        while let handle = next {
            accounts[handle].keys = AccountKeys()
            accounts[handle].term = term(accounts[handle].identity.username)
            if isRenamed, accounts[handle].identity.isEphemeral {
                byUserhash.insert(handle, for: userhashWord(of: accounts[handle].identity))
            }
            next = accounts.firstHandle(from: handle.index + 1)
        }
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
