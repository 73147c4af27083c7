// What `tern-bench --help` says.
extension Options {
    static let help = """
        tern-bench puts load on a TURN or signaling server from one core, as its clients and their peers at once, and
        says what that cost the server.

        usage: tern-bench MODE [options]
               tern-bench report RUN.json… --html FILE

        Modes for TURN
          channel       relay ChannelData
          indication    relay Send and Data indications
          binding       Binding requests
          refresh       authenticated Refresh requests of live allocations
          allocate      Allocate, 401, Allocate, CreatePermission, ChannelBind, Refresh 0, each from a new address
          idle          open allocations, and ask what they cost in memory and CPU while nothing moves
          handshake     open connections, each from a new address, ask once (Binding), and close them
          churn         relay ChannelData while other allocations come and go

        The server
          --server ADDRESS:PORT    IPv4; default 127.0.0.1:3478
          --user NAME, --password TEXT
          --transport NAME         how clients reach it: udp (the default), tcp, tls or dtls; peers always are
                                   reached by UDP. Certificates of the server are not verified
          --tls12                  offer no TLS 1.3, for servers that are to be compared with one that lacks it
          --resume                 handshakes go on from the last session that the server gave; else they are full
          --pid PID                its process, whose CPU, memory and context switches are to be reported
          --name TEXT              what reports call it
          --floor                  it is Benchmarks/Floor, which knows no users
          --direct                 no server: datagrams go from client to peer, as the baseline of latency

        The load
          --allocations N          default 100; in mode binding the number of clients
          --payload BYTES          default 160; latency needs 12
          --direction up|down|both from client to peer, or back; default up
          --burst N                datagrams of one flow sent together, by one call; default 1
          --bare                   mode idle: connections without an allocation
          --churn N, --hold S      mode churn: allocations opened a second, and how long each stays; 200 and 0.5

        Its pace, one of
          --window N               datagrams in flight (256; refresh 64), or cycles under way in modes allocate and
                                   handshake (16)
          --rate N                 datagrams a second in all, evenly
          --flood                  as fast as they can be sent, whatever is lost
        and
          --seconds S, --warmup S  default 1.5 and 0.3
          --probe                  next to the load, a client asks for a Refresh (or Binding, where there are no
                                   allocations) 50 times a second; its latencies and retransmissions are reported

        The generator
          --no-gro                 receive datagrams one by one, not in the trains that the kernel keeps together
          --no-spin                sleep until the next datagram is due; gentler to the machine, and less even

        The report
          --json                   one line for programs instead of the table
          --html FILE              a page with charts, in one file; besides the table or the line

        Latency is counted from when a datagram was to leave by the schedule, not from when it did, so that a stalled
        server cannot hide the datagrams that it held up (coordinated omission). How late the generator itself was is
        reported next to it: latencies of that size are its own. Without --rate a datagram is due when the window has
        room, and latency says how long the window is, not how fast the server is.

        Messages of one client that are sent together leave by one call, and over TLS and DTLS each is a record of its
        own, as clients do. A stream that has no room holds back who floods it, so that nothing is lost on the way.

        Exit codes: 0 measured, 1 could not measure, 2 the command line makes no sense.

        Examples
          tern-bench channel --user u --password p --pid $(pidof tern)
          tern-bench channel --direction both --rate 50000 --seconds 10 --probe --user u --password p --html run.html
          tern-bench handshake --transport tls --pid $(pidof tern)
          tern-bench idle --allocations 10000 --user u --password p --pid $(pidof turnserver) --json
        """
}
