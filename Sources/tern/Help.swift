import ServerRuntime

/// What `--help` prints.
enum Help {
    static let overview = """
        Tern \(Version.number), a STUN and TURN server

          tern serve [options]          serve until SIGTERM; reads turnserver.conf, or what -c names
          tern serve --dev              serve this machine alone, with a user made up on the spot
          tern check-config FILE        report every error and warning of a configuration; 1 if there is an error
          tern check-peer IP[:PORT]     tell whether clients may reach a peer, and which rule decides
                       [-c FILE]
          tern credentials [options]    make a time-limited user name and password from static-auth-secret
          tern --version
          tern --help

        'tern serve --help' lists the options of the configuration. They are coturn's: a turnserver.conf and a
        turnserver command line work as they are, and a link named turnserver to this program behaves as 'tern serve'.
        """

    static let credentials = """
        usage: tern credentials [--user NAME] [--ttl SECONDS] [--quota N] [-c FILE] [coturn options]

          --user NAME      who it is for; becomes a part of the user name
          --ttl SECONDS    how long it may start allocations; default 3600, at most 43200
          --quota N        how many allocations it may have at a time; default as minted-user-quota
          --plain          the bare form <expiry>:<user>, whose quota is user-quota
          -c FILE          the configuration with static-auth-secret; default: turnserver.conf in the usual places

        Prints the user name and the password, one a line.
        """
}
