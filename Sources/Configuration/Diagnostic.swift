/// Where something was written.
package enum Place: Hashable, Sendable {
    /// A line of a file, counted from 1.
    case line(file: String, number: Int)
    case file(String)
    /// A word of the command line: the option as written, never its value; or `argument 3`.
    case commandLine(argument: String)
    /// The configuration as a whole.
    case configuration
}

extension Place: CustomStringConvertible {
    package var description: String {
        switch self {
        case .line(let file, let number): "\(file):\(number)"
        case .file(let file): file
        case .commandLine(let argument): "command line, \(argument)"
        case .configuration: "configuration"
        }
    }
}

/// Something an operator should know about the configuration. The text never contains a secret.
package struct Diagnostic: Hashable, Sendable {
    /// How much it matters.
    package enum Severity: String, Hashable, Sendable {
        /// The server does not start.
        case error
        /// Probably not what was meant.
        case warning
        /// Good to know.
        case note
    }

    /// How much it matters.
    package let severity: Severity
    /// Where it was written.
    package let place: Place
    /// The name of the option concerned, when there is one.
    package let option: String?
    /// What is wrong and what to do about it.
    package let message: String

    package init(severity: Severity, place: Place, option: String?, message: String) {
        self.severity = severity
        self.place = place
        self.option = option
        self.message = message
    }
}

extension Diagnostic: CustomStringConvertible {
    package var description: String {
        let subject = option.map { "\($0): " } ?? ""
        return "\(place): \(severity.rawValue): \(subject)\(message)"
    }
}

/// Collects diagnostics, with a bound: a file of any size must not make a log of that size.
struct DiagnosticLog {
    /// How many diagnostics are kept; one more sums up the rest.
    static let countMax = 200

    private var errors: [Diagnostic] = []
    private var others: [Diagnostic] = []
    private var errorCount = 0
    private var otherCount = 0

    var hasErrors: Bool { errorCount > 0 }

    /// A further warning would only be counted, so its text need not be thought about.
    var onlyCountsWarnings: Bool { others.count >= Self.countMax }

    mutating func add(_ severity: Diagnostic.Severity, at place: Place, about option: String? = nil, _ message: String)
    {
        let diagnostic = Diagnostic(severity: severity, place: place, option: option, message: message)
        if severity == .error {
            errorCount += 1
            if errors.count < Self.countMax { errors.append(diagnostic) }
        } else {
            otherCount += 1
            if others.count < Self.countMax { others.append(diagnostic) }
        }
    }

    /// At most `countMax` diagnostics in the order of their places, errors being kept in preference, and a summary of
    /// those left out.
    func finished() -> [Diagnostic] {
        var kept = errors + others.prefix(Self.countMax - errors.count)
        kept = kept.enumerated()
            .sorted { (Self.rank($0.element), $0.offset) < (Self.rank($1.element), $1.offset) }
            .map(\.element)
        let omitted = errorCount + otherCount - kept.count
        guard omitted > 0 else { return kept }
        let omittedErrors = errorCount - errors.count
        let summary = "\(omitted) further messages left out, \(omittedErrors) of them errors; correct those above first"
        kept.append(
            Diagnostic(
                severity: omittedErrors > 0 ? .error : .note, place: .configuration, option: nil, message: summary))
        return kept
    }

    private static func rank(_ diagnostic: Diagnostic) -> Int {
        switch diagnostic.place {
        case .file: 0
        case .line(_, let number): number
        case .commandLine: Int.max - 1
        case .configuration: Int.max
        }
    }
}

extension StringProtocol {
    /// The text as a message may quote it: on one line, without control characters or look-alikes, and short.
    var quoted: String {
        let lengthMax = 60
        var result = ""
        for scalar in unicodeScalars.prefix(lengthMax) { result += scalar.escaped(asASCII: true) }
        return "\"\(result)\(unicodeScalars.count > lengthMax ? "…" : "")\""
    }
}
