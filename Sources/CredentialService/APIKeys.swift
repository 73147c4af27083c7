import Crypto

/// Somebody whose program talks to the HTTP API.
package enum APIPrincipal: Hashable, Sendable {
    /// An application, by the id of its key: may mint tokens and credentials.
    case application(id: String)
    /// The operator: may look at rooms and close them.
    case `operator`
}

/// The secrets that open the HTTP API. Only their digests are kept.
///
/// How long an answer takes says nothing about which key was meant or how much of it was right: a bearer is hashed once
/// and compared with every key, and digests of wrong guesses share nothing with the right one.
package struct APIKeys: Sendable {
    /// Longer ones are not hashed.
    package static let bearerByteCountMax = 1024

    private let applications: [(id: String, digest: SHA256Digest)]
    private let operators: [SHA256Digest]

    /// One id may have several secrets, while they are being exchanged. Empty secrets open nothing.
    package init(applicationKeys: [(id: String, secret: [UInt8])], operatorSecrets: [[UInt8]]) {
        applications = applicationKeys.filter { !$0.secret.isEmpty }.map { ($0.id, Self.digest(of: $0.secret)) }
        operators = operatorSecrets.filter { !$0.isEmpty }.map { Self.digest(of: $0) }
    }

    /// Whose secret `bearer` is. One that belongs to both roles is the operator's.
    package func authenticate(bearer: [UInt8]) -> APIPrincipal? {
        guard bearer.count <= Self.bearerByteCountMax else { return nil }
        let digest = Self.digest(of: bearer)
        var principal: APIPrincipal?
        for key in applications where key.digest == digest { principal = .application(id: key.id) }
        for key in operators where key == digest { principal = .operator }
        return principal
    }

    /// Whether `bearer` is a secret of the application whose id stands in the path.
    package func application(id: String, bearer: [UInt8]) -> APIPrincipal? {
        guard bearer.count <= Self.bearerByteCountMax else { return nil }
        let digest = Self.digest(of: bearer)
        var isRight = false
        for key in applications where key.digest == digest && key.id == id { isRight = true }
        return isRight ? .application(id: id) : nil
    }

    private static func digest(of secret: [UInt8]) -> SHA256Digest {
        unsafe SHA256.hash(secret.span.bytes)
    }
}

extension APIKeys: CustomStringConvertible {
    /// Printing the keys does not print their digests.
    package var description: String { "APIKeys(\(applications.count) applications, \(operators.count) operators)" }
}
