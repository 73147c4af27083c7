/// What is wrong with the body of a request, for the answer 400. Quotes nothing that was sent.
package struct RequestError: Error, Hashable, Sendable {
    /// The member that is wrong, such as `grants.turn.max_ttl`; empty for the body as a whole.
    package let field: String
    /// What it must be, to be read behind the name of the field.
    package let problem: String

    init(_ field: String, _ problem: String) {
        self.field = field
        self.problem = problem
    }

    /// A sentence for whoever wrote the request.
    package var message: String { field.isEmpty ? "the body \(problem)" : "\(field) \(problem)" }
}
