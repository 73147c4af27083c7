import CredentialService
import Crypto
import JSON
import NetworkPrimitives
import STUN
import Signaling
import TURN

/// Any bytes as a token, its header, its claims, a signature, a request for one, a public key, a Host header, a user
/// name: nothing traps, only what was signed is believed, and what is minted says what was asked for.
package func checkTokens(_ input: RawSpan) {
    let bytes = input.array()
    checkBase64URL(bytes)
    checkToken(bytes)
    checkChangedToken(bytes)
    checkSignedHeader(bytes)
    checkSignedClaims(bytes)
    checkRequest(bytes)
    checkPublicKey(bytes)
    checkHost(bytes)
    checkUsernames(bytes)
}

private let clock = UnixTime(seconds: 1_800_000_000)

/// `0123…` twice: the corpus holds tokens that were signed with it elsewhere.
private let apiKey = requireValue(try? TokenKey(id: "app", secret: Array("0123456789abcdef0123456789abcdef".utf8)))
private let minter = requireValue(TokenMinter(key: apiKey))

private let publicKeys: [TokenKey] = [
    requireValue(try? TokenKey(issuer: "https://id.example", keyID: "2026-a", pem: pem(p256))),
    requireValue(try? TokenKey(issuer: "https://id.example", pem: pem(ed25519))),
]

private let p256 =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEDrEdSn60Kk5BpuNL+4kpOS4Sqpd80Nf30HF/YGuVeTfTneDKfsMWDG64jpH4vN6KCVJ54Vk4MHYR"
    + "HC24DvktQw=="
private let ed25519 = "MCowBQYDK2VwAyEALZSndoVbQfFdK36YM1gl6oJNhY9F7RkNh0sJpPbjnfw="

private let verifier = TokenVerifier(keys: [apiKey] + publicKeys)

/// The tokens of the corpus, by the SHA-256 of their texts: the only ones that a fuzzer can know.
private let known: Set<String> = [
    "6d6b4f6c9821e6c849ef9dafbb9fe54f62e7f93279092c4292f4e0544dc20342",
    "50ad53aa9d5daf5a254334ab7b8dd0be34639be68c311a6b544ff2da6f61b5f4",
    "7571052f14f441f00edb41eafdc0e385b483b52a7a15d2fd52c2e54da1c04d7d",
    "56903b03e818ff18162fd65e6cfacfa661ca1c1d2f2b823a9c3599fdd59d4b4e",
]

private func pem(_ base64: String) -> [UInt8] {
    Array("-----BEGIN PUBLIC KEY-----\n\(base64)\n-----END PUBLIC KEY-----\n".utf8)
}

private func requireValue<Value>(_ value: Value?) -> Value {
    guard let value else { fatalError("the oracle's own keys are good") }
    return value
}

// MARK: - Tokens

private func refusal(_ token: [UInt8]) -> AdmissionRefusal? {
    do {
        _ = try verifier.verify(token, at: clock)
        return nil
    } catch {
        return error
    }
}

private func signed(header: [UInt8], claims: [UInt8]) -> [UInt8] {
    let key = HMACSHA256Key(key: Array("0123456789abcdef0123456789abcdef".utf8))
    let text = Base64URL.encode(header) + [UInt8(ascii: ".")] + Base64URL.encode(claims)
    let code = text.withRawSpan { key.authenticate($0).array }
    return text + [UInt8(ascii: ".")] + Base64URL.encode(code)
}

private func checkBase64URL(_ bytes: [UInt8]) {
    require(Base64URL.decode(Base64URL.encode(bytes)) == bytes, "base 64 for URLs: what is written reads as the same")
    guard let decoded = Base64URL.decode(bytes) else { return }
    require(Base64URL.encode(decoded) == bytes, "base 64 for URLs: one value has one text")
}

private func checkToken(_ bytes: [UInt8]) {
    guard refusal(bytes) != .unauthorized else { return }
    let digest = bytes.withRawSpan { SHA256.hash($0).array }
    require(known.contains(Hex.encode(digest)), "nobody makes a token without a key")
}

