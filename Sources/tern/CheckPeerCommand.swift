import Configuration
import NetworkPrimitives
import ServerRuntime
import UserDatabase

/// `tern check-peer IP`: whether clients may reach a peer, and which rule decides.
enum CheckPeerCommand {
    static func run(_ arguments: [String]) -> ExitStatus {
        if arguments.contains("--help") || arguments.contains("-h") {
            Console.write(Help.page("check-peer"))
            return .success
        }
        guard let text = arguments.first, !text.hasPrefix("-") else {
            Console.complain("usage: tern check-peer IP[:PORT] [-c FILE] [coturn options]")
            return .usage
        }
        let options = CommandLineOptions(parsing: Array(arguments.dropFirst()))
        guard let configuration = ConfigurationLoading.load(options, showing: .errors) else { return .failure }
        let stored: StoredUsers?
        do { stored = try StoredUsers.load(configuration) } catch  where error.kind == .missing {
            stored = nil
        } catch {
            Console.complain("userdb: \(error)")
            return .failure
        }
        let verdict: PeerVerdict
        if let ip = IPAddress(text) {
            verdict = PeerVerdict(of: ip, port: nil, configuration, stored)
        } else if let address = SocketAddress(text) {
            verdict = PeerVerdict(of: address.ip, port: address.port, configuration, stored)
        } else {
            Console.complain(
                "\(Console.shown(text)) is no address; write 192.0.2.1, 192.0.2.1:80, 2001:db8::1 or [2001:db8::1]:80")
            return .usage
        }
        Console.write("\(text): \(verdict.isAllowed ? "allowed" : "denied") by \(verdict.rule)")
        return verdict.isAllowed ? .success : .failure
    }
}
