import NetworkPrimitives

/// What went wrong, in words that say what to look at.
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

    // MARK: - The way to the server

    static func explain(
        _ failure: LinkFailure, at endpoint: SelftestEndpoint, isOutside: Bool
    ) -> (SelftestFinding.Kind, String) {
        let protocolName = endpoint.transport.isDatagrams ? "UDP" : "TCP"
        let port = "\(protocolName) port \(endpoint.address.port)"
        switch failure {
        case .refused:
            let how = endpoint.transport.isDatagrams ? "an ICMP message" : "a reset"
            return (
                .closed,
                "\(endpoint): port closed: nobody listens on \(port) (\(how) came back). The server does not run, or "
                    + "not there, or a firewall rejects it."
            )
        case .timedOut:
            let rest =
                isOutside
                ? "Open \(port) in the firewall of the host, of the cloud and of the NAT in front of it."
                : "A firewall on this host drops it, or the server is stuck."
            return (.filtered, "\(endpoint): no answer at all, which is what a firewall that drops looks like. \(rest)")
        case .reset:
            return (
                .reset,
                "\(endpoint): the connection was cut before there was an answer: something else than this server "
                    + "listens there, or a balancer whose server is gone."
            )
        case .handshake(let reason):
            return (
                .notTLS,
                "\(endpoint): TLS does not come about (\(reason)): what listens there speaks no "
                    + "\(endpoint.transport.rawValue.uppercased()), or has no certificate."
            )
        case .unreachable(let reason):
            return (.unreachable, "\(endpoint): no way leads there (\(reason)): look at routes and addresses.")
        case .authorities: return (.authorities, "\(endpoint): \(of(failure)).")
        case .unresolved: return (.notResolved, "\(endpoint): \(of(failure)).")
        case .missing, .denied, .other: return (.unreachable, "\(endpoint): \(of(failure)).")
        }
    }

    // MARK: - Answers of the server

    static func refusedCredentials(_ credentials: SelftestCredentials?, _ endpoint: SelftestEndpoint) -> String {
        let what =
            switch credentials {
            case .password(let user, _):
                "the password of '\(TextTable.printable(user))' is not that of the server, or it has no such user"
            case .key(let user, _):
                "the key of '\(TextTable.printable(user))' was made for another realm, or with another password"
            case .secret: "the secret is none of the server's static-auth-secret, or its rest-api-separator differs"
            case .anonymous, nil: "the server wants credentials, and there are none to show"
            }
        return "\(endpoint): credentials refused: \(what)."
    }

    static func explain(
        errorCode: Int?, at endpoint: SelftestEndpoint
    ) -> (SelftestFinding.Severity, SelftestFinding.Kind, String) {
        switch errorCode {
        case 300:
            (.note, .redirected, "\(endpoint): the server sends its clients to another one (alternate-server).")
        case 403:
            (.fault, .refused, "\(endpoint): the server refuses to relay for this client (403).")
        case 440:
            (
                .fault, .noRelayAddress,
                "\(endpoint): no relay address of the family that this client needs (440): give relay-ip one, or the "
                    + "host has lost it."
            )
        case 442:
            (.fault, .refused, "\(endpoint): the server does not relay UDP (442): no-udp-relay is written.")
        case 486:
            (
                .warning, .quota,
                "\(endpoint): the quota of this user is used up (486): user-quota, minted-user-quota, total-quota or "
                    + "allocations-per-address."
            )
        case 508:
            (
                .fault, .noRelayPort,
                "\(endpoint): no relay port is left (508): every port from min-port to max-port is taken, the "
                    + "server drains, or it has no files or no relay address left."
            )
        case .some(let code):
            (.fault, .refused, "\(endpoint): no allocation: the server answers \(code).")
        case nil: (.fault, .refused, "\(endpoint): no allocation: the answer makes no sense.")
        }
    }

    static func noBinding(_ endpoint: SelftestEndpoint) -> String {
        "\(endpoint): Binding requests are not answered: no-stun is written, or binding-ratelimit-rps is too low. "
            + "Browsers then learn their address elsewhere."
    }

    static func clockAhead(_ endpoint: SelftestEndpoint, by least: Int, to most: Int) -> String {
        "\(endpoint): clock: credentials that live for \(Units.duration(seconds: least)) are refused as expired, those "
            + "for \(Units.duration(seconds: most)) are not: the server's clock is ahead of this host's by a time "
            + "between these. Have both follow NTP."
    }

    static func clockBehind(_ endpoint: SelftestEndpoint, by seconds: Int) -> String {
        "\(endpoint): clock: credentials that expired \(Units.duration(seconds: seconds)) ago are still taken: the "
            + "server's clock is behind this host's. Have both follow NTP."
    }

    // MARK: - Relays

    static func privateRelay(_ relayed: SocketAddress, _ endpoint: SelftestEndpoint) -> String {
        "\(endpoint): private relayed address: the server is reached at \(endpoint.address.ip) and tells its clients "
            + "\(relayed.ip), which nobody outside reaches. Write external-ip=\(endpoint.address.ip)."
    }

    static func noSecondAllocation(_ code: Int?, _ endpoint: SelftestEndpoint) -> String {
        "\(endpoint): whether two clients reach each other by their relays was not tried: there is no second "
            + "allocation (\(code.map(String.init) ?? "no error"))."
    }

    static func relaysForbidden(_ relayed: SocketAddress, _ endpoint: SelftestEndpoint) -> String {
        "\(endpoint): clients may not send to \(relayed.ip), a relay address of this server itself (403): two clients "
            + "that both need a relay do not reach each other. Look at denied-peer-ip; 'tern check-peer' names the "
            + "rule."
    }

    static func relaysApart(_ relayed: SocketAddress, _ endpoint: SelftestEndpoint) -> String {
        "\(endpoint): what one relay on \(relayed.ip) sends to another does not arrive, so that two clients that both "
            + "need a relay do not reach each other: a firewall on the server's host, or a wrong external-ip."
    }

    /// About one relayed address.
    struct Relay {
        let relayed: SocketAddress
        let endpoint: SelftestEndpoint
        let ports: ClosedRange<UInt16>?
        let isOutside: Bool

        private var range: String {
            ports.map { "UDP ports \($0.lowerBound)-\($0.upperBound)" } ?? "the UDP ports from min-port to max-port"
        }

        var closed: String {
            let rest = isOutside ? ", and forward them where there is a NAT" : " of this host"
            return "\(endpoint): relay ports closed: the server relays by \(relayed), and nothing that is sent there "
                + "arrives. Open \(range) in the firewall\(rest)."
        }

        var notForwarded: String {
            "\(endpoint): relay ports closed: \(relayed.ip) answers that nobody has port \(relayed.port), which the "
                + "server has just given out. A NAT forwards the server's port and not \(range), or a firewall rejects "
                + "them."
        }

        var somebodyElse: String {
            "\(endpoint): wrong external-ip: clients are told \(relayed.ip), and whoever has this address answers that "
                + "nobody has port \(relayed.port). The server is reached at \(endpoint.address.ip)."
        }

        var wrongExternalAddress: String {
            let beginning =
                "\(endpoint): wrong external-ip: clients are told \(relayed.ip), and nothing that is sent there "
                + "arrives. "
            guard isOutside else {
                return beginning
                    + "Or the NAT does not turn packets around, and all is well: 'tern selftest --host NAME' from "
                    + "another network tells."
            }
            return beginning + "The server is reached at \(endpoint.address.ip). Or \(range) are closed there."
        }

        func noRoute(_ reason: String) -> String {
            "\(endpoint): whether \(relayed.ip) is reached was not tried: no way leads there from here (\(reason))."
        }

        var notPermitted: String {
            "\(endpoint): whether \(relayed.ip) is reached from here was not tried: the server does not let its "
                + "clients send to this host, which is as it should be for a private address."
        }
    }

    // MARK: - Certificates

    struct Certificate {
        private let certificate: PeerCertificate
        private let endpoint: SelftestEndpoint

        init(_ certificate: PeerCertificate, at endpoint: SelftestEndpoint) {
            self.certificate = certificate
            self.endpoint = endpoint
        }

        private var subject: String { TextTable.printable(certificate.subject) }

        func expired(secondsAgo seconds: Int) -> String {
            "\(endpoint): certificate expired \(Units.duration(seconds: seconds)) ago (\(subject)). Renew it; the "
                + "server takes the new file without a restart."
        }

        func notYetValid(in seconds: Int) -> String {
            "\(endpoint): certificate not yet valid, only in \(Units.duration(seconds: seconds)) (\(subject)): or the "
                + "clock of this host is behind."
        }

        func expiresSoon(in seconds: Int) -> String {
            "\(endpoint): the certificate expires in \(Units.duration(seconds: seconds)) (\(subject)): its renewal "
                + "does not work."
        }

        func wrongName(_ host: String) -> String {
            "\(endpoint): certificate for another name: it is not for \(host) (\(subject)). Clients have to use a name "
                + "that it has, or it needs this one."
        }

        var untrusted: String {
            "\(endpoint): certificate not trusted (\(certificate.reason)): no authority that this host knows vouches "
                + "for it. Give the chain up to the authority in 'cert', or use --ca for an authority of your own."
        }
    }
}
