import TLS
import TLSClient
import TestSupport
import Testing

private func noise(_ count: Int) -> [UInt8] {
    var random = SeededRandom(seed: 7)
    return random.bytes(count)
}

private func settings(_ protocols: [String] = []) -> TLSContext.Settings {
    var settings = TLSContext.Settings(transport: .tls)
    settings.applicationProtocols = protocols
    return settings
}

@Suite("TLS sessions, RFC 8446 and RFC 5246")
struct TLSSessionTests {
    @Test("a handshake of TLS 1.2 and of 1.3", arguments: [0x0303, 0x0304] as [Int32])
    func versions(version: Int32) throws {
        var pair = try StreamPair(offer: ClientOffer(version: version))
        #expect(pair.server.agreement == nil)
        let isDone = pair.shake()
        #expect(isDone)
        #expect(pair.client.version == version)
        #expect(pair.server.agreement?.version == (version == 0x0304 ? .tls13 : .tls12))
        #expect(pair.server.agreement?.applicationProtocol == nil)
    }

    @Test(
        "RFC 9325 §3.1.1: TLS 1.0 and 1.1 are refused", .requirement("R9325-3.1.1-1"),
        arguments: [0x0301, 0x0302] as [Int32])
    func oldVersions(version: Int32) throws {
        var pair = try StreamPair(offer: ClientOffer(version: version))
        let isDone = pair.shake()
        #expect(!isDone)
        #expect(pair.server.failure == .unsupportedVersion)
    }

    @Test("`no-tlsv1_2` leaves TLS 1.3")
    func noTLS12() throws {
        var settings = settings()
        settings.refusesTLS12 = true
        var old = try StreamPair(settings: settings, offer: ClientOffer(version: 0x0303))
        let isOldDone = old.shake()
        #expect(!isOldDone)
        var new = try StreamPair(settings: settings)
        let isNewDone = new.shake()
        #expect(isNewDone)
    }

    @Test("RFC 7443: ALPN chooses in the server's order", .requirement("R7443-3-1"))
    func applicationProtocol() throws {
        let ours = ["stun.turn", "stun.nat-discovery", "http/1.1"]
        for (offered, chosen) in [
            (["stun.turn"], "stun.turn"), (["h2", "http/1.1"], "http/1.1"),
            (["http/1.1", "stun.nat-discovery"], "stun.nat-discovery"),
        ] {
            var pair = try StreamPair(settings: settings(ours), offer: ClientOffer(protocols: offered))
            let isDone = pair.shake()
            #expect(isDone)
            #expect(pair.server.agreement?.applicationProtocol == chosen)
            #expect(pair.client.applicationProtocol == chosen)
        }
        var silent = try StreamPair(settings: settings(ours))
        let isDone = silent.shake()
        #expect(isDone && silent.server.agreement?.applicationProtocol == nil)
    }

    @Test("RFC 7301 §3.2: a client that offers other protocols only is refused", .requirement("R7301-3.2-1"))
    func wrongApplicationProtocol() throws {
        var pair = try StreamPair(settings: settings(["stun.turn"]), offer: ClientOffer(protocols: ["h2"]))
        let isDone = pair.shake()
        #expect(!isDone)
        #expect(pair.server.failure == .noApplicationProtocol)
        #expect(pair.client.handshake() == -1)
    }

    @Test("of two identities a client gets the one that it can check")
    func twoIdentities() throws {
        for (signatures, kind) in [("ECDSA+SHA256", 2), ("RSA+SHA256:RSA-PSS+SHA256", 1)] {
            var pair = try StreamPair(identities: [.rsa, .ecdsa], offer: ClientOffer(signatures: signatures))
            let isDone = pair.shake()
            #expect(isDone)
            #expect(pair.client.serverKey == kind)
        }
    }

