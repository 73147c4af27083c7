import Testing

@testable import Configuration

@Suite("The option table")
struct OptionTableTests {
    /// The 143 names that coturn 4.17.1 recognises, copied by hand from its documentation.
    private static let coturnNames = """
        CA-file Verbose acme-redirect allocation-default-address-family allow-loopback-peers allowed-peer-ip
        alt-listening-port alt-tls-listening-port alternate-server aux-server bps-capacity cert channel-lifetime
        check-origin-consistency cipher-list cli cli-ip cli-max-output-sessions cli-password cli-port cpus daemon db
        denied-peer-ip dh-file dh1066 dh566 drain-min-allocations drop-invalid-packets drop-invalid-packets-log dtls
        ec-curve-name external-ip fingerprint include-reason-string keep-address-family listening-device listening-ip
        listening-port log-binding log-file log-min-level lt-cred-mech max-allocate-lifetime max-allocate-timeout
        max-bps max-port min-port mobility mongo-userdb multiplex-peer multiplex-peer-max-peers multiplex-peer-port
        mysql-userdb new-log-timestamp new-log-timestamp-format no-auth no-auth-pings no-cli no-dtls
        no-dynamic-ip-list no-dynamic-realms no-multicast-peers no-rfc5780 no-software-attribute no-stdout-log no-stun
        no-tcp no-tcp-relay no-tls no-tlsv1_2 no-udp no-udp-relay oauth permission-lifetime pidfile pkey pkey-pwd
        proc-group proc-user prometheus prometheus-address prometheus-cert prometheus-key prometheus-path
        prometheus-port prometheus-tls prometheus-username-labels psql-userdb raw-public-keys realm redis-statsdb
        redis-userdb relay-device relay-ip relay-threads respond-http-unsupported response-origin-only-with-rfc5780
        rest-api-separator rfc3489-compatibility rfc5766-channel-numbers rfc5780 secret-key-file secure-stun
        server-name server-relay simple-log sock-buf-size software-attribute sql-userdb stale-nonce stateless-nonce
        stateless-nonce-secret static-auth-secret stun-backward-compatibility stun-only syslog syslog-facility
        tcp-alternate-server tcp-proxy-port tls-alternate-server tls-listening-port tlsv1 tlsv1_1 total-quota
        udp-alternate-server udp-gso udp-recvmmsg udp-recvmmsg-log udp-self-balance udp-sendmmsg-log
        unauthorized-ratelimit unauthorized-ratelimit-rps use-auth-secret user user-quota userdb verbose version
        web-admin web-admin-ip web-admin-listen-on-workers web-admin-port
        """.split { $0 == " " || $0 == "\n" }.map(String.init)

    @Test("has each of coturn's 143 names and nothing else under coturn's flag")
    func coturnNamesAreComplete() {
        #expect(Self.coturnNames.count == 143)
        let inTable = OptionTable.all.filter { $0.origin == .coturn }.flatMap(\.names)
        #expect(inTable.sorted() == Self.coturnNames.sorted())
    }

    @Test("has the names that coturn dropped")
    func retiredNames() {
        let retired = OptionTable.all.filter { $0.origin == .retired }.map(\.name)
        #expect(
            retired.sorted() == [
                "dh2066", "ne", "no-loopback-peers", "no-sslv2", "no-sslv3", "no-stun-backward-compatibility",
                "no-tlsv1", "no-tlsv1_1", "prod", "secret-ts-exp-time",
            ])
    }

    /// Written by hand, so that a row of coturn's that loses its mark is noticed.
    private static let ownNames = """
        allocations-per-address binding-ratelimit-rps channels-per-allocation codelab-room-capacity control-socket
        credential-leave-grace credential-lifetime credential-lifetime-anonymous credential-lifetime-max
        credential-on-leave credential-quota credential-session-max deny-low-peer-ports dialect-ice-servers
        drain-timeout gather-us http-body-max http-body-timeout http-head-max http-head-timeout http-headers-max
        http-idle-timeout minted-user-quota new-peers-per-second no-socketio-eio3 node-park-room-capacity
        peerjs-discovery peerjs-key permissions-per-allocation pin-workers pixel-streaming-players-max
        port-quarantine prometheus-coturn-names proxy-protocol proxy-protocol-trusted rest-strict-expiry
        signaling-admin-key signaling-anonymous-join-burst signaling-anonymous-join-rate signaling-anonymous-rooms
        signaling-api-key signaling-auth-failures signaling-connect-burst signaling-connect-rate
        signaling-connections-max signaling-connections-per-source signaling-dialect signaling-heartbeat
        signaling-hello-timeout signaling-ip signaling-message-burst signaling-message-max signaling-message-rate
        signaling-metadata-max signaling-origin signaling-port signaling-queue-bytes signaling-queue-messages
        signaling-replay-bytes signaling-replay-messages signaling-resume signaling-room-capacity
        signaling-room-linger signaling-rooms-max signaling-root-dialect signaling-session-rooms
        signaling-sessions-max signaling-token-issuer signaling-trusted-proxy signaling-turn-host socketio-jsonp
        socketio-transports static-root websocket-deflate
        """.split { $0 == " " || $0 == "\n" }.map(String.init)

    @Test("marks Tern's own options")
    func marksOwnNames() {
        let own = OptionTable.all.filter { $0.origin == .tern }.map(\.name)
        #expect(own.sorted() == Self.ownNames)
    }

    @Test("uses no name and no letter twice")
    func namesAreUnique() {
        #expect(Set(OptionTable.allNames).count == OptionTable.allNames.count)
        let letters = OptionTable.all.compactMap(\.short) + CommandLineOptions.ownLetters.map(\.letter)
        #expect(Set(letters).count == letters.count)
    }

    @Test("gives the letters that coturn gives")
    func letters() {
        let expected: [(Character, String)] = [
            ("A", "allocation-default-address-family"), ("B", "bps-capacity"), ("C", "rest-api-separator"),
            ("E", "relay-ip"), ("J", "mongo-userdb"), ("K", "keep-address-family"), ("L", "listening-ip"),
            ("M", "mysql-userdb"), ("N", "redis-userdb"), ("O", "redis-statsdb"), ("Q", "total-quota"),
            ("S", "stun-only"), ("V", "Verbose"), ("X", "external-ip"), ("a", "lt-cred-mech"), ("b", "userdb"),
            ("d", "listening-device"), ("e", "psql-userdb"), ("f", "fingerprint"), ("i", "relay-device"),
            ("l", "log-file"), ("m", "relay-threads"), ("o", "daemon"), ("p", "listening-port"), ("q", "user-quota"),
            ("r", "realm"), ("s", "max-bps"), ("u", "user"), ("v", "verbose"), ("z", "no-auth"),
        ]
        let inTable = OptionTable.all.compactMap { option in option.short.map { "\($0) \(option.name)" } }
        #expect(inTable.sorted() == expected.map { "\($0.0) \($0.1)" }.sorted())
    }

    @Test("has only defaults that its own parser reads", arguments: OptionTable.all)
    func defaultsAreReadable(option: Option) throws {
        if case .text(let text) = option.fallback {
            _ = try OptionValue.read(text, as: option.kind)
        }
    }

    @Test("refuses what would open the relay, and only that")
    func refused() {
        let refused = OptionTable.all.filter {
            if case .refused = $0.support { true } else { false }
        }
        #expect(refused.map(\.name) == ["server-relay", "multiplex-peer"])
    }
}
