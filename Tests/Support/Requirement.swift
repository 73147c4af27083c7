package import Testing

/// Ties a test to a row of the conformance ledger in `Docs/Conformance`.
///
/// An identifier is the RFC, the section, and a running number: `R8489-14.2-1`.
package struct Requirement: TestTrait, SuiteTrait {
    /// The identifier of the row.
    package let id: String

    /// The row with this identifier.
    package init(id: String) { self.id = id }
}

extension Trait where Self == Requirement {
    /// The test, or every test of the suite, shows that the row holds.
    package static func requirement(_ id: String) -> Self { Requirement(id: id) }
}
