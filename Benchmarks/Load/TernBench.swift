import LinuxSockets

/// Puts load on a TURN server and reports what it cost.
@main
enum TernBench {
    static func main() {
        _ = ResourceLimits.raiseOpenFiles()
        let words = Array(CommandLine.arguments.dropFirst())
        if words.isEmpty || words.contains("--help") || words.contains("-h") || words == ["help"] {
            print(Options.help + "\n" + SignalOptions.help)
            Process.exit(words.isEmpty ? 2 : 0)
        }
        if words.first == "report" { return joinReports(understood(ReportOptions.parse(words))) }
        if let parsed = SignalOptions.parse(words) { return measureSignaling(understood(parsed)) }
        measure(understood(Options.parse(words)), words)
    }

    private static func measure(_ options: Options, _ words: [String]) {
        do {
            let options = try options.facingServer()
            let outcome = try Scenarios(options: options).run()
            let report = Report(options: options, outcome: outcome, command: words)
            print(options.isJSON ? report.json : report.text)
            if let path = options.htmlPath { try write([report.json], toHTML: path) }
        } catch let error as ScenarioError {
            switch error {
            case .system(let error): complain("\(error)")
            case .setUp(let failures, let codes, let loss):
                let advice = RefusalAdvice(
                    failures: failures, codes: codes, server: options.server, transport: options.transport, loss: loss)
                complain(advice.text)
            }
            Process.exit(1)
        } catch {
            complain("\(error)")
            Process.exit(1)
        }
    }

    private static func measureSignaling(_ options: SignalOptions) {
        do {
            let report = SignalReport(options: options, outcome: try SignalScenarios(options: options).run())
            print(options.isJSON ? report.json : report.text)
        } catch {
            switch error {
            case .system(let error): complain("\(error)")
            case .client(let failure): complain("a client failed: \(failure)")
            case .stalled(let what): complain(what)
            }
            Process.exit(1)
        }
    }

    private static func joinReports(_ options: ReportOptions) {
        do {
            var texts: [String] = []
            for path in options.inputs {
                let bytes = try Files.read(path, byteCountMax: ReportOptions.fileBytesMax)
                texts += String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            }
            try write(texts, toHTML: options.output)
        } catch {
            complain("\(error)")
            Process.exit(1)
        }
    }

    private static func write(_ records: [String], toHTML path: String) throws {
        let page = HTMLPage(runs: try records.map { try RunRecord(parsing: $0) })
        try LineSink(replacing: path).write(page.text)
    }

    private static func understood<Parsed>(_ parsed: Result<Parsed, OptionError>) -> Parsed {
        switch parsed {
        case .success(let options): return options
        case .failure(let error):
            complain("\(error.word): \(error.advice)\nTry 'tern-bench --help'.")
            Process.exit(2)
        }
    }

    private static func complain(_ text: String) { (try? LineSink.standardError())?.write("tern-bench: " + text) }
}
