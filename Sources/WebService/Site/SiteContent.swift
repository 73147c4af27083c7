package import HTTP

/// A file of a site, whole.
package struct SiteResource: Sendable {
    package let bytes: [UInt8]
    /// Names this very content: the quoted value of the ETag header (RFC 9110 §8.8.3).
    package let entityTag: HTTPFieldValue
    package let contentType: HTTPFieldValue
    /// A Content-Security-Policy for pages that we know; an operator's own pages decide for themselves.
    package let securityPolicy: HTTPFieldValue?

    package init(
        bytes: [UInt8], entityTag: HTTPFieldValue, contentType: HTTPFieldValue, securityPolicy: HTTPFieldValue? = nil
    ) {
        self.bytes = bytes
        self.entityTag = entityTag
        self.contentType = contentType
        self.securityPolicy = securityPolicy
    }
}

/// Where pages come from: the executable, or a directory of the operator.
package protocol SiteContent: Sendable {
    /// The file of a path whose segments are decoded and contain neither slashes nor dots only. An empty path is the
    /// start page.
    func resource(at path: [String]) -> SiteResource?
}

/// No pages at all.
package struct EmptySite: SiteContent {
    package init() {}

    package func resource(at path: [String]) -> SiteResource? { nil }
}

/// Media types by the ending of a file's name.
package enum ContentType {
    /// What a browser may not guess about (`nosniff` is always sent).
    private static let byEnding: [String: HTTPFieldValue] = [
        "html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
        "json": "application/json", "map": "application/json", "webmanifest": "application/manifest+json",
        "txt": "text/plain; charset=utf-8", "md": "text/plain; charset=utf-8", "xml": "application/xml",
        "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
        "webp": "image/webp", "avif": "image/avif", "ico": "image/x-icon", "woff": "font/woff", "woff2": "font/woff2",
        "ttf": "font/ttf", "otf": "font/otf", "mp3": "audio/mpeg", "ogg": "audio/ogg", "wav": "audio/wav",
        "mp4": "video/mp4", "webm": "video/webm", "wasm": "application/wasm", "pdf": "application/pdf",
    ]

    package static func named(_ fileName: String) -> HTTPFieldValue {
        guard let dot = fileName.lastIndex(of: ".") else { return "application/octet-stream" }
        return byEnding[fileName[fileName.index(after: dot)...].lowercased()] ?? "application/octet-stream"
    }
}
