import Foundation
import LinuxSockets
import Testing

/// A directory with files, gone when the test is.
private final class Tree {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("tern-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path + "/site/sub", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: path + "/site/.well-known", withIntermediateDirectories: true)
        write("outside.txt", "outside")
        write("site/index.html", "<p>")
        write("site/empty", "")
        write("site/sub/a b.txt", "deep")
        write("site/.env", "secret")
        write("site/.well-known/security.txt", "contact")
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) {
        #expect(FileManager.default.createFile(atPath: path + "/" + name, contents: Data(text.utf8)))
    }

    func link(_ name: String, to target: String) { #expect(symlink(target, path + "/" + name) == 0) }

    func root(_ resolution: StaticRoot.Resolution) throws -> StaticRoot {
        try StaticRoot(path: path + "/site", resolution: resolution)
    }
}

private let resolutions: [StaticRoot.Resolution] = [.byKernel, .stepwise]

extension StaticRoot {
    fileprivate func text(_ segments: [String], byteCountMax: Int = 1000) -> String? {
        read(segments, byteCountMax: byteCountMax).map { String(decoding: $0.bytes, as: UTF8.self) }
    }
}

@Suite("Static files")
struct StaticRootTests {
    @Test("files beneath the root are read", arguments: resolutions)
    func files(resolution: StaticRoot.Resolution) throws {
        let tree = try Tree()
        let root = try tree.root(resolution)
        #expect(root.text(["index.html"]) == "<p>")
        #expect(root.text(["sub", "a b.txt"]) == "deep")
        #expect(root.text(["empty"], byteCountMax: 0) == "")
        #expect(root.text([".well-known", "security.txt"]) == "contact")
    }

    @Test(
        "names that are none, lead out or are hidden",
        arguments: [
            [], [""], ["."], [".."], ["..", "outside.txt"], ["sub", "..", "index.html"], ["sub/../../outside.txt"],
            ["/index.html"], ["index.html\0"], ["index.html", ""], ["", "index.html"], [".env"],
            ["sub", ".well-known"],
            ["absent"], ["absent", "index.html"], ["index.html", "x"], ["sub"], [".well-known"],
            [String(repeating: "a", count: 256)], [String(repeating: "a", count: 255)],
            [String](repeating: "sub", count: 33),
        ], resolutions)
    func refused(segments: [String], resolution: StaticRoot.Resolution) throws {
        let tree = try Tree()
        let root = try tree.root(resolution)
        #expect(root.text(segments) == nil)
        #expect(root.version(of: segments) == nil)
    }

    @Test("thirty-two names are not too many")
    func depth() throws {
        let tree = try Tree()
        let directories = [String](repeating: "d", count: 31)
        let path = "site/" + directories.joined(separator: "/")
        try FileManager.default.createDirectory(atPath: tree.path + "/" + path, withIntermediateDirectories: true)
        tree.write(path + "/f", "x")
        for resolution in resolutions { #expect(try tree.root(resolution).text(directories + ["f"]) == "x") }
    }

    @Test("links stay beneath the root; stepwise none is followed")
    func links() throws {
        let tree = try Tree()
        tree.link("site/inside", to: "sub/a b.txt")
        tree.link("site/directory", to: "sub")
        tree.link("site/outside", to: "../outside.txt")
        tree.link("site/absolute", to: tree.path + "/site/index.html")
        tree.link("site/loop", to: "loop")
        tree.link("site/magic", to: "/proc/self/environ")
        let root = try tree.root(.byKernel)
        #expect(root.text(["inside"]) == "deep")
        #expect(root.text(["directory", "a b.txt"]) == "deep")
        for name in ["outside", "absolute", "loop", "magic"] { #expect(root.text([name]) == nil) }
        let stepping = try tree.root(.stepwise)
        for name in ["inside", "outside", "absolute", "loop", "magic"] { #expect(stepping.text([name]) == nil) }
        #expect(stepping.text(["directory", "a b.txt"]) == nil)
    }

    @Test("a FIFO, a socket and a file that may not be read are none, and nothing waits", arguments: resolutions)
    func special(resolution: StaticRoot.Resolution) throws {
        let tree = try Tree()
        #expect(mkfifo(tree.path + "/site/fifo", 0o644) == 0)
        let root = try tree.root(resolution)
        #expect(root.text(["fifo"]) == nil)
        #expect(root.version(of: ["fifo"]) == nil)
        if getuid() != 0 {
            #expect(chmod(tree.path + "/site/index.html", 0) == 0)
            #expect(root.text(["index.html"]) == nil)
        }
    }

    @Test("a file as large as the limit is read, one byte more is not")
    func size() throws {
        let tree = try Tree()
        let root = try tree.root(.byKernel)
        #expect(root.text(["sub", "a b.txt"], byteCountMax: 4) == "deep")
        #expect(root.text(["sub", "a b.txt"], byteCountMax: 3) == nil)
        #expect(root.version(of: ["sub", "a b.txt"])?.byteCount == 4)
    }

    @Test("the version changes with the content and not without")
    func version() throws {
        let tree = try Tree()
        let root = try tree.root(.byKernel)
        let content = root.read(["index.html"], byteCountMax: 100)
        let first = try #require(content)
        #expect(root.version(of: ["index.html"]) == first.version)
        #expect(first.version.byteCount == 3)
        #expect(first.version.modifiedSeconds > 1_700_000_000)
        // Renaming over it, as deployments do: another inode.
        tree.write("next", "<q>")
        #expect(rename(tree.path + "/next", tree.path + "/site/index.html") == 0)
        let replaced = root.version(of: ["index.html"])
        let second = try #require(replaced)
        #expect(second != first.version)
        #expect(second.inode != first.version.inode)
    }

    @Test("what is no directory is a typed error with the path")
    func noRoot() throws {
        let tree = try Tree()
        for (path, number) in [("/absent", ENOENT), ("/outside.txt", ENOTDIR)] {
            do throws(SystemError) {
                _ = try StaticRoot(path: tree.path + path).version(of: ["x"])
                Issue.record("opened \(path)")
            } catch {
                #expect(error == SystemError(operation: "open \(tree.path)\(path)", errno: number))
            }
        }
    }
}
