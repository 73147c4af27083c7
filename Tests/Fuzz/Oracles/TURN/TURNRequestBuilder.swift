import Crypto
import NetworkPrimitives
import STUN
import TURN

/// A datagram of a client, and what we know of it.
struct TURNDatagram {
    var bytes: [UInt8]
    var pathIndex: Int
    /// Whose credentials it carries; nil when the server must not believe it anywhere.
    var author: Author?
    /// Nothing in it should keep the server from believing it, so a challenge would be a mistake.
    var mustAuthenticate = false

    struct Author {
        let person: Int
        let algorithm: PasswordAlgorithm
        /// For whom the nonce was made, and when.
        let noncePath: Int
        let nonceTime: UnixTime

        var key: LongTermKey { TURNScene.keys[person][algorithm == .md5 ? 0 : 1] }
    }

    /// Who the server may take for its author at this time.
    func author(at unixTime: UnixTime) -> Author? {
        guard let author, author.noncePath == pathIndex else { return nil }
        // reason: the script may have set the wall clock to its limit
        let age = unixTime.seconds &- author.nonceTime.seconds
        // A nonce has 24 bits of its time. One that has been believed is believed again when they are the same, as
        // nobody gains by it.
        let wrapped = (age &+ 30) & 0xFF_FFFF  // reason: as above
        return wrapped <= 630 ? author : nil
    }
}

/// Writes requests as a script chooses: usually well-formed, with credentials that usually hold.
struct TURNRequestBuilder {
    let setup: TURNSetup
    let unixTime: UnixTime
    /// RESERVATION-TOKENs that the server has given.
    let tokens: [UInt64]

    private static let methods: [Method] = [
        .allocate, .refresh, .createPermission, .channelBind, .binding, .send, Method(rawValue: 0x00A),
    ]

    /// How the credentials are shown.
    private enum Proof: UInt8, CaseIterable {
        case md5, md5WithAlgorithms, sha256, sha256WithOldIntegrity, md5WithNewIntegrity, both, nothing, withoutNonce
    }

    func build(_ script: inout Script) -> TURNDatagram {
        let method = script.pick(Self.methods)
        let choice = script.byte()
        let pathIndex = Int(choice & 0b11)
        let id = TransactionID(high: 0xCAFE, low: UInt64(choice >> 2 & 0b111))
        let person = TURNScene.person(script.byte())
        let proofByte = script.byte()
        let proof = Proof.allCases[Int(proofByte & 0b111)]
        let nonce = nonce(proofByte >> 3 & 0b111, pathIndex)
        let extras = script.byte()
        let attributes = attributes(&script, method)

        var buffer = [UInt8](repeating: 0xEE, count: 4_096)
        var span = buffer.mutableSpan
        var writer = MessageWriter(
            into: span.mutableBytes, type: MessageType(method, extras & 0x60 == 0x60 ? .indication : .request),
            transactionID: id)
        for attribute in attributes.values { Self.append(attribute, to: &writer) }
        sign(&writer, proof, person, nonce.bytes, namesByHash: extras & 1 != 0)
        if extras & 2 != 0 { writer.appendFingerprint() }
        let count = writer.finish()
        var datagram = TURNDatagram(bytes: Array(buffer[..<count]), pathIndex: pathIndex)
        if proof != .nothing, proof != .withoutNonce, setup.knows(TURNScene.people[person]) {
            datagram.author = .init(
                person: person, algorithm: algorithm(of: proof), noncePath: nonce.pathIndex, nonceTime: nonce.time)
            datagram.mustAuthenticate =
                datagram.author(at: unixTime) != nil && proof == .md5
                && TURNScene.people[person].name == TURNScene.alice.name && extras & 0xE1 == 0
                && !attributes.areRaw && method != .binding && method.rawValue < 0x00A && method != .send
        }
        if extras & 0x80 != 0 {
            // FINGERPRINT is not signed: with its type changed, what remains is a request that holds.
            // So it is with the second of two proofs, which lies behind the first one.
            let tail = (extras & 2 != 0 ? 8 : 0) + (proof == .both ? 36 : 0)
            let signedCount = datagram.bytes.count - tail
            datagram.bytes[Int(script.uint16()) % signedCount] ^= max(1, script.byte())
            datagram.author = nil
        }
        return datagram
    }

    // MARK: - Credentials

    private func algorithm(of proof: Proof) -> PasswordAlgorithm {
        switch proof {
        case .sha256, .sha256WithOldIntegrity: .sha256
        case .md5, .md5WithAlgorithms, .md5WithNewIntegrity, .both, .nothing, .withoutNonce: .md5
        }
    }

    private func nonce(_ choice: UInt8, _ pathIndex: Int) -> (bytes: [UInt8], pathIndex: Int, time: UnixTime) {
        let owner = choice == 6 ? (pathIndex + 1) % TURNScene.paths.count : pathIndex
        // reason: the clock may stand anywhere, so that an hour ago may not exist
        let time = choice == 7 ? UnixTime(seconds: unixTime.seconds &- 3_600) : unixTime
        let nonce = setup.settings.nonces.issue(
            to: TURNScene.paths[owner].client, features: setup.directory.features, at: time)
        return (nonce, owner, time)
    }

