// The rows about listeners, relay addresses, limits, peers and the protocol.

extension OptionTable {
    static let listeners: [Option] = [
        Option(
            "listening-port", .port, default: "3478", short: "p", reload: .atRestart,
            "UDP port on which clients are served."),
        Option(
            "listening-ip", .address, default: .described("every address of the host"), short: "L", repeats: true,
            reload: .atRestart,
            "Address to listen on, IPv4 or IPv6."),
        Option(
            "listening-device", .device, short: "d", reload: .atRestart,
            "Network interface the listeners are bound to. Older kernels want CAP_NET_RAW for it."),
        .flag(
            "no-udp", reload: .atRestart,
            "Serve no plain UDP clients. Together with no-tcp only where a certificate serves others."),
        .flag("no-tcp", reload: .atRestart, "Serve no plain TCP clients."),
        .flag("no-tls", reload: .atRestart, "Serve no TLS clients, and signaling without TLS."),
        .flag("no-dtls", reload: .atRestart, "Serve no DTLS clients."),
        Option(
            "dtls", .flag, default: .described("on with a certificate"), reload: .atRestart,
            "Serve DTLS clients. Unlike in coturn 4.17 that needs no more than a certificate."),
        Option(
            "tls-listening-port", .port, default: "5349", reload: .atRestart,
            "Second port, opened when there is a certificate. Both ports tell plain clients and those of TLS and DTLS "
                + "apart by their first byte. May be the same as listening-port."),
        Option(
            "alt-listening-port", .port, default: "0", reload: .atRestart,
            "Second port for NAT discovery; 0 means listening-port plus one. Open only with `rfc5780`."),
        Option(
            "alt-tls-listening-port", .port, default: "0", support: .noEffect("NAT discovery runs on the plain ports"),
            "Second port for NAT discovery over TLS; 0 means tls-listening-port plus one."),
        Option(
            "tcp-proxy-port", .port, reload: .atRestart,
            "Additional TCP port, for plain clients and those of TLS, whose connections begin with a PROXY protocol "
                + "header. Needs proxy-protocol-trusted, unlike in coturn."),
        Option(
            "proxy-protocol", .choice(["listening-port", "tls-listening-port"]), repeats: true, origin: .tern,
            reload: .atRestart,
            "TCP port whose connections begin with a PROXY protocol header (version 1 or 2), because all of them come "
                + "through a balancer. Needs proxy-protocol-trusted."),
        Option(
            "proxy-protocol-trusted", .peers, repeats: true, origin: .tern, reload: .atOnce,
            "Balancers whose PROXY protocol headers are believed: one address, a range `first-last`, or a prefix "
                + "`address/length`. Connections from elsewhere to ports that expect a header are closed."),
        Option(
            "aux-server", .endpoint, repeats: true, reload: .atRestart,
            "Additional listener as `address:port`, for example to serve port 443 as well. It serves what "
                + "listening-port serves."),
        .flag(
            "udp-self-balance", support: .noEffect("the kernel spreads clients over the worker threads"),
            "Redirect clients between the server's own additional listeners."),
        Option(
            "sock-buf-size", .bytes(4096...1_073_741_824), default: "2097152", reload: .atRestart,
            "Size of the socket buffers in bytes, for listeners and relay sockets. The kernel caps it at "
                + "net.core.rmem_max and net.core.wmem_max."),
    ]

