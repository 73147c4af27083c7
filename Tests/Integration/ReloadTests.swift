import Crypto
import Foundation
import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

extension TernServer {
    /// Writes another configuration where the server has read its own.
    func write(_ plan: ServerPlan, port: UInt16? = nil) throws {
        let text = plan.file(port: port ?? address.port).replacingOccurrences(of: "@DIRECTORY@", with: directory.path)
            .replacingOccurrences(of: "@PORT@", with: "\(address.port)")
        try text.write(to: directory.appending(path: "turnserver.conf"), atomically: true, encoding: .utf8)
    }

    func hangUp() { kill(pid_t(processID), SIGHUP) }

    private var reloadCount: Int {
        ["the configuration was reloaded", "the configuration was not reloaded"].reduce(0) {
            $0 + output.components(separatedBy: $1).count - 1
        }
    }

    /// Has the server read another configuration, and waits until it says what became of it. The log must not leave
    /// that out.
    func reload(_ plan: ServerPlan, port: UInt16? = nil) async throws {
        let before = reloadCount
        try write(plan, port: port)
        hangUp()
        #expect(try await eventually(seconds: 10) { reloadCount > before }, "no word of a reload: \(output)")
    }
}

extension IntegrationTests {
    @Suite("Reload: SIGHUP")
    struct ReloadTests {
        private func plan(_ options: String...) -> ServerPlan {
            var plan = ServerPlan("relay-threads=2")
            plan.options += options
            return plan
        }

        /// A client with a channel to a peer.
        private func call(
            _ server: TernServer, from peerIP: String = "127.0.0.1"
        ) throws -> (client: TURNClient, peer: UDPEndpoint) {
            let client = try server.allocatedClient()
            let peer = try UDPEndpoint(peerIP)
            #expect(try client.bind(0x4000, to: peer.address) == nil)
            return (client, peer)
        }

        /// Whether a datagram gets there and back.
        private func relays(_ client: TURNClient, _ peer: UDPEndpoint, within limit: Duration = .seconds(2)) -> Bool {
            client.send([1, 2, 3], onChannel: 0x4000)
            guard let (bytes, source) = peer.receive(within: limit), bytes == [1, 2, 3] else { return false }
            peer.send([4, 5], to: source)
            return client.receiveData(onChannel: 0x4000, within: limit) == [4, 5]
        }

        private static func password(of name: String, _ secret: String) -> String {
            let bytes = EphemeralCredential.password(of: Array(name.utf8), secret: HMACSHA1Key(key: Array(secret.utf8)))
            return String(decoding: bytes, as: UTF8.self)
        }

        @Test(
            "twenty reloads while datagrams are relayed: none is lost, and the allocation lives",
            .requirement("RI-reload-1"))
        func noLoss() async throws {
            try await TernServer.run(plan()) { server in
                let (client, peer) = try call(server)
                let relay = try #require(client.relayed)
                var (sent, arrived, returned) = (0, 0, 0)
                func transmit(_ count: Int) {
                    for _ in 0..<count {
                        let number = [UInt8(sent >> 8), UInt8(sent & 0xFF)]
                        client.send(number, onChannel: 0x4000)
                        peer.send(number, to: relay)
                        sent += 1
                    }
                }
                func collect(within limit: Duration) {
                    while arrived < sent, peer.receive(within: limit) != nil { arrived += 1 }
                    while returned < sent, client.receiveData(onChannel: 0x4000, within: limit) != nil { returned += 1 }
                }
                for round in 0..<20 {
                    var next = plan(
                        "denied-peer-ip=10.\(round).0.0/16", "user-quota=\(10 + round)",
                        "log-min-level=\(round.isMultiple(of: 2) ? "notice" : "debug")",
                        "static-auth-secret=secret\(round)", "max-allocate-lifetime=\(3000 + round)")
                    next.access.append("user=guest\(round):secret")
                    try server.write(next)
                    transmit(25)
                    server.hangUp()
                    transmit(25)
                    collect(within: .milliseconds(20))
                    _ = try await eventually(seconds: 5) {
                        transmit(1)
                        collect(within: .milliseconds(20))
                        return server.output.components(separatedBy: "was reloaded").count >= round + 2
                    }
                    let guest = try server.client(username: "guest\(round)")
                    try guest.allocate()
                    try guest.refresh(0)
                }
                collect(within: .seconds(2))
                #expect(sent >= 1000)
                #expect(arrived == sent)
                #expect(returned == sent)
                // Not even a new nonce was needed.
                #expect(try client.refresh(600).errorCode == nil)
                #expect(!server.output.contains("delete, realm=<example.org>, username=<alice>"))
            }
        }

