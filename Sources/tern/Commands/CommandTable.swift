/// Every command.
enum CommandTable {
    static let all: [CommandDescription] = server + running + preparing

    /// By its name or its other name.
    static func command(named name: String) -> CommandDescription? {
        all.first { $0.name == name || $0.alias == name }
    }

    private static let configurationFile = OptionDescription(
        "-c", "FILE", .files, "the configuration; default: turnserver.conf in the usual places")

    private static let server: [CommandDescription] = [
        CommandDescription(
            name: "serve", group: .server, summary: "serve until SIGTERM; reads turnserver.conf, or what -c names",
            options: [
                OptionDescription("-c", "FILE", .files, "the configuration"),
                OptionDescription("--dev", "serve this machine alone, with a user made up on the spot"),
            ], takesConfigurationOptions: true, run: { ServeCommand.run($0, name: "tern serve") })
    ]

    private static let running: [CommandDescription] = [
        CommandDescription(
            name: "status", group: .running, summary: "tell what runs and how much of it",
            options: ServerChoice.options, notes: ServerChoice.notes, run: StatusCommand.run),
        CommandDescription(
            name: "sessions", alias: "allocations", group: .running,
            summary: "list the sessions that relay, those that relayed most first",
            options: [
                OptionDescription("--user", "NAME", "only those of this user"),
                OptionDescription("--client", "IP", "only those of clients with this address"),
                OptionDescription("--limit", "N", "how many are listed; default 100, with --json 1000"),
            ] + ServerChoice.options, notes: ServerChoice.notes, run: SessionsCommand.run),
        CommandDescription(
            name: "kill", group: .running, operand: .requiredUnless(["--user", "--client"], "ID"),
            summary: "end a session by its number, or all of a user",
            options: [
                OptionDescription("--user", "NAME", "all sessions of this user, in place of ID"),
                OptionDescription("--client", "IP", "all sessions of clients with this address, in place of ID"),
            ] + ServerChoice.options,
            notes: """
                ID is the number of 'tern sessions', or a session of signaling as 'tern rooms ROOM' shows it. Who is
                put out may come back: take away the credentials first.

                \(ServerChoice.notes)
                """, run: SessionsCommand.kill),
        CommandDescription(
            name: "rooms", group: .running, operand: .optional("ROOM", .nothing),
            summary: "list the rooms of signaling, or who is in one", options: ServerChoice.options,
            notes: ServerChoice.notes, run: RoomsCommand.run),
        CommandDescription(
            name: "close-room", group: .running, operand: .required("ROOM", .nothing),
            summary: "put everybody out of a room", options: ServerChoice.options, notes: ServerChoice.notes,
            run: RoomsCommand.close),
        CommandDescription(
            name: "reload", group: .running, summary: "read the configuration again, without ending a session",
            options: ServerChoice.options, notes: ServerChoice.notes, run: ReloadCommand.run),
        CommandDescription(
            name: "drain", group: .running, summary: "take nobody new, and stop when those who are there have gone",
            options: ServerChoice.options, notes: ServerChoice.notes, run: ControlCommands.drain),
        CommandDescription(
            name: "log-level", group: .running, operand: .optional("LEVEL", .words(ControlCommands.levels)),
            summary: "tell from which level on messages are logged, or set it until the next start",
            options: ServerChoice.options, notes: ServerChoice.notes, run: ControlCommands.logLevel),
        CommandDescription(
            name: "config", group: .running, summary: "show the configuration in force, without its secrets",
            options: ServerChoice.options, notes: ServerChoice.notes, run: ControlCommands.configuration),
        CommandDescription(
            name: "selftest", group: .running,
            summary: "use the server as clients do, and say in words what does not work",
            options: SelftestCommand.options, notes: SelftestCommand.notes, run: SelftestCommand.run),
    ]

    private static let preparing: [CommandDescription] = [
        CommandDescription(
            name: "check-config", group: .preparing, operand: .required("FILE", .files),
            summary: "report every error and warning of a configuration; 1 if there is an error",
            run: CheckConfigCommand.run),
        CommandDescription(
            name: "check-peer", group: .preparing, operand: .required("IP[:PORT]", .nothing),
            summary: "tell whether clients may reach a peer, and which rule decides; 1 if not",
            options: [configurationFile], takesConfigurationOptions: true, run: CheckPeerCommand.run),
        CommandDescription(
            name: "credentials", group: .preparing,
            summary: "make a time-limited user name and password from static-auth-secret",
            options: [
                OptionDescription("--user", "NAME", "who it is for; becomes a part of the user name"),
                OptionDescription(
                    "--ttl", "SECONDS", "how long it may start allocations; default 3600, at most 43200"),
                OptionDescription(
                    "--quota", "N", "how many allocations it may have at a time; default as minted-user-quota"),
                OptionDescription("--plain", "the bare form <expiry>:<user>, whose quota is user-quota"),
                configurationFile,
            ], notes: "Prints the user name and the password, one a line.", takesConfigurationOptions: true,
            run: CredentialsCommand.run),
        CommandDescription(
            name: "token", group: .preparing,
            summary: "make a token that opens a room, signed with a signaling-api-key",
            options: [
                OptionDescription(
                    "--room", "ROOM", "the room that it opens; 'team-*' for all whose names begin so, '*' for every one"
                ),
                OptionDescription(
                    "--identity", "NAME", "who it is for; two sessions of one name can take each other's place"),
                OptionDescription("--ttl", "SECONDS", "how long it opens the room; default 3600, at most 86400"),
                OptionDescription("--capacity", "N", "how many participants the room takes if this token opens it"),
                OptionDescription("--kick", "its holder may put others out"),
                OptionDescription("--key", "ID", "the signaling-api-key to sign with; default: the first one"),
                configurationFile,
            ], notes: "--room is required. Prints the token.", takesConfigurationOptions: true, run: TokenCommand.run),
        CommandDescription(
            name: "users", group: .preparing, operand: .required("add|list|remove", .words(["add", "list", "remove"])),
            summary: "keep users in a database (userdb) that servers read while they run",
            options: [
                OptionDescription("--realm", "REALM", "default: that of the configuration; list shows all realms"),
                OptionDescription(
                    "--password-file", "FILE", .files, "one line, for add; default: standard input"),
                OptionDescription(
                    "-b", "FILE", .files,
                    "the database, made by add if there is none; default: userdb of the configuration"),
                configurationFile,
                OptionDescription("--json", "the list as JSON"),
            ],
            notes: """
                'tern users add NAME' and 'tern users remove NAME' name the user; who is there gets another password.
                The tables are those of coturn, so turnadmin works on the same file. Servers see a change within two
                seconds.
                """, run: UsersCommand.run),
        CommandDescription(
            name: "completion", group: .preparing, operand: .required("SHELL", .words(ShellCompletion.shells)),
            summary: "print the completion of bash, zsh or fish for this program", run: CompletionCommand.run),
    ]
}
