/// Which pages may use this server from a browser: those that it serves itself, and those that the operator lists.
///
/// Browsers send cookies with WebSocket upgrades of any page and ask nobody before (RFC 6455 §10.2), so the Origin is
/// checked on every upgrade and decides CORS. Programs that are no browser send no Origin and are not judged by it.
package struct OriginPolicy: Hashable, Sendable {
    /// As browsers send them: `https://app.example.org`, or `null`.
    private let listed: Set<String>
    private let allowsAll: Bool

    package init(listed: [String] = [], allowsAll: Bool = false) {
        self.listed = Set(listed.map { $0.lowercased() })
        self.allowsAll = allowsAll
    }

    /// What an Origin means for a request.
    package enum Verdict: Hashable, Sendable {
        /// No browser, or a page of this very server.
        case own
        /// A listed page of another server: CORS headers are for it.
        case listed(String)
        case refused
    }

    /// Judges the Origin header of a request; `authority` is its Host header.
    package func judge(_ origin: String?, authority: String?) -> Verdict {
        guard let origin else { return .own }
        let written = origin.lowercased()
        if let authority, Self.authority(of: written) == authority.lowercased() { return .own }
        return allowsAll || listed.contains(written) ? .listed(origin) : .refused
    }

    /// `app.example.org:8080` of `https://app.example.org:8080`; nil when it is none.
    ///
    /// The scheme does not count: behind a proxy that ends TLS the page is https and we are not.
    private static func authority(of origin: String) -> String? {
        for scheme in ["https://", "http://"] where origin.hasPrefix(scheme) {
            return String(origin.dropFirst(scheme.count))
        }
        return nil
    }
}
