/// A request that was read whole and whose framing left no doubt (RFC 9112 §3).
package struct HTTPRequest: Equatable, Sendable {
    package let method: HTTPMethod
    package let target: RequestTarget
    /// The 0 of HTTP/1.0 or the 1 of HTTP/1.1.
    package let minorVersion: UInt8
    package let headers: HTTPHeaders
    /// The name by which the client calls this server, in lower case, without port, and without brackets for an IPv6
    /// address. Nil when an HTTP/1.0 client names none, or it is empty.
    package let host: String?
    package var body: [UInt8]

    package init(
        method: HTTPMethod, target: RequestTarget, minorVersion: UInt8 = 1, headers: HTTPHeaders = HTTPHeaders(),
        host: String? = nil, body: [UInt8] = []
    ) {
        self.method = method
        self.target = target
        self.minorVersion = minorVersion
        self.headers = headers
        self.host = host
        self.body = body
    }

    /// The first value of this name in the query.
    package func query(_ name: String) -> String? { target.query(name) }
}
