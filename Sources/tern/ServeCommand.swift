import Configuration
import Crypto
import LinuxSockets
import NetworkPrimitives
import ServerRuntime

/// `tern serve`: serves until it is told to stop.
enum ServeCommand {
    static func run(_ arguments: [String], name: String) -> ExitStatus {
        if arguments.contains("--dev") { return runDevelopment(arguments.filter { $0 != "--dev" }) }
        let options = CommandLineOptions(parsing: arguments)
        if options.wantsHelp {
            Console.write(optionList(name))
            return .success
        }
        if options.wantsVersion {
            Console.write("Tern \(Version.number)")
            return .success
        }
        guard let loaded = ConfigurationLoading.loadWithOrigin(options, showing: .everything) else {
            Console.complain("not started; correct the errors above")
            return .failure
        }
        return serve { () throws(StartFailure) in
            try Server(loaded.configuration, from: loaded.origin, diagnostics: loaded.diagnostics)
        } ready: { addresses in
            Console.write(readyWords(addresses))
        }
    }

    private static func readyWords(_ addresses: Server.Addresses) -> String {
        let listening = addresses.turn.isEmpty ? addresses.streams : addresses.turn
        return "ready on \(listening.map(\.description).joined(separator: ", "))"
    }

    private static func serve(
        _ make: () throws(StartFailure) -> Server, ready: (Server.Addresses) -> Void
    ) -> ExitStatus {
        do {
            try make().run(ready: ready)
            return .success
        } catch {
            Console.complain("not started: \(error)")
            return .failure
        }
    }

    // MARK: - Development

    private static func runDevelopment(_ arguments: [String]) -> ExitStatus {
        guard arguments.isEmpty else {
            Console.complain("--dev stands alone; for options of your own use 'tern serve' without it")
            return .usage
        }
        var random = OSRandom()
        // Hexadecimal survives every shell, page and configuration file.
        let password = Hex.encode(random.bytes(12))
        let configuration: ServerConfiguration
        do {
            configuration = try .development(
                userName: developmentUser, password: password, signalingPort: freeDevelopmentPort())
        } catch {
            Console.complain(error.message)
            return .failure
        }
        return serve { () throws(StartFailure) in
            try Server(configuration, for: .development)
        } ready: { addresses in
            Console.write(developmentWords(addresses, password))
            Console.write(readyWords(addresses))
        }
    }

    private static let developmentUser = "dev"

    /// 8080, or one of the next ports if another program of the developer's has that.
    private static func freeDevelopmentPort() -> UInt16 {
        let ports: ClosedRange<UInt16> = 8080...8099
        return ports.first { port in
            (try? TCPListener(binding: SocketAddress(ip: .loopback(.ipv4), port: port))) != nil
        } ?? ports.lowerBound
    }

    private static func developmentWords(_ addresses: Server.Addresses, _ password: String) -> String {
        let port = addresses.turn.first?.port ?? 3478
        let page = "http://localhost:\(addresses.signaling.first?.port ?? 8080)/"
        let client = "turnutils_uclient -y -u \(developmentUser) -w \(password) -n 100 -m 4 -p \(port) 127.0.0.1"
        return """

            DEVELOPMENT SERVER: for this machine alone. It listens on loopback and lets clients reach services of this
            host. Do not put it on a network; 'tern serve -c turnserver.conf' is for that.

            A call: open this page in two windows.
              \(page)

              stun:127.0.0.1:\(port)
              turn:127.0.0.1:\(port)?transport=udp    user \(developmentUser)    password \(password)

            In a page:
              new RTCPeerConnection({ iceServers: [{ urls: "turn:127.0.0.1:\(port)", username: "\(developmentUser)",
                                                    credential: "\(password)" }], iceTransportPolicy: "relay" })
            Try it (Debian's package coturn has the client), 0 lost is what you want to see:
              \(client)

            """
    }

    private static func optionList(_ name: String) -> String {
        var lines = ["usage: \(name) [--dev] [-c FILE | -n] [options]", ""]
        for letter in CommandLineOptions.ownLetters { lines.append("  -\(letter.letter)  \(letter.summary)") }
        lines.append("  --dev  Serve this machine alone, with a user made up on the spot.")
        lines.append("")
        lines.append(ReferencePage.commandLineSummary())
        return lines.joined(separator: "\n")
    }
}
