import EngineIO
import HTTP
import NetworkPrimitives
import Signaling
import SocketIO

/// Any bytes are a script of what a few clients, their application and the clock do to sessions of both revisions.
/// Whatever they do, nothing traps, each request is answered once, nothing is sent to a WebSocket that was closed, each
/// socket ends once, and when all is over nothing is left. First the script is read as a packet.
package func checkSocketIO(_ input: RawSpan) {
    let bytes = input.array()
    checkPacket(bytes, .five)
    checkPacket(bytes, .four)
    var script = Script(bytes)
    var world = SocketWorld(&script)
    var steps = 0
    while !script.isOver, steps < 200 {
        world.step(&script)
        steps += 1
    }
    world.finish()
}

/// A packet that is read can be written with the bytes of its arguments, and reads as the same.
private func checkPacket(_ bytes: [UInt8], _ revision: SocketProtocol) {
    guard String(validating: bytes, as: UTF8.self) != nil,
        let packet = try? SocketPacket(parsing: bytes[...], revision: revision, limits: SocketPacketLimits())
    else { return }
    require(packet.namespace.hasPrefix("/"), "packet: a namespace begins with a slash")
    require((0...10).contains(packet.attachmentCount), "packet: few attachments")
    guard case .event(let name, let arguments, let id) = packet.content else { return }
    require(!SocketPacket.reservedNames.contains(name), "packet: no reserved name")
    var text = packet.attachmentCount > 0 ? Array("5\(packet.attachmentCount)-".utf8) : Array("2".utf8)
    if packet.namespace != "/" { text += Array("\(packet.namespace),".utf8) }
    if let id { text += Array("\(id.rawValue)".utf8) }
    text += Array("[\"a\"".utf8)
    for argument in arguments.raw { text += [UInt8(ascii: ",")] + argument }
    text.append(UInt8(ascii: "]"))
    guard let again = try? SocketPacket(parsing: text[...], revision: revision, limits: SocketPacketLimits()),
        case .event("a", let sameArguments, let sameID) = again.content
    else { return require(false, "packet: it can be written again") }
    require(again.namespace == packet.namespace && sameID == id, "packet: written again it is for the same")
    require(sameArguments.raw == arguments.raw, "packet: written again it says the same")
}

/// The machine with what its clients and its shell have to know.
private struct SocketWorld: ~Copyable {
    private var server: SocketIOServer
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var last: UInt64 = 0
    private var sids: [String] = ["AAECAwQFBgcICQoLDA0ODw"]
    private var requests: [UInt64] = []
    private var webSockets: [UInt64] = []
    private var undecided: [SocketID] = []
    private var sockets: [SocketID] = []
    private var questions: [(SocketID, AcknowledgementID)] = []
    private let decides: Bool

    private static let visitors = [0x7F00_0001, 0x0A00_0001].map { (address: UInt32) in
        EngineVisitor(
            Visitor(
                address: .v4(IPv4Address(rawValue: address)), localAddress: .v4(IPv4Address(rawValue: 1)), host: nil))
    }
    private static let words = [
        "40", "40/a,", "41", "41/a", #"42["m",1]"#, #"427["m",{"a":[]}]"#, #"42/a,["m"]"#, #"452-["m"]"#, "430[]",
        "2probe", "5", "3", "2", "1", "6", #"40{"t":1}"#, "40/a?t=1,",
    ]

    init(_ script: inout Script) {
        var engine = EngineSettings()
        let choices = script.byte()
        engine.allowsJSONP = choices & 1 != 0
        engine.limits.sessionsMax = 6
        engine.limits.sessionsPerSourceMax = 4
        engine.limits.bufferedPacketsMax = 5
        engine.limits.packetsPerPayloadMax = 4
        var settings = SocketSettings()
        settings.namespaces = choices & 2 != 0 ? .decidedByApplication : .listed(["/", "/a"])
        settings.socketsPerSessionMax = 2
        settings.questionsPerSocketMax = 2
        settings.packets.attachmentByteCountMax = 8
        decides = choices & 4 == 0
        server = SocketIOServer(
            engine: engine, sockets: settings, secret: [UInt8](repeating: 3, count: 32), start: now)
    }

