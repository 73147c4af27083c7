import Containers
import HTTP
import NetworkPrimitives

/// What any client sends, cut in any way: the same requests and refusals come of it, and no more is held than the
/// limits say.
package func checkHTTP(_ input: RawSpan) {
    var script = Script(input.array())
    let limits = limits(script.byte())
    let seed = UInt64(script.byte())
    let stream = script.rest()

    var unhurried = limits
    // Requests that wait are cut off by how the bytes arrive, which is another promise, below.
    unhurried.pipelinedByteCountMax = stream.count
    let whole = HTTPTranscript(stream, cuts: [], unhurried)
    let single = HTTPTranscript(stream, cuts: Array(0..<stream.count), unhurried)
    var random = SplitMix64(seed: seed)
    let cuts = (0..<stream.count).filter { _ in random.next() & 7 == 0 }
    let some = HTTPTranscript(stream, cuts: cuts, unhurried)
    require(whole == single, "one byte at a time makes no difference")
    require(whole == some, "cuts make no difference")
    whole.events.forEach(checkEvent)
    checkWaiting(stream, cuts, limits)
}

private func limits(_ options: UInt8) -> HTTPLimits {
    var limits = HTTPLimits()
    if options & 1 != 0 { limits.headByteCountMax = 120 }
    if options & 2 != 0 { limits.headerCountMax = 3 }
    if options & 4 != 0 { limits.bodyByteCountMax = 20 }
    if options & 8 != 0 { limits.targetByteCountMax = 16 }
    if options & 16 != 0 { limits.requestsPerConnectionMax = 2 }
    limits.pipelinedByteCountMax = options & 32 != 0 ? 40 : 400
    return limits
}

/// What came of a stream, and the promises that hold at each step.
private struct HTTPTranscript: Equatable {
    private(set) var events: [HTTPEvent] = []
    private(set) var isClosed = false
    private(set) var wasTruncated = false

    init(_ stream: [UInt8], cuts: [Int], _ limits: HTTPLimits) {
        var connection = HTTPConnection(limits: limits, at: .zero)
        let bounds = [0] + cuts + [stream.count]
        for (start, end) in zip(bounds, bounds.dropFirst()) {
            connection.receive(stream.span.extracting(start..<end).bytes, at: .zero)
            drain(&connection)
            require(
                connection.heldByteCount <= max(limits.headByteCountMax + 2, limits.bodyByteCountMax),
                "no more is held than a head or a body")
            require(connection.isClosed || connection.deadline != nil, "who waits does not wait for ever")
            require(!connection.isIdle || connection.heldByteCount == 0, "an idle connection holds nothing")
        }
        connection.endOfInput()
        drain(&connection)
        require(connection.isClosed, "nothing is waited for behind the end")
        require(connection.heldByteCount == 0, "a connection that is over holds nothing")
        isClosed = connection.isClosed
        wasTruncated = connection.wasTruncated
    }

    private mutating func drain(_ connection: inout HTTPConnection) {
        while let event = connection.nextEvent(at: .zero) {
            events.append(event)
            switch event {
            case .continueExpected: break
            case .refused(let response):
                let bytes = Array(connection.respond(response, at: .zero, unixTime: UnixTime(seconds: 0)).joined())
                // What was refused may have been HEAD.
                checkResponse(bytes, response, [0, response.body.count])
                require(connection.isClosed, "a refusal is the end")
            case .request(let request):
                // A response that says again what the client said.
                var response = HTTPResponse.text(request.target.path)
                response.headers.append("X-Path", HTTPFieldValue(cleaning: request.target.segments.joined()))
                for (_, value) in request.headers.all { response.headers.append("X", HTTPFieldValue(cleaning: value)) }
                let bytes = Array(connection.respond(response, at: .zero, unixTime: UnixTime(seconds: 0)).joined())
                checkResponse(bytes, response, [request.method == .head ? 0 : response.body.count])
            }
        }
    }
}

