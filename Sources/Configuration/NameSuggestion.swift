/// Finds what somebody meant by a name that is not an option.
enum NameSuggestion {
    /// Names that people write though no release ever had them, and that no edit distance would explain.
    private static let misnomers: [(name: String, advice: String)] = [
        ("no-sqlite", "remove it: Tern reads no user database unless `userdb` is written"),
        ("listen-ip", "did you mean `listening-ip`?"),
        ("listen-port", "did you mean `listening-port`?"),
        ("allowed-peer", "did you mean `allowed-peer-ip`?"),
        ("denied-peer", "did you mean `denied-peer-ip`?"),
    ]

    /// Longer words are no misspelt names; the bound also keeps the work small.
    static let nameLengthMax = 48

    /// What to do about an unknown name; nil when it resembles none.
    static func advice(for written: String) -> String? {
        let name = String(written.drop { $0 == "-" })
        if let misnomer = misnomers.first(where: { $0.name == name }) { return misnomer.advice }
        return nearest(to: name).map { "did you mean `\($0)`?" }
    }

    /// The known name with the fewest edits, if there are few enough for a slip of the fingers; the first one of the
    /// table among equals.
    static func nearest(to name: String) -> String? {
        let written = Array(name.utf8)
        guard (1...nameLengthMax).contains(written.count) else { return nil }
        let limit = max(1, min(4, written.count / 3))
        var best: (name: String, distance: Int)?
        for candidate in OptionTable.allNames {
            let distance = editDistance(written, Array(candidate.utf8))
            if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Whether the word may be quoted in a message. A line that lost its name may begin with a password, so only what
    /// looks like words joined by hyphens is repeated.
    static func isPlausibleName(_ word: String) -> Bool {
        let name = word.drop { $0 == "-" }
        guard (2...nameLengthMax).contains(name.utf8.count) else { return false }
        let parts = name.utf8.split(omittingEmptySubsequences: false) {
            $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
        }
        return parts.allSatisfy { part in
            !part.isEmpty && part.dropFirst().allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
                && part.first.map { Character(UnicodeScalar($0)).isLetter } == true
        }
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one name into the other.
    private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var distance = min(replaced, last[column + 1] + 1, current[column] + 1)
                let isSwap =
                    row > 0 && column > 0 && left[row] == right[column - 1] && left[row - 1] == right[column]
                if isSwap { distance = min(distance, beforeLast[column - 1] + 1) }
                current.append(distance)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