    mutating func step(_ script: inout Script) {
        switch script.byte() % 13 {
        case 0: request(.get, query(&script, sid: nil), [], &script)
        case 1: request(.get, query(&script, sid: script.pick(sids)), [], &script)
        case 2: request(.post, query(&script, sid: script.pick(sids)), payload(&script), &script)
        case 3: openWebSocket("EIO=\(script.pick(["4", "3"]))&transport=websocket", &script)
        case 4: openWebSocket("EIO=4&transport=websocket&sid=\(script.pick(sids))", &script)
        case 5, 6:
            guard !webSockets.isEmpty else { return }
            let socket = WebSocketID(rawValue: script.pick(webSockets))
            server.receive(text: text(&script), from: socket, at: now)
        case 7:
            guard !webSockets.isEmpty else { return }
            let socket = WebSocketID(rawValue: script.pick(webSockets))
            server.receive(binary: script.take(Int(script.byte() % 12)), from: socket, at: now)
        case 8: lose(&script)
        case 9: advance(milliseconds: UInt64(script.uint16()))
        case 10, 11: speak(&script)
        default: if script.byte() == 0xFF { server.drain(at: now) }
        }
        drain()
    }

    // MARK: - What clients do

    private func query(_ script: inout Script, sid: String?) -> String {
        let form = script.pick(["EIO=4", "EIO=3", "EIO=3&b64=1", "EIO=3&j=1", "EIO=3&t=1795189086758-0", "EIO=2"])
        return "\(form)&transport=polling" + (sid.map { "&sid=\($0)" } ?? "")
    }

    private func text(_ script: inout Script) -> [UInt8] {
        let choice = script.byte()
        if choice < 0xC0 { return Array(Self.words[Int(choice) % Self.words.count].utf8) }
        return Array(String(decoding: script.take(Int(choice & 0x3F)), as: UTF8.self).utf8)
    }

    private func payload(_ script: inout Script) -> [UInt8] {
        let form = script.byte()
        if form & 3 == 3 { return script.take(Int(script.byte() % 40)) }
        let texts = (0...(Int(form >> 2) % 5)).map { _ in text(&script) }
        if form & 3 == 0 { return Array(texts.joined(separator: [0x1E])) }
        return texts.flatMap { Array("\(String(decoding: $0, as: UTF8.self).utf16.count):".utf8) + $0 }
    }

    private mutating func request(
        _ method: HTTPMethod, _ query: String, _ body: [UInt8], _ script: inout Script
    ) {
        guard let target = RequestTarget("/socket.io/?\(query)") else { return }
        var headers = HTTPHeaders()
        if script.byte() & 7 == 7 { headers.append("content-type", "application/octet-stream") }
        last += 1
        requests.append(last)
        server.receive(
            HTTPRequest(method: method, target: target, headers: headers, body: body), id: RequestID(rawValue: last),
            from: script.pick(Self.visitors), at: now)
    }

    private mutating func openWebSocket(_ query: String, _ script: inout Script) {
        guard let target = RequestTarget("/socket.io/?\(query)") else { return }
        last += 1
        webSockets.append(last)
        let refusal = server.openWebSocket(
            WebSocketID(rawValue: last), for: HTTPRequest(method: .get, target: target),
            from: script.pick(Self.visitors), at: now)
        if refusal != nil { webSockets.removeLast() }
    }

    private mutating func lose(_ script: inout Script) {
        let index = Int(script.byte())
        if index & 1 == 0, !requests.isEmpty {
            server.abort(RequestID(rawValue: requests.remove(at: index / 2 % requests.count)), at: now)
        } else if !webSockets.isEmpty {
            server.webSocketClosed(WebSocketID(rawValue: webSockets.remove(at: index / 2 % webSockets.count)), at: now)
        }
    }

    private mutating func advance(milliseconds: UInt64) {
        let end = Instant(nanoseconds: now.nanoseconds + milliseconds * 1_000_000)
        var turns = 0
        while let deadline = server.nextDeadline, deadline <= end {
            now = max(now, deadline)
            server.handleDeadline(at: now)
            drain()
            turns += 1
            require(turns < 10_000, "time goes on")
        }
        now = end
    }

