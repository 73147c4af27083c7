import NetworkPrimitives

/// Plays a story about one server from a text, so that a report of a defect can be a file.
///
/// ```
/// # A permission ends after five minutes.
/// at 0 s A allocates
/// expect success
/// at 1 s A permits 8.0.0.1
/// expect success
/// at 2 s peer 8.0.0.1:4000 sends hello to A
/// expect A receives hello from 8.0.0.1:4000
/// at 302 s peer 8.0.0.1:4000 sends hello to A
/// expect nothing
/// ```
/// Clients are single letters, users of the same password; they answer challenges by themselves. What a client can do:
/// `allocates`, `refreshes <seconds>`, `permits <ip> …`, `binds <number> to <address>`, `sends <word> to <address>`,
/// `sends <word> on <number>`, each of the first four also with `without credentials` at the end. What can be expected:
/// `success`, `error <code>`, `nothing`, `<client> receives <word> from <address>`, `<client> receives <word> on
/// <number>`,
/// `<address> receives <word>`.
package final class ScenarioScript {
    private let server: ServerNode
    private let model: ReferenceModel
    private let clock: VirtualClock
    private let setup: ServerSetup
    private var clients: [Character: ScriptedClient] = [:]
    private var lastSent: [Datagram] = []
    private var problems: [String] = []

    package init(setup: ServerSetup = Scenario().setup, seed: UInt64 = 1) {
        self.setup = setup
        clock = VirtualClock()
        server = ServerNode(setup, seed: seed, clock: clock)
        model = ReferenceModel(setup, clock: clock)
    }

    /// Plays the whole text; the answer is what went otherwise, and what the reference model has to say.
    package func play(_ text: String) -> [String] {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(separator: " ").map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            switch first {
            case "at": perform(words, line: index + 1)
            case "expect": expect(Array(words.dropFirst()), line: index + 1)
            default: problems.append("line \(index + 1): a step begins with “at” or “expect”")
            }
        }
        return problems + model.violations.map(\.description) + server.defects
    }

    // MARK: - Steps

    private func perform(_ words: [String], line: Int) {
        guard words.count > 4, let seconds = UInt32(words[1]), words[2] == "s", clock.now <= .seconds(seconds) else {
            problems.append("line \(line): at <seconds> s <who> <does what>, in the order of time")
            return
        }
        wake(until: .seconds(seconds))
        if words[3] == "peer" {
            sendAsPeer(Array(words[4...]), line: line)
        } else if let letter = words[3].first, words[3].count == 1 {
            act(letter, Array(words[4...]), line: line)
        } else {
            problems.append("line \(line): a client is a letter")
        }
    }

    private func wake(until end: Instant) {
        while let deadline = server.nextDeadline, deadline <= end {
            clock.advance(to: max(clock.now, deadline))
            model.serverWoke(sent: server.handleDeadline(at: clock.now), at: clock.now)
        }
        clock.advance(to: end)
    }

    private func act(_ letter: Character, _ words: [String], line: Int) {
        var client = clients[letter] ?? ScriptedClient(letter: letter, setup: setup)
        guard let bytes = client.message(words) else {
            problems.append("line \(line): “\(words.joined(separator: " "))” is nothing that a client does")
            return
        }
        deliver(Datagram(source: client.address, destination: client.server, payload: bytes))
        // A challenge is answered once, as any client would, unless the story is about just that.
        if words.last != "credentials", let challenge = client.accept(lastSent), let retry = client.message(words) {
            precondition(challenge == 401 || challenge == 438, "only these two are challenges")
            deliver(Datagram(source: client.address, destination: client.server, payload: retry))
            _ = client.accept(lastSent)
        }
        clients[letter] = client
    }

    /// `<address> sends <word> to <client>`
    private func sendAsPeer(_ words: [String], line: Int) {
        guard words.count == 5, let source = SocketAddress(words[0]), let letter = words[4].first,
            let relayed = clients[letter]?.relayed
        else {
            problems.append("line \(line): peer <address> sends <word> to <client with an allocation>")
            return
        }
        deliver(Datagram(source: source, destination: relayed, payload: Array(words[2].utf8)))
    }

    private func deliver(_ datagram: Datagram) {
        lastSent = server.receive(datagram, at: clock.now)
        model.serverReceived(datagram, sent: lastSent, at: clock.now)
    }

    // MARK: - Expectations

    private func expect(_ words: [String], line: Int) {
        let seen = lastSent.first.map(describe) ?? "nothing"
        if seen != words.joined(separator: " ") {
            problems.append("line \(line): expected \(words.joined(separator: " ")), saw \(seen)")
        }
    }

    private func describe(_ datagram: Datagram) -> String {
        let receiver = clients.first { $0.value.address == datagram.destination }.map { String($0.key) }
        guard let receiver else { return "\(datagram.destination) receives \(word(datagram.payload))" }
        guard let message = WireMessage(parsing: datagram.payload) else {
            let number = datagram.payload.prefix(2).reduce(0) { $0 << 8 | Int($1) }
            return "\(receiver) receives \(word(Array(datagram.payload.dropFirst(4)))) on \(number)"
        }
        switch message.messageClass {
        case .success: return "success"
        case .error: return "error \(message.errorCode ?? 0)"
        case .request: return "request"
        case .indication:
            let peer = message.address(WireMessage.peerAddress).map { "\($0)" } ?? "nobody"
            return "\(receiver) receives \(word(message.value(WireMessage.dataType) ?? [])) from \(peer)"
        }
    }

    private func word(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// A client of a script: it does what it is told, and keeps what it needs for the next request.
struct ScriptedClient {
    let address: SocketAddress
    let server: SocketAddress
    private let user: SimulatedUser
    private let realm: String
    private var nonce: [UInt8]?
    private(set) var relayed: SocketAddress?
    private var sequence: UInt8 = 0

    init(letter: Character, setup: ServerSetup) {
        let number = letter.asciiValue ?? 0
        address = IPAddress.v4(7, 0, 0, number).port(7000)
        server = setup.listeners[0]
        user = setup.users[Int(number) % setup.users.count]
        realm = setup.realm
    }

    /// The bytes of a step, nil if it is none.
    mutating func message(_ words: [String]) -> [UInt8]? {
        sequence &+= 1
        let id = [UInt8](repeating: address.port == 0 ? 0 : sequence, count: 12)
        let isBare = words.last == "credentials"
        switch words[0] {
        case "sends": return data(words, id)
        case "allocates":
            return request(WireMessage.allocate, id, isBare) { writer in
                writer.append(WireMessage.requestedTransport, [17, 0, 0, 0])
            }
        case "refreshes":
            guard words.count > 1, let seconds = UInt32(words[1]) else { return nil }
            return request(WireMessage.refresh, id, isBare) { $0.append(WireMessage.lifetime, number: seconds) }
        case "permits":
            let peers = words.dropFirst().compactMap { IPAddress($0) }
            return request(WireMessage.createPermission, id, isBare) { writer in
                for peer in peers { writer.append(WireMessage.peerAddress, address: peer.port(0)) }
            }
        case "binds":
            guard words.count > 3, let number = UInt32(words[1]), let peer = SocketAddress(words[3]) else { return nil }
            return request(WireMessage.channelBind, id, isBare) { writer in
                writer.append(WireMessage.channelNumber, number: number << 16)
                writer.append(WireMessage.peerAddress, address: peer)
            }
        default: return nil
        }
    }

    private func data(_ words: [String], _ id: [UInt8]) -> [UInt8]? {
        guard words.count == 4 else { return nil }
        let payload = Array(words[1].utf8)
        if words[2] == "on" { return UInt16(words[3]).map { WireWriter.channelData($0, payload) } }
        guard let peer = SocketAddress(words[3]) else { return nil }
        var writer = WireWriter(WireMessage.send, .indication, transactionID: id)
        writer.append(WireMessage.peerAddress, address: peer)
        writer.append(WireMessage.dataType, payload)
        return writer.bytes
    }

    private func request(
        _ method: UInt16, _ id: [UInt8], _ isBare: Bool, _ body: (inout WireWriter) -> Void
    ) -> [UInt8] {
        var writer = WireWriter(method, .request, transactionID: id)
        body(&writer)
        if !isBare, let nonce {
            writer.append(WireMessage.username, Array(user.name.utf8))
            writer.append(WireMessage.realm, Array(realm.utf8))
            writer.append(WireMessage.nonce, nonce)
            writer.appendIntegrity(
                key: WireKeys(username: user.name, realm: realm, password: user.password).md5)
        }
        return writer.bytes
    }

    /// Takes what an answer gives; the code if it is a challenge.
    mutating func accept(_ sent: [Datagram]) -> Int? {
        guard let datagram = sent.first, let message = WireMessage(parsing: datagram.payload) else { return nil }
        if let fresh = message.value(WireMessage.nonce) { nonce = fresh }
        if let address = message.address(WireMessage.relayedAddress) { relayed = address }
        return message.errorCode.flatMap { $0 == 401 || $0 == 438 ? $0 : nil }
    }
}
