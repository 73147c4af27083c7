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
        show: (JSONValue, CommandWords) -> String, refuse: (JSONValue) -> String? = { _ in nil }
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
            let answer: HTTPAnswer
            do { answer = try service.ask(request) } catch { return noAnswer(error, service, words) }
            let body = (try? JSONDocument(parsing: answer.body, limits: limits))?.root
            if words.has("--json") { Console.write(json(answer, body)) }
            guard answer.isSuccess else {
                Console.complain(body.flatMap(refuse) ?? refusal(answer, body))
                return .failure
            }
            guard !words.has("--json"), let body else { return .success }
            let text = show(body, words)
            if !text.isEmpty { Console.write(text) }
            return .success
        } catch {
            Console.complain("tern \(name): \(error.message)")
            Console.complain("usage: \(command.usage); 'tern \(name) --help' says more")
            return .usage
        }
    }

    /// What the server said to programs; an object even where it said nothing, or nothing in JSON.
    private static func json(_ answer: HTTPAnswer, _ body: JSONValue?) -> String {
        if body != nil { return String(decoding: answer.body, as: UTF8.self) }
        return answer.isSuccess ? "{}" : errorJSON("status_\(answer.status)", "the server answers \(answer.status)")
    }

    private static func refusal(_ answer: HTTPAnswer, _ body: JSONValue?) -> String {
        let said = body?["error"]?["message"]?.string.map(TextTable.printable) ?? "the server answers \(answer.status)"
        return answer.status == 401 ? "the server does not accept the key: \(said)" : said
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

    private static func noAnswer(
        _ failure: OperatorService.Failure, _ service: OperatorService, _ words: CommandWords
    ) -> ExitStatus {
        let message = Self.words(for: failure, service)
        Console.complain(message)
        if words.has("--json") { Console.write(errorJSON("no_answer", message)) }
        return .unreachable
    }

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
