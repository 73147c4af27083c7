import Configuration
import Crypto
import EventLoop
import NetworkPrimitives
import TURN

/// `tern credentials`: a time-limited user name and its password, made where the server would check them.
enum CredentialsCommand {
    private static let ttlMax: Int64 = 43_200

    private struct Request {
        var user = ""
        var ttlSeconds: Int64 = 3600
        var quota: Int?
        var isPlain = false
        var rest: [String] = []
    }

    static func run(_ arguments: [String]) -> ExitStatus {
        if arguments.contains("--help") || arguments.contains("-h") {
            Console.write(Help.page("credentials"))
            return .success
        }
        guard let request = parse(arguments) else {
            Console.complain(Help.page("credentials"))
            return .usage
        }
        guard let configuration = ConfigurationLoading.load(CommandLineOptions(parsing: request.rest), showing: .errors)
        else {
            return .failure
        }
        let authentication = configuration.authentication
        // The first secret is the one that new credentials are made with; the others are on their way out.
        guard let secret = authentication.sharedSecrets.first else {
            Console.complain("there is no static-auth-secret in the configuration; add one")
            return .failure
        }
        let tag = Array(request.user.utf8)
        let quota = request.quota ?? configuration.quotas.allocationsPerMintedUser ?? 0
        let isMarked = !request.isPlain && quota > 0
        let user = isMarked ? EphemeralCredential.mintedUser(tag: tag, quota: quota) : tag
        let credential = EphemeralCredential.mint(
            user: user, expiresAt: Clock.wall().seconds + request.ttlSeconds,
            separator: authentication.restSeparator, secret: HMACSHA1Key(key: Array(secret.utf8)))
        Console.write(String(decoding: credential.username, as: UTF8.self))
        Console.write(String(decoding: credential.password, as: UTF8.self))
        return .success
    }

    private static func parse(_ arguments: [String]) -> Request? {
        var request = Request()
        var words = arguments[...]
        while let word = words.popFirst() {
            switch word {
            case "--user":
                guard let user = words.popFirst(), !user.isEmpty, user.utf8.count <= 400 else { return nil }
                request.user = user
            case "--ttl":
                guard let ttl = words.popFirst().flatMap({ Int64($0) }), (1...ttlMax).contains(ttl) else { return nil }
                request.ttlSeconds = ttl
            case "--quota":
                guard let quota = words.popFirst().flatMap({ Int($0) }), (0...999_999).contains(quota) else {
                    return nil
                }
                request.quota = quota
            case "--plain": request.isPlain = true
            default: request.rest.append(word)
            }
        }
        return request
    }
}
