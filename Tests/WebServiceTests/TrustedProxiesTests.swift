import NetworkPrimitives
import Testing

@testable import WebService

@Suite struct TrustedProxiesTests {
    let proxies = TrustedProxies([.prefix(IPPrefix("10.0.0.0/8")!), .prefix(IPPrefix("2001:db8::/32")!)])

    private func client(_ remote: String, _ forwardedFor: [String] = [], _ forwarded: [String] = []) -> String {
        "\(proxies.client(of: IPAddress(remote)!, forwardedFor: forwardedFor, forwarded: forwarded))"
    }

    @Test func whoIsNoProxyIsNotBelieved() {
        #expect(client("192.0.2.9", ["203.0.113.5"], ["for=203.0.113.5"]) == "192.0.2.9")
    }

    @Test func theLastAddressThatIsNoProxyCounts() {
        #expect(client("10.0.0.1", ["203.0.113.5"]) == "203.0.113.5")
        #expect(client("10.0.0.1", ["198.51.100.7, 203.0.113.5, 10.2.3.4"]) == "203.0.113.5")
        #expect(client("10.0.0.1", ["198.51.100.7", "203.0.113.5"]) == "203.0.113.5")
    }

    @Test func aListOfProxiesAloneNamesTheFirst() {
        #expect(client("10.0.0.1", ["10.9.9.9"]) == "10.9.9.9")
        #expect(client("10.0.0.1") == "10.0.0.1")
    }

    @Test(arguments: [
        ("for=203.0.113.5", "203.0.113.5"), ("For=\"203.0.113.5:4711\";proto=https", "203.0.113.5"),
        ("for=\"[2a00::17]:47011\"", "2a00::17"), ("by=10.0.0.9;for=203.0.113.5, for=10.0.0.8", "203.0.113.5"),
    ])
    func forwardedIsReadAsRFC7239Section4(_ header: String, _ expected: String) {
        #expect(client("10.0.0.1", [], [header]) == expected)
    }

    /// nginx and its like append to X-Forwarded-For, and pass on whatever Forwarded the client has sent.
    @Test(arguments: ["for=127.0.0.1", "for=10.0.0.7", "for=198.51.100.99", ""])
    func aClientCannotNameItselfByForwarded(_ header: String) {
        #expect(client("10.0.0.1", ["203.0.113.5"], [header]) == "203.0.113.5")
    }

    @Test(arguments: ["unknown", "_hidden", "", "203.0.113.5.6", "x, "])
    func whatCannotBeReadEndsTheSearch(_ text: String) {
        #expect(client("10.0.0.1", ["203.0.113.5, " + text]) == "10.0.0.1")
    }

    @Test func longListsAreNotLookedThrough() {
        let list = "203.0.113.5" + String(repeating: ", 10.0.0.2", count: 16)
        #expect(client("10.0.0.1", [list]) == "10.0.0.2")
        let shorter = "203.0.113.5" + String(repeating: ", 10.0.0.2", count: 15)
        #expect(client("10.0.0.1", [shorter]) == "203.0.113.5")
    }

    @Test func mappedAddressesAreIPv4() {
        #expect(client("10.0.0.1", ["::ffff:203.0.113.5"]) == "203.0.113.5")
    }
}
