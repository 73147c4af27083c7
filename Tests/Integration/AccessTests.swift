import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("Who may relay")
    struct AccessTests {
        @Test("without credentials only STUN is served, and the server says so")
        func noCredentials() async throws {
            var plan = ServerPlan()
            plan.access = []
            try await TernServer.run(plan) { server in
                let client = try server.client()
                #expect(client.ask(.binding) != nil)
                let answer = client.ask(.allocate, [.udpTransport], within: .milliseconds(100))
                #expect(answer?.type.messageClass != .success)
                #expect(server.output.contains("nothing is relayed, only STUN is served"))
            }
        }

        @Test("lt-cred-mech without a user relays for nobody, unlike in coturn")
        func noUser() async throws {
            var plan = ServerPlan()
            plan.access = ["lt-cred-mech"]
            try await TernServer.run(plan) { server in
                let client = try server.client()
                let answer = client.ask(.allocate, [.udpTransport], within: .milliseconds(100))
                #expect(answer?.type.messageClass != .success)
                #expect(server.output.contains("there is neither a user nor a static-auth-secret"))
            }
        }

        @Test("no-auth relays for anybody, when it is written, and a warning says so")
        func noAuth() async throws {
            var plan = ServerPlan()
            plan.access = ["no-auth"]
            try await TernServer.run(plan) { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                #expect(try client.permit(peer.address) == nil)
                client.send([1], to: peer.address)
                #expect(peer.receive()?.bytes == [1])
                #expect(server.output.contains("no-auth: everybody who reaches this server relays through it"))
            }
        }

        @Test("stun-only relays for nobody, even with a user")
        func stunOnly() async throws {
            try await TernServer.run(ServerPlan("stun-only")) { server in
                let client = try server.client()
                #expect(client.ask(.binding) != nil)
                let answer = client.ask(.allocate, [.udpTransport], within: .milliseconds(100))
                #expect(answer?.type.messageClass != .success)
            }
        }

        @Test("a wrong password and an unknown user are 401, and the log names them a few times a second")
        func wrongPassword() async throws {
            try await TernServer.run { server in
                for number in 0..<50 {
                    let client = try server.client(username: number % 2 == 0 ? "alice" : "mallory", password: "wrong")
                    #expect(try client.allocateError() == 401)
                }
                let said = try await eventually(seconds: 2) {
                    server.output.contains("401 Unauthenticated for <alice> from 127.0.0.1")
                }
                #expect(said)
                #expect(server.output.split(separator: "\n").count { $0.contains("401 Unauthenticated") } <= 15)
            }
        }

        @Test("a user with a stored key, and a password with ':' and '#', are let in")
        func storedKeys() async throws {
            var plan = ServerPlan()
            let key = try await Self.md5("carol:example.org:pass")
            plan.access = ["user=carol:0x\(key)", "user=dave:some:pass#word"]
            try await TernServer.run(plan) { server in
                for (name, password) in [("carol", "pass"), ("dave", "some:pass#word")] {
                    let client = try server.client(username: name, password: password)
                    try client.allocate()
                }
            }
        }

        /// By somebody else's program.
        private static func md5(_ text: String) async throws -> String {
            let run = try await Command.run(["/bin/sh", "-c", "printf %s \"$0\" | md5sum", text])
            return String(run.output.prefix(32))
        }

        @Test("another user's Refresh is 441 and changes nothing (RFC 8656 §5)")
        func hijack() async throws {
            var plan = ServerPlan()
            plan.access.append("user=mallory:secret")
            try await TernServer.run(plan) { server in
                let client = try server.allocatedClient()
                client.become("mallory")
                #expect(try client.refresh(0).errorCode == 441)
                client.become("alice")
                #expect(try client.refresh(600).lifetime == 600)
            }
        }
    }

    @Suite("tern credentials: what it prints is let in")
    struct MintedCredentialTests {
        static var plan: ServerPlan {
            var plan = ServerPlan()
            plan.access = ["use-auth-secret", "static-auth-secret=north-wind", "static-auth-secret=old-wind"]
            return plan
        }

        static func mint(_ arguments: String..., on server: TernServer) async throws -> (name: String, password: String)
        {
            let file = server.directory.appending(path: "turnserver.conf").path
            let run = try await Command.run([Executable.path, "credentials"] + arguments + ["-c", file])
            let lines = run.output.split(separator: "\n").map(String.init)
            guard run.exitCode == 0, lines.count == 2 else { throw TestFailure("credentials: \(run)") }
            return (lines[0], lines[1])
        }

        @Test("a minted name carries its quota, which counts over its renewals")
        func quota() async throws {
            try await TernServer.run(Self.plan) { server in
                let (name, password) = try await Self.mint("--user", "visitor", "--quota", "2", on: server)
                #expect(name.hasSuffix(":tern.2.visitor"))
                let renewed = try await Self.mint("--user", "visitor", "--quota", "2", "--ttl", "7200", on: server)
                #expect(renewed.name != name)
                let first = try server.client(username: name, password: password)
                let second = try server.client(username: renewed.name, password: renewed.password)
                let third = try server.client(username: name, password: password)
                try first.allocate()
                try second.allocate()
                #expect(try third.allocateError() == 486)
                try first.refresh(0)
                try third.allocate()
            }
        }

        @Test("the default quota of a minted name is twelve")
        func defaultQuota() async throws {
            try await TernServer.run(Self.plan) { server in
                let (name, password) = try await Self.mint("--user", "visitor", on: server)
                var held: [TURNClient] = []
                for _ in 0..<12 {
                    held.append(try server.client(username: name, password: password))
                    try held[held.count - 1].allocate()
                }
                let next = try server.client(username: name, password: password)
                #expect(try next.allocateError() == 486)
            }
        }

        @Test("the plain form counts against user-quota")
        func plain() async throws {
            var plan = Self.plan
            plan.options = ["user-quota=1"]
            try await TernServer.run(plan) { server in
                let (name, password) = try await Self.mint("--user", "visitor", "--plain", on: server)
                #expect(name.hasSuffix(":visitor"))
                let first = try server.client(username: name, password: password)
                let second = try server.client(username: name, password: password)
                try first.allocate()
                #expect(try second.allocateError() == 486)
            }
        }

        @Test("a name that has run out is 401, but what it allocated before goes on")
        func expiry() async throws {
            try await TernServer.run(Self.plan) { server in
                let (name, password) = try await Self.mint("--user", "visitor", "--ttl", "1", on: server)
                let client = try server.client(username: name, password: password)
                try client.allocate()
                try await Task.sleep(for: .milliseconds(2100))
                let late = try server.client(username: name, password: password)
                #expect(try late.allocateError() == 401)
                #expect(try client.refresh(600).lifetime == 600)
            }
        }

        @Test("the second of two secrets is accepted as well, and no third")
        func rotation() async throws {
            try await TernServer.run(Self.plan) { server in
                for (secret, expected) in [("old-wind", nil), ("east-wind", 401)] as [(String, Int?)] {
                    let run = try await Command.tern(
                        "credentials", "--user", "visitor", "-n", "--static-auth-secret", secret)
                    let lines = run.output.split(separator: "\n").map(String.init)
                    try #require(lines.count == 2, "\(run)")
                    let client = try server.client(username: lines[0], password: lines[1])
                    #expect(try client.allocateError() == expected)
                }
            }
        }
    }

    @Suite("tern serve --dev")
    struct DevelopmentTests {
        @Test("it prints credentials that work", .enabled(if: isPortFree, "something listens on port 3478"))
        func credentials() async throws {
            let address = SocketAddress(ip: .v4(.loopback), port: 3478)
            let directory = try TernServer.makeDirectory()
            try await TernServer.run([Executable.path, "serve", "--dev"], at: address, in: directory) { server in
                let words = server.output.split { $0 == " " || $0 == "\n" }.map(String.init)
                let user = try #require(words.firstIndex(of: "user").map { words[$0 + 1] })
                let password = try #require(words.firstIndex(of: "password").map { words[$0 + 1] })
                for ip in ["127.0.0.1", "::1"] {
                    let client = try TURNClient(
                        SocketAddress(ip: try .parsed(ip), port: 3478), username: user, password: password)
                    try client.allocate()
                    let peer = try UDPEndpoint("127.0.0.1")
                    #expect(try client.permit(peer.address) == nil)
                    client.send([1], to: peer.address)
                    #expect(peer.receive()?.bytes == [1])
                }
            }
        }

        static let isPortFree = (try? UDPEndpoint(port: 3478)) != nil && (try? UDPEndpoint("::1", port: 3478)) != nil

        @Test("it takes no other options")
        func alone() async throws {
            let run = try await Command.tern("serve", "--dev", "-p", "3479")
            #expect(run.exitCode == 2)
            #expect(run.complaints.contains("--dev stands alone"))
        }
    }
}