        @Test("a new user works at once; one who has gone gets 401, and his call goes on for now")
        func users() async throws {
            try await TernServer.run(plan()) { server in
                let (client, peer) = try call(server)
                var next = plan()
                next.access = ["user=bob:secret"]
                try await server.reload(next)
                try server.client(username: "bob").allocate()
                #expect(try server.client().allocateError() == 401)
                #expect(try client.refresh(600).errorCode == 401)
                #expect(relays(client, peer))
                #expect(server.output.contains("the configuration was reloaded: user ("))
                try await server.reload(plan())
                #expect(try client.refresh(600).errorCode == nil)
            }
        }

        @Test("a file with an error changes nothing, and the log names file and line", .requirement("RI-reload-2"))
        func broken() async throws {
            try await TernServer.run(plan()) { server in
                let (client, peer) = try call(server)
                var next = plan("denied-peer-ip=10.0.0.0/99", "nonsense=1")
                next.access = ["user=bob:secret"]
                try await server.reload(next)
                let lines = next.file(port: server.address.port).split(separator: "\n")
                let number = try #require(lines.firstIndex { $0.hasPrefix("denied-peer-ip") }) + 1
                #expect(server.output.contains("turnserver.conf:\(number): error: denied-peer-ip"))
                #expect(server.output.contains("the configuration was not reloaded, and stays as it was"))
                #expect(try server.client(username: "bob").allocateError() == 401)
                try server.client().allocate()
                #expect(relays(client, peer))
                try FileManager.default.removeItem(at: server.directory.appending(path: "turnserver.conf"))
                server.hangUp()
                #expect(
                    try await eventually(seconds: 10) { server.output.contains("turnserver.conf: error: cannot be") })
                #expect(relays(client, peer))
            }
        }

        @Test("secrets are exchanged: both are good while both are there")
        func secrets() async throws {
            var first = plan("static-auth-secret=old")
            first.access = []
            try await TernServer.run(first) { server in
                func client(_ secret: String) throws -> TURNClient {
                    let name = "\(Int(Date().timeIntervalSince1970) + 3600):u"
                    return try server.client(username: name, password: Self.password(of: name, secret))
                }
                let old = try client("old")
                try old.allocate()
                #expect(try client("new").allocateError() == 401)
                var both = plan("static-auth-secret=new", "static-auth-secret=old")
                both.access = []
                try await server.reload(both)
                try client("new").allocate()
                try client("old").allocate()
                var last = plan("static-auth-secret=new")
                last.access = []
                try await server.reload(last)
                #expect(try client("old").allocateError() == 401)
                #expect(try old.refresh(600).errorCode == 401)
                try client("new").allocate()
            }
        }

        @Test("a peer that is denied by now is not sent to any more", .requirement("RI-reload-4"))
        func peers() async throws {
            try await TernServer.run(plan()) { server in
                let (client, peer) = try call(server, from: "127.0.0.2")
                #expect(relays(client, peer))
                try await server.reload(plan("denied-peer-ip=127.0.0.2"))
                #expect(!relays(client, peer, within: .milliseconds(50)))
                #expect(try client.bind(0x4000, to: peer.address) == 403)
                #expect(try client.refresh(600).errorCode == nil)
                try await server.reload(plan())
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                #expect(relays(client, peer))
            }
        }

        @Test("what needs a restart is named with its line, and stays as it was", .requirement("RI-reload-3"))
        func restart() async throws {
            try await TernServer.run(plan()) { server in
                let (client, peer) = try call(server)
                let next = plan("relay-threads=3", "max-port=60000", "user-quota=1")
                try await server.reload(next, port: server.address.port + 1)
                let line = try #require(server.output.split(separator: "\n").first { $0.contains("needs a restart") })
                #expect(line.contains("changed but needs a restart: listening-port ("))
                #expect(line.contains("turnserver.conf:1)"))
                #expect(line.contains("max-port ("))
                #expect(line.contains("relay-threads ("))
                #expect(!line.contains("user-quota"))
                #expect(relays(client, peer))
                #expect(try server.client().allocateError() == 486)
            }
        }

