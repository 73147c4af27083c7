import HTTP
import NetworkPrimitives
import TestSupport

/// A client and one connection of the server, at a time that stands still.
struct Dialogue {
    /// The example of RFC 9110 §5.6.7: Sun, 06 Nov 1994 08:49:37 GMT.
    static let date = UnixTime(seconds: 784_111_777)
    static let start = Instant(nanoseconds: 5_000_000_000)

    var connection: HTTPConnection
    var now = Dialogue.start

    init(_ limits: HTTPLimits = HTTPLimits()) { connection = HTTPConnection(limits: limits, at: now) }

    /// Sends all bytes at once.
    mutating func send(_ bytes: [UInt8]) -> Outcome {
        connection.receive(bytes.span.bytes, at: now)
        return next()
    }

    mutating func send(_ text: String) -> Outcome { send(Array(text.utf8)) }

    /// Sends one byte at a time, up to the first event.
    mutating func trickle(_ bytes: [UInt8]) -> Outcome {
        for byte in bytes {
            let outcome = send([byte])
            if outcome != .nothing { return outcome }
        }
        return .nothing
    }

    mutating func next() -> Outcome { Outcome(connection.nextEvent(at: now)) }

    mutating func respond(_ response: HTTPResponse = .text("hi")) -> String {
        String(decoding: connection.respond(response, at: now, unixTime: Self.date).joined(), as: UTF8.self)
    }

    mutating func wait(seconds: UInt32) { now = now.advanced(bySeconds: seconds) }

    mutating func deadline() -> Outcome { Outcome(connection.handleDeadline(at: now)) }
}

/// What one call came to, in a form that reads well where a test fails.
enum Outcome: Equatable {
    case nothing
    case request(HTTPRequest)
    case goOn
    case refused(UInt16)

    init(_ event: HTTPEvent?) {
        switch event {
        case nil: self = .nothing
        case .request(let request): self = .request(request)
        case .continueExpected(let bytes):
            precondition(bytes.elementsEqual("HTTP/1.1 100 Continue\r\n\r\n".utf8))
            self = .goOn
        case .refused(let response): self = .refused(response.status.code)
        }
    }

    var request: HTTPRequest? { if case .request(let request) = self { request } else { nil } }

    var isRequest: Bool { request != nil }

    var body: String? { request.map { String(decoding: $0.body, as: UTF8.self) } }
}

/// What these bytes come to on a connection of their own. They are also sent one by one, which must come to the same.
func outcome(_ text: String, _ limits: HTTPLimits = HTTPLimits()) -> Outcome { outcome(Array(text.utf8), limits) }

func outcome(_ bytes: [UInt8], _ limits: HTTPLimits = HTTPLimits()) -> Outcome {
    var whole = Dialogue(limits)
    var pieces = Dialogue(limits)
    let outcome = whole.send(bytes)
    let trickled = pieces.trickle(bytes)
    precondition(outcome == trickled, "cutting bytes changed \(outcome) to \(trickled)")
    return outcome
}

/// A request with these header lines behind a Host.
func get(_ lines: String...) -> String {
    "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// A POST with these header lines behind a Host, and what follows the head.
func post(_ lines: String..., then body: String) -> String {
    "POST / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n" + body
}

/// A chunked POST with this as its body.
func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked", then: body) }
