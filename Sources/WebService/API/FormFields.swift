import HTTP

/// Named values of a request: those of the query, and those of a form in the body (application/x-www-form-urlencoded).
/// The first of a name counts, and the query counts before the form.
struct FormFields {
    private let fields: [(name: String, value: String)]

    init(_ request: HTTPRequest) {
        let type = request.headers["content-type"]?.lowercased() ?? ""
        let isForm = request.method == .post && type.hasPrefix("application/x-www-form-urlencoded")
        // A form is written like a query.
        let form = isForm ? RequestTarget("/?" + String(decoding: request.body, as: UTF8.self))?.query : nil
        fields = request.target.query + (form ?? [])
    }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}
