import LinuxSockets

/// Puts load on a TURN server and reports what it cost.
@main
enum TernBench {
    static func main() {
        _ = ResourceLimits.raiseOpenFiles()
        let words = Array(CommandLine.arguments.dropFirst())
        if let parsed = SignalOptions.parse(words) { return measureSignaling(understood(parsed)) }
        let options = understood(Options.parse(words))
        do {
            let report = Report(options: options, outcome: try Scenarios(options: options).run())
            print(options.isJSON ? report.json : report.text)
        } catch {
            switch error {
            case .system(let error): complain("tern-bench: \(error)")
            case .setUp(let failures, let codes):
                complain("tern-bench: \(failures) clients were refused or not answered; error codes \(codes)")
            }
            Process.exit(1)
        }
    }

    private static func measureSignaling(_ options: SignalOptions) {
        do {
            let report = SignalReport(options: options, outcome: try SignalScenarios(options: options).run())
            print(options.isJSON ? report.json : report.text)
        } catch {
            switch error {
            case .system(let error): complain("tern-bench: \(error)")
            case .client(let failure): complain("tern-bench: a client failed: \(failure)")
            case .stalled(let what): complain("tern-bench: \(what)")
            }
            Process.exit(1)
        }
    }

    private static func understood<Parsed>(_ parsed: Result<Parsed, OptionError>) -> Parsed {
        switch parsed {
        case .success(let options): return options
        case .failure(let error):
            let usage = Options.usage + "\n" + SignalOptions.usage
            complain(error.word.map { "tern-bench: cannot understand \($0)" } ?? usage)
            Process.exit(2)
        }
    }

    private static func complain(_ text: String) { (try? LineSink.standardError())?.write(text) }
}
