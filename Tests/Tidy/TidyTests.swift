import Testing

@Suite("Rules of the house")
struct TidyTests {
    @Test("a rule finds what its examples break, and nothing else", arguments: Rule.all)
    func examples(rule: Rule) {
        #expect(rule.examples.contains { !$0.findings.isEmpty }, "a rule that cannot fail checks nothing")
        for example in rule.examples {
            #expect(Set(rule.check(example.tree).map(\.place)) == Set(example.findings))
        }
    }

    @Test("the tree keeps the rule", arguments: Rule.all)
    func tree(rule: Rule) throws {
        for finding in try rule.check(Tree.repository.get()) {
            Issue.record("\(finding.place): \(rule.name): \(finding.advice)")
        }
    }

    @Test("each rule has a name of its own")
    func namesDiffer() {
        #expect(Set(Rule.all.map(\.name)).count == Rule.all.count)
    }
}
