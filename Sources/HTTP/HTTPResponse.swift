/// An answer. What depends on the connection (Date, Content-Length, Connection) is added when it is sent.
package struct HTTPResponse: Equatable, Sendable {
    package var status: HTTPStatus
    package var headers: HTTPHeaders
    /// The content. The answer to HEAD has the same one as to GET; it is counted and not sent.
    package var body: [UInt8]

    package init(_ status: HTTPStatus, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Without content.
    package static func empty(_ status: HTTPStatus) -> HTTPResponse { HTTPResponse(status) }

    /// Plain text.
    package static func text(_ text: String, _ status: HTTPStatus = .ok) -> HTTPResponse {
        HTTPResponse(status, type: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    /// A JSON text.
    package static func json(_ bytes: [UInt8], _ status: HTTPStatus = .ok) -> HTTPResponse {
        HTTPResponse(status, type: "application/json", body: bytes)
    }

    /// Content of this media type.
    package init(_ status: HTTPStatus = .ok, type: HTTPFieldValue, body: [UInt8]) {
        self.init(status, body: body)
        headers.append("Content-Type", type)
    }
}
