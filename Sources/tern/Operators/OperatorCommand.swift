import JSON
import OperatorClient

/// What the commands for a running server have in common: ask, and show the answer.
enum OperatorCommand {
    /// A hundred thousand allocations have fourteen values each.
    private static let limits = JSONLimits(depthMax: 16, valuesMax: 8_000_000)

    /// Reads the words, asks, and shows the answer: by `show` to people, as it is with `--json`.
    static func run(
        _ name: String, _ arguments: [String],
        asking request: (CommandWords) throws(CommandWords.Problem) -> OperatorRequest,
        show: (JSONValue, CommandWords) -> String
    ) -> ExitStatus {
        guard let command = CommandTable.command(named: name) else { return .usage }
        do throws(CommandWords.Problem) {
            let words = try CommandWords(arguments, for: command)
            if words.wantsHelp {
                Console.write(command.help)
                return .success
            }
            let request = try request(words)
            guard let service = try ServerChoice.service(words) else { return .failure }
            return answer(request, by: service, words, show)
        } catch {
            Console.complain("tern \(name): \(error.message)")
            Console.complain("usage: \(command.usage); 'tern \(name) --help' says more")
            return .usage
        }
    }

    private static func answer(
        _ request: OperatorRequest, by service: OperatorService, _ words: CommandWords,
        _ show: (JSONValue, CommandWords) -> String
    ) -> ExitStatus {
        let answer: HTTPAnswer
        do { answer = try service.ask(request) } catch {
            let message = Self.words(for: error, service)
            Console.complain(message)
            if words.has("--json") { Console.write(errorJSON("no_answer", message)) }
            return .unreachable
        }
        let document = try? JSONDocument(parsing: answer.body, limits: limits)
        guard answer.isSuccess else { return refusal(answer, document?.root, service, words) }
        if words.has("--json") {
            Console.write(answer.body.isEmpty ? "{}" : String(decoding: answer.body, as: UTF8.self))
            return .success
        }
        guard let value = document?.root else {
            if !answer.body.isEmpty { Console.write(TextTable.printable(String(decoding: answer.body, as: UTF8.self))) }
            return .success
        }
        let text = show(value, words)
        if !text.isEmpty { Console.write(text) }
        return .success
    }

    private static func refusal(
        _ answer: HTTPAnswer, _ body: JSONValue?, _ service: OperatorService, _ words: CommandWords
    ) -> ExitStatus {
        let said = body?["error"]?["message"]?.string.map(TextTable.printable) ?? "status \(answer.status)"
        Console.complain(answer.status == 401 ? "the server does not accept the key: \(said)" : said)
        // What else the server says about it, such as every error of a configuration.
        if let body, let rest = others(of: body) { Console.complain(rest) }
        if words.has("--json") {
            let text =
                body == nil ? errorJSON("status_\(answer.status)", said) : String(decoding: answer.body, as: UTF8.self)
            Console.write(text)
        }
        return .failure
    }

    private static func others(of body: JSONValue) -> String? {
        let others = body.members.filter { $0.name.string != "error" }.map { member in
            "\(member.name.string ?? "?"):\n" + Outline.text(member.value)
        }
        return others.isEmpty ? nil : others.joined(separator: "\n")
    }

    private static func errorJSON(_ code: String, _ message: String) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("error")
        writer.beginObject()
        writer.member("code", code)
        writer.member("message", message)
        writer.endObject()
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    // MARK: - No answer

    private static func words(for failure: OperatorService.Failure, _ service: OperatorService) -> String {
        switch (failure, service) {
        case (.link(.missing), .socket(let path)):
            "there is no socket \(path). Does the server run, and does its configuration say "
                + "'control-socket=\(path)'? --socket, --url and -c name another one."
        case (.link(.refused), .socket(let path)):
            "nobody listens at \(path): the server that made the socket is gone, or it does not answer any more"
        case (.link(.denied), .socket(let path)):
            "this user may not open \(path): it is for members of the group '\(SocketOwner.group(of: path) ?? "?")'. "
                + "Use sudo, or become one of them (usermod -aG) and log in again."
        case (.link(.refused), .url(let url, _)):
            "nobody listens at \(url): does the server run, and is that its signaling-port?"
        case (.link(.timedOut), _): "\(service.name) does not answer"
        case (.link(.unresolved(let reason)), .url(let url, _)): "there is no address for '\(url.host)': \(reason)"
        case (.link(let failure), _): "cannot ask \(service.name): \(SelftestWords.of(failure))"
        case (.answer(.cutShort), _): "the server hung up before it had answered"
        case (.answer(.notHTTP), _): "what listens at \(service.name) is no server that this command can ask"
        case (.answer(.tooLong), _): "the answer is too long for this command; ask by curl"
        }
    }
}
