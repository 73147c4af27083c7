import NetworkPrimitives
import TLS
import TLSClient
import TestSupport
import Testing

private let client1 = SocketAddress(ip: .v4(IPv4Address(rawValue: 0xC000_0201)), port: 1000)
private let client2 = SocketAddress(ip: .v4(IPv4Address(rawValue: 0xC000_0201)), port: 1001)
private let cookieKey = [UInt8](repeating: 7, count: 16)

/// A server that meets one client over datagrams, and what it received.
private struct DatagramPair: ~Copyable {
    var listener: DTLSListener
    var session: DTLSSession?
    let client: TestClient
    var outbox = TLSOutbox(byteCountMax: 65_536, datagramCountMax: 64)
    var received: [[UInt8]] = []
    var now = Instant(nanoseconds: 0).advanced(bySeconds: 1000)
    var challenges = 0

    init(
        _ identity: TestIdentity = .ecdsa, protocols: [String] = [], retransmissionMilliseconds: UInt32 = 60_000
    ) throws {
        var settings = TLSContext.Settings(transport: .dtls)
        settings.retransmissionMilliseconds = retransmissionMilliseconds
        settings.applicationProtocols = protocols
        listener = DTLSListener(try TLSContext([identity.identity], settings), cookieKey: cookieKey)
        var offer = ClientOffer(datagrams: true, protocols: protocols)
        offer.retransmissionMilliseconds = retransmissionMilliseconds
        client = TestClient(offer)
    }

    /// Everything that waits in the outbox, by datagram.
    mutating func sent() -> [[UInt8]] {
        let datagrams = (0..<outbox.datagramCount).map { outbox.datagram($0).array }
        outbox.removeAll()
        return datagrams
    }

    /// A datagram comes from an address. The answers stay in the outbox.
    @discardableResult
    mutating func feed(_ datagram: [UInt8], from address: SocketAddress = client1, room: Int = 2000) -> TLSProgress? {
        guard hasSession else {
            switch listener.receive(datagram.span.bytes, from: address, at: now, outbox: &outbox) {
            case .ignored: break
            case .challenged: challenges += 1
            case .accepted(let accepted): session = consume accepted
            }
            return nil
        }
        var input = datagram
        var plaintext = [UInt8](repeating: 0, count: room)
        while true {
            var span = plaintext.mutableSpan
            var rawSpan = span.mutableBytes
            let receipt = session!.receive(input.span.bytes, plaintext: &rawSpan, outbox: &outbox)
            if receipt.plaintextByteCount > 0 { received.append(Array(plaintext[..<receipt.plaintextByteCount])) }
            if receipt.takenByteCount == input.count { input = [] }
            if receipt.progress != .hasMore { return receipt.progress }
        }
    }

    /// A handshake over a network that `pass` may lose or reorder datagrams of; timers run by the wall clock.
    mutating func shake(_ pass: ([[UInt8]]) -> [[UInt8]] = { $0 }) -> Bool {
        for _ in 0..<1_000_000 {
            let state = client.handshake()
            for datagram in pass(client.output()) { feed(datagram) }
            for datagram in pass(sent()) {
                client.input(datagram)
                _ = client.handshake()
            }
            if state == 1, isEstablished { return true }
            client.handleTimeout()
            if hasSession { _ = session!.handleTimeout(outbox: &outbox) }
        }
        return false
    }

    var hasSession: Bool { look { _ in true } ?? false }

    var isEstablished: Bool { look { $0.isEstablished } ?? false }

    /// Asks the session, if there is one.
    func look<Result>(_ body: (borrowing DTLSSession) -> Result) -> Result? {
        switch session {
        case .some(let session): body(session)
        case .none: nil
        }
    }

    func nextTimeout() -> Instant? { look { $0.nextTimeout(at: now) } ?? nil }

    mutating func send(_ message: [UInt8]) -> Bool { session!.send(message.span.bytes, outbox: &outbox) }
}

@Suite("DTLS sessions, RFC 6347")
struct DTLSTests {
    @Test("a handshake with a cookie, for RSA and ECDSA", arguments: [true, false])
    func handshake(isRSA: Bool) throws {
        var pair = try DatagramPair(isRSA ? .rsa : .ecdsa, protocols: ["stun.turn"])
        let isDone = pair.shake()
        #expect(isDone)
        #expect(pair.challenges == 1)
        #expect(pair.client.version == 0xFEFD)
        let agreement = pair.look { $0.agreement } ?? nil
        #expect(agreement?.version == .dtls12)
        #expect(agreement?.applicationProtocol == "stun.turn")
    }

