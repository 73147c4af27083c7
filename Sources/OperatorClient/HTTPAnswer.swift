/// An answer of the server to one request, read to the end of the connection.
///
/// The server's own parser reads requests. This is the least that reads its answers: HTTP/1.1 with Content-Length or
/// the end of the connection as the end of the body (RFC 9112 §6.3), which is what a request with `Connection: close`
/// is answered with.
package struct HTTPAnswer: Equatable, Sendable {
    package let status: Int
    package let body: [UInt8]

    package init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }

    package var isSuccess: Bool { (200...299).contains(status) }
}

/// Why bytes are not an answer.
package enum HTTPAnswerError: Error, Equatable, Sendable {
    /// The connection ended before the answer did.
    case cutShort
    /// Something else than HTTP listens there, or it speaks a form of it that is not read here.
    case notHTTP
    case tooLong
}

/// Takes the bytes of an answer as they come.
package struct HTTPAnswerReader: Sendable {
    /// Of the head. Tern's are a few hundred bytes.
    package static let headByteCountMax = 16_384
    /// Of the body: a hundred thousand allocations are 40 MB.
    package static let bodyByteCountMax = 128 << 20

    private var bytes: [UInt8] = []
    private var head: Head?

    private struct Head {
        let status: Int
        let bodyStart: Int
        /// Nil when the end of the connection is the end of the body.
        let bodyByteCount: Int?
    }

    package init() {}

    /// Takes what came. The answer, once it is complete.
    package mutating func take(_ piece: [UInt8]) throws(HTTPAnswerError) -> HTTPAnswer? {
        bytes += piece
        if head == nil {
            guard let end = endOfHead() else {
                guard bytes.count <= Self.headByteCountMax else { throw .tooLong }
                guard looksLikeHTTP else { throw .notHTTP }
                return nil
            }
            guard end <= Self.headByteCountMax else { throw .tooLong }
            head = try parseHead(upTo: end)
        }
        guard let head else { return nil }
        guard bytes.count - head.bodyStart <= Self.bodyByteCountMax else { throw .tooLong }
        guard let count = head.bodyByteCount, bytes.count - head.bodyStart >= count else { return nil }
        return HTTPAnswer(status: head.status, body: Array(bytes[head.bodyStart..<head.bodyStart + count]))
    }

    /// The answer, at the end of the connection.
    package func finish() throws(HTTPAnswerError) -> HTTPAnswer {
        guard let head, head.bodyByteCount == nil else { throw .cutShort }
        return HTTPAnswer(status: head.status, body: Array(bytes[head.bodyStart...]))
    }

    private static let beginning = Array("HTTP/1.".utf8)

    private var looksLikeHTTP: Bool {
        bytes.prefix(Self.beginning.count).elementsEqual(Self.beginning.prefix(bytes.count))
    }

    /// Where the body begins.
    private func endOfHead() -> Int? {
        guard bytes.count >= 4 else { return nil }
        let end: [UInt8] = [13, 10, 13, 10]
        for start in 0...min(bytes.count - 4, Self.headByteCountMax) where bytes[start..<start + 4].elementsEqual(end) {
            return start + 4
        }
        return nil
    }

    private func parseHead(upTo end: Int) throws(HTTPAnswerError) -> Head {
        let lines = String(decoding: bytes[..<(end - 4)], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3, let status = Int(words[1]),
            (200...599).contains(status)
        else { throw .notHTTP }
        // RFC 9110 §15.3.5: nothing follows it.
        if status == 204 { return Head(status: status, bodyStart: end, bodyByteCount: 0) }
        var byteCount: Int?
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw .notHTTP }
            let value = line[line.index(after: colon)...].filter { $0 != " " && $0 != "\t" }
            switch line[..<colon].lowercased() {
            case "content-length":
                guard let count = Int(value), count >= 0 else { throw .notHTTP }
                guard count <= Self.bodyByteCountMax else { throw .tooLong }
                byteCount = count
            case "transfer-encoding": throw .notHTTP
            default: break
            }
        }
        return Head(status: status, bodyStart: end, bodyByteCount: byteCount)
    }
}