    static let relay: [Option] = [
        Option(
            "relay-ip", .address, default: .described("the address on which the client reached the server"), short: "E",
            repeats: true, reload: .atRestart,
            "Local address for relay sockets; the family of the allocation selects."),
        Option(
            "external-ip", .externalAddress, short: "X", repeats: true, reload: .atRestart,
            "Public address that clients and peers see when the host is behind a NAT. `public` alone stands for "
                + "every relay address of its family; `public/private` for that one relay address. A private address "
                + "named here is also an allowed peer."),
        Option(
            "min-port", .integer(1024...65535), default: "49152", reload: .atRestart,
            "Lowest port of the relay range. Ports below 1024 are not given to clients (RFC 8656 §7.2)."),
        Option(
            "max-port", .integer(1024...65535), default: "65535", reload: .atRestart, "Highest port of the relay range."
        ),
        Option(
            "port-quarantine", .seconds(0...3600, whenBare: nil), default: "60", origin: .tern, reload: .atOnce,
            "How long a relay port rests after its allocation ended before another user may get it."),
        .flag("no-udp-relay", reload: .atOnce, "Refuse UDP allocations. Not together with no-tcp-relay."),
        .flag("no-tcp-relay", reload: .atRestart, "Refuse TCP allocations (RFC 6062)."),
        Option(
            "allocation-default-address-family", .choice(["ipv4", "ipv6", "keep"]), default: "ipv4", short: "A",
            reload: .atOnce,
            "Family of the relay address when the client names none. `keep` takes that of the client's own address "
                + "and deviates from RFC 8656 §7.2."),
        .flag(
            "keep-address-family", short: "K", reload: .atOnce,
            "Older way to write allocation-default-address-family=keep."),
        Option(
            "relay-threads", .integer(0...100_000), default: .described("one for each processor"), short: "m",
            reload: .atRestart,
            "Number of worker threads; at most 128 are started. 0 means one."),
        Option(
            "cpus", .integer(0...100_000), default: .described("what the host and its cgroup grant"),
            reload: .atRestart,
            "Number of processors to assume; 0 means to detect it."),
        .flag(
            "pin-workers", origin: .tern, reload: .atRestart,
            "Keep each worker thread on a processor of its own, in order, of those that the process may run on."),
        Option(
            "gather-us", .integer(0...1000), default: "250", origin: .tern, reload: .atOnce,
            "At part load, the microseconds for which a worker lets datagrams gather before it handles them together. "
                + "A longer time costs latency and saves processor time; 0 never waits. A worker with one active "
                + "allocation or few datagrams never waits either."),
        Option(
            "relay-device", .device, short: "i", reload: .atRestart,
            "Network interface the relay sockets are bound to. Older kernels want CAP_NET_RAW for it."),
        .flag(
            "server-relay",
            support: .refused("it would forward packets from any host without a permission, which makes an open relay"),
            "Skip the permission check on incoming packets."),
        .flag(
            "multiplex-peer",
            support: .refused(
                "every allocation has a port of its own (RFC 8656 §7.2); open min-port to max-port in the firewall"),
            "Share one relay port between all allocations of a thread."),
        Option(
            "multiplex-peer-port", .port, default: "3480", support: .noEffect("multiplex-peer is not supported"),
            "Port for multiplex-peer."),
        Option(
            "multiplex-peer-max-peers", .integer(0...65535), default: "256",
            support: .noEffect("multiplex-peer is not supported"),
            "Peers for each client under multiplex-peer."),
        .flag("udp-recvmmsg", support: .silent("datagrams are always read in batches"), "Read datagrams in batches."),
        .flag(
            "udp-recvmmsg-log", support: .noEffect("batch sizes are metrics, not log lines"),
            "Log the sizes of batches that were read."),
        .flag(
            "udp-sendmmsg-log", support: .noEffect("batch sizes are metrics, not log lines"),
            "Log the sizes of batches that were sent."),
        .flag("udp-gso", support: .noEffect("the server decides by itself"), "Let the kernel split large sends."),
    ]

    static let quotas: [Option] = [
        Option(
            "user-quota", .integer(0...1_000_000), default: "0", short: "q", reload: .atOnce,
            "Allocations that one user may hold at a time; 0 sets no limit. Of time-limited names the part behind the "
                + "time stamp counts. When written it is also the default of minted-user-quota."),
        Option(
            "minted-user-quota", .integer(0...1_000_000), default: "12", origin: .tern, reload: .atOnce,
            "Allocations at a time for one user of credentials that Tern mints. It is written into the user name, so "
                + "that it holds on every server with the same secret; names of other issuers have only user-quota. "
                + "0 sets no limit."),
        Option(
            "total-quota", .integer(0...10_000_000), default: "0", short: "Q", reload: .atOnce,
            "Allocations of the whole server at a time; 0 leaves the relay ports as the only limit."),
        Option(
            "allocations-per-address", .integer(0...1_000_000), default: "0", origin: .tern, reload: .atOnce,
            "Allocations at a time from one client address (IPv6: /64); 0 sets no limit."),
        Option(
            "permissions-per-allocation", .integer(1...4096), default: "64", origin: .tern, reload: .atRestart,
            "Peer addresses one allocation may have permissions for at a time."),
        Option(
            "channels-per-allocation", .integer(1...4096), default: "64", origin: .tern, reload: .atRestart,
            "Channels one allocation may have bound at a time. At most permissions-per-allocation, because a channel "
                + "brings a permission with it."),
        Option(
            "new-peers-per-second", .integer(0...100_000), default: "10", origin: .tern, reload: .forNew("allocations"),
            "New peer addresses an allocation may name each second, after a first burst of 64; 0 sets no limit. Stops "
                + "port scans through the relay."),
        Option(
            "max-bps", .bytesPerSecond, default: "0", short: "s", reload: .forNew("allocations"),
            "Bytes (not bits) per second and direction for each allocation; 0 sets no limit."),
        Option(
            "bps-capacity", .bytesPerSecond, default: "0", short: "B", reload: .atOnce,
            "Bytes per second and direction that the server hands out in all; allocations that would exceed it are "
                + "refused. Needs max-bps. 0 sets no limit."),
        Option(
            "max-allocate-lifetime", .seconds(60...2_592_000, whenBare: nil), default: "3600", reload: .atOnce,
            "Longest lifetime an allocation is granted at once."),
        Option(
            "channel-lifetime", .seconds(1...86400, whenBare: nil), default: "600", reload: .atOnce,
            "Lifetime of a channel binding. RFC 8656 §12 fixes it at 600; other values are for tests."),
        Option(
            "permission-lifetime", .seconds(1...86400, whenBare: nil), default: "300", reload: .atOnce,
            "Lifetime of a permission. RFC 8656 §9 fixes it at 300; other values are for tests."),
        Option(
            "max-allocate-timeout", .seconds(0...86400, whenBare: nil), default: "60", reload: .forNew("connections"),
            "How long a client's TCP connection may stay without an allocation before it is closed. 0 sets no limit."),
        Option(
            "unauthorized-ratelimit", .flag, default: "on", reload: .atOnce,
            "Limit the 401 answers that one source address gets, so that the server is no reflector. On unless "
                + "switched off, unlike in coturn."),
        Option(
            "unauthorized-ratelimit-rps", .integer(1...1_000_000), default: "20", reload: .atOnce,
            "401 and 438 answers per second for one source (IPv4 address, IPv6 /64)."),
        Option(
            "binding-ratelimit-rps", .integer(0...10_000_000), default: "100", origin: .tern, reload: .atOnce,
            "Binding answers per second for one source; 0 sets no limit."),
    ]