    // MARK: - What the application does

    private mutating func speak(_ script: inout Script) {
        let choice = script.byte()
        if choice & 1 == 0, !undecided.isEmpty {
            let socket = undecided.remove(at: Int(choice / 2) % undecided.count)
            if choice & 2 == 0 {
                sockets.append(socket)
                server.accept(socket)
            } else {
                server.refuse(socket, message: "no")
            }
            return
        }
        guard !sockets.isEmpty else { return }
        let socket = script.pick(sockets)
        let emission = SocketEmission([Array("1".utf8)[...]], attachments: choice & 0x80 == 0 ? [] : [[1, 2]])
        switch choice >> 1 & 7 {
        case 0, 1: server.emit("e", emission, to: sockets)
        case 2: if let id = server.ask("q", emission, of: socket) { questions.append((socket, id)) }
        case 3: server.acknowledge(AcknowledgementID(rawValue: 7), emission, to: socket)
        case 4: server.disconnect(socket, .closeTransport)
        default: server.disconnect(socket, .kick)
        }
    }

    // MARK: - What the machine says

    private mutating func drain() {
        while let output = server.nextOutput() {
            switch output {
            case .respond(let id, let response): answer(id.rawValue, response)
            case .sendText(let recipients, let bytes):
                require(!recipients.isEmpty, "somebody gets it")
                require(recipients.allSatisfy { webSockets.contains($0.rawValue) }, "text: to those who are there")
                require(String(validating: bytes, as: UTF8.self) != nil, "text is UTF-8")
                note(bytes)
            case .sendBinary(let recipients, _):
                require(recipients.allSatisfy { webSockets.contains($0.rawValue) }, "bytes: to those who are there")
            case .closeWebSocket(let socket, _):
                require(webSockets.contains(socket.rawValue), "only what is open is closed")
                webSockets.removeAll { $0 == socket.rawValue }
            case .connect(let connect):
                require(!sockets.contains(connect.socket), "a number is used once")
                if decides {
                    sockets.append(connect.socket)
                    server.accept(connect.socket)
                } else {
                    undecided.append(connect.socket)
                }
            case .event(let socket, let event):
                require(sockets.contains(socket), "events come from those who were let in")
                require(event.arguments.attachments.count <= 10, "few attachments")
            case .acknowledged(let socket, let id, _):
                let index = questions.firstIndex { $0 == (socket, id) }
                require(index != nil, "answers come to questions, once")
                if let index { questions.remove(at: index) }
            case .disconnected(let socket, _):
                require(sockets.contains(socket) || undecided.contains(socket), "the end comes once")
                sockets.removeAll { $0 == socket }
                undecided.removeAll { $0 == socket }
            }
        }
        require(server.liveCounts.sessions <= 6, "as many sessions as may be")
        require(server.liveCounts.sockets == sockets.count + undecided.count, "sockets are those that we know")
    }

    private mutating func answer(_ id: UInt64, _ response: HTTPResponse) {
        require(requests.contains(id), "a request is answered once, while it waits")
        requests.removeAll { $0 == id }
        note(response.body)
    }

    /// Learns the sid of a handshake.
    private mutating func note(_ text: [UInt8]) {
        let text = String(decoding: text, as: UTF8.self)
        guard let start = text.firstRange(of: "\"upgrades\""), let name = text.firstRange(of: "sid"), sids.count < 9,
            name.lowerBound < start.lowerBound
        else { return }
        let characters = text[name.upperBound...].utf8.drop { $0 == 0x22 || $0 == 0x3A || $0 == 0x5C }
        sids.append(String(decoding: characters.prefix(22), as: UTF8.self))
    }

    mutating func finish() {
        for socket in webSockets { server.webSocketClosed(WebSocketID(rawValue: socket), at: now) }
        webSockets = []
        drain()
        // Heartbeats of both revisions, and last words.
        advance(milliseconds: 60_000)
        drain()
        advance(milliseconds: 60_000)
        require(server.liveCounts == (0, 0), "when all is over nothing is left")
        require(requests.isEmpty, "every request has been answered")
        require(sockets.isEmpty && undecided.isEmpty, "every socket has ended")
    }
}
