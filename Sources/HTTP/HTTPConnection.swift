package import NetworkPrimitives

/// The server's end of one HTTP/1.1 connection (RFC 9112): bytes and time in, requests out, responses in, bytes out.
/// It owns no socket and no clock.
///
/// After each `receive`, `endOfInput`, `respond` and deadline: call `nextEvent` until it says nil, then close if
/// `isClosed` once everything has been sent. A connection that waits for its next request holds no buffer.
package struct HTTPConnection: Sendable {
    private enum Phase: Sendable {
        /// Between requests, or within a head.
        case head
        case body(RequestHead)
        case chunkedBody(RequestHead, ChunkedBody)
        /// A request was handed out.
        case responding(keepsAlive: Bool, ResponseForm)
        /// A refusal was handed out; nothing more is read.
        case refusing(ResponseForm)
        case upgraded
        case closed
    }

    private let limits: HTTPLimits
    private var phase = Phase.head
    private var scanner = HeadScanner()
    /// What has arrived and is not part of a request yet.
    private var buffer: [UInt8] = []
    /// When the connection became idle, the head began, or the head was complete: what the deadline counts from.
    private var idleSince: Instant
    private var begunAt: Instant
    private var requestCount = 0
    /// More requests arrived ahead of their turn than are kept.
    private var hasOverflowed = false
    private var hasInputEnded = false
    /// Whether the client ended its side within a request.
    package private(set) var wasTruncated = false

    package init(limits: HTTPLimits = HTTPLimits(), at now: Instant) {
        precondition((1...1 << 24).contains(limits.headByteCountMax), "offsets in a head have 32 bits")
        precondition((0...1 << 40).contains(limits.bodyByteCountMax), "a chunk's size is compared before it overflows")
        self.limits = limits
        idleSince = now
        begunAt = now
    }

    // MARK: - Inputs

    /// Bytes from the client. Call `nextEvent` before there are more.
    package mutating func receive(_ bytes: RawSpan, at now: Instant) {
        guard !bytes.isEmpty, wantsInput else {
            if case .responding = phase, !bytes.isEmpty { overflow() }
            return
        }
        if isIdle { begunAt = now }
        unsafe bytes.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
        boundWaiting()
    }

    /// The client sends nothing more. What it sent before is still answered.
    package mutating func endOfInput() {
        hasInputEnded = true
        if isIdle { phase = .closed }
    }

    /// Gives up on what was received and not handed out, between requests or within one: it is never answered. A
    /// request that was handed out is to be answered first.
    package mutating func stop() {
        switch phase {
        case .head, .body, .chunkedBody: close()
        case .responding: overflow()
        case .refusing, .upgraded, .closed: break
        }
    }

    /// Call when `deadline` has come: an idle connection ends in silence, and a request that takes too long gets 408.
    package mutating func handleDeadline(at now: Instant) -> HTTPEvent? {
        guard let deadline, deadline <= now else { return nil }
        guard isIdle else { return refuse(.tooSlow) }
        phase = .closed
        return nil
    }

    // MARK: - Outputs

    /// The next request or refusal, if there is one.
    package mutating func nextEvent(at now: Instant) -> HTTPEvent? {
        let event: HTTPEvent?
        switch phase {
        case .head: event = readHead(at: now)
        case .body(let head): event = readBody(head)
        case .chunkedBody(let head, let body): event = readChunkedBody(head, body)
        case .responding, .refusing, .upgraded, .closed: return nil
        }
        if event == nil, hasInputEnded { endWithinRequest() }
        return event
    }

    /// The pieces, to be sent in order, of the response to the request, or the refusal, that was handed out last.
    /// Date, Content-Length and Connection are added; the response's own are left out, except that `Connection:
    /// close` in it is obeyed.
    package mutating func respond(_ response: HTTPResponse, at now: Instant, unixTime: UnixTime) -> [[UInt8]] {
        precondition(response.status.code >= 200, "interim responses are not for handlers")
        switch phase {
        case .responding(let keepsAlive, var form):
            let goesOn =
                keepsAlive && !hasOverflowed && requestCount < limits.requestsPerConnectionMax
                && !(hasInputEnded && buffer.isEmpty)
                && !response.headers.contains(token: "close", in: "connection")
            if goesOn {
                phase = .head
                idleSince = now
                begunAt = now
            } else {
                form.persistence = .close
                close()
            }
            return form.pieces(response, date: unixTime)
        case .refusing(let form):
            close()
            return form.pieces(response, date: unixTime)
        case .head, .body, .chunkedBody, .upgraded, .closed:
            preconditionFailure("a response answers a request that was handed out")
        }
    }

    /// The bytes of a response that ends HTTP on this connection (101), and what the client sent behind its request.
    /// Nil when that was more than is kept: answer the request some other way.
    package mutating func upgrade(_ response: HTTPResponse) -> (bytes: [UInt8], remainder: [UInt8])? {
        precondition(response.status == .switchingProtocols, "only 101 changes the protocol")
        guard case .responding = phase else { preconditionFailure("an upgrade answers a request") }
        guard !hasOverflowed else { return nil }
        phase = .upgraded
        let remainder = buffer
        buffer = []
        return (ResponseForm.upgradeBytes(response), remainder)
    }

    // MARK: - Queries

    /// When to call `handleDeadline`; nil while a request is being answered.
    package var deadline: Instant? {
        switch phase {
        case .head where buffer.isEmpty: idleSince.advanced(bySeconds: limits.idleSeconds)
        case .head: begunAt.advanced(bySeconds: limits.headSeconds)
        case .body, .chunkedBody: begunAt.advanced(bySeconds: limits.bodySeconds)
        case .responding, .refusing, .upgraded, .closed: nil
        }
    }

    /// Whether nothing of a request has arrived and none is being answered: it can be closed without loss.
    package var isIdle: Bool {
        if case .head = phase { buffer.isEmpty } else { false }
    }

    /// Whether HTTP is over: close once everything has been sent. Read on until the client ends its side too, or bytes
    /// that were not read make the kernel take the response back (RFC 9112 §9.6).
    package var isClosed: Bool {
        if case .closed = phase { true } else { false }
    }

    /// Whether bytes are of use now. While it is false, what arrives had better stay in the kernel: a client that has
    /// sent more requests ahead than are kept loses those behind the one in hand.
    package var wantsInput: Bool {
        switch phase {
        case .head, .body, .chunkedBody: true
        case .responding: !hasOverflowed && buffer.count < limits.pipelinedByteCountMax
        case .refusing, .upgraded, .closed: false
        }
    }

    /// Bytes of requests that are kept now.
    package var heldByteCount: Int {
        if case .chunkedBody(_, let body) = phase { buffer.count + body.bytes.count } else { buffer.count }
    }

    // MARK: - Reading

    private mutating func readHead(at now: Instant) -> HTTPEvent? {
        guard !buffer.isEmpty else { return nil }
        var scanner = self.scanner
        let outcome = scanner.scan(buffer.span, limits: limits)
        switch outcome {
        case .incomplete:
            self.scanner = scanner
            // An empty line alone is nothing to keep.
            if scanner.start == buffer.count {
                buffer = []
                self.scanner = HeadScanner(hasSkippedEmptyLine: true)
            }
            return nil
        case .refused(let refusal): return refuse(refusal)
        case .complete(let range):
            self.scanner = HeadScanner()
            let bytes = takeFromBuffer(range)
            let isHead = bytes.starts(with: "HEAD ".utf8)
            do throws(HTTPRefusal) {
                return begin(try RequestHead(parsing: consume bytes, limits: limits), at: now)
            } catch {
                return refuse(error, isHead: isHead)
            }
        }
    }

    private mutating func begin(_ head: RequestHead, at now: Instant) -> HTTPEvent? {
        begunAt = now
        switch head.bodyLength {
        case .none: return deliver(head, [])
        case .bytes: phase = .body(head)
        case .chunked: phase = .chunkedBody(head, ChunkedBody())
        }
        if head.expectsContinue { return .continueExpected(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
        return nextEvent(at: now)
    }

    private mutating func readBody(_ head: RequestHead) -> HTTPEvent? {
        guard case .bytes(let count) = head.bodyLength, buffer.count >= count else { return nil }
        return deliver(head, takeFromBuffer(0..<count))
    }

    private mutating func readChunkedBody(_ head: RequestHead, _ body: consuming ChunkedBody) -> HTTPEvent? {
        // Only one owner of its bytes at a time, or they would be copied when they grow.
        phase = .closed
        var position = 0
        switch body.consume(buffer.span, from: &position, limits: limits) {
        case .incomplete:
            buffer = []
            phase = .chunkedBody(head, body)
            return nil
        case .complete:
            _ = takeFromBuffer(0..<position)
            return deliver(head, body.bytes)
        case .refused(let refusal): return refuse(refusal, isHead: head.method == .head)
        }
    }

    private mutating func deliver(_ head: RequestHead, _ body: [UInt8]) -> HTTPEvent? {
        requestCount += 1
        phase = .responding(
            keepsAlive: head.keepsAlive,
            ResponseForm(
                omitsBody: head.method == .head, persistence: head.minorVersion == 0 ? .keepAlive : .implied))
        boundWaiting()
        return .request(
            HTTPRequest(
                method: head.method, target: head.target, minorVersion: head.minorVersion, headers: head.headers,
                host: head.host, body: body))
    }

    private mutating func refuse(_ refusal: HTTPRefusal, isHead: Bool = false) -> HTTPEvent {
        buffer = []
        phase = .refusing(ResponseForm(omitsBody: isHead, persistence: .close))
        return .refused(refusal.response)
    }

    // MARK: - Buffer

    /// The bytes of the range; they and all before them leave the buffer. What is left is nearly always nothing.
    private mutating func takeFromBuffer(_ range: Range<Int>) -> [UInt8] {
        if range == 0..<buffer.count {
            let bytes = buffer
            buffer = []
            return bytes
        }
        let bytes = Array(buffer[range])
        buffer = range.upperBound == buffer.count ? [] : Array(buffer[range.upperBound...])
        return bytes
    }

    private mutating func boundWaiting() {
        if case .responding = phase, buffer.count > limits.pipelinedByteCountMax { overflow() }
    }

    private mutating func overflow() {
        hasOverflowed = true
        buffer = []
    }

    private mutating func endWithinRequest() {
        wasTruncated = !isIdle
        close()
    }

    private mutating func close() {
        phase = .closed
        buffer = []
    }
}