/// Minted, and then changed: in place, by other bytes for its signature, and by a byte more or less.
private func checkChangedToken(_ bytes: [UInt8]) {
    let token = minter.mint(TokenRequest(rooms: requireValue(RoomPattern("lobby"))), at: clock).token
    require(refusal(token) == nil, "what was minted is good")
    var script = Script(bytes)
    var changed = token
    let start = Int(script.uint16()) % token.count
    for (offset, byte) in script.rest().prefix(token.count - start).enumerated() { changed[start + offset] ^= byte }
    require(changed == token || refusal(changed) == .unauthorized, "a token that was changed is no token")
    let unsigned = token.prefix(token.count - 43)
    let signature = Array(bytes.prefix(96))
    let forged = unsigned + Base64URL.encode(signature)
    require(forged.elementsEqual(token) || refusal(Array(forged)) == .unauthorized, "nobody makes a signature")
    require(refusal(token + bytes.prefix(1)) != nil || bytes.isEmpty, "nothing stands behind a token")
    require(refusal(token.dropLast()) == .unauthorized, "nothing is missing from a token")
}

private func checkSignedHeader(_ bytes: [UInt8]) {
    let claims = Array(#"{"iss":"app","exp":1800000060}"#.utf8)
    guard refusal(signed(header: bytes, claims: claims)) == nil else { return }
    let header = try? JSONDocument(parsing: bytes).root
    require(header?["alg"]?.string == "HS256", "the algorithm is that of the key")
    require(header?["crit"] == nil, "no extension is critical")
    require(header?["kid"].map { $0.string == "app" } ?? true, "the key is the one that is named")
}

private func checkSignedClaims(_ bytes: [UInt8]) {
    let token = signed(header: Array(#"{"alg":"HS256"}"#.utf8), claims: bytes)
    guard let pass = try? verifier.verify(token, at: clock) else { return }
    require(token.count <= TokenVerifier.tokenByteCountMax, "a long token is not looked at")
    require(pass.issuer == "app", "the issuer is the one whose key signed")
    require(pass.expiresAt.seconds > clock.seconds - 60, "it is not over")
    require(pass.notBefore.map { $0.seconds <= clock.seconds + 60 } ?? true, "it has begun")
    require(pass.subject.map { (1...128).contains($0.utf8.count) } ?? true, "a subject has a length")
    require(pass.capacity.map { $0 > 0 } ?? true, "a room has a place")
    require(pass.credentialSecondsMax.map { $0 > 0 } ?? true, "credentials have a lifetime")
    require(pass.credentialSecondsMax == nil || pass.grants.contains(.turn), "limits are of what is granted")
    checkGate(pass)
    guard let rooms = pass.rooms else { return }
    let request = TokenRequest(
        rooms: rooms, identity: pass.subject, grants: pass.grants, capacity: pass.capacity,
        credentialSecondsMax: pass.credentialSecondsMax, transports: pass.transports)
    checkMinted(request)
}

// MARK: - Requests

private func checkRequest(_ bytes: [UInt8]) {
    do throws(RequestError) {
        checkMinted(try TokenRequest(parsing: bytes))
    } catch {
        require(!error.message.isEmpty && error.message.utf8.allSatisfy { $0 < 0x80 }, "an error is a sentence")
    }
    if let request = try? CredentialRequest(parsing: bytes) {
        require(request.lifetimeSeconds != 0, "credentials that are asked for have a lifetime")
        require((try? CredentialRequest(parsingCloudflare: bytes)) != nil, "Cloudflare's form takes what ours takes")
    }
}

/// What is minted reads as what was asked for.
private func checkMinted(_ request: TokenRequest) {
    let minted = minter.mint(request, at: clock)
    require((1...86_400).contains(minted.lifetimeSeconds), "a token lives a day at most")
    require(minted.token.count <= TokenVerifier.tokenByteCountMax, "what is minted is short enough to be looked at")
    guard let pass = try? verifier.verify(minted.token, at: clock) else { fatalError("what was minted is good") }
    require(pass.expiresAt == minted.expiresAt, "it ends when it was said to")
    require(pass.rooms == request.rooms && pass.subject == request.identity, "who and where are kept")
    require(pass.capacity == request.capacity, "the capacity is kept")
    let hasTransport = request.transports?.isEmpty != true
    require(pass.grants == (hasTransport ? request.grants : request.grants.subtracting(.turn)), "grants are kept")
    guard pass.grants.contains(.turn) else { return }
    require(pass.credentialSecondsMax == request.credentialSecondsMax, "the limit of credentials is kept")
    require(pass.transports == request.transports, "transports are kept")
}

private func checkPublicKey(_ bytes: [UInt8]) {
    guard let key = try? SignatureKey(pem: bytes) else { return }
    // Whoever chooses the key may choose one of which everything is a signature, so only traps are looked for.
    _ = key.isSignature(Array(bytes.suffix(SignatureKey.signatureByteCount)), of: bytes)
    _ = key.isSignature(bytes, of: [])
}

// MARK: - Credentials

private let endpoints: [IceServerTemplate.Endpoint] = [
    .init(.udp, port: 3478), .init(.tcp, port: 3478), .init(.tls, port: 5349),
]

private let issuer = CredentialIssuer(
    secret: Array("secret".utf8), quotaPerMember: 12,
    servers: IceServerTemplate(
        hosts: [], externalAddresses: [], endpoints: endpoints, secureNames: CertificateNames(["::1", "*.example"])))

private func visitor(host: String?) -> Visitor {
    Visitor(address: .loopback(.ipv4), localAddress: .loopback(.ipv6), host: host)
}

/// A pass gets its holder into the rooms that it names and no others, and a stranger nowhere but the lobby.
private func checkGate(_ pass: Pass) {
    let lobby = requireValue(RoomName(Array("lobby".utf8)))
    let gate = Gate(
        tokens: verifier, anonymous: .init(rooms: [requireValue(RoomPattern("lobby"))]), issuer: issuer)
    let admission = try? gate.admit(pass, to: lobby, from: visitor(host: nil), at: clock)
    let isInvited = pass.grants.contains(.join) && pass.rooms?.matches(lobby) == true
    require((admission != nil) == isInvited, "a pass alone decides")
    guard let admission else { return }
    let tag = MemberTag([UInt8](repeating: UInt8(ascii: "t"), count: 16))
    let issued = gate.issue(to: tag, admission, visitor: visitor(host: nil), at: clock)
    require((issued != nil) == (pass.grants.contains(.turn) && pass.transports?.isEmpty != true), "TURN is a grant")
    guard let issued else { return }
    require(issued.lifetimeSeconds <= pass.credentialSecondsMax ?? 600, "the token limits the lifetime")
}

/// A host in a URL is made of few characters, whatever the Host header says.
private func checkHost(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    for url in issuer.servers.turnURLs(for: visitor(host: text)) + issuer.servers.stunURLs(for: visitor(host: text)) {
        require(url.utf8.count <= 253 + "turns::65535?transport=tcp".utf8.count, "a URL has a length")
        let ending = url.drop { $0 != ":" }.dropFirst()
        let isBracketed = ending.first == "["
        let host = isBracketed ? ending.dropFirst().prefix { $0 != "]" } : ending.prefix { $0 != ":" }
        let rest = ending.dropFirst(host.count + (isBracketed ? 2 : 0))
        require(
            [":3478", ":3478?transport=udp", ":3478?transport=tcp", ":5349?transport=tcp"].contains(String(rest)),
            "nothing of a Host header is read as more than a host")
        let isPlain = host.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            case UInt8(ascii: ":"): isBracketed
            default: false
            }
        }
        require(isPlain && !host.isEmpty, "a host is a name or an address")
    }
    if let host = IceHost(text) {
        require(IceHost(host.text) == host, "a host as it is written is the same host")
    }
}

private let directory = CredentialDirectory(
    realm: Array("tern.example".utf8), users: [], sharedSecrets: [Array("secret".utf8)])

private func checkUsernames(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    var holders: [CredentialHolder] = [
        .user(issuer: "app", identity: text, room: RoomName(bytes)), .user(issuer: text, identity: "app", room: nil),
    ]
    if let name = RESTUsername(bytes) { holders.append(.named(name)) }
    for holder in holders {
        guard let issued = issuer.issue(to: holder, visitor: visitor(host: nil), at: clock) else {
            fatalError("there is a URL, so there are credentials")
        }
        let name = Array(issued.username.utf8)
        let identity = directory.identity(of: name)
        let isNamed = if case .named = holder { true } else { false }
        require(!directory.isExpired(name, at: issued.expiresAt), "credentials are good until they end")
        require(identity.mintedQuota == (isNamed ? nil : 12), "a quota is ours to give")
        require(!identity.quotaKey.starts(with: "tern.12.m-".utf8), "nobody chooses to be a member")
        require(isNamed || name.count < 64, "a name of ours is short")
        for link in IceServersResponse.linkHeaders(issued) {
            require(link.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "nothing ends a header")
        }
        let body = try? JSONDocument(parsing: IceServersResponse.turnREST(issued)).root
        require(body?["username"]?.utf8 == name, "an answer says the name")
    }
}