    @Test("a client without a common cipher is told so")
    func noSharedCipher() throws {
        var settings = settings()
        settings.cipherList = "ECDHE-ECDSA-AES256-GCM-SHA384"
        var pair = try StreamPair(
            settings: settings, offer: ClientOffer(version: 0x0303, ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256"))
        let isDone = pair.shake()
        #expect(!isDone)
        #expect(pair.server.failure == .noSharedCipher)
    }

    @Test("records come byte by byte, and all at once", arguments: [1, 7, 100_000])
    func pieces(count: Int) throws {
        for version: Int32 in [0x0303, 0x0304] {
            var pair = try StreamPair(offer: ClientOffer(version: version))
            let isDone = pair.shake(pieceByteCount: count)
            #expect(isDone)
            for text in ["one", "two", "three"] { #expect(pair.client.write(Array(text.utf8))) }
            let records = pair.client.output().flatMap { $0 }
            for start in stride(from: 0, to: records.count, by: count) {
                pair.feed(Array(records[start...].prefix(count)))
            }
            #expect(pair.received == Array("onetwothree".utf8))
        }
    }

    @Test("a megabyte both ways, with little room on either side", arguments: [64, 5000, 40_000])
    func megabyte(room: Int) throws {
        var pair = try StreamPair(outboxByteCount: 4096)
        let isDone = pair.shake()
        #expect(isDone)
        pair.room = room
        let text = noise(1 << 20)
        #expect(pair.client.write(text))
        for piece in pair.client.output() { pair.feed(piece) }
        #expect(pair.received == text)
        let arrived = pair.send(text)
        #expect(arrived == text)
    }

    @Test("nothing is sent before the handshake, nor after the close")
    func sendOutOfTime() throws {
        var pair = try StreamPair()
        let text: [UInt8] = [1, 2, 3]
        #expect(pair.server.send(text.span.bytes, outbox: &pair.outbox) == 0)
        let isDone = pair.shake()
        #expect(isDone)
        pair.server.close(outbox: &pair.outbox)
        #expect(pair.server.send(text.span.bytes, outbox: &pair.outbox) == 0)
    }

    @Test("a full outbox takes nothing of a stream, and the session goes on when it is empty")
    func fullOutbox() throws {
        var pair = try StreamPair(outboxByteCount: 4096)
        let isDone = pair.shake()
        #expect(isDone)
        let text = noise(5000)
        let first = pair.server.send(text.span.bytes, outbox: &pair.outbox)
        #expect(first == 4096 - 512)
        #expect(pair.server.send(text.span.bytes, outbox: &pair.outbox) == 0)
        pair.outbox.removeFirst(0)
        pair.deliver()
        #expect(pair.client.read() == .bytes(Array(text[..<first])))
        #expect(pair.server.send(text.span.bytes, outbox: &pair.outbox) == first)
    }

    @Test("RFC 8446 §6.1: close_notify both ways, and a stream that was cut is told from one that was closed")
    func closing() throws {
        var pair = try StreamPair()
        let isDone = pair.shake()
        #expect(isDone)
        let wasClosedBefore = pair.server.wasClosedByPeer
        #expect(!wasClosedBefore)
        #expect(pair.client.write([1]))
        pair.client.close()
        let progress = pair.feed(pair.client.output().flatMap { $0 })
        #expect(progress == .closed)
        #expect(pair.received == [1])
        let wasClosed = pair.server.wasClosedByPeer
        #expect(wasClosed)
        // The other direction lives on in TLS 1.3.
        let arrived = pair.send([2, 3])
        #expect(arrived == [2, 3])
        pair.server.close(outbox: &pair.outbox)
        pair.deliver()
        #expect(pair.client.read() == .closed)
    }

    @Test("RFC 8446 §4.6.3: a client may ask for new keys")
    func keyUpdate() throws {
        var pair = try StreamPair()
        let isDone = pair.shake()
        #expect(isDone)
        for _ in 0..<3 {
            #expect(pair.client.updateKeys())
            #expect(pair.client.write([1]))
            pair.feed(pair.client.output().flatMap { $0 })
            let arrived = pair.send([2, 3])
            #expect(arrived == [2, 3])
        }
        #expect(pair.received == [1, 1, 1])
    }

    @Test(
        "other protocols are recognised and refused", arguments: ["GET / HTTP/1.1\r\n\r\n", "\0\u{1}\0\0!\u{12}", "x"])
    func notTLS(text: String) throws {
        var pair = try StreamPair()
        var bytes = Array(text.utf8)
        bytes += [UInt8](repeating: 0x20, count: 40)
        #expect(pair.feed(bytes) == .failed(.notTLS))
        // And stays so.
        #expect(pair.feed([0x16]) == .failed(.notTLS))
    }

    @Test("a handshake has a limit", arguments: [100, 1000] as [UInt32])
    func handshakeLimit(limit: UInt32) throws {
        var settings = settings()
        settings.handshakeByteCountMax = limit
        var pair = try StreamPair(settings: settings)
        // The record promises more than it brings, byte by byte.
        var progress = pair.feed([0x16, 3, 1, 0x3F, 0xFF, 1, 0, 0x3F, 0xFB, 3, 3])
        var fed: UInt32 = 11
        while progress == .needsInput, fed < 5000 {
            progress = pair.feed([0])
            fed += 1
        }
        #expect(progress == .failed(.handshakeTooLong))
        #expect(fed == limit + 1)
    }

    @Test("`CA-file`: a client needs a certificate of an authority")
    func clientCertificate() throws {
        var settings = settings()
        settings.clientAuthorities = TestIdentity.rsa.certificate
        for (identity, isGood) in [(TestIdentity.rsa, true), (TestIdentity.ecdsa, false), (nil, false)] {
            var pair = try StreamPair(settings: settings, offer: ClientOffer(identity: identity))
            let isDone = pair.shake()
            #expect(isDone == isGood)
            #expect(pair.server.failure == (isGood ? nil : .clientCertificate))
        }
    }

    @Test("changed bytes end the session by a failure, or change nothing, wherever they are")
    func mutations() throws {
        var random = SeededRandom(seed: 5)
        let identity = try TestIdentity.ecdsa.identity
        let context = try TLSContext([identity], settings(["stun.turn"]))
        for round in 0..<200 {
            guard var server = TLSSession(context) else { throw NoMemory() }
            let client = TestClient(ClientOffer(version: round % 2 == 0 ? 0x0303 : 0x0304, protocols: ["stun.turn"]))
            var outbox = TLSOutbox(byteCountMax: 16_384)
            let strike = random.below(12)
            var step = 0
            for _ in 0..<4 {
                if client.handshake() == 1 { _ = client.write([1, 2, 3]) }
                for var piece in client.output() {
                    if step >= strike { strikeBytes(&piece, &random) }
                    step += 1
                    var plaintext = [UInt8](repeating: 0, count: 100)
                    var span = plaintext.mutableSpan
                    var rawSpan = span.mutableBytes
                    let receipt = server.receive(piece.span.bytes, plaintext: &rawSpan, outbox: &outbox)
                    #expect(receipt.takenByteCount <= piece.count && receipt.plaintextByteCount <= 100)
                    client.input(outbox.bytes.array)
                    outbox.removeAll()
                }
            }
        }
    }

    private func strikeBytes(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        switch random.below(4) {
        case 0: bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8))
        case 1: bytes.removeLast(random.below(bytes.count))
        case 2: bytes.insert(contentsOf: random.bytes(random.below(64)), at: random.below(bytes.count))
        default: bytes = random.bytes(bytes.count)
        }
    }
}
