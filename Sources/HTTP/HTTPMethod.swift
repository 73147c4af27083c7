/// A request method that a resource of ours could know (RFC 9110 §9). All others, CONNECT and TRACE among them, are
/// answered with 501 before anybody sees the request.
package enum HTTPMethod: String, Hashable, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
}