    @Test("§4.2.1: a ClientHello without a cookie is answered by one short datagram, however often")
    func challenge() throws {
        var pair = try DatagramPair()
        _ = pair.client.handshake()
        let hello = pair.client.output()[0]
        for count in 1...5 {
            pair.feed(hello)
            #expect(pair.challenges == count)
            let answers = pair.sent()
            #expect(answers.count == 1)
            #expect(answers[0].count == 60)
            // A handshake record with a HelloVerifyRequest.
            #expect(answers[0][0] == 22 && answers[0][13] == 3)
            #expect(answers[0].count < hello.count)
        }
    }

    @Test("§4.2.1: a cookie is good for its address and for at least a minute")
    func cookies() throws {
        var pair = try DatagramPair()
        _ = pair.client.handshake()
        pair.feed(pair.client.output()[0])
        pair.client.input(pair.sent()[0])
        _ = pair.client.handshake()
        let hello = pair.client.output()[0]
        // Of somebody else, at another port.
        pair.feed(hello, from: client2)
        var hasSession = pair.hasSession
        #expect(!hasSession && pair.challenges == 2)
        // Two minutes later.
        let now = pair.now
        pair.now = now.advanced(bySeconds: 120)
        pair.feed(hello)
        hasSession = pair.hasSession
        #expect(!hasSession && pair.challenges == 3)
        pair.now = now.advanced(bySeconds: 60)
        pair.feed(hello)
        hasSession = pair.hasSession
        #expect(hasSession && pair.challenges == 3)
    }

    @Test("datagrams that are no ClientHello make no answer")
    func ignored() throws {
        var pair = try DatagramPair()
        var random = SeededRandom(seed: 3)
        _ = pair.client.handshake()
        let hello = pair.client.output()[0]
        for count in 0..<25 { pair.feed(Array(hello[..<count])) }
        for count in 0..<200 { pair.feed(random.bytes(count)) }
        #expect(pair.challenges == 0 && pair.outbox.isEmpty)
        // Cut and changed hellos never get further than a challenge.
        for _ in 0..<500 {
            var changed = hello
            changed[random.below(changed.count)] ^= UInt8(1 << random.below(8))
            if random.below(2) == 0 { changed.removeLast(random.below(changed.count)) }
            pair.feed(changed)
            pair.outbox.removeAll()
        }
        let hasSession = pair.hasSession
        #expect(!hasSession)
        let isDone = pair.shake { [hello] datagrams in datagrams.isEmpty ? [hello] : datagrams }
        #expect(isDone)
    }

