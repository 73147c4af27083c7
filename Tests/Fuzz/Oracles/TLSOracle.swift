import NetworkPrimitives
import TLS
import TLSClient

/// The first byte chooses: bytes of a connection, or datagrams of strangers. Nobody here completes a handshake but the
/// client that is one, so nothing is ever decrypted.
package func checkTLS(_ input: RawSpan) {
    var script = Script(input.array())
    if script.byte() & 1 == 0 { checkSecureStream(&script) } else { checkSecureDatagrams(&script) }
}

/// Made once: keys cost more than all the rest.
private enum TLSScene {
    static let streams = context(.tls)
    static let datagrams = context(.dtls)

    private static let identity: TLSIdentity = {
        let made = TestIdentity.ecdsa
        do { return try TLSIdentity(certificates: made.certificate, named: "cert", key: made.key, named: "key") } catch
        {
            fatalError("no identity: \(error)")
        }
    }()

    private static func context(_ transport: TLSContext.Transport) -> TLSContext {
        var settings = TLSContext.Settings(transport: transport)
        settings.applicationProtocols = ["stun.turn"]
        settings.handshakeByteCountMax = 16_384
        do { return try TLSContext([identity], settings) } catch { fatalError("no context: \(error)") }
    }
}

// MARK: - Streams

/// A byte for the cuts, one for where the bytes begin, then what a client sends: from the start, or behind the
/// ClientHello of a real one.
private func checkSecureStream(_ script: inout Script) {
    let cut = Int(script.byte()) + 1
    let style = script.byte()
    var stream: [UInt8] = []
    if style & 1 != 0 {
        let client = TestClient(ClientOffer(protocols: style & 2 == 0 ? ["stun.turn"] : []))
        _ = client.handshake()
        stream = client.output().flatMap { $0 }
        if style & 4 != 0 { stream[Int(script.uint16()) % stream.count] ^= max(1, script.byte()) }
        if style & 8 != 0 { stream.removeLast(Int(script.uint16()) % stream.count) }
    }
    stream += script.rest()
    let whole = SecureStream.feed(stream, by: stream.count + 1)
    let pieces = SecureStream.feed(stream, by: cut)
    require(whole.failure == pieces.failure, "it fails for the same reason, however it is cut")
    require(whole.hasSaidMuch == pieces.hasSaidMuch, "a flight is sent for the same bytes, however they are cut")
}

private struct SecureStream: ~Copyable {
    /// A HelloRetryRequest, or ServerHello to Finished with one short certificate, and an alert.
    private static let answerByteCountMax = 4_096

    private(set) var failure: TLSFailure?
    private var saidByteCount = 0

    /// More than an alert.
    var hasSaidMuch: Bool { saidByteCount > 100 }

    static func feed(_ stream: [UInt8], by cut: Int) -> SecureStream {
        guard var session = TLSSession(TLSScene.streams) else { fatalError("no memory") }
        var result = SecureStream()
        var outbox = TLSOutbox(byteCountMax: TLSOutbox.byteCountMin)
        var room = [UInt8](repeating: 0, count: 512)
        var start = 0
        var rounds = 0
        while start < stream.count {
            rounds += 1
            require(rounds < 2 * stream.count + 100, "each call gets on")
            let end = min(stream.count, start + cut)
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            let receipt = session.receive(
                stream.span.bytes.extracting(start..<end), plaintext: &bytes, outbox: &outbox)
            require((0...end - start).contains(receipt.takenByteCount), "no more is taken than there was")
            require(receipt.plaintextByteCount == 0, "nobody is read who has not finished a handshake")
            require(!session.isEstablished && session.agreement == nil, "nobody guesses a handshake")
            let isSilent = outbox.isEmpty
            result.saidByteCount += outbox.byteCount
            outbox.removeAll()
            require(result.saidByteCount <= answerByteCountMax, "what is said to strangers is bounded")
            start += receipt.takenByteCount
            switch receipt.progress {
            case .needsInput: require(receipt.takenByteCount == end - start + receipt.takenByteCount, "all is taken")
            case .hasMore: require(false, "there is no plain text")
            case .outboxFull: require(!isSilent, "an outbox is full of something")
            case .closed, .failed:
                result.failure = session.failure
                checkSilence(of: &session)
                return result
            }
        }
        return result
    }

    /// Who has failed is not listened to and says no more.
    private static func checkSilence(of session: inout TLSSession) {
        var outbox = TLSOutbox(byteCountMax: TLSOutbox.byteCountMin)
        var room = [UInt8](repeating: 0, count: 64)
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        let more: [UInt8] = [22, 3, 1, 0, 4, 1, 0, 0, 0]
        let receipt = session.receive(more.span.bytes, plaintext: &bytes, outbox: &outbox)
        require(receipt.plaintextByteCount == 0 && outbox.isEmpty, "who has failed says no more")
        require(session.send(more.span.bytes, outbox: &outbox) == 0, "nothing is sent to who has failed")
    }
}

