import Foundation
import FuzzOracles
import TestSupport
import Testing

/// Every input that fuzzing found worth keeping, run as an ordinary test. A broken promise ends the test process and
/// prints the sentence; the last file named on standard error is the culprit.
@Suite("Fuzz corpus replay")
struct ReplayTests {
    /// `Tests/Fuzz`, found from this very file.
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    private static func inputs(_ kind: String, _ name: String) -> [URL] {
        let folder = folder.appending(path: kind).appending(path: name)
        let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return (files ?? []).filter { !$0.lastPathComponent.hasPrefix(".") }.sorted { $0.path < $1.path }
    }

    private static func replay(_ files: [URL], _ oracle: FuzzOracle) throws {
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            // Written before, because a trap leaves no time afterwards.
            FileHandle.standardError.write(Data("replaying \(oracle.name)/\(file.lastPathComponent)\n".utf8))
            oracle.check(bytes.span.bytes)
        }
    }

    @Test(
        "the corpus of every oracle", .requirement("RI-robustness-2"), arguments: FuzzOracle.all.map(\.name))
    func corpus(name: String) throws {
        let oracle = try #require(FuzzOracle.all.first { $0.name == name })
        let files = Self.inputs("Corpus", name)
        #expect(!files.isEmpty, "Tests/Fuzz/Corpus/\(name) holds no seeds")
        try Self.replay(files, oracle)
    }

    @Test("inputs that once broke a promise", arguments: FuzzOracle.all.map(\.name))
    func regressions(name: String) throws {
        let oracle = try #require(FuzzOracle.all.first { $0.name == name })
        try Self.replay(Self.inputs("Regressions", name), oracle)
    }
}