    static let peers: [Option] = [
        Option(
            "denied-peer-ip", .peers, repeats: true, reload: .atOnce,
            "Peers that clients may not reach, in addition to those that are refused always and by default: one "
                + "address, a range `first-last`, or a prefix `address/length`."),
        Option(
            "allowed-peer-ip", .peers, repeats: true, reload: .atOnce,
            "Peers that clients may reach although they are denied above or private. Takes precedence over "
                + "denied-peer-ip, not over what is refused always (loopback, link-local, multicast, own addresses)."),
        .flag(
            "no-multicast-peers", reload: .atOnce,
            "Refuse multicast and broadcast peers. Always so; switching it off has no effect."),
        .flag(
            "allow-loopback-peers", reload: .atOnce,
            "Let clients reach the server's own loopback addresses. For tests only: it opens every service that "
                + "trusts local connections."),
        .flag("deny-low-peer-ports", origin: .tern, reload: .atOnce, "Refuse peers with a port below 1024."),
    ]

    static let protocolSwitches: [Option] = [
        .flag(
            "fingerprint", short: "f", reload: .atOnce,
            "Add FINGERPRINT to every answer, not only when the client used it."),
        .flag(
            "stun-only", short: "S", reload: .atOnce,
            "Answer Binding requests only; relay nothing. With secure-stun, only those with credentials."),
        .flag("no-stun", reload: .atOnce, "Do not answer Binding requests. Not together with stun-only."),
        .flag("software-attribute", reload: .atOnce, "Name the software in answers."),
        .flag(
            "no-software-attribute", reload: .atOnce,
            "Do not name the software in answers; wins over software-attribute."),
        .flag("include-reason-string", reload: .atOnce, "Add a reason phrase to error answers."),
        .flag(
            "rfc3489-compatibility", reload: .atOnce,
            "Answer Binding requests without the magic cookie, for very old clients."),
        .flag(
            "rfc5766-channel-numbers", reload: .atOnce,
            "Accept channel numbers up to 0x7FFF, which RFC 8656 §12 reserves; some old SIP clients use them."),
        .flag(
            "drop-invalid-packets", support: .silent("malformed packets are always dropped"),
            "Drop malformed packets early."),
        .flag("drop-invalid-packets-log", reload: .atOnce, "Log dropped packets, with a rate limit."),
        .flag(
            "mobility", reload: .forNew("allocations"),
            "Let an allocation move with the client to another address (RFC 8016). Has no effect with no-auth."),
        .flag(
            "rfc5780", reload: .atRestart,
            "Serve NAT behaviour discovery (RFC 5780) on the first two listening-ip of each family, with "
                + "listening-port and alt-listening-port."),
        .flag("no-rfc5780", reload: .atRestart, "Serve no NAT behaviour discovery; wins over rfc5780."),
        .flag(
            "response-origin-only-with-rfc5780", support: .silent("it has always been so"),
            "Send RESPONSE-ORIGIN only in NAT discovery."),
        .flag(
            "stun-backward-compatibility",
            support: .noEffect("answers carry XOR-MAPPED-ADDRESS only, which keeps them small"),
            "Add MAPPED-ADDRESS to Binding answers."),
        .flag(
            "respond-http-unsupported", support: .noEffect("HTTP on the STUN port is not answered"),
            "Answer HTTP requests on the STUN port."),
    ]
}
