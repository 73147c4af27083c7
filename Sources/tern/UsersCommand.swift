import Configuration
import JSON
import LinuxSockets
import ServerRuntime
import UserDatabase

/// `tern users`: the users of a database, changed in its file. Servers that read the file see it by themselves.
enum UsersCommand {
    private enum Action: String {
        case add, list, remove
    }

    private struct Request {
        let action: Action
        var name: [UInt8] = []
        var database: String?
        var realm: String?
        var passwordFile: String?
        var isJSON = false
        /// For the configuration.
        var rest: [String] = []
    }

    /// Why nothing was done, as a sentence.
    private struct Refusal: Error {
        let reason: String
    }

    /// A password is one line of at most so many bytes.
    private static let passwordByteCountMax = 512

    static func run(_ arguments: [String]) -> ExitStatus {
        if arguments.contains("--help") || arguments.contains("-h") {
            Console.write(Help.page("users"))
            return .success
        }
        guard let request = parse(arguments) else {
            Console.complain(Help.page("users"))
            return .usage
        }
        do {
            switch request.action {
            case .add: try add(request)
            case .list: try list(request)
            case .remove: try remove(request)
            }
            return .success
        } catch let refusal as Refusal {
            Console.complain(refusal.reason)
        } catch {
            Console.complain("\(error)")
        }
        return .failure
    }

    private static func parse(_ arguments: [String]) -> Request? {
        var words = arguments[...]
        guard let action = words.popFirst().flatMap({ Action(rawValue: $0) }) else { return nil }
        var request = Request(action: action)
        var names: [String] = []
        while let word = words.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let inline = word.hasPrefix("--") && parts.count == 2 ? parts[1] : nil
            switch parts[0] {
            case "-b", "--userdb", "--db", "-r", "--realm", "--password-file", "-c":
                guard let value = inline ?? words.popFirst(), !value.isEmpty else { return nil }
                switch parts[0] {
                case "-r", "--realm": request.realm = value
                case "--password-file": request.passwordFile = value
                case "-c": request.rest += ["-c", value]
                default: request.database = value
                }
            case "--json": request.isJSON = true
            default:
                guard !word.hasPrefix("-") else { return nil }
                names.append(word)
            }
        }
        guard names.count == (action == .list ? 0 : 1), request.isJSON == false || action == .list,
            request.passwordFile == nil || action == .add
        else { return nil }
        request.name = names.first.map { Array($0.utf8) } ?? []
        return request
    }

    // MARK: - Actions

    private static func add(_ request: Request) throws {
        let place = try place(of: request)
        guard (1...UserDatabaseEditor.nameByteCountMax).contains(request.name.count),
            request.name.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else {
            throw Refusal(
                reason: "a name has 1 to \(UserDatabaseEditor.nameByteCountMax) bytes and no control characters")
        }
        guard place.realm.count <= UserDatabaseEditor.realmByteCountMax else {
            throw Refusal(reason: "a realm has at most \(UserDatabaseEditor.realmByteCountMax) bytes")
        }
        let password = try password(request)
        let isNew = try Files.makePrivate(place.path)
        let isKnown: Bool
        do {
            let editor = try UserDatabaseEditor(path: place.path)
            try editor.prepare()
            isKnown = try editor.set(request.name, realm: place.realm, password: password)
        } catch {
            if isNew { Files.remove(place.path) }
            throw error
        }
        if isNew {
            Console.complain("made \(place.path), which only you can read: give it to the user that the server runs as")
        }
        let name = text(request.name)
        Console.write(
            isKnown
                ? "\(name) of realm \(text(place.realm)) has another password"
                : "\(name) was added to realm \(text(place.realm))")
    }

    private static func remove(_ request: Request) throws {
        let place = try place(of: request)
        guard try UserDatabaseEditor(path: place.path).remove(request.name, realm: place.realm) else {
            throw Refusal(
                reason: "there is no user \(text(request.name)) in realm \(text(place.realm)); 'tern users list' shows "
                    + "all")
        }
        Console.write("\(text(request.name)) was removed from realm \(text(place.realm))")
    }

    private static func list(_ request: Request) throws {
        let path: String
        if let database = request.database { path = database } else { path = try place(of: request).path }
        var entries: [UserDatabaseEditor.Entry] = []
        try UserDatabaseEditor(path: path).list(realm: request.realm.map { Array($0.utf8) }) { entries.append($0) }
        guard !request.isJSON else { return Console.write(json(entries, path)) }
        guard !entries.isEmpty else { return Console.complain("no users in \(path)") }
        let rows = [("NAME", "REALM", "KEY")] + entries.map { (text($0.name), text($0.realm), keyWord($0)) }
        let nameWidth = rows.map(\.0.count).max() ?? 0
        let realmWidth = rows.map(\.1.count).max() ?? 0
        Console.write(
            rows.map { padded($0.0, nameWidth) + "  " + padded($0.1, realmWidth) + "  " + $0.2 }
                .joined(separator: "\n"))
    }

    private static func keyWord(_ entry: UserDatabaseEditor.Entry) -> String {
        switch entry.algorithm {
        case .md5: "MD5"
        case .sha256: "SHA-256"
        case nil: "unusable"
        }
    }

    private static func json(_ entries: [UserDatabaseEditor.Entry], _ path: String) -> String {
        var writer = JSONWriter(reserving: 64 + entries.count * 80)
        writer.beginObject()
        writer.member("database", path)
        writer.name("users")
        writer.beginArray()
        for entry in entries {
            writer.beginObject()
            writer.member("name", String(decoding: entry.name, as: UTF8.self))
            writer.member("realm", String(decoding: entry.realm, as: UTF8.self))
            writer.name("key")
            if let algorithm = entry.algorithm { writer.string(algorithm.rawValue) } else { writer.null() }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    // MARK: - What is asked for

    /// The file and the realm: as written, else those of the configuration, which is not read for nothing.
    private static func place(of request: Request) throws -> (path: String, realm: [UInt8]) {
        if let database = request.database, let realm = request.realm { return (database, Array(realm.utf8)) }
        guard
            let configuration = ConfigurationLoading.load(CommandLineOptions(parsing: request.rest), showing: .errors)
        else {
            throw Refusal(reason: "the configuration has errors; or name the database by -b and the realm by --realm")
        }
        guard let path = request.database ?? configuration.authentication.database?.path else {
            throw Refusal(reason: "which database? There is no userdb in the configuration; name the file by -b")
        }
        return (path, request.realm.map { Array($0.utf8) } ?? StoredUsers.realm(of: configuration))
    }

    /// From a file or from standard input, never from the command line, which everybody on the host can read.
    private static func password(_ request: Request) throws -> [UInt8] {
        var bytes: [UInt8]
        if let path = request.passwordFile {
            bytes = try Files.read(path, byteCountMax: passwordByteCountMax + 2)
        } else {
            if StandardInput.isTerminal { Console.complain("password (it is not shown), and Enter:") }
            bytes = try StandardInput.readSecret(byteCountMax: passwordByteCountMax + 2)
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard (1...passwordByteCountMax).contains(bytes.count), bytes.allSatisfy({ $0 >= 0x20 }) else {
            throw Refusal(
                reason: "the password must be one line of 1 to \(passwordByteCountMax) bytes, on standard input or in "
                    + "the file that --password-file names")
        }
        return bytes
    }

    /// Whatever somebody has put into a database, without control characters for the terminal.
    private static func text(_ bytes: [UInt8]) -> String {
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
        return String(String.UnicodeScalarView(scalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
