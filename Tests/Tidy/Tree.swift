import Foundation

/// A file of the project as the rules see it.
struct TrackedFile: Sendable {
    let path: String
    /// Nil when the file is not text.
    let text: String?
    let lines: [Substring]
    /// The tokens of a Swift or C file.
    let source: SourceText?

    init(path: String, text: String?) {
        self.path = path
        self.text = text
        var lines = text?.split(separator: "\n", omittingEmptySubsequences: false) ?? []
        if lines.last == "" { lines.removeLast() }
        self.lines = lines
        switch path.split(separator: ".").last {
        case "swift": source = text.map { SourceText($0) }
        case "c", "h": source = text.map { SourceText($0, language: .c) }
        default: source = nil
        }
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isC: Bool { path.hasSuffix(".c") || path.hasSuffix(".h") }
    var isMarkdown: Bool { path.hasSuffix(".md") }
    var isScript: Bool { lines.first?.hasPrefix("#!") == true }
    var isCode: Bool { isSwift || isC || isScript || path.hasSuffix(".py") }
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// The files of the project, or the few files of an example.
struct Tree: Sendable {
    let files: [TrackedFile]

    /// A tree that exists only in a test.
    init(_ texts: [String: String]) {
        files = texts.sorted { $0.key < $1.key }.map { TrackedFile(path: $0.key, text: $0.value) }
    }

    func file(_ path: String) -> TrackedFile? { files.first { $0.path == path } }

    func files(under folder: String) -> [TrackedFile] { files.filter { $0.path.hasPrefix(folder) } }

    func swift(under folders: String...) -> [(file: TrackedFile, source: SourceText)] {
        files.compactMap { file in
            guard file.isSwift, let source = file.source else { return nil }
            return folders.isEmpty || folders.contains { file.path.hasPrefix($0) } ? (file, source) : nil
        }
    }

    /// Whether a file or a folder is there. Paths are relative to the root, without `.` and `..`.
    func contains(_ path: String) -> Bool {
        path.isEmpty || files.contains { $0.path == path || $0.path.hasPrefix(path + "/") }
    }
}

extension Tree {
    /// The folder that holds Package.swift.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The files that git tracks, and those it would track after `git add --all`, as they stand on disk.
    static let repository = Result { try Tree(repositoryAt: root) }

    private init(repositoryAt root: URL) throws {
        let git = Process()
        git.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        git.arguments = [
            "git", "-C", root.path, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate",
        ]
        let pipe = Pipe()
        git.standardOutput = pipe
        try git.run()
        let listing = pipe.fileHandleForReading.readDataToEndOfFile()
        git.waitUntilExit()
        guard git.terminationStatus == 0 else { throw TreeError.gitFailed(git.terminationStatus) }
        files = listing.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.sorted().compactMap { path in
            // A file that is deleted, and not yet committed as such, is still listed.
            guard let data = try? Data(contentsOf: root.appendingPathComponent(path)) else { return nil }
            let text = data.contains(0) ? nil : String(data: data, encoding: .utf8)
            return TrackedFile(path: path, text: text)
        }
    }
}

enum TreeError: Error {
    case gitFailed(Int32)
}
