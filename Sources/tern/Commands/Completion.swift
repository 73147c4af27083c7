import Configuration

/// What shells want to know to complete command lines of `tern`.
enum ShellCompletion {
    static let shells = ["bash", "zsh", "fish"]

    /// The script for a shell; nil when the shell is none of `shells`.
    static func script(for shell: String) -> String? {
        switch shell {
        case "bash": bash
        case "zsh": zsh
        case "fish": fish
        default: nil
        }
    }

    /// Options of a command and, of `serve`, those of the configuration that do something. Other commands take them
    /// too, and hardly anybody writes them there.
    private static func options(of command: CommandDescription) -> [OptionDescription] {
        let own = command.options + [OptionDescription("--help", "tell what the command does")]
        guard command.name == "serve" else { return own }
        return own + OptionTable.all.filter { $0.support == .acts && $0.origin != .retired }.map(description)
    }

    private static func description(_ option: Option) -> OptionDescription {
        let (name, summary) = ("--\(option.name)", firstSentence(option.summary))
        guard option.kind.takesValue else { return OptionDescription(name, summary) }
        return OptionDescription(name, "VALUE", option.kind == .path ? .files : .nothing, summary)
    }

    private static func firstSentence(_ text: String) -> String {
        var sentence = text.split(separator: ". ", maxSplits: 1).first.map(String.init) ?? text
        if sentence.hasSuffix(".") { sentence.removeLast() }
        sentence.replace("`", with: "")
        return sentence
    }

    private static func names(of command: CommandDescription) -> [String] {
        [command.name] + (command.alias.map { [$0] } ?? [])
    }

    private static var allNames: [String] {
        CommandTable.all.flatMap { names(of: $0) } + ["--help", "--version"]
    }

    // MARK: - bash

    private static var bash: String {
        var lines = [
            "# Completion of tern for bash:  tern completion bash > /etc/bash_completion.d/tern",
            "_tern() {",
            "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=",
            "    COMPREPLY=()",
            "    if [ \"$COMP_CWORD\" -eq 1 ]; then",
            "        COMPREPLY=($(compgen -W \"\(allNames.joined(separator: " "))\" -- \"$current\"))",
            "        return",
            "    fi",
            "    case \"${COMP_WORDS[1]} $previous\" in",
        ]
        for command in CommandTable.all {
            lines += bashValues(command)
        }
        lines += ["    esac", "    case \"${COMP_WORDS[1]}\" in"]
        for command in CommandTable.all {
            var words = options(of: command).map(\.name)
            if case .words(let more) = command.operand.completion { words = more + words }
            let pattern = names(of: command).joined(separator: "|")
            lines.append("        \(pattern)) words=\"\(words.joined(separator: " "))\" ;;")
        }
        lines += ["    esac"]
        let ofFiles = CommandTable.all.filter { command in
            if case .files = command.operand.completion { true } else { false }
        }.flatMap { names(of: $0) }
        lines += [
            "    case \"${COMP_WORDS[1]} $current\" in",
            "        *\" -\"*) ;;",
            "        \(ofFiles.map { "\"\($0) \"*" }.joined(separator: "|"))) \(bashReply(.files)); return ;;",
            "    esac",
            "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))",
            "}",
            "complete -F _tern tern",
        ]
        return lines.joined(separator: "\n")
    }

    /// What follows an option, one line for each kind of it.
    private static func bashValues(_ command: CommandDescription) -> [String] {
        var order: [String] = []
        var patterns: [String: [String]] = [:]
        for option in options(of: command) where option.value != nil {
            let reply = bashReply(option.completion)
            if patterns[reply] == nil { order.append(reply) }
            patterns[reply, default: []] += names(of: command).map { "\"\($0) \(option.name)\"" }
        }
        return order.map { reply in
            "        \(patterns[reply, default: []].joined(separator: "|"))) \(reply); return ;;"
        }
    }

    private static func bashReply(_ completion: Completion) -> String {
        switch completion {
        case .nothing: ":"
        case .files: "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"))"
        case .words(let words): "COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$current\"))"
        }
    }

    // MARK: - zsh

    private static var zsh: String {
        var lines = [
            "#compdef tern",
            "# Completion of tern for zsh:  tern completion zsh > /usr/share/zsh/site-functions/_tern",
            "_tern() {",
            "    local -a commands",
            "    commands=(",
        ]
        for command in CommandTable.all {
            for name in names(of: command) { lines.append("        \(quoted("\(name):\(command.summary)"))") }
        }
        lines += [
            "    )",
            "    if (( CURRENT == 2 )); then",
            "        _describe command commands",
            "        return",
            "    fi",
            "    shift words",
            "    (( CURRENT-- ))",
            "    case $words[1] in",
        ]
        for command in CommandTable.all {
            lines.append("        \(names(of: command).joined(separator: "|")))")
            lines.append("            _arguments \\")
            for option in options(of: command) { lines.append("                \(zshArgument(option)) \\") }
            lines.append("                \(quoted("*:\(zshAction(command.operand.completion))"))")
            lines.append("            ;;")
        }
        lines += ["    esac", "}", "_tern \"$@\""]
        return lines.joined(separator: "\n")
    }

    private static func zshArgument(_ option: OptionDescription) -> String {
        var summary = option.summary
        // Brackets and colons end a part of the specification.
        summary.replace("[", with: "(")
        summary.replace("]", with: ")")
        summary.replace(":", with: ",")
        guard let value = option.value else { return quoted("\(option.name)[\(summary)]") }
        return quoted("\(option.name)[\(summary)]:\(value):\(zshAction(option.completion, isNamed: true))")
    }

    private static func zshAction(_ completion: Completion, isNamed: Bool = false) -> String {
        let action =
            switch completion {
            case .nothing: " "
            case .files: "_files"
            case .words(let words): "(\(words.joined(separator: " ")))"
            }
        return isNamed ? action : "word:\(action)"
    }

    // MARK: - fish

    private static var fish: String {
        var lines = [
            "# Completion of tern for fish:  tern completion fish > ~/.config/fish/completions/tern.fish",
            "complete -c tern -f",
        ]
        for command in CommandTable.all {
            for name in names(of: command) {
                lines.append("complete -c tern -n __fish_use_subcommand -a \(name) -d \(quoted(command.summary))")
            }
        }
        for command in CommandTable.all {
            let seen = "complete -c tern -n '__fish_seen_subcommand_from \(names(of: command).joined(separator: " "))'"
            for option in options(of: command) { lines.append("\(seen) \(fishOption(option))") }
            switch command.operand.completion {
            case .nothing: break
            case .files: lines.append("\(seen) -F")
            case .words(let words): lines.append("\(seen) -a '\(words.joined(separator: " "))'")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func fishOption(_ option: OptionDescription) -> String {
        let flag = option.name.hasPrefix("--") ? "-l \(option.name.dropFirst(2))" : "-s \(option.name.dropFirst())"
        let value: String
        switch option.completion {
        case _ where option.value == nil: value = ""
        case .nothing: value = " -x"
        case .files: value = " -r -F"
        case .words(let words): value = " -x -a '\(words.joined(separator: " "))'"
        }
        return "\(flag)\(value) -d \(quoted(option.summary))"
    }

    /// Between single quotes, where nothing has a meaning but the quote itself.
    private static func quoted(_ text: String) -> String {
        var text = text
        text.replace("'", with: "’")
        return "'\(text)'"
    }
}