    private func sign(
        _ writer: inout MessageWriter, _ proof: Proof, _ person: Int, _ nonce: [UInt8], namesByHash: Bool
    ) {
        guard proof != .nothing else { return }
        let name = TURNScene.people[person].name
        if namesByHash {
            writer.append(.userhash, CredentialDirectory.userhash(of: name, realm: TURNScene.realm))
        } else {
            writer.append(.username, name)
        }
        writer.append(.realm, TURNScene.realm)
        if proof != .withoutNonce { writer.append(.nonce, nonce) }
        let algorithm = algorithm(of: proof)
        if proof != .md5, proof != .withoutNonce {
            writer.append(.passwordAlgorithms, PasswordAlgorithm.list(setup.directory.algorithms))
            writer.append(.passwordAlgorithm, PasswordAlgorithm.list([algorithm]))
        }
        let key = TURNScene.keys[person][algorithm == .md5 ? 0 : 1]
        if [.md5, .md5WithAlgorithms, .sha256WithOldIntegrity, .both, .withoutNonce].contains(proof),
            case .sha1(let sha1) = key.responseIntegrity(.sha1)
        {
            writer.appendMessageIntegrity(sha1)
        }
        if [.sha256, .md5WithNewIntegrity, .both].contains(proof),
            case .sha256(let key) = key.responseIntegrity(.sha256)
        {
            writer.appendMessageIntegritySHA256(key)
        }
    }

    // MARK: - Attributes

    private enum Attribute {
        case number(AttributeType, UInt32)
        case long(AttributeType, UInt64)
        case address(SocketAddress)
        case bytes(AttributeType, [UInt8])
    }

    private static func append(_ attribute: Attribute, to writer: inout MessageWriter) {
        switch attribute {
        case .number(let type, let value): writer.append(type, value)
        case .long(let type, let value): writer.append(type, value)
        case .address(let peer): writer.appendXORAddress(.xorPeerAddress, peer)
        case .bytes(let type, let value): writer.append(type, value)
        }
    }

    private static let seconds: [UInt32] = [600, 0, 1, 30, 599, 601, 1_200, 3_600, 3_601, .max]
    private static let channels: [UInt32] = [
        0x4000_0000, 0x4001_0000, 0x4002_0000, 0x4003_FFFF, 0x4FFF_0000, 0x5000_0000, 0x7FFF_0000, 0x3FFF_0000, 0,
    ]

    /// What the method needs comes by itself; what a script adds stands before it and so counts first.
    private func attributes(_ script: inout Script, _ method: Method) -> (values: [Attribute], areRaw: Bool) {
        var values: [Attribute] = []
        var areRaw = false
        let plan = script.byte()
        for _ in 0..<Int(plan & 0b111) {
            let kind = script.byte()
            areRaw = areRaw || kind & 0x0F >= 12
            values.append(attribute(kind, &script))
        }
        guard plan & 0x80 == 0 else { return (values, areRaw) }
        switch method {
        case .allocate: values.append(.number(.requestedTransport, 17 << 24))
        case .createPermission: values.append(.address(TURNScene.peer(&script)))
        case .channelBind:
            values.append(.number(.channelNumber, script.pick(Self.channels)))
            values.append(.address(TURNScene.peer(&script)))
        default: break
        }
        return (values, areRaw)
    }

    private func attribute(_ kind: UInt8, _ script: inout Script) -> Attribute {
        switch kind & 0x0F {
        case 0: .number(.lifetime, script.pick(Self.seconds))
        case 1: .number(.requestedAddressFamily, UInt32(script.pick([1, 2, 0, 3])) << 24)
        case 2: .number(.additionalAddressFamily, UInt32(script.pick([2, 1, 3])) << 24)
        case 3: .bytes(.evenPort, [script.pick([0x80, 0, 0x7F])])
        case 4: .long(.reservationToken, tokens.isEmpty ? 7 : script.pick(tokens))
        case 5, 6, 7: .address(TURNScene.peer(&script))
        case 8: .number(.channelNumber, script.pick(Self.channels))
        case 9: .bytes(.dontFragment, [])
        case 10: .number(.requestedTransport, UInt32(script.pick([17, 6, 0])) << 24)
        case 11: .bytes(.data, script.take(Int(script.byte() & 0x1F)))
        case 12, 13:
            .bytes(AttributeType(rawValue: UInt16(script.byte() & 0x3F)), script.take(Int(script.byte() & 0x3F)))
        case 14: .bytes(AttributeType(rawValue: script.uint16()), script.take(Int(script.byte())))
        default: .bytes(AttributeType(rawValue: 0x8000 | script.uint16()), script.take(Int(script.byte() & 0x0F)))
        }
    }
}
