import Configuration
import CredentialService
import EventLoop
import NetworkPrimitives
import Signaling

/// `tern token`: a room token, signed with an API key of the configuration.
enum TokenCommand {
    private struct Request {
        var room: RoomPattern?
        var identity: String?
        var ttlSeconds: UInt32?
        var capacity: Int?
        var mayKick = false
        var key: String?
        var rest: [String] = []
    }

    static func run(_ arguments: [String]) -> ExitStatus {
        if arguments.contains("--help") || arguments.contains("-h") {
            Console.write(Help.page("token"))
            return .success
        }
        guard let request = parse(arguments), let room = request.room else {
            Console.complain(Help.page("token"))
            return .usage
        }
        guard let configuration = ConfigurationLoading.load(CommandLineOptions(parsing: request.rest), showing: .errors)
        else {
            return .failure
        }
        let keys = configuration.signaling?.apiKeys ?? []
        guard let key = request.key.map({ id in keys.first { $0.id == id } }) ?? keys.first else {
            Console.complain(
                request.key == nil
                    ? "there is no signaling-api-key in the configuration; add one"
                    : "there is no signaling-api-key with this id in the configuration")
            return .failure
        }
        guard let tokenKey = try? TokenKey(id: key.id, secret: Array(key.secret.utf8)),
            let minter = TokenMinter(key: tokenKey)
        else {
            Console.complain("the API key cannot sign tokens; check signaling-api-key")
            return .failure
        }
        let token = TokenRequest(
            rooms: room, identity: request.identity, lifetimeSeconds: request.ttlSeconds,
            grants: request.mayKick ? Grants.standard.union(.kick) : .standard, capacity: request.capacity)
        Console.write(String(decoding: minter.mint(token, at: Clock.wall()).token, as: UTF8.self))
        return .success
    }

    private static func parse(_ arguments: [String]) -> Request? {
        var request = Request()
        var words = arguments[...]
        while let word = words.popFirst() {
            switch word {
            case "--room":
                guard let room = words.popFirst().flatMap({ RoomPattern($0) }) else { return nil }
                request.room = room
            case "--identity":
                guard let identity = words.popFirst(), TokenLimits.isIdentity(identity) else { return nil }
                request.identity = identity
            case "--ttl":
                guard let ttl = words.popFirst().flatMap({ UInt32($0) }), isLifetime(ttl) else { return nil }
                request.ttlSeconds = ttl
            case "--capacity":
                guard let capacity = words.popFirst().flatMap({ Int($0) }), TokenLimits.capacities.contains(capacity)
                else { return nil }
                request.capacity = capacity
            case "--kick": request.mayKick = true
            case "--key":
                guard let id = words.popFirst() else { return nil }
                request.key = id
            default: request.rest.append(word)
            }
        }
        return request
    }

    private static func isLifetime(_ seconds: UInt32) -> Bool { (1...TokenMinter.lifetimeSecondsMax).contains(seconds) }
}
