import LinuxSockets

/// Puts load on a TURN server and reports what it cost.
@main
enum TernBench {
    static func main() {
        let options: Options
        switch Options.parse(Array(CommandLine.arguments.dropFirst())) {
        case .success(let parsed): options = parsed
        case .failure(let error):
            complain(error.word.map { "tern-bench: cannot understand \($0)" } ?? Options.usage)
            Process.exit(2)
        }
        _ = ResourceLimits.raiseOpenFiles()
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

    private static func complain(_ text: String) { (try? LineSink.standardError())?.write(text) }
}
