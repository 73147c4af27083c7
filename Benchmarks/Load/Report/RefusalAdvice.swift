import NetworkPrimitives

/// What to tell somebody whose clients the server did not let in, and what to try.
struct RefusalAdvice {
    let failures: Int
    /// Error codes of the first refusals; none when nobody answered.
    let codes: [Int]
    let server: SocketAddress
    let transport: Options.Transport
    /// Why a connection ended before anybody answered.
    let loss: String?

    var text: String {
        guard let code = codes.first else {
            let name = transport.rawValue.uppercased()
            if let loss { return "connections to \(server) over \(name) end: \(loss) (\(failures) clients)" }
            return "no answer from \(server): is a server listening there, over \(name)? (\(failures) clients)"
        }
        return "the server refused \(failures) clients with error \(code)\(Self.meaning(of: code))"
    }

    private static func meaning(of code: Int) -> String {
        switch code {
        case 400: " (bad request): the server does not understand us, or wants what we do not send"
        case 401: " (unauthorized): check --user and --password, and that the server knows this user"
        case 403:
            " (forbidden): the server does not relay to this peer; ours are on the loopback, which most servers "
                + "allow only when told so, as by --allow-loopback-peers"
        case 437: " (allocation mismatch): an allocation of an earlier run is still there; wait for it to expire"
        case 442: " (unsupported transport protocol): the server relays no UDP"
        case 486: " (allocation quota reached): raise the server's user and total quota, or lower --allocations"
        case 508:
            " (insufficient capacity): the server has no relay ports left; widen its --min-port to --max-port, "
                + "or lower --allocations"
        case 300: " (try alternate): name that server by --server"
        case 500: " (server error): look into the server's log"
        default: ""
        }
    }
}