    @Test("messages keep their boundaries both ways, of any length up to a record")
    func messages() throws {
        var pair = try DatagramPair()
        let isDone = pair.shake()
        #expect(isDone)
        let messages = [[1], [UInt8](repeating: 2, count: 1400), [3, 3]]
        for message in messages { #expect(pair.client.write(message)) }
        for datagram in pair.client.output() { pair.feed(datagram) }
        #expect(pair.received == messages)
        for message in messages {
            let isSent = pair.send(message)
            #expect(isSent)
        }
        let datagrams = pair.sent()
        #expect(datagrams.count == 3)
        for (datagram, message) in zip(datagrams, messages) {
            pair.client.input(datagram)
            #expect(pair.client.read() == .bytes(message))
        }
        let isLongest = pair.send([UInt8](repeating: 0, count: 16_384))
        let isTooLong = pair.send([UInt8](repeating: 0, count: 16_385))
        let isEmpty = pair.send([])
        #expect(isLongest && !isTooLong && !isEmpty)
    }

    @Test("several records of one datagram are several messages, and a small room takes them in pieces")
    func records() throws {
        var pair = try DatagramPair()
        let isDone = pair.shake()
        #expect(isDone)
        for message in [[1, 2, 3, 4, 5], [6], [7, 8]] as [[UInt8]] { #expect(pair.client.write(message)) }
        let datagram = pair.client.output().flatMap { $0 }
        pair.feed(datagram, room: 3)
        #expect(pair.received == [[1, 2, 3], [4, 5], [6], [7, 8]])
    }

    @Test("a message without room in the outbox is not sent, and the next one is")
    func fullOutbox() throws {
        var pair = try DatagramPair()
        let isDone = pair.shake()
        #expect(isDone)
        for _ in 0..<64 {
            let isSent = pair.send([1])
            #expect(isSent)
        }
        let isSent = pair.send([1])
        #expect(!isSent)
        #expect(pair.sent().count == 64)
        let isSentLater = pair.send([1])
        #expect(isSentLater)
        #expect(pair.outbox.lostDatagramCount == 0)
    }

    @Test("§4.1.2.6: replayed, changed and foreign datagrams are dropped in silence")
    func forgeries() throws {
        var pair = try DatagramPair()
        let isDone = pair.shake()
        #expect(isDone)
        #expect(pair.client.write([1, 2, 3]))
        let good = pair.client.output()[0]
        var random = SeededRandom(seed: 9)
        for _ in 0..<300 {
            var bad = good
            switch random.below(3) {
            case 0: bad[random.below(bad.count)] ^= UInt8(1 << random.below(8))
            case 1: bad.removeLast(1 + random.below(bad.count - 1))
            default: bad = random.bytes(1 + random.below(60))
            }
            let progress = pair.feed(bad)
            #expect(progress == .needsInput)
        }
        #expect(pair.received == [])
        pair.feed(good)
        pair.feed(good)
        #expect(pair.received == [[1, 2, 3]])
        #expect(pair.sent() == [])
    }

    @Test("close_notify both ways")
    func closing() throws {
        var pair = try DatagramPair()
        let isDone = pair.shake()
        #expect(isDone)
        pair.client.close()
        let progress = pair.feed(pair.client.output()[0])
        #expect(progress == .closed)
        let wasClosed = pair.look { $0.wasClosedByPeer }
        #expect(wasClosed == true)
        pair.session!.close(outbox: &pair.outbox)
        #expect(pair.sent().count == 1)
    }

    @Test("handshakes over reordered datagrams, and no datagram is longer than 1200 bytes")
    func reordered() throws {
        var pair = try DatagramPair(.rsa)
        var longest = 0
        let isDone = pair.shake { datagrams in
            longest = max(longest, datagrams.map(\.count).max() ?? 0)
            return datagrams.reversed()
        }
        #expect(isDone)
        #expect(longest <= 1200)
    }

    @Test("handshakes over a network that loses a quarter of the datagrams")
    func lossy() throws {
        var pair = try DatagramPair(.rsa, retransmissionMilliseconds: 16)
        var random = SeededRandom(seed: 3)
        let isDone = pair.shake { datagrams in datagrams.filter { _ in random.below(4) != 0 } }
        #expect(isDone)
        #expect(pair.client.write([5]))
        for datagram in pair.client.output() { pair.feed(datagram) }
        #expect(pair.received == [[5]])
    }

    @Test("§4.2.4: a flight without an answer is sent again, and the timer has a date until it is answered")
    func retransmission() throws {
        var pair = try DatagramPair(.rsa, retransmissionMilliseconds: 16)
        _ = pair.client.handshake()
        pair.feed(pair.client.output()[0])
        pair.client.input(pair.sent()[0])
        _ = pair.client.handshake()
        pair.feed(pair.client.output()[0])
        let flight = pair.sent()
        #expect(!flight.isEmpty)
        // On a machine that stood still for a second the client has begun anew, and nothing of this can be seen.
        let first = pair.nextTimeout()
        let timeout = try #require(first)
        #expect(timeout >= pair.now)
        #expect(timeout <= pair.now.advanced(bySeconds: 1))
        // OpenSSL calls a timer expired that has less than 15 ms to go, so this takes a millisecond.
        var rounds = 0
        while pair.outbox.isEmpty, rounds < 10_000_000 {
            let progress = pair.session!.handleTimeout(outbox: &pair.outbox)
            #expect(progress == .needsInput)
            rounds += 1
        }
        // A message for each datagram now, where the first time they went together: ServerHello to ServerHelloDone.
        let again = pair.sent()
        #expect(again.map { $0[13] } == [2, 11, 12, 14])
        let next = pair.nextTimeout() ?? .zero
        #expect(next >= pair.now)
        #expect(next <= pair.now.advanced(bySeconds: 1))
        // The first flight was lost; the second one arrives.
        let isDone = pair.shake()
        #expect(isDone)
        let last = pair.nextTimeout()
        #expect(last == nil)
    }

    @Test("a listener that has made a session meets the next stranger")
    func secondClient() throws {
        var pair = try DatagramPair()
        let isDone = pair.shake()
        #expect(isDone)
        // The listener has a fresh session for the next stranger.
        let other = TestClient(ClientOffer(datagrams: true))
        _ = other.handshake()
        var challenges = 0
        let hello = other.output()[0]
        if case .challenged = pair.listener.receive(
            hello.span.bytes, from: client2, at: pair.now, outbox: &pair.outbox)
        {
            challenges += 1
        }
        #expect(challenges == 1)
    }
}
