import OperatorClient

/// A command as its users see it. `--help`, the reading of its words and the completion of shells are made of this.
struct CommandDescription: Sendable {
    /// Under which heading it stands.
    enum Group: String, CaseIterable, Sendable {
        case server = "The server"
        case running = "A running server"
        case preparing = "Without a running server"
    }

    let name: String
    var alias: String?
    let group: Group
    /// Words that are no options, as in the line of usage: `ROOM`, `[LEVEL]`.
    var operand: Operand = .none
    /// In a few words, with a small letter.
    let summary: String
    var options: [OptionDescription] = []
    /// What else there is to know, below the options.
    var notes = ""
    /// Options of the configuration are taken as well.
    var takesConfigurationOptions = false
    let run: @Sendable ([String]) -> ExitStatus

    /// Words that are no options.
    enum Operand: Sendable {
        case none
        case optional(String, Completion)
        case required(String, Completion)
        /// Required unless one of these options is there.
        case requiredUnless([String], String)

        var completion: Completion {
            switch self {
            case .none, .requiredUnless: .nothing
            case .optional(_, let completion), .required(_, let completion): completion
            }
        }
    }
}

/// An option of a command.
struct OptionDescription: Sendable {
    /// With its hyphens.
    let name: String
    /// What follows it, in capitals; nil for a switch.
    var value: String?
    var completion = Completion.nothing
    let summary: String

    init(_ name: String, _ summary: String) {
        self.name = name
        self.summary = summary
    }

    init(_ name: String, _ value: String, _ completion: Completion, _ summary: String) {
        self.name = name
        self.value = value
        self.completion = completion
        self.summary = summary
    }

    init(_ name: String, _ value: String, _ summary: String) { self.init(name, value, .nothing, summary) }
}

/// What a shell proposes for a word.
enum Completion: Sendable {
    case nothing
    case files
    case words([String])
}

extension CommandDescription {
    /// `tern sessions [options]`.
    var usage: String {
        var words = ["tern \(name)"]
        switch operand {
        case .none: break
        case .optional(let word, _): words.append("[\(word)]")
        case .required(let word, _), .requiredUnless(_, let word): words.append(word)
        }
        if !options.isEmpty || takesConfigurationOptions { words.append("[options]") }
        return words.joined(separator: " ")
    }

    /// The page of the command.
    var help: String {
        var lines = ["usage: \(usage)", "", Self.capitalized(summary) + "."]
        if !options.isEmpty {
            let left = options.map { option in option.value.map { "\(option.name) \($0)" } ?? option.name }
            let width = left.map(\.count).max() ?? 0
            lines.append("")
            for (option, left) in zip(options, left) {
                let indent = String(repeating: " ", count: width + 4)
                let text = TextTable.wrapped(option.summary, at: 110 - width).joined(separator: "\n" + indent)
                lines.append("  \(left)\(String(repeating: " ", count: width - left.count))  \(text)")
            }
        }
        if !notes.isEmpty { lines += ["", notes] }
        return lines.joined(separator: "\n")
    }

    private static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
