import HTTP

/// The HTTP responses of Engine.IO.
enum PollResponse {
    /// What a poll is answered with.
    static func make(
        _ frames: [EngineFrame], _ form: EngineSession.PollForm, _ version: EngineVersion
    ) -> HTTPResponse {
        let isBinary =
            switch form {
            case .text, .script: false
            case .binary: true
            // Clients 1.4 to 1.7 take text for Latin-1 and then once more for UTF-8: what is not ASCII goes as bytes.
            case .textOrBinary: !EnginePayload.isPlain(frames)
            }
        if isBinary {
            return fresh(HTTPResponse(type: "application/octet-stream", body: EnginePayload.encode(binary: frames)))
        }
        let text = EnginePayload.encode(text: frames, version: version)
        guard case .script(let index) = form else {
            return fresh(HTTPResponse(type: "text/plain; charset=UTF-8", body: text))
        }
        var response = HTTPResponse(
            type: "text/javascript; charset=UTF-8", body: JSONPolling.script(text, index: index))
        response.headers.append("X-Content-Type-Options", "nosniff")
        return fresh(response)
    }

    /// What a request with packets is answered with. As text/plain some browsers would offer it as a download.
    static var accepted: HTTPResponse { fresh(HTTPResponse(type: "text/html", body: Array("ok".utf8))) }

    /// A refusal without words, for requests that break a rule of the session.
    static func empty(_ status: HTTPStatus) -> HTTPResponse { fresh(.empty(status)) }

    /// A refusal as the reference words it.
    static func refusal(_ refusal: EngineRefusal) -> HTTPResponse {
        fresh(.json(Array(refusal.json.utf8), refusal.status))
    }

    private static func fresh(_ response: HTTPResponse) -> HTTPResponse {
        var response = response
        response.headers.append("Cache-Control", "no-store")
        return response
    }
}

/// Why a request is refused; clients show code and message.
enum EngineRefusal: Error, Hashable {
    case transportUnknown
    case sessionUnknown
    case badHandshakeMethod
    case badRequest
    case forbidden(String)
    case unsupportedVersion
    case tooManySessions
    case draining

    var status: HTTPStatus {
        switch self {
        case .transportUnknown, .sessionUnknown, .badHandshakeMethod, .badRequest, .unsupportedVersion: .badRequest
        case .forbidden: .forbidden
        case .tooManySessions, .draining: .serviceUnavailable
        }
    }

    /// The numbers are the reference's; what it does not know it would call forbidden.
    var json: String {
        switch self {
        case .transportUnknown: #"{"code":0,"message":"Transport unknown"}"#
        case .sessionUnknown: #"{"code":1,"message":"Session ID unknown"}"#
        case .badHandshakeMethod: #"{"code":2,"message":"Bad handshake method"}"#
        case .badRequest: #"{"code":3,"message":"Bad request"}"#
        case .forbidden(let message): #"{"code":4,"message":"\#(Self.plain(message))"}"#
        case .unsupportedVersion: #"{"code":5,"message":"Unsupported protocol version"}"#
        case .tooManySessions: #"{"code":4,"message":"Too many sessions"}"#
        case .draining: #"{"code":4,"message":"Server is stopping"}"#
        }
    }

    /// The message is the host's, not a stranger's; this only keeps a quote in it from breaking the text.
    private static func plain(_ message: String) -> String {
        String(decoding: message.utf8.filter { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }, as: UTF8.self)
    }
}
