/// What a stranger may make one connection hold and do.
package struct WebSocketLimits: Hashable, Sendable {
    /// The longest message, over all of its fragments. A compressed one may be no longer before it is inflated either.
    package let messageByteCountMax: Int
    /// The fragments of one message, empty ones included.
    package let fragmentsMax: Int
    /// The pings, pongs and the like between the fragments of one message.
    package let controlFramesPerMessageMax: Int
    /// How long the other side has to finish the close handshake, and we to write our part of it.
    package let closeSeconds: UInt32
    /// Whether binary messages are of any use to the dialect; if not, the first one ends the connection with 1003.
    package let acceptsBinary: Bool

    /// These limits, and the others as they are by default.
    package init(
        messageByteCountMax: Int = 65_536, fragmentsMax: Int = 64, controlFramesPerMessageMax: Int = 64,
        closeSeconds: UInt32 = 2, acceptsBinary: Bool = true
    ) {
        precondition(messageByteCountMax >= 0 && messageByteCountMax <= Self.messageByteCountCeiling)
        precondition(fragmentsMax >= 1, "a message has at least one frame")
        precondition(controlFramesPerMessageMax >= 0)
        self.messageByteCountMax = messageByteCountMax
        self.fragmentsMax = fragmentsMax
        self.controlFramesPerMessageMax = controlFramesPerMessageMax
        self.closeSeconds = closeSeconds
        self.acceptsBinary = acceptsBinary
    }

    /// The largest limit that somebody can ask for: zlib counts in 32 bits, and memory is not endless.
    package static let messageByteCountCeiling = 1 << 30
}

/// Which side of the connection the codec speaks for.
package enum WebSocketRole: Hashable, Sendable {
    /// Reads masked frames and writes plain ones.
    case server
    /// Reads plain frames and masks its own with one key. RFC 6455 §5.3 wants a new, unpredictable key for each
    /// frame, to protect proxies from scripts that choose their bytes; a load generator has neither.
    case client(maskingKey: UInt32)

    /// What to mask our own frames with.
    var maskingKey: UInt32? {
        switch self {
        case .server: nil
        case .client(let key): key
        }
    }
}
