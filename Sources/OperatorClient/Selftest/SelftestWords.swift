/// What went wrong, in words.
package enum SelftestWords {
    package static func of(_ failure: LinkFailure) -> String {
        switch failure {
        case .refused: "nobody listens there"
        case .timedOut: "no answer"
        case .reset: "the connection was cut"
        case .unreachable(let reason), .other(let reason): reason
        case .missing: "there is no such file"
        case .denied: "not permitted"
        case .handshake(let reason): "TLS failed: \(reason)"
        case .authorities(let reason): "the file with the authorities cannot be used: \(reason)"
        case .unresolved(let reason): "the name has no address: \(reason)"
        }
    }
}
