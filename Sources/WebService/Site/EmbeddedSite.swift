import Crypto
import HTTP
import NetworkPrimitives
import Pages

/// The pages that are part of the executable (Sources/Pages/site).
package struct EmbeddedSite: SiteContent {
    private let resources: [String: SiteResource]

    /// Our pages load nothing from elsewhere and run no script that is not a file of ours. WebSockets go to the same
    /// host; `ws:` and `wss:` are named because older browsers do not count them to 'self'.
    private static let securityPolicy = HTTPFieldValue(
        cleaning: "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; media-src 'self' blob:; "
            + "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'")

    private static let socketIOClients: Set<String> = [
        "socket.io/socket.io.min.js", "socket.io/socket.io.slim.js",
    ]

    package init() {
        var resources: [String: SiteResource] = [:]
        for index in 0..<tern_page_count {
            let page = unsafe tern_page_at(index)
            let path = unsafe String(cString: page.path)
            let bytes = unsafe [UInt8](UnsafeBufferPointer(start: page.bytes, count: page.byte_count))
            let digest = bytes.withRawSpan { SHA256.hash($0).array }
            resources[path] = SiteResource(
                bytes: bytes, entityTag: HTTPFieldValue(cleaning: "\"\(Hex.encode(Array(digest.prefix(8))))\""),
                contentType: ContentType.named(path), securityPolicy: Self.securityPolicy)
        }
        self.resources = resources
    }

    package func resource(at path: [String]) -> SiteResource? {
        var written = path.isEmpty ? "index.html" : path.joined(separator: "/")
        // Pages ask for smaller forms of the client of Socket.IO; ours has one form.
        if Self.socketIOClients.contains(written) { written = "socket.io/socket.io.js" }
        // The dashboard looks as our pages do also where the operator's site has a sheet of this name.
        if written == "dashboard/base.css" { written = "style.css" }
        // `/call` is `call.html`: a link that is read out loud needs no ending.
        return resources[written] ?? resources[written + ".html"]
    }
}

/// The operator's site, with our own clients beneath it: `tern.js` and its parts in `tern/`, and that of Socket.IO, are
/// there unless the directory holds files of these names. So is the dashboard, of which every file is in `dashboard/`.
package struct OverlaidSite: SiteContent {
    private let upper: any SiteContent
    private let lower: any SiteContent

    package init(_ upper: any SiteContent, over lower: any SiteContent) {
        self.upper = upper
        self.lower = lower
    }

    package func resource(at path: [String]) -> SiteResource? {
        if let resource = upper.resource(at: path) { return resource }
        return path.isClient || path.isDashboard ? lower.resource(at: path) : nil
    }
}

extension [String] {
    /// Whether the path is that of a client, which pages of other origins import too: it holds nothing that is not in
    /// everybody's executable.
    var isClient: Bool { self == ["tern.js"] || first == "tern" || first == "socket.io" }

    fileprivate var isDashboard: Bool { self == ["dashboard.html"] || first == "dashboard" }
}
