import Glibc
import NetworkPrimitives

/// Any text: we take the addresses that the C library takes and no others, and what we print reads as the same address.
package func checkAddressText(_ input: RawSpan) {
    let text = String(decoding: input.array(), as: UTF8.self)
    checkIPv4(text)
    checkIPv6(text)
    checkPrefix(text)
    checkSocketAddress(text)
}

private func checkIPv4(_ text: String) {
    let address = IPv4Address(text)
    // A C string ends at its first zero byte, so such a text says nothing about ours.
    if !text.utf8.contains(0) {
        var expected = in_addr()
        let taken = inet_pton(AF_INET, text, &expected) == 1
        require((address != nil) == taken, "IPv4: we take what the C library takes")
        if let address { require(address.rawValue == UInt32(bigEndian: expected.s_addr), "IPv4: the same address") }
    }
    guard let address else { return }
    require(address.description == text, "IPv4: there is one spelling")
    require(IPAddress(text) == .v4(address), "IPv4: either reader agrees")
}

private func checkIPv6(_ text: String) {
    let address = IPv6Address(text)
    if !text.utf8.contains(0) {
        var expected = [UInt8](repeating: 0, count: 16)
        let taken = inet_pton(AF_INET6, text, &expected) == 1
        require((address != nil) == taken, "IPv6: we take what the C library takes")
        if let address {
            let high = expected[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let low = expected[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            require(address == IPv6Address(high: high, low: low), "IPv6: the same address")
        }
    }
    guard let address else { return }
    let printed = address.description
    require(IPv6Address(printed) == address, "IPv6: what is printed reads as the same address")
    require(printed.utf8.allSatisfy { !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }, "IPv6: lower case")
    require(printed.utf8.count <= 39, "IPv6: no longer than eight full groups")
    require(IPAddress(text) == .v6(address), "IPv6: either reader agrees")
}

private func checkPrefix(_ text: String) {
    guard let prefix = IPPrefix(text) else { return }
    require(IPPrefix(prefix.description) == prefix, "prefix: what is printed reads as the same block")
    require(prefix.contains(prefix.address), "prefix: the base belongs to the block")
    require((0...(prefix.address.family == .ipv4 ? 32 : 128)).contains(prefix.length), "prefix: the length fits")
}

private func checkSocketAddress(_ text: String) {
    guard let address = SocketAddress(text) else { return }
    require(SocketAddress(address.description) == address, "socket address: what is printed reads as the same")
    if case .v4 = address.ip { require(address.description == text, "socket address: IPv4 has one spelling") }
}
