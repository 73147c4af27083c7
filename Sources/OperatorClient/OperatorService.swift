import NetworkPrimitives

/// How a running server is spoken to.
package enum OperatorService: Equatable, Sendable {
    /// By its control socket: whoever may write to it may ask.
    case socket(path: String)
    /// By the port of signaling, with an operator's key.
    case url(ServiceURL, key: String)

    /// As messages name it.
    package var name: String {
        switch self {
        case .socket(let path): path
        case .url(let url, _): "\(url)"
        }
    }
}

/// `http://host[:port]`.
package struct ServiceURL: Equatable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Why a text is none.
    package enum ParseError: Error, Equatable, Sendable {
        /// It is `https://`, which the commands do not speak.
        case encrypted
        case malformed
    }

    package init(parsing text: String) throws(ParseError) {
        if text.lowercased().hasPrefix("https://") { throw .encrypted }
        guard text.lowercased().hasPrefix("http://") else { throw .malformed }
        var rest = text.dropFirst(7)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.isEmpty, !rest.contains(where: { "/?#@ ".contains($0) }) else { throw .malformed }
        if let address = SocketAddress(String(rest)) {
            host = "\(address.ip)"
            port = address.port
        } else if rest.hasPrefix("["), rest.hasSuffix("]"), let ip = IPAddress(String(rest.dropFirst().dropLast())) {
            host = "\(ip)"
            port = 80
        } else if let colon = rest.lastIndex(of: ":") {
            guard let number = UInt16(rest[rest.index(after: colon)...]), number > 0, colon > rest.startIndex,
                !rest[..<colon].contains(":")
            else { throw .malformed }
            host = String(rest[..<colon])
            port = number
        } else {
            host = String(rest)
            port = 80
        }
    }

    package var description: String { "http://\(authority)" }

    /// For the Host header (RFC 9110 §7.2).
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A question to a running server.
package struct OperatorRequest: Equatable, Sendable {
    /// As HTTP spells it.
    /// As HTTP has it.
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    package let method: Method
    package let path: String
    package var body: [UInt8] = []

    /// `segments` are the path, and are escaped here.
    package init(_ method: Method, _ segments: String..., query: [(String, String)] = [], body: [UInt8] = []) {
        self.method = method
        let path = segments.map { "/" + Self.escape($0) }.joined()
        let question = query.map { "\($0.0)=\(Self.escape($0.1))" }.joined(separator: "&")
        self.path = question.isEmpty ? path : "\(path)?\(question)"
        self.body = body
    }

    /// RFC 3986 §2.3: all but the unreserved bytes.
    private static func escape(_ text: String) -> String {
        var bytes: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func bytes(for service: OperatorService) -> [UInt8] {
        var lines = ["\(method.rawValue) \(path) HTTP/1.1", "Connection: close", "Accept: application/json"]
        switch service {
        case .socket: lines.append("Host: localhost")
        case .url(let url, let key): lines += ["Host: \(url.authority)", "Authorization: Bearer \(key)"]
        }
        if method != .get { lines.append("Content-Length: \(body.count)") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }
}

extension OperatorService {
    /// Why a question got no answer.
    package enum Failure: Error, Equatable, Sendable {
        case link(LinkFailure)
        case answer(HTTPAnswerError)
    }

    /// Asks, and waits for the answer.
    package func ask(_ request: OperatorRequest, milliseconds: Int = 10_000) throws(Failure) -> HTTPAnswer {
        var reader = HTTPAnswerReader()
        do {
            let link = try connect(milliseconds: milliseconds)
            try link.send(request.bytes(for: self), milliseconds: milliseconds)
            while true {
                let piece = try link.receive(milliseconds: milliseconds)
                guard !piece.isEmpty else { return try reader.finish() }
                if let answer = try reader.take(piece) { return answer }
            }
        } catch let failure as LinkFailure {
            throw .link(failure)
        } catch let failure as HTTPAnswerError {
            throw .answer(failure)
        } catch {
            throw .answer(.notHTTP)
        }
    }

    private func connect(milliseconds: Int) throws(LinkFailure) -> Link {
        switch self {
        case .socket(let path): return try Link(to: Link.Destination(unix: path), milliseconds: milliseconds)
        case .url(let url, _):
            var last = LinkFailure.refused
            for ip in try Link.resolve(url.host) {
                do {
                    let address = SocketAddress(ip: ip, port: url.port)
                    return try Link(to: Link.Destination(.tcp, address), milliseconds: milliseconds)
                } catch { last = error }
            }
            throw last
        }
    }
}
