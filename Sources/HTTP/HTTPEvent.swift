/// What the bytes of a connection amount to.
package enum HTTPEvent: Equatable, Sendable {
    /// A request. Nothing further comes until `respond` or `upgrade` has been called.
    case request(HTTPRequest)
    /// The client waits before it sends the body (RFC 9110 §10.1.1): send these bytes.
    case continueExpected([UInt8])
    /// Something that is no request, or none for us: pass the response to `respond`, send it, and close.
    case refused(HTTPResponse)
}
