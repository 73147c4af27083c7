import NetworkPrimitives

/// How a response is written, which the request and the connection decide.
struct ResponseForm: Sendable {
    /// Whether the connection goes on (RFC 9112 §9.3), and whether that has to be said.
    enum Persistence: Hashable, Sendable {
        case implied
        /// To HTTP/1.0 clients, which close otherwise.
        case keepAlive
        case close
    }

    /// The answer to HEAD: everything but the content.
    var omitsBody = false
    var persistence = Persistence.implied

    private static let copiedByteCountMax = 2048

    /// Fields that are ours to say.
    private static let own: Set<String> = [
        "connection", "keep-alive", "date", "content-length", "transfer-encoding",
    ]

    /// The head, and the content if there is any. The content is not copied: many clients may be sent the same.
    func pieces(_ response: HTTPResponse, date: UnixTime) -> [[UInt8]] {
        var output = Self.statusLine(response.status)
        output.reserveCapacity(512)
        output.append(contentsOf: "Date: \(HTTPDate.text(date))\r\n".utf8)
        // RFC 9110 §8.6: 1xx and 204 have no length at all; that of 304 would be of something else.
        if !response.status.isBodiless {
            output.append(contentsOf: "Content-Length: \(response.body.count)\r\n".utf8)
        }
        switch persistence {
        case .implied: break
        case .keepAlive: output.append(contentsOf: "Connection: keep-alive\r\n".utf8)
        case .close: output.append(contentsOf: "Connection: close\r\n".utf8)
        }
        response.headers.write(to: &output) { Self.own.contains($0) }
        output.append(contentsOf: "\r\n".utf8)
        guard !omitsBody, !response.status.isBodiless, !response.body.isEmpty else { return [output] }
        // A short answer is one piece, as most are.
        guard response.body.count > Self.copiedByteCountMax else { return [output + response.body] }
        return [output, response.body]
    }

    /// A response that changes the protocol has no content and says itself what becomes of the connection.
    static func upgradeBytes(_ response: HTTPResponse) -> [UInt8] {
        var output = statusLine(response.status)
        response.headers.write(to: &output) { _ in false }
        output.append(contentsOf: "\r\n".utf8)
        return output
    }

    private static func statusLine(_ status: HTTPStatus) -> [UInt8] {
        Array("HTTP/1.1 \(status.code) \(status.reason)\r\n".utf8)
    }
}
