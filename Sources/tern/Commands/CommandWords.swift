/// The words behind a command, read as its description says.
struct CommandWords {
    private var values: [String: String] = [:]
    private var switches: Set<String> = []
    /// The word that is no option.
    private(set) var operand: String?
    private(set) var wantsHelp = false

    /// Why they make no sense, as a sentence.
    struct Problem: Error {
        let message: String
    }

    init(_ words: [String], for command: CommandDescription) throws(Problem) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--help" || word == "-h" {
                wantsHelp = true
            } else if word.hasPrefix("-"), word != "-" {
                try takeOption(word, &rest, command)
            } else {
                try takeOperand(word, command)
            }
        }
        guard operand == nil, !wantsHelp else { return }
        switch command.operand {
        case .required(let name, _): throw Problem(message: "\(name) is missing")
        case .requiredUnless(let options, let name) where !options.contains(where: { has($0) }):
            throw Problem(message: "\(name) is missing, or \(options.joined(separator: " or "))")
        case .none, .optional, .requiredUnless: break
        }
    }

    func has(_ name: String) -> Bool { switches.contains(name) || values[name] != nil }

    subscript(name: String) -> String? { values[name] }

    /// A number within a range; nil when the option is not there.
    func number(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Problem(message: "\(name) is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private mutating func takeOption(
        _ word: String, _ rest: inout ArraySlice<String>, _ command: CommandDescription
    ) throws(Problem) {
        let name = String(word.prefix { $0 != "=" })
        let attached = name.count < word.count ? String(word.dropFirst(name.count + 1)) : nil
        guard let option = command.options.first(where: { $0.name == name }) else {
            throw Problem(message: "there is no option \(Console.shown(name))")
        }
        guard option.value != nil else {
            guard attached == nil else { throw Problem(message: "\(name) takes no value") }
            switches.insert(name)
            return
        }
        guard let value = attached ?? rest.popFirst(), !value.isEmpty else {
            throw Problem(message: "\(name) needs a value")
        }
        guard values.updateValue(value, forKey: name) == nil else { throw Problem(message: "\(name) is there twice") }
    }

    private mutating func takeOperand(_ word: String, _ command: CommandDescription) throws(Problem) {
        if case .none = command.operand {
            throw Problem(message: "\(Console.shown(word)) has no meaning here")
        }
        guard operand == nil else { throw Problem(message: "\(Console.shown(word)) is one word too many") }
        guard !word.isEmpty else { throw Problem(message: "an empty word has no meaning here") }
        operand = word
    }
}
