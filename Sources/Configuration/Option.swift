/// One option of `turnserver.conf`, as data. Everything that is said about an option anywhere (the parser, the
/// reference page, the example file, the check of unknown names) comes from here.
package struct Option: Sendable, Equatable {
    /// Who gave the option its name.
    package enum Origin: Sendable, Equatable {
        /// coturn 4.17 recognises it.
        case coturn
        /// coturn once did; old files still carry it.
        case retired
        /// Ours.
        case tern
    }

    /// The long name, in the file and behind `--`.
    package let name: String
    /// Other long names with the same meaning.
    package let aliases: [String]
    /// The letter after a single dash on the command line.
    package let short: Character?
    /// The form of the value.
    package let kind: ValueKind
    /// Every occurrence counts, instead of the last one only.
    package let repeats: Bool
    /// What holds when nothing is written.
    package let fallback: DefaultValue
    /// What happens when it is written.
    package let support: Support
    /// Who gave it its name.
    package let origin: Origin
    /// What a reload does with another value; nil for what does not act.
    package let reload: ReloadEffect?
    /// What the option does, in one or two sentences.
    package let summary: String

    init(
        _ name: String, _ kind: ValueKind, default fallback: DefaultValue = .none, short: Character? = nil,
        aliases: [String] = [], repeats: Bool = false, support: Support = .acts, origin: Origin = .coturn,
        reload: ReloadEffect? = nil, _ summary: String
    ) {
        self.name = name
        self.aliases = aliases
        self.short = short
        self.kind = kind
        self.repeats = repeats
        self.fallback = fallback
        self.support = support
        self.origin = origin
        self.reload = reload
        self.summary = summary
    }

    /// A flag that is off unless written.
    static func flag(
        _ name: String, short: Character? = nil, support: Support = .acts, origin: Origin = .coturn,
        reload: ReloadEffect? = nil, _ summary: String
    ) -> Option {
        Option(
            name, .flag, default: "off", short: short, support: support, origin: origin, reload: reload, summary)
    }

    /// The name and its aliases.
    package var names: [String] { [name] + aliases }
}

/// What becomes of another value of an option when a running server reads its configuration anew.
package enum ReloadEffect: Sendable, Hashable {
    /// It holds from then on.
    case atOnce
    /// It holds for what begins from then on, in the plural; what exists keeps what it began with.
    case forNew(String)
    /// It holds for sessions of TLS and DTLS that begin from then on. To begin with TLS, or to end it, would change the
    /// listeners, which needs a restart.
    case whileEncrypted
    /// Listeners, threads, tables and what else is made once go by it: it needs a restart, and until then the old value
    /// holds.
    case atRestart
}

/// What happens when an option is written.
package enum Support: Sendable, Equatable {
    /// It does what it says.
    case acts
    /// It is read and checked, and takes effect with a later release. Said once at start.
    case later(String)
    /// It is read and never takes effect. Said once at start.
    case noEffect(String)
    /// What it asks for is always so, or concerns something Tern does not have. Nothing is said.
    case silent(String)
    /// The server does not start with it.
    case refused(String)
}

/// What holds when an option is not written.
package enum DefaultValue: Sendable, Equatable, ExpressibleByStringLiteral {
    case none
    /// A value in the form in which the file would give it.
    case text(String)
    /// A value that only the running host knows, in words.
    case described(String)

    /// A default in the form in which the file would give it.
    package init(stringLiteral value: String) { self = .text(value) }
}

/// The form of an option's value.
package enum ValueKind: Sendable, Equatable {
    /// Yes or no; the bare name means yes.
    case flag
    /// 0 through 65535.
    case port
    case integer(ClosedRange<Int>)
    /// A span of time; `whenBare` is what the name without a value means, nil when a value is needed.
    case seconds(ClosedRange<Int>, whenBare: Int?)
    case bytes(ClosedRange<Int>)
    case bytesPerSecond
    case address
    /// `address` or `address:port`.
    case endpoint
    /// `address` or `address:port`, with `name@` before it or not.
    case alternate
    /// `public` or `public/private`.
    case externalAddress
    /// An address, `first-last`, or `address/length`.
    case peers
    /// `name:password` or `name:0xkey`.
    case credentials
    /// Text that must never be shown.
    case secret
    /// How to reach a database. May hold a password, so it is never shown.
    case connection
    /// One printable ASCII character.
    case character
    case choice([String])
    case string
    /// A name of a network device.
    case device
    case path
    /// `id:secret`, the secret long enough for a MAC.
    case apiKey
    /// A secret that is long enough for a MAC.
    case longSecret
    /// A site as browsers name it, `null`, or `*`.
    case origin
    /// A name of a room, `prefix*`, or `*`.
    case roomPattern
    /// `issuer:/path/to/public.pem`.
    case tokenIssuer
    /// A host name or an address.
    case host
    /// `name` or `name:port` of a signaling dialect.
    case dialect

    /// A value of this kind may be or contain a secret, so no message may quote it.
    package var isConfidential: Bool {
        switch self {
        case .credentials, .secret, .connection, .apiKey, .longSecret: true
        case .flag, .port, .integer, .seconds, .bytes, .bytesPerSecond, .address, .endpoint, .alternate,
            .externalAddress, .peers,
            .character, .choice, .string, .device, .path, .origin, .roomPattern, .tokenIssuer, .host, .dialect:
            false
        }
    }

    /// `#` may be a part of the value, so nothing behind it may be cut off as a comment.
    package var mayContainHash: Bool {
        self == .credentials || self == .secret || self == .apiKey || self == .longSecret
    }

    /// On the command line the value stands in the next word.
    package var takesValue: Bool {
        switch self {
        case .flag: false
        case .seconds(_, let whenBare): whenBare == nil
        case .port, .integer, .bytes, .bytesPerSecond, .address, .endpoint, .alternate, .externalAddress, .peers,
            .credentials,
            .secret, .connection, .character, .choice, .string, .device, .path, .apiKey, .longSecret, .origin,
            .roomPattern, .tokenIssuer, .host, .dialect:
            true
        }
    }
}

/// The headings of the example file and of the reference page, in their order.
package enum OptionSection: String, CaseIterable, Sendable {
    case listeners = "Listeners"
    case relay = "Relaying"
    case authentication = "Authentication"
    case quotas = "Quotas, rates and lifetimes"
    case peers = "Peer policy"
    case protocolSwitches = "Protocol"
    case signaling = "Signaling"
    case logging = "Logging"
    case process = "Process"
    case tls = "TLS and DTLS"
    case databases = "Databases"
    case balancing = "Load balancing and drain"
    case administration = "Administration and metrics"
    case retired = "Names of older releases"
}
