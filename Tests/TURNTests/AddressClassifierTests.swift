import NetworkPrimitives
import TURN
import TestSupport
import Testing

/// What is expected of an address, by the three degrees of SECURITY.
private enum Expected { case global, internalUse, loopback, never }

private func kind(_ text: String) -> Expected {
    switch AddressClassifier.classify(ip(text)) {
    case .global: .global
    case .internalUse: .internalUse
    case .loopback: .loopback
    case .never: .never
    }
}

/// A block with its first and its last address, and the addresses next to it with what they are.
private struct Block: Sendable, CustomTestStringConvertible {
    let first: String
    let last: String
    let expected: Expected
    let before: (String, Expected)?
    let after: (String, Expected)?

    init(_ first: String, _ last: String, _ expected: Expected, before: (String, Expected)?, after: (String, Expected)?)
    {
        self.first = first
        self.last = last
        self.expected = expected
        self.before = before
        self.after = after
    }

    var testDescription: String { "\(first)-\(last)" }
}

@Suite("RFC 8656 §21, RFC 6890 — what a peer's address means")
struct AddressClassifierTests {
    private static let ipv4: [Block] = [
        Block("0.0.0.0", "0.255.255.255", .never, before: nil, after: ("1.0.0.0", .global)),
        Block(
            "10.0.0.0", "10.255.255.255", .internalUse, before: ("9.255.255.255", .global), after: ("11.0.0.0", .global)
        ),
        Block(
            "100.64.0.0", "100.127.255.255", .internalUse, before: ("100.63.255.255", .global),
            after: ("100.128.0.0", .global)),
        Block(
            "127.0.0.0", "127.255.255.255", .loopback, before: ("126.255.255.255", .global),
            after: ("128.0.0.0", .global)),
        Block(
            "168.63.129.16", "168.63.129.16", .internalUse, before: ("168.63.129.15", .global),
            after: ("168.63.129.17", .global)),
        Block(
            "169.254.0.0", "169.254.255.255", .never, before: ("169.253.255.255", .global),
            after: ("169.255.0.0", .global)),
        Block(
            "172.16.0.0", "172.31.255.255", .internalUse, before: ("172.15.255.255", .global),
            after: ("172.32.0.0", .global)),
        Block(
            "192.0.0.0", "192.0.0.255", .internalUse, before: ("191.255.255.255", .global),
            after: ("192.0.1.0", .global)),
        Block(
            "192.0.2.0", "192.0.2.255", .internalUse, before: ("192.0.1.255", .global), after: ("192.0.3.0", .global)),
        Block(
            "192.88.99.0", "192.88.99.255", .internalUse, before: ("192.88.98.255", .global),
            after: ("192.88.100.0", .global)),
        Block(
            "192.168.0.0", "192.168.255.255", .internalUse, before: ("192.167.255.255", .global),
            after: ("192.169.0.0", .global)),
        Block(
            "198.18.0.0", "198.19.255.255", .internalUse, before: ("198.17.255.255", .global),
            after: ("198.20.0.0", .global)),
        Block(
            "198.51.100.0", "198.51.100.255", .internalUse, before: ("198.51.99.255", .global),
            after: ("198.51.101.0", .global)),
        Block(
            "203.0.113.0", "203.0.113.255", .internalUse, before: ("203.0.112.255", .global),
            after: ("203.0.114.0", .global)),
        Block(
            "224.0.0.0", "239.255.255.255", .never, before: ("223.255.255.255", .global),
            after: ("240.0.0.0", .internalUse)
        ),
        Block(
            "240.0.0.0", "255.255.255.254", .internalUse, before: ("239.255.255.255", .never),
            after: ("255.255.255.255", .never)),
        Block("255.255.255.255", "255.255.255.255", .never, before: ("255.255.255.254", .internalUse), after: nil),
    ]

    private static let ff = "ffff:ffff:ffff:ffff"

    private static let ipv6: [Block] = [
        Block("::", "::", .never, before: nil, after: ("::1", .loopback)),
        Block("::1", "::1", .loopback, before: ("::", .never), after: ("::2", .never)),
        // IPv4-compatible and IPv4-mapped: whatever they hold.
        Block("::2", "::ffff:ffff", .never, before: ("::1", .loopback), after: nil),
        Block("::ffff:0:0", "::ffff:ffff:ffff", .never, before: nil, after: nil),
        Block(
            "100::", "100::\(ff)", .internalUse, before: ("ff:ffff:ffff:ffff:\(ff)", .global),
            after: ("100:0:0:1::", .global)),
        Block("2001::", "2001:0:ffff:ffff:\(ff)", .never, before: nil, after: ("2001:1::", .internalUse)),
        Block(
            "2001:1::", "2001:1ff:ffff:ffff:\(ff)", .internalUse, before: ("2001:0:ffff:ffff:\(ff)", .never),
            after: ("2001:200::", .global)),
        Block(
            "2001:db8::", "2001:db8:ffff:ffff:\(ff)", .internalUse, before: ("2001:db7:ffff:ffff:\(ff)", .global),
            after: ("2001:db9::", .global)),
        Block(
            "2002::", "2002:ffff:ffff:ffff:\(ff)", .never, before: ("2001:ffff:ffff:ffff:\(ff)", .global),
            after: ("2003::", .global)),
        Block(
            "3fff::", "3fff:fff:ffff:ffff:\(ff)", .internalUse, before: ("3ffe:ffff:ffff:ffff:\(ff)", .global),
            after: ("3fff:1000::", .global)),
        Block(
            "5f00::", "5f00:ffff:ffff:ffff:\(ff)", .internalUse, before: ("5eff:ffff:ffff:ffff:\(ff)", .global),
            after: ("5f01::", .global)),
        Block(
            "fc00::", "fcff:ffff:ffff:ffff:\(ff)", .internalUse, before: ("fbff:ffff:ffff:ffff:\(ff)", .global),
            after: nil),
        Block("fd00:ec2::254", "fd00:ec2::254", .never, before: nil, after: nil),
        Block("fd00:ec3::", "fdff:ffff:ffff:ffff:\(ff)", .internalUse, before: nil, after: ("fe00::", .global)),
        Block(
            "fe80::", "febf:ffff:ffff:ffff:\(ff)", .never, before: ("fe7f:ffff:ffff:ffff:\(ff)", .global),
            after: ("fec0::", .internalUse)),
        Block(
            "fec0::", "feff:ffff:ffff:ffff:\(ff)", .internalUse, before: ("febf:ffff:ffff:ffff:\(ff)", .never),
            after: ("ff00::", .never)),
        Block(
            "ff00::", "ffff:ffff:ffff:ffff:\(ff)", .never, before: ("feff:ffff:ffff:ffff:\(ff)", .internalUse),
            after: nil),
    ]