        @Test("another realm reaches clients by a new nonce, and no allocation ends")
        func realm() async throws {
            try await TernServer.run(plan()) { server in
                let (client, peer) = try call(server)
                try await server.reload(plan("realm=example.net"))
                #expect(try client.refresh(600).errorCode == nil)
                #expect(relays(client, peer))
            }
        }

        @Test("many at once leave the last file in force")
        func crowd() async throws {
            try await TernServer.run(plan()) { server in
                for number in 0..<50 {
                    var next = plan()
                    next.access.append("user=guest\(number):secret")
                    try server.write(next)
                    server.hangUp()
                }
                func isIn(_ name: String) -> Bool {
                    (try? server.client(username: name).allocateError()) == .some(nil)
                }
                #expect(try await eventually(seconds: 10) { isIn("guest49") })
                // Workers change one after the other, within milliseconds.
                #expect(try await eventually(seconds: 10) { !isIn("guest48") })
                #expect(isIn("guest49"))
            }
        }

        @Test("certificates of other files are shown from now on; connections that are there stay")
        func certificates() async throws {
            var first = plan("tls-listening-port=@PORT@")
            first.options += TestCertificate.options
            first.files = TestCertificate.shared.files
            let other = TestCertificate()
            for (name, bytes) in other.files { first.files["other-\(name)"] = bytes }
            try await TernServer.run(first) { server in
                let old = try server.secureStream([]).fingerprint
                let client = try server.streamClient(protocols: ["stun.turn"])
                try client.allocate()
                var next = first
                next.options = first.options.map {
                    $0.replacingOccurrences(of: "@DIRECTORY@/", with: "@DIRECTORY@/other-")
                }
                try await server.reload(next)
                #expect(try server.secureStream([]).fingerprint != old)
                #expect(try client.refresh(600).errorCode == nil)
                next.options = first.options.map {
                    $0.replacingOccurrences(of: "@DIRECTORY@/", with: "@DIRECTORY@/missing-")
                }
                try await server.reload(next)
                #expect(server.output.contains("was not reloaded"))
                #expect(server.output.contains("missing-"))
                #expect(try client.refresh(600).errorCode == nil)
            }
        }

        @Test("signaling goes by other keys and rooms at once, and nobody's connection ends")
        func signaling() async throws {
            let port = try TernServer.freePort(["127.0.0.1"])
            let closed = plan("signaling-port=\(port)", "signaling-ip=127.0.0.1")
            try await TernServer.run(closed) { server in
                let address = SocketAddress(ip: server.address.ip, port: port)
                let stream = try TCPStream(to: address)
                func welcomesStrangers() -> Bool {
                    stream.write(Array("GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
                    _ = stream.read(through: "\"anonymous_rooms\":")
                    return stream.read(4) == Array("true".utf8)
                }
                #expect(!welcomesStrangers())
                var open = closed
                open.options.append("signaling-anonymous-rooms=*")
                try await server.reload(open)
                #expect(welcomesStrangers())
            }
        }

        @Test("the log level and the file of the log change")
        func log() async throws {
            try await TernServer.run(plan("log-min-level=debug", "verbose")) { server in
                try server.client().allocate()
                #expect(try await eventually(seconds: 5) { server.output.contains(": new, ") })
                try await server.reload(plan("verbose", "log-file=@DIRECTORY@/other.log", "simple-log"))
                try server.client().allocate()
                let file = server.directory.appending(path: "other.log")
                var text: String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
                #expect(try await eventually(seconds: 5) { text.contains(": new, ") })
                // As logrotate does.
                try FileManager.default.moveItem(at: file, to: server.directory.appending(path: "other.log.1"))
                server.hangUp()
                #expect(try await eventually(seconds: 5) { text.contains("was reloaded: no change") })
            }
        }
    }
}
