/// The command line in coturn's forms: `-p 3478`, `-p3478`, `-vn`, `--name=value`, `--name value`, and a long name cut
/// short as far as it stays unambiguous (getopt_long).
package struct CommandLineOptions: Sendable {
    /// Which configuration file to read.
    package enum FileChoice: Equatable, Sendable {
        /// The first of `searchPath` that exists; none is not an error.
        case search
        /// `-n`: none.
        case none
        /// `-c`: this one, in the directories of `searchPath` when relative.
        case path(String)
    }

    /// Letters that are not options of the file, with what they mean.
    package static let ownLetters: [(letter: Character, summary: String)] = [
        ("c", "Read this configuration file."),
        ("n", "Read no configuration file."),
        ("h", "Print the options and exit."),
    ]

    /// The file to read before these options are applied.
    package private(set) var file = FileChoice.search
    /// `-h` or `--help`: print the options and exit.
    package private(set) var wantsHelp = false
    /// `--version`: print the version and exit.
    package private(set) var wantsVersion = false

    private(set) var assignments: [Assignment] = []
    private(set) var log = DiagnosticLog()

    /// Messages about the command line alone. `ServerConfiguration.load` repeats them among its own.
    package var diagnostics: [Diagnostic] { log.finished() }

    /// Reads the arguments, the program's name not among them.
    package init(parsing arguments: [String]) {
        var rest = arguments[...]
        while let argument = rest.first {
            let position = rest.startIndex + 1
            rest = rest.dropFirst()
            if argument == "--" { break }
            if argument.hasPrefix("--") {
                parseLong(argument.dropFirst(2), rest: &rest)
            } else if argument.hasPrefix("-"), argument != "-" {
                parseLetters(argument.dropFirst(), rest: &rest)
            } else {
                reportStray(position)
            }
        }
        for index in rest.indices { reportStray(index + 1) }
    }

    private mutating func parseLong(_ argument: Substring, rest: inout ArraySlice<String>) {
        let name = argument.prefix { $0 != "=" }
        let attached = name.endIndex < argument.endIndex ? argument[name.endIndex...].dropFirst() : nil
        if name == "help" {
            wantsHelp = true
            return
        }
        guard let option = resolve(String(name)) else { return }
        let written = "--\(name)"
        if let attached {
            assign(option, String(attached), written: written)
        } else {
            assignNext(to: option, written: written, rest: &rest)
        }
    }

    private mutating func parseLetters(_ letters: Substring, rest: inout ArraySlice<String>) {
        var letters = letters
        while let letter = letters.popFirst() {
            switch letter {
            case "n":
                file = .none
                continue
            case "h":
                wantsHelp = true
                continue
            case "c":
                takeFile(attached: letters, rest: &rest)
                return
            default:
                break
            }
            let written = "-\(letter)"
            guard let option = OptionTable.option(short: letter) else {
                // What follows an unknown letter may be its value, perhaps a secret: nothing more of it is shown.
                let shown = letter.isASCII && letter.isLetter ? written : "an argument"
                log.add(.error, at: .commandLine(argument: shown), "no such option; -h lists them")
                return
            }
            if option.kind.takesValue, !letters.isEmpty {
                assign(option, String(letters), written: written)
                return
            }
            assignNext(to: option, written: written, rest: &rest)
        }
    }

    private mutating func takeFile(attached: Substring, rest: inout ArraySlice<String>) {
        if let path = attached.isEmpty ? rest.popFirst() : String(attached), !path.isEmpty {
            file = .path(path)
        } else {
            log.add(.error, at: .commandLine(argument: "-c"), "name the configuration file: -c turnserver.conf")
        }
    }

    /// The option with this name or with the only name that begins so.
    private mutating func resolve(_ name: String) -> Option? {
        if let option = OptionTable.option(named: name) { return option }
        let isShowable = NameSuggestion.isPlausibleName(name)
        let place = Place.commandLine(argument: isShowable ? "--\(name)" : "an argument")
        let candidates = name.isEmpty ? [] : OptionTable.all.filter { $0.names.contains { $0.hasPrefix(name) } }
        if candidates.count == 1 { return candidates[0] }
        if candidates.isEmpty {
            let advice = (isShowable ? NameSuggestion.advice(for: name) : nil) ?? "-h lists them"
            log.add(.error, at: place, "no such option; \(advice)")
        } else {
            let names = candidates.prefix(4).map { "--\($0.name)" }.joined(separator: ", ")
            log.add(.error, at: place, "this may mean \(names)\(candidates.count > 4 ? " …" : ""); write one of them")
        }
        return nil
    }

    /// Gives the option the next word, if it wants one there.
    private mutating func assignNext(to option: Option, written: String, rest: inout ArraySlice<String>) {
        if option.kind.takesValue {
            guard let value = rest.popFirst() else {
                log.add(.error, at: .commandLine(argument: written), about: option.name, "a value must follow")
                return
            }
            assign(option, value, written: written)
            return
        }
        // getopt_long leaves `--stale-nonce 10` apart, so that coturn reads 600 and ignores the 10.
        if case .seconds = option.kind, let next = rest.first, !next.isEmpty, next.utf8.allSatisfy(\.isDigit) {
            rest = rest.dropFirst()
            assign(option, next, written: written)
        } else {
            assign(option, nil, written: written)
        }
    }

    private mutating func assign(_ option: Option, _ value: String?, written: String) {
        if option.name == "version" { wantsVersion = true }
        let place = Place.commandLine(argument: written)
        // Bytes that are not UTF-8 arrive here as U+FFFD.
        let isDamaged = value?.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F || $0.value == 0xFFFD }
        guard isDamaged != true else {
            log.add(.error, at: place, about: option.name, "the value has control characters or is not UTF-8")
            return
        }
        assignments.append(Assignment(option: option, text: value.flatMap { $0.isEmpty ? nil : $0 }, place: place))
    }

    private mutating func reportStray(_ position: Int) {
        // The word is not shown: it may be a password that lost its option.
        let message = "the word belongs to no option; write --name=value, and quote values that contain blanks"
        log.add(.error, at: .commandLine(argument: "argument \(position)"), message)
    }
}

extension CommandLineOptions {
    /// Where `turnserver.conf` is looked for, in this order: coturn's directories, and before those of the system the
    /// one that is our own.
    package static let searchPath: [String] = {
        func directories(_ bases: String...) -> [String] {
            bases.flatMap { base in ["", "turnserver/", "coturn/"].map { base + $0 } }
        }
        return directories("", "etc/", "../etc/") + ["/etc/tern/"] + directories("/etc/", "/usr/local/etc/")
    }()
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
