import ServerRuntime

/// What `--help` prints.
enum Help {
    static let overview = """
        Tern \(Version.number), a STUN and TURN server with signaling

          tern serve [options]          serve until SIGTERM; reads turnserver.conf, or what -c names
          tern serve --dev              serve this machine alone, with a user made up on the spot
          tern check-config FILE        report every error and warning of a configuration; 1 if there is an error
          tern check-peer IP[:PORT]     tell whether clients may reach a peer, and which rule decides
                       [-c FILE]
          tern credentials [options]    make a time-limited user name and password from static-auth-secret
          tern token [options]          make a token that opens a room, signed with a signaling-api-key
          tern users add|list|remove    keep users in a database (userdb) that servers read while they run
          tern --version
          tern --help

        'tern serve --help' lists the options of the configuration. They are coturn's: a turnserver.conf and a
        turnserver command line work as they are, and a link named turnserver to this program behaves as 'tern serve'.
        """

    static let token = """
        usage: tern token --room ROOM [--identity NAME] [--ttl SECONDS] [--capacity N] [--kick] [--key ID] [-c FILE]

          --room ROOM      the room that it opens; 'team-*' for all whose names begin so, '*' for every one
          --identity NAME  who it is for; two sessions of one name can take each other's place
          --ttl SECONDS    how long it opens the room; default 3600, at most 86400
          --capacity N     how many participants the room takes if this token opens it
          --kick           its holder may put others out
          --key ID         the signaling-api-key to sign with; default: the first one
          -c FILE          the configuration with signaling-api-key; default: turnserver.conf in the usual places

        Prints the token.
        """

    static let users = """
        usage: tern users add NAME [--realm REALM] [--password-file FILE] [-b FILE] [-c FILE]
               tern users remove NAME [--realm REALM] [-b FILE] [-c FILE]
               tern users list [--realm REALM] [--json] [-b FILE] [-c FILE]

          NAME                  the user; one who is there gets another password
          --realm REALM         default: that of the configuration; list shows all realms
          --password-file FILE  one line; default: standard input
          -b FILE               the database, made by add if there is none; default: userdb of the configuration
          -c FILE               the configuration; default: turnserver.conf in the usual places
          --json                the list as JSON

        The tables are those of coturn, so turnadmin works on the same file. Servers see a change within two seconds.
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
