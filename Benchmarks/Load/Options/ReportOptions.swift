/// What `tern-bench report` is to put into one page.
struct ReportOptions {
    /// Longer files hold no runs.
    static let fileBytesMax = 16 << 20

    var inputs: [String] = []
    var output = ""

    static func parse(_ words: [String]) -> Result<ReportOptions, OptionError> {
        var options = ReportOptions()
        var rest = words.dropFirst()
        while let word = rest.popFirst() {
            if word == "--html" {
                guard let path = rest.popFirst() else {
                    return .failure(OptionError(word: word, advice: "a value is missing: the path of a file"))
                }
                options.output = path
            } else if word.hasPrefix("--") {
                return .failure(OptionError(word: word, advice: "there is no such option; report knows --html"))
            } else {
                options.inputs.append(word)
            }
        }
        if options.inputs.isEmpty {
            return .failure(OptionError(word: "report", advice: "name files that were written with --json"))
        }
        if options.output.isEmpty { return .failure(OptionError(word: "report", advice: "say --html and a file")) }
        return .success(options)
    }
}
