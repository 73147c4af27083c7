import EventLoop
import LinuxSockets
import NetworkPrimitives

/// Requests for TURN credentials over HTTP/1.1 connections that stay open, one request under way on each.
final class CredentialTraffic {
    /// A connection and what has come of the response.
    private struct Exchange {
        var stream: Stream
        var response: [UInt8] = []
        var isConnected = false
    }

    private let options: SignalOptions
    private var poller: Poller
    private var exchanges: [Exchange] = []
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private var asked = 0
    private var answered = 0
    private var connectionsMade: UInt32 = 0

    init(_ options: SignalOptions) throws(SystemError) {
        self.options = options
        poller = try Poller()
    }

    func run() throws -> SignalOutcome {
        for index in 0..<(options.window ?? 16) {
            exchanges.append(Exchange(stream: try connect(index)))
        }
        let measureFrom = Clock.monotonic().nanoseconds + UInt64(options.warmup * 1e9)
        let end = measureFrom + UInt64(options.seconds * 1e9)
        var first: Reading?
        while true {
            let now = Clock.monotonic()
            if first == nil, now.nanoseconds >= measureFrom { first = reading() }
            if now.nanoseconds >= end { break }
            let count = try poller.wait(until: now.advanced(byMilliseconds: 100), now: now)
            for position in 0..<count { try serve(Int(poller.event(at: position).token)) }
        }
        guard let first else { throw SignalError.stalled("there was no time to measure") }
        return SignalOutcome(interval: Interval(from: first, to: reading()), sent: asked)
    }

    private func connect(_ index: Int) throws(SystemError) -> Stream {
        connectionsMade += 1
        let stream = try Stream(to: options.server, from: IPv4Address(rawValue: 0x7F01_0000 + connectionsMade))
        try poller.add(stream.raw, token: UInt64(index), interest: .writable)
        return stream
    }

    private func reading() -> Reading { Reading(pid: options.pid, delivered: answered, sent: asked) }

    private func serve(_ index: Int) throws {
        guard exchanges[index].isConnected else {
            exchanges[index].isConnected = true
            try poller.modify(exchanges[index].stream.raw, token: UInt64(index), interest: .readable)
            return try ask(index)
        }
        var span = buffer.mutableSpan
        var room = unsafe span.mutableBytes
        switch exchanges[index].stream.read(into: &room) {
        case .bytes(let count): exchanges[index].response += buffer[..<count]
        case .wouldBlock: return
        case .endOfStream: throw SignalError.client(.lost(nil))
        case .failed(let error): throw SignalError.client(.lost(error))
        }
        guard try isWhole(exchanges[index].response) else { return }
        let isLast = exchanges[index].response.isLast
        exchanges[index].response = []
        answered += 1
        guard isLast else { return try ask(index) }
        // Servers end a connection after some number of requests.
        exchanges[index].isConnected = false
        exchanges[index].stream = try connect(index)
    }

    private func ask(_ index: Int) throws(SignalError) {
        asked += 1
        let body = #"{"identity":"user-\#(asked)"}"#
        let request = """
            POST /v1/rooms/room-\(index)/credentials HTTP/1.1\r
            Host: \(options.server)\r
            Authorization: Bearer \(options.key)\r
            Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """
        guard exchanges[index].stream.write(Array(request.utf8)) else { throw .client(.blocked) }
    }

    /// Whether it is a whole response; it has to be a good one with credentials in it.
    private func isWhole(_ response: [UInt8]) throws(SignalError) -> Bool {
        let text = String(decoding: response, as: UTF8.self).lowercased()
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
        guard text.utf8.contains(UInt8(ascii: "\n")), parts.count == 2 else { return false }
        guard text.hasPrefix("http/1.1 201 ") else { throw .client(.refused(String(text.prefix(120)))) }
        let lengths = parts[0].split(separator: "\r\n").filter { $0.hasPrefix("content-length:") }
        guard let length = lengths.first?.split(separator: " ").last.flatMap({ Int($0) }) else {
            throw .client(.malformed)
        }
        guard parts[1].utf8.count >= length else { return false }
        guard parts[1].contains("credential") else { throw .client(.malformed) }
        return true
    }
}

extension [UInt8] {
    /// Whether a response says that it is the last one of its connection.
    fileprivate var isLast: Bool { String(decoding: self, as: UTF8.self).lowercased().contains("connection: close") }
}
