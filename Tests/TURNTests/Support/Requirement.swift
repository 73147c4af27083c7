import Testing

/// Ties a test to a row of the conformance ledger in `Docs/Conformance`.
///
/// An identifier is the RFC, the section, and a running number: `R8656-7.2-4`; `RI-<topic>-<n>` is a rule of our own.
struct Requirement: TestTrait, SuiteTrait {
    let id: String
}

extension Trait where Self == Requirement {
    static func requirement(_ id: String) -> Self { Requirement(id: id) }
}
