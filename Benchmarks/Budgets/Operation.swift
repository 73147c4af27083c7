/// Something that a server does over and over, and whose cost has a budget.
enum Operation: String, CaseIterable {
    case channelUp = "channel-up"
    case channelDown = "channel-down"
    case sendIndication = "send-indication"
    case dataIndication = "data-indication"
    case binding
    case challenge
    case refresh
    case refreshEphemeral = "refresh-ephemeral"
    case createPermission = "create-permission"
    case channelBind = "channel-bind"
    case allocationCycle = "allocation-cycle"
    case expiry

    /// How often it is done before it is measured, and then while it is. What happens now and then, such as a queue
    /// that wraps, is to fall into the measurement often enough to be an average.
    var count: Int {
        switch self {
        case .allocationCycle, .expiry: 1024
        case .challenge, .refresh, .refreshEphemeral, .createPermission, .channelBind: 2048
        case .channelUp, .channelDown, .sendIndication, .dataIndication, .binding: 8192
        }
    }

    /// What a call of two people sends in 20 ms.
    static let payloadByteCount = 160
}
