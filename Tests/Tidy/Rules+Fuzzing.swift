extension Rule {
    /// Every input that a fuzzer once found is replayed.
    static let fuzzing: [Rule] = [
        Rule(
            "fuzz-inputs-have-a-target",
            check: { tree in
                ["Tests/Fuzz/Corpus/", "Tests/Fuzz/Regressions/"].flatMap { folder in
                    tree.files(under: folder).compactMap { file in
                        let rest = file.path.dropFirst(folder.count).split(separator: "/")
                        if rest.count == 2, tree.contains("Tests/Fuzz/Fuzz\(rest[0])") { return nil }
                        return Finding(file, 1, "nothing replays it: put it into the folder of a fuzz target")
                    }
                }
            },
            examples: [
                Example(
                    [
                        "Tests/Fuzz/FuzzSTUN/main.swift": "",
                        "Tests/Fuzz/Corpus/STUN/binding": "",
                        "Tests/Fuzz/Corpus/STUM/binding": "",
                        "Tests/Fuzz/Regressions/STUN/.gitkeep": "",
                        "Tests/Fuzz/Regressions/crash-1": "",
                    ], findings: ["Tests/Fuzz/Corpus/STUM/binding:1", "Tests/Fuzz/Regressions/crash-1:1"])
            ])
    ]
}