// MARK: - Datagrams

/// Strangers at two addresses send datagrams: raw ones, and the hellos of a real client, changed and from elsewhere.
private func checkSecureDatagrams(_ script: inout Script) {
    var world = SecureDatagrams()
    var steps = 0
    while !script.isOver, steps < 64 {
        world.step(&script)
        steps += 1
    }
}

private struct SecureDatagrams: ~Copyable {
    /// ServerHello to ServerHelloDone with one short certificate, sent once or again.
    private static let answerByteCountMax = 4_096
    /// A HelloVerifyRequest with a cookie of 32 bytes.
    private static let challengeByteCount = 60

    private var listener = DTLSListener(TLSScene.datagrams, cookieKey: [UInt8](repeating: 7, count: 32))
    private let client = TestClient(ClientOffer(datagrams: true))
    private let hello: [UInt8]
    /// The same with the cookie, when the first address has been challenged.
    private var answer: [UInt8]?
    private var session: DTLSSession?
    private var outbox = TLSOutbox(byteCountMax: 65_536, datagramCountMax: 64)
    private var now = Instant(nanoseconds: 0).advanced(bySeconds: 1_000)

    init() {
        _ = client.handshake()
        hello = client.output()[0]
    }

    mutating func step(_ script: inout Script) {
        let choice = script.byte()
        if choice & 0x0F == 0x0F { now = now.advanced(bySeconds: UInt32(script.byte())) }
        let isElsewhere = choice & 0x10 != 0
        var datagram: [UInt8]
        switch choice >> 6 {
        case 0: datagram = script.take(Int(script.byte()))
        case 1: datagram = hello
        case 2: datagram = answer ?? hello
        default: datagram = [22, 254, 253, 0, 0] + script.take(Int(script.byte()))
        }
        var isChanged = choice >> 6 == 0 || choice >> 6 == 3
        if choice & 0x20 != 0, !datagram.isEmpty {
            datagram[Int(script.uint16()) % datagram.count] ^= max(1, script.byte())
            if choice & 1 != 0 { datagram.removeLast(Int(script.uint16()) % datagram.count) }
            isChanged = true
        }
        if session != nil, !isElsewhere {
            receive(datagram)
        } else {
            meet(datagram, isElsewhere, isChanged)
        }
        outbox.removeAll()
    }

    private mutating func meet(_ datagram: [UInt8], _ isElsewhere: Bool, _ isChanged: Bool) {
        let address = SocketAddress(ip: .v4(IPv4Address(rawValue: 0xC000_0201)), port: isElsewhere ? 1001 : 1000)
        switch listener.receive(datagram.span.bytes, from: address, at: now, outbox: &outbox) {
        case .ignored: require(outbox.isEmpty, "who is ignored gets nothing")
        case .challenged:
            require(outbox.datagramCount == 1, "a challenge is one datagram")
            require(outbox.byteCount <= Self.challengeByteCount, "a challenge is short")
            if !isElsewhere, !isChanged, answer == nil, datagram == hello {
                client.input(outbox.datagram(0).array())
                _ = client.handshake()
                answer = client.output().first
            }
        case .accepted(let accepted):
            require(!isElsewhere, "a cookie holds for the address that it was made for")
            require(answer != nil, "a cookie has been given")
            require(outbox.byteCount <= Self.answerByteCountMax, "a flight is bounded")
            require(!accepted.isEstablished, "a handshake goes on")
            session = consume accepted
        }
    }

    private mutating func receive(_ datagram: [UInt8]) {
        var room = [UInt8](repeating: 0, count: 512)
        var input = datagram
        var rounds = 0
        while true {
            rounds += 1
            require(rounds <= 100, "each call gets on")
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            guard let receipt = session?.receive(input.span.bytes, plaintext: &bytes, outbox: &outbox) else { return }
            require(receipt.plaintextByteCount == 0, "nobody is read who has not finished a handshake")
            require(receipt.takenByteCount == 0 || receipt.takenByteCount == input.count, "a datagram is taken whole")
            require(outbox.byteCount <= Self.answerByteCountMax, "a datagram is answered by a flight at most")
            if receipt.takenByteCount == input.count { input = [] }
            switch receipt.progress {
            case .hasMore, .outboxFull: continue
            case .needsInput: return
            case .closed, .failed:
                session = nil
                return
            }
        }
    }
}
