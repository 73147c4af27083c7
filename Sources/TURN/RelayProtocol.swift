/// What an allocation relays: the value of REQUESTED-TRANSPORT, an IP protocol number (RFC 8656 §18.8, RFC 6062 §4.1).
enum RelayProtocol: UInt8 {
    case tcp = 6
    case udp = 17
}
