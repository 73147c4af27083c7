/// The text of a configuration file. The caller reads the file, so that this target touches no file system.
package struct ConfigurationFile: Sendable {
    /// The largest file that is read. The longest deny lists in use are some thousand lines.
    package static let byteCountMax = 4 * 1024 * 1024

    /// The name as diagnostics show it.
    package let name: String
    /// The content as it was read; it need not be text.
    package let bytes: [UInt8]

    /// A file with this content.
    package init(name: String = "turnserver.conf", bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// A file with this text, for tests and built-in configurations.
    package init(name: String = "turnserver.conf", text: String) {
        self.init(name: name, bytes: Array(text.utf8))
    }
}

/// An option as it was written, its value not yet understood.
struct Assignment {
    let option: Option
    /// Nil for the bare name and for an empty value.
    let text: String?
    let place: Place
}

/// Splits a file into assignments: `name=value`, `name value` or `name`, one a line, `#` for comments.
struct ConfigurationFileParser {
    private static let hash = UInt8(ascii: "#")
    private static let quote = UInt8(ascii: "\"")
    private static let equals = UInt8(ascii: "=")

    private let file: ConfigurationFile
    private(set) var assignments: [Assignment] = []

    private init(file: ConfigurationFile) { self.file = file }

    static func parse(_ file: ConfigurationFile, log: inout DiagnosticLog) -> [Assignment] {
        guard file.bytes.count <= ConfigurationFile.byteCountMax else {
            log.add(.error, at: .file(file.name), "the file is larger than 4 MiB; is it a configuration file?")
            return []
        }
        guard !file.bytes.starts(with: [0xFF, 0xFE]), !file.bytes.starts(with: [0xFE, 0xFF]) else {
            log.add(.error, at: .file(file.name), "the file is UTF-16; save it as UTF-8")
            return []
        }
        var parser = ConfigurationFileParser(file: file)
        parser.parseLines(log: &log)
        return parser.assignments
    }

    private mutating func parseLines(log: inout DiagnosticLog) {
        // Editors of another platform mark UTF-8 with three bytes, which would become a part of the first name.
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        var rest = file.bytes[...]
        if rest.starts(with: byteOrderMark) { rest = rest.dropFirst(byteOrderMark.count) }
        var number = 0
        while !rest.isEmpty {
            number += 1
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            parseLine(rest[..<end].trimmingBlanks, at: .line(file: file.name, number: number), log: &log)
            rest = rest[end...].dropFirst()
        }
    }

    private mutating func parseLine(_ line: ArraySlice<UInt8>, at place: Place, log: inout DiagnosticLog) {
        guard let first = line.first, first != Self.hash else { return }
        let nameEnd = line.firstIndex { $0.isBlank || $0 == Self.equals } ?? line.endIndex
        let nameBytes = line[..<nameEnd]
        var value = line[nameEnd...].trimmingBlanks
        if value.first == Self.equals { value = value.dropFirst().trimmingBlanks }
        // A blank before the value is what makes a `#` at its start a comment: `fingerprint # always`.
        let blankBefore = value.startIndex > line.startIndex && line[value.startIndex - 1].isBlank

        guard let option = Self.option(named: nameBytes) else {
            reportUnknown(nameBytes, isBare: value.isEmpty, at: place, log: &log)
            return
        }
        guard !value.contains(where: \.isControl) else {
            let message = "the line contains a control character; is the file damaged? Write the line anew"
            log.add(.error, at: place, about: option.name, message)
            return
        }
        value = withoutComment(value, blankBefore: blankBefore, of: option, at: place, log: &log)
        if value.count >= 2, value.first == Self.quote, value.last == Self.quote {
            value = value.dropFirst().dropLast()
        }
        guard let text = decode(value, of: option, at: place, log: &log) else { return }
        assignments.append(Assignment(option: option, text: text.isEmpty ? nil : text, place: place))
    }

    private static func option(named bytes: ArraySlice<UInt8>) -> Option? {
        guard bytes.count <= NameSuggestion.nameLengthMax else { return nil }
        return OptionTable.option(named: String(decoding: bytes, as: UTF8.self))
    }

    /// Cuts a comment off the end. coturn takes it as part of the value, which disables flags and address rules with a
    /// comment behind them; nobody means that. Only where `#` may belong to a secret does it stay.
    private func withoutComment(
        _ value: ArraySlice<UInt8>, blankBefore: Bool, of option: Option, at place: Place, log: inout DiagnosticLog
    ) -> ArraySlice<UInt8> {
        var search = value
        if value.first == Self.quote, let closing = value.dropFirst().firstIndex(of: Self.quote) {
            search = value[closing...]
        }
        let start = search.indices.first { index in
            search[index] == Self.hash && (index == value.startIndex ? blankBefore : value[index - 1].isBlank)
        }
        guard let start else { return value }
        if option.kind.mayContainHash {
            let message =
                "the text from \" #\" on counts as part of the value; if it is a comment, move it to a line of its own"
            log.add(.warning, at: place, about: option.name, message)
            return value
        }
        return value[..<start].trimmingBlanks
    }

    /// The bytes as text. What is not UTF-8 must not end up in a secret or a rule as something else than was written.
    private func decode(
        _ value: ArraySlice<UInt8>, of option: Option, at place: Place, log: inout DiagnosticLog
    ) -> String? {
        if let text = String(validating: value, as: UTF8.self) { return text }
        switch option.support {
        case .acts, .later, .refused:
            log.add(.error, at: place, about: option.name, "the value is not UTF-8; save the file as UTF-8")
            return nil
        case .noEffect, .silent:
            return String(decoding: value, as: UTF8.self)
        }
    }

    private func reportUnknown(
        _ nameBytes: ArraySlice<UInt8>, isBare: Bool, at place: Place, log: inout DiagnosticLog
    ) {
        // Looking for the nearest name is the slowest thing done here; a file of nothing else would take minutes.
        guard !log.onlyCountsWarnings else { return log.add(.warning, at: place, "unknown option") }
        let name = String(decoding: nameBytes.prefix(NameSuggestion.nameLengthMax + 1), as: UTF8.self)
        let advice = NameSuggestion.advice(for: name)
        // A bare word that resembles no option may be the second half of a wrapped secret.
        guard NameSuggestion.isPlausibleName(name), !isBare || advice != nil else {
            let message = "the line does not begin with a known option name; it has no effect. Write name=value"
            log.add(.warning, at: place, message)
            return
        }
        let message = "unknown option; \(advice ?? "the line has no effect; remove it")"
        log.add(.warning, at: place, about: name, message)
    }
}

extension UInt8 {
    /// Space, tab, or the carriage return of a file from another platform.
    fileprivate var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0D }

    fileprivate var isControl: Bool { (self < 0x20 && self != 0x09) || self == 0x7F }
}

extension ArraySlice<UInt8> {
    fileprivate var trimmingBlanks: ArraySlice<UInt8> {
        guard let first = firstIndex(where: { !$0.isBlank }), let last = lastIndex(where: { !$0.isBlank }) else {
            return self[startIndex..<startIndex]
        }
        return self[first...last]
    }
}