private func checkEvent(_ event: HTTPEvent) {
    guard case .request(let request) = event else { return }
    let headers = request.headers
    let lengths = headers.values(of: "content-length")
    let codings = headers.values(of: "transfer-encoding")
    require(headers.values(of: "host").count <= 1, "there is one host")
    require(request.minorVersion == 0 || headers.has("host"), "HTTP/1.1 names its host")
    require(lengths.count + codings.count <= 1, "there is one length")
    if let length = lengths.first { require(Int(length) == request.body.count, "the body is as long as was said") }
    if let coding = codings.first { require(coding.lowercased() == "chunked", "there is one coding") }
    if lengths.isEmpty, codings.isEmpty { require(request.body.isEmpty, "without a length there is no body") }
    for (name, value) in headers.all {
        require(!name.isEmpty && name == name.lowercased(), "names are lower-case")
        require(HTTPFieldValue(value) != nil, "values have no control bytes")
    }
    let target = request.target
    require(target.path == "*" || target.path.hasPrefix("/"), "a target is a path")
    require(target.segments.count <= RequestTarget.segmentsMax, "paths are not too deep")
    for segment in target.segments {
        require(segment != "." && segment != "..", "a path does not climb")
        require(!segment.utf8.contains { $0 < 0x20 || [0x2F, 0x5C, 0x7F].contains($0) }, "a path hides nothing")
    }
    for (name, value) in target.query {
        require(target.query(name) != nil, "what is in the query is found")
        require(
            name.utf8.count + value.utf8.count <= 3 * target.rawQuery!.utf8.count, "decoding adds no more than marks")
    }
}

/// A response is one head and the content that it tells of, whatever stands in it.
private func checkResponse(_ bytes: [UInt8], _ response: HTTPResponse, _ contentByteCounts: [Int]) {
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = text.utf8.split(
        separator: 0x0A, maxSplits: response.headers.count + 5, omittingEmptySubsequences: false
    )
    .map { String(decoding: $0, as: UTF8.self) }
    require(lines[0] == "HTTP/1.1 \(response.status.code) \(response.status.reason)\r", "a status line comes first")
    guard let end = lines.firstIndex(of: "\r") else { fatalError("broken promise: a head ends") }
    // Date and length, and perhaps what becomes of the connection.
    require((response.headers.count + 3...response.headers.count + 4).contains(end), "no header adds a line")
    require(lines[1..<end].allSatisfy { $0.contains(": ") && $0.hasSuffix("\r") }, "lines are fields")
    require(lines[1..<end].contains("Content-Length: \(response.body.count)\r"), "the length is told")
    let head = lines[...end].map { $0.utf8.count + 1 }.reduce(0, +)
    require(contentByteCounts.contains(bytes.count - head), "nothing but the content follows")
}

/// A client that does not wait for answers: what it sends ahead is kept up to a limit, and answered in its order.
private func checkWaiting(_ stream: [UInt8], _ cuts: [Int], _ limits: HTTPLimits) {
    var connection = HTTPConnection(limits: limits, at: .zero)
    let bounds = [0] + cuts + [stream.count]
    var waiting: HTTPEvent?
    for (start, end) in zip(bounds, bounds.dropFirst()) {
        connection.receive(stream.span.extracting(start..<end).bytes, at: .zero)
        guard waiting == nil else {
            require(connection.heldByteCount <= limits.pipelinedByteCountMax, "only so much waits")
            continue
        }
        while waiting == nil, let event = connection.nextEvent(at: .zero) {
            if case .continueExpected = event { continue }
            waiting = event
        }
        require(waiting == nil || connection.heldByteCount <= limits.pipelinedByteCountMax, "only so much waits")
    }
    guard waiting != nil else {
        let late = Instant.zero.advanced(bySeconds: 3600)
        let isIdle = connection.isIdle
        let event = connection.handleDeadline(at: late)
        require(isIdle == (event == nil), "an idle connection ends in silence, and others get an answer")
        return
    }
    require(connection.nextEvent(at: .zero) == nil, "one request at a time")
    if case .request = waiting, let upgrade = connection.upgrade(.empty(.switchingProtocols)) {
        require(stream.suffix(upgrade.remainder.count).elementsEqual(upgrade.remainder), "an upgrade loses nothing")
        require(connection.nextEvent(at: .zero) == nil, "HTTP is over")
    }
}
