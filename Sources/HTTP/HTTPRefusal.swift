/// Why a request is not taken. Nothing behind it on the connection can be trusted to begin where we think, so each of
/// these ends it (RFC 9112 §9.6, §11.2).
package enum HTTPRefusal: Error, Hashable, Sendable, CaseIterable {
    /// A line that ends in a line feed or a carriage return alone, or has another control byte (RFC 9112 §2.2).
    case malformedLine
    /// Not a method, a target and a version with one space between them (RFC 9112 §3).
    case malformedRequestLine
    /// A target that is no path, or that hides something (RFC 9112 §3.2).
    case malformedTarget
    /// No field name, white space before the colon, or a folded line (RFC 9112 §5).
    case malformedHeader
    /// No Host, more than one, or one that is no name (RFC 9112 §3.2).
    case malformedHost
    /// More than one Content-Length, or one that is no number (RFC 9112 §6.3).
    case malformedLength
    /// A length that two fields tell, that HTTP/1.0 cannot have, or that chunked does not end (RFC 9112 §6.1).
    case ambiguousLength
    /// What stands where a chunk's size, its end or a trailer should (RFC 9112 §7.1).
    case malformedChunk
    /// Neither head nor body came in time.
    case tooSlow
    case bodyTooLarge
    case targetTooLong
    /// An Expect that is not 100-continue (RFC 9110 §10.1.1).
    case unknownExpectation
    case headTooLarge
    case unknownMethod
    /// A transfer coding other than chunked (RFC 9112 §6.1).
    case unknownTransferCoding
    case unknownVersion

    /// What it is answered with.
    package var status: HTTPStatus {
        switch self {
        case .malformedLine, .malformedRequestLine, .malformedTarget, .malformedHeader, .malformedHost,
            .malformedLength, .ambiguousLength, .malformedChunk:
            .badRequest
        case .tooSlow: .requestTimeout
        case .bodyTooLarge: .contentTooLarge
        case .targetTooLong: .uriTooLong
        case .unknownExpectation: .expectationFailed
        case .headTooLarge: .headerFieldsTooLarge
        case .unknownMethod, .unknownTransferCoding: .notImplemented
        case .unknownVersion: .versionNotSupported
        }
    }

    /// The status in words, and nothing of what the client sent.
    package var response: HTTPResponse { .text(status.reason + "\n", status) }
}
