extension Rule {
    /// Characters that nobody meant to write.
    static let text: [Rule] = [
        Rule(
            "no-trailing-space",
            check: { tree in
                tree.files.filter(\.isOurText).flatMap { file in
                    file.lines.indices.filter { file.lines[$0].last?.isWhitespace == true }.map {
                        Finding(file, $0 + 1, "remove the space at the end of the line")
                    }
                }
            },
            examples: [
                Example("Docs/A.md", "a \nb\n\t\nc\r\n", lines: [1, 3, 4]),
                Example("Tests/A/Fixtures/a.conf", "a \n"),
            ]),
        Rule(
            "newline-at-end",
            check: { tree in
                tree.files.filter(\.isOurText).compactMap { file in
                    guard let text = file.text, !text.isEmpty else { return nil }
                    if !text.hasSuffix("\n") { return Finding(file, file.lines.count, "end the file with a newline") }
                    return file.lines.last == "" ? Finding(file, file.lines.count, "end with one newline only") : nil
                }
            },
            examples: [
                Example("Docs/A.md", "a\nb", lines: [2]), Example("Docs/A.md", "a\n\n", lines: [2]),
                Example("Docs/A.md", "a\n"), Example("Tests/Fuzz/Corpus/A/.gitkeep", ""),
            ]),
        Rule(
            "no-local-paths",
            check: { tree in
                tree.files.filter { !$0.path.hasPrefix("Tests/Tidy/") }.flatMap { file in
                    let folders = ["/home/", "/root/", "/Users/"] + (file.path.hasPrefix("Tests/") ? [] : ["/tmp/"])
                    return folders.flatMap { folder in
                        file.lines.indices.filter { file.lines[$0].containsPath(folder) }.map {
                            Finding(file, $0 + 1, "\(folder) is there on one machine only: say it in another way")
                        }
                    }
                }
            },
            examples: [
                Example("Docs/A.md", "a\nsee /home/b.txt\n", lines: [2]),
                Example("Sources/A/A.swift", "let a = \"/tmp/b\"", lines: [1]),
                Example("Tests/A/A.swift", "let a = \"/tmp/b\"\nlet c = \"/root/d\"", lines: [2]),
                Example("Sources/A/A.swift", "let a = \"/var/tmp/b\" + \"at/home/\""),
            ]),
    ]
}

extension TrackedFile {
    /// Text that we wrote. Fixtures and fuzzer inputs are as they are, on purpose.
    fileprivate var isOurText: Bool {
        text != nil && !path.contains("/Fixtures/") && !path.hasPrefix("Tests/Fuzz/Corpus/")
            && !path.hasPrefix("Tests/Fuzz/Regressions/")
    }
}

extension Substring {
    /// Whether an absolute path in this folder is mentioned.
    fileprivate func containsPath(_ folder: String) -> Bool {
        guard utf8.contains(UInt8(ascii: "/")) else { return false }
        var rest = self
        while let range = rest.firstRange(of: folder) {
            let before = rest[..<range.lowerBound].last
            if before == nil
                || !(before?.isLetter == true || before?.isNumber == true || before == "}" || before == ".")
            {
                return true
            }
            rest = rest[range.upperBound...]
        }
        return false
    }
}
