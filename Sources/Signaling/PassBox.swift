/// What a token said. It is large and mostly the same for a client's whole time here, so it lives apart.
package final class PassBox: Sendable {
    package let pass: Pass

    package init(_ pass: Pass) { self.pass = pass }

    /// Who it was given to, if to somebody.
    package var identity: Admission.Identity? {
        pass.subject.map { Admission.Identity(issuer: pass.issuer, subject: $0) }
    }
}
