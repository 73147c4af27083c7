/// The understood values by option. Looking one up gives what was written, else the default of the table.
struct Settings {
    struct Entry {
        let value: OptionValue
        let place: Place
    }

    private var entries: [String: [Entry]] = [:]
    /// Options that have a value that could not be understood. Checks between options leave them alone.
    private var malformed: Set<String> = []

    /// Reads every value. Assignments of the command line come behind those of the file: the last value of an option
    /// holds, unless it repeats.
    static func read(
        _ assignments: [Assignment], _ outside: OutsideValues, log: inout DiagnosticLog
    ) -> Settings {
        var settings = Settings()
        var announced: Set<String> = []
        for assignment in assignments {
            settings.add(assignment, outside, log: &log)
            let isOn = settings.isSwitchedOn(assignment.option)
            if isOn, announced.insert(assignment.option.name).inserted { announce(assignment, log: &log) }
        }
        settings.reportRefused(log: &log)
        return settings
    }

    private mutating func add(_ assignment: Assignment, _ outside: OutsideValues, log: inout DiagnosticLog) {
        let option = assignment.option
        switch option.support {
        case .noEffect, .silent:
            addIgnored(assignment, log: &log)
            return
        case .acts, .later, .refused:
            break
        }
        if assignment.text == nil, option.kind == .string || option.kind == .path || option.kind == .connection {
            log.add(.warning, at: assignment.place, about: option.name, "the value is empty; the option is left out")
            return
        }
        do throws(MalformedValue) {
            var text = assignment.text
            if option.kind.isConfidential, let written = text { text = try outside.value(of: written) }
            let value = try OptionValue.read(text, as: option.kind)
            if !option.repeats, let earlier = entries[option.name]?.last, earlier.value != value,
                case .line(_, let number) = earlier.place, case .line = assignment.place
            {
                let message = "it occurs a second time; this value replaces the one of line \(number)"
                log.add(.warning, at: assignment.place, about: option.name, message)
            }
            append(value, of: assignment)
        } catch {
            malformed.insert(option.name)
            log.add(.error, at: assignment.place, about: option.name, error.message)
        }
    }

    /// Takes an option that has no effect. Its value may have any form, except that a word which is no flag and a
    /// number which is no port stop coturn too; who wrote them has mistaken the line.
    private mutating func addIgnored(_ assignment: Assignment, log: inout DiagnosticLog) {
        let option = assignment.option
        guard option.origin != .retired, option.kind == .flag || option.kind == .port else {
            append(.text(""), of: assignment)
            return
        }
        do throws(MalformedValue) {
            append(try OptionValue.read(assignment.text, as: option.kind), of: assignment)
        } catch {
            malformed.insert(option.name)
            log.add(.error, at: assignment.place, about: option.name, error.message)
        }
    }

    private mutating func append(_ value: OptionValue, of assignment: Assignment) {
        let option = assignment.option
        let entry = Entry(value: value, place: assignment.place)
        if option.repeats {
            entries[option.name, default: []].append(entry)
        } else {
            entries[option.name] = [entry]
        }
    }

    private func isSwitchedOn(_ option: Option) -> Bool {
        guard let last = entries[option.name]?.last else { return false }
        return last.value != .flag(false)
    }

    /// Adds a user that no file can spell, such as a password with blanks at its end.
    mutating func add(user: StaticUser) {
        entries["user", default: []].append(Entry(value: .user(user), place: .configuration))
    }

    /// The values that hold: those that were written, else the default of the table.
    func effective(_ option: Option) -> [OptionValue] {
        if let written = entries[option.name] { return written.map(\.value) }
        guard case .text(let text) = option.fallback, let value = try? OptionValue.read(text, as: option.kind) else {
            return []
        }
        return [value]
    }

    /// Takes what `other` has of one option.
    mutating func replace(_ option: Option, from other: Settings) { entries[option.name] = other.entries[option.name] }

    private static func announce(_ assignment: Assignment, log: inout DiagnosticLog) {
        let name = assignment.option.name
        switch assignment.option.support {
        case .acts, .silent, .refused:
            return
        case .later(let feature):
            log.add(
                .note, at: assignment.place, about: name, "accepted; takes effect with a later release: \(feature)")
        case .noEffect(let reason):
            log.add(.note, at: assignment.place, about: name, "accepted without effect: \(reason)")
        }
    }

    private func reportRefused(log: inout DiagnosticLog) {
        for option in OptionTable.all {
            guard case .refused(let reason) = option.support, isSwitchedOn(option) else { continue }
            log.add(.error, at: place(of: option.name), about: option.name, "not supported: \(reason); remove it")
        }
    }
}

extension Settings {
    /// Somebody wrote the option, well or badly.
    func isWritten(_ name: String) -> Bool {
        Self.assertKnown(name)
        return entries[name] != nil || malformed.contains(name)
    }

    func isMalformed(_ name: String) -> Bool {
        Self.assertKnown(name)
        return malformed.contains(name)
    }

    /// What was written, in order; empty when nothing was.
    func written(_ name: String) -> [Entry] {
        Self.assertKnown(name)
        return entries[name] ?? []
    }

    /// Where the value in force was written.
    func place(of name: String) -> Place {
        Self.assertKnown(name)
        return entries[name]?.last?.place ?? .configuration
    }

    func flag(_ name: String) -> Bool {
        guard case .flag(let isOn) = value(name) else { preconditionFailure("\(name) is a flag in the table") }
        return isOn
    }

    func integer(_ name: String) -> Int {
        guard case .integer(let number) = value(name) else {
            preconditionFailure("\(name) is a number with a default in the table")
        }
        return number
    }

    /// Nil when nothing was written and the table has no default for it.
    func writtenInteger(_ name: String) -> Int? {
        guard case .integer(let number)? = written(name).last?.value else { return nil }
        return number
    }

    func text(_ name: String) -> String? {
        guard case .text(let text)? = value(name) else { return nil }
        return text
    }

    func texts(_ name: String) -> [String] {
        written(name).compactMap { entry in
            guard case .text(let text) = entry.value else { return nil }
            return text
        }
    }

    private func value(_ name: String) -> OptionValue? {
        if let written = written(name).last { return written.value }
        guard let option = OptionTable.option(named: name), case .text(let text) = option.fallback else { return nil }
        return try? OptionValue.read(text, as: option.kind)
    }

    /// A name that is not in the table is a slip in this target, found by the first test that loads anything.
    private static func assertKnown(_ name: String) {
        precondition(OptionTable.option(named: name)?.name == name, "the table has no option of this name")
    }
}
