/// Why a request was not done, in the words of the protocol.
package enum ErrorCode: String, Hashable, Sendable, CaseIterable {
    case badJSON = "bad_json"
    case badRequest = "bad_request"
    case unknownType = "unknown_type"
    case unsupportedVersion = "unsupported_version"
    case unauthorized
    case tokenExpired = "token_expired"
    case tokenNotYetValid = "token_not_yet_valid"
    case forbidden
    case roomFull = "room_full"
    case notInRoom = "not_in_room"
    case participantNotFound = "participant_not_found"
    case duplicateJoin = "duplicate_join"
    case tooLarge = "too_large"
    case rateLimited = "rate_limited"
    case quotaExceeded = "quota_exceeded"
    case credentialsDenied = "credentials_denied"
    case sessionReplaced = "session_replaced"
    case slowConsumer = "slow_consumer"
    case serverDraining = "server_draining"

    /// Its place in a table of counters.
    var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Why a connection ends: codes of RFC 6455 §7.4.1, and from 4000 on those of the protocol.
enum CloseCode: UInt16 {
    case normal = 1000
    case goingAway = 1001
    case policy = 1008
    case tooBig = 1009
    case overloaded = 1013
    case unauthorized = 4001
    case removed = 4003
    case slowConsumer = 4008
    case replaced = 4009
    case rate = 4029
}

/// What is answered instead of `ok`.
struct Refusal: Error {
    let code: ErrorCode
    /// Says what to do about it.
    let message: String
    var retryAfterMilliseconds: UInt64?
    /// The connection ends with this answer.
    var isFatal = false

    init(_ code: ErrorCode, _ message: String, retryAfterMilliseconds: UInt64? = nil) {
        self.code = code
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }
}
