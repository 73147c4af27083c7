import EventLoop
import HTTP
package import LinuxSockets
package import WebService

/// The operator's pages (`static-root`). A file is read when it is first asked for, and again when it has changed; all
/// connections share its bytes.
///
/// What is held never makes room for something else: evicted bytes would live on in the queues of slow clients, and
/// strangers could then make us hold a file as often as they ask for it.
package final class DirectorySite: SiteContent, Sendable {
    package static let fileByteCountMax = 16 << 20
    package static let totalByteCountMax = 64 << 20

    private struct Held {
        let version: FileVersion
        let resource: SiteResource
    }

    private struct Table {
        var files: [String: Held] = [:]
        var byteCount = 0
    }

    private let root: StaticRoot
    private let table = Locked(Table())

    package init(path: String) throws(SystemError) { root = try StaticRoot(path: path) }

    package func resource(at path: [String]) -> SiteResource? {
        guard let name = path.last, !name.isEmpty else { return file(path.dropLast() + ["index.html"], "index.html") }
        if let exact = file(path, name) { return exact }
        // `/call` is `call.html`: a link that is read out loud needs no ending.
        return name.contains(".") ? nil : file(path.dropLast() + [name + ".html"], name + ".html")
    }

    private func file(_ path: [String], _ fileName: String) -> SiteResource? {
        guard let version = root.version(of: path), version.byteCount <= Self.fileByteCountMax else { return nil }
        let name = path.joined(separator: "/")
        return table.withLock { table in
            if let held = table.files[name], held.version == version { return held.resource }
            let before = table.files.removeValue(forKey: name)?.resource.bytes.count ?? 0
            table.byteCount -= before
            let room = min(Self.fileByteCountMax, Self.totalByteCountMax - table.byteCount)
            guard let content = root.read(path, byteCountMax: room) else { return nil }
            let resource = SiteResource(
                bytes: content.bytes, entityTag: Self.tag(content.version), contentType: ContentType.named(fileName))
            table.files[name] = Held(version: content.version, resource: resource)
            table.byteCount += content.bytes.count
            return resource
        }
    }

    /// Changes whenever the file does.
    private static func tag(_ version: FileVersion) -> HTTPFieldValue {
        let words = [UInt64(version.byteCount), UInt64(bitPattern: version.modifiedSeconds), version.inode]
        let text = words.map { String($0, radix: 16) }.joined(separator: "-")
        return HTTPFieldValue(cleaning: "\"\(text)-\(String(version.modifiedNanoseconds, radix: 16))\"")
    }
}