    @Test("each block begins and ends where its registry says", .requirement("RI-peers-5"), arguments: ipv4 + ipv6)
    private func blocks(block: Block) {
        #expect(kind(block.first) == block.expected)
        #expect(kind(block.last) == block.expected)
        if let (text, expected) = block.before { #expect(kind(text) == expected, "\(text)") }
        if let (text, expected) = block.after { #expect(kind(text) == expected, "\(text)") }
    }

    @Test(
        "public addresses are public", .requirement("RI-peers-5"),
        arguments: ["1.1.1.1", "8.8.8.8", "198.51.99.1", "223.255.255.255", "2600::1", "2a00:1450:4001:800::200e"])
    func global(text: String) {
        #expect(kind(text) == .global)
    }

    /// Every way to write an IPv4 address into an IPv6 one, with the place for its two halves in hexadecimal.
    private static let disguises: [(name: String, form: String, publicIs: Expected, internalIs: Expected)] = [
        ("IPv4-compatible", "::%", .never, .never),
        ("IPv4-mapped", "::ffff:%", .never, .never),
        ("IPv4-translated", "::ffff:0:%", .global, .internalUse),
        ("NAT64", "64:ff9b::%", .global, .internalUse),
        ("local-use NAT64", "64:ff9b:1::%", .internalUse, .internalUse),
        ("local-use NAT64, last /96", "64:ff9b:1:ffff:ffff:ffff:%", .internalUse, .internalUse),
        ("ISATAP", "2600::5efe:%", .global, .internalUse),
        ("ISATAP, universal", "2600::200:5efe:%", .global, .internalUse),
        ("ISATAP in unique local", "fd00:1:2:3:0:5efe:%", .internalUse, .internalUse),
        ("ISATAP in unique local, universal", "fd00:1:2:3:200:5efe:%", .internalUse, .internalUse),
        ("ISATAP in documentation", "2001:db8::5efe:%", .internalUse, .internalUse),
        ("6to4", "2002:%::1", .never, .never),
        ("6to4 whose rest is public", "2002:%:0:0:0:808:808", .never, .never),
        ("Teredo", "2001:0:%:0:1:2:3", .never, .never),
    ]

    private static let forbidden = [
        "0.0.0.0", "0.0.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254", "224.0.0.1", "239.255.255.255",
        "255.255.255.255",
    ]
    private static let inside = [
        "10.0.0.1", "100.64.0.1", "168.63.129.16", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
        "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "240.0.0.1",
    ]

    private func disguise(_ inner: String, _ form: String) -> String {
        let bytes = ip(inner).wire
        let high = String(UInt16(bytes[0]) << 8 | UInt16(bytes[1]), radix: 16)
        let low = String(UInt16(bytes[2]) << 8 | UInt16(bytes[3]), radix: 16)
        return form.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "\(high):\(low)")
    }

    @Test("an address in disguise is judged by what it carries", .requirement("RI-peers-6"))
    func disguised() {
        for (name, form, publicIs, internalIs) in Self.disguises {
            for inner in Self.forbidden {
                let text = disguise(inner, form)
                // ::127.0.0.1 and the like; ::0.0.0.1 is IPv6's own loopback.
                if text == "::0:1" { continue }
                #expect(kind(text) == .never, "\(name): \(inner) as \(text)")
            }
            for inner in Self.inside {
                let text = disguise(inner, form)
                #expect(kind(text) == internalIs, "\(name): \(inner) as \(text)")
            }
            let text = disguise("8.8.8.8", form)
            #expect(kind(text) == publicIs, "\(name): 8.8.8.8 as \(text)")
        }
    }

    @Test("forms next to a disguise are not one", .requirement("RI-peers-6"))
    func nextToADisguise() {
        #expect(kind("64:ff9b:0:0:0:1:7f00:1") == .global)
        #expect(kind("64:ff9b:2::7f00:1") == .global)
        #expect(kind("64:ff9a::7f00:1") == .global)
        #expect(kind("2600::5eff:7f00:1") == .global)
        #expect(kind("2600::100:5efe:7f00:1") == .global)
    }

    @Test("classes are equal when kind and name are", .requirement("RI-peers-5"))
    func equality() {
        #expect(AddressClassifier.classify(ip("10.0.0.1")) == AddressClassifier.classify(ip("10.9.0.1")))
        #expect(AddressClassifier.classify(ip("10.0.0.1")) != AddressClassifier.classify(ip("172.16.0.1")))
        #expect(AddressClassifier.classify(ip("10.0.0.1")) != .global)
        #expect(AddressClassifier.classify(ip("127.0.0.1")) == .loopback)
    }
}
