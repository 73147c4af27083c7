import Testing

@testable import WebService

@Suite struct OriginPolicyTests {
    let policy = OriginPolicy(listed: ["https://app.example.org"])

    @Test func aPageOfThisServerIsOwn() {
        #expect(policy.judge("http://tern.example:8080", authority: "tern.example:8080") == .own)
        #expect(policy.judge("https://TERN.example", authority: "tern.example") == .own)
    }

    @Test func aProgramThatIsNoBrowserIsOwn() {
        #expect(policy.judge(nil, authority: "tern.example") == .own)
    }

    @Test func aListedPageIsListed() {
        #expect(
            policy.judge("https://app.example.org", authority: "tern.example") == .listed("https://app.example.org"))
        #expect(
            policy.judge("https://APP.example.org", authority: "tern.example") == .listed("https://APP.example.org"))
    }

    @Test(arguments: [
        "https://evil.example", "http://app.example.org", "https://app.example.org:444",
        "https://app.example.org.evil.example", "null", "", "https://tern.example:8081", "ftp://tern.example",
    ])
    func everythingElseIsRefused(_ origin: String) {
        #expect(policy.judge(origin, authority: "tern.example") == .refused)
    }

    @Test func nullIsAllowedWhenListed() {
        let policy = OriginPolicy(listed: ["null"])
        #expect(policy.judge("null", authority: "tern.example") == .listed("null"))
        #expect(policy.judge("https://evil.example", authority: "tern.example") == .refused)
    }

    @Test func aStarListsAll() {
        let policy = OriginPolicy(allowsAll: true)
        #expect(policy.judge("https://evil.example", authority: "x") == .listed("https://evil.example"))
    }

    @Test func withoutHostNothingIsOwn() {
        #expect(policy.judge("https://tern.example", authority: nil) == .refused)
    }
}
