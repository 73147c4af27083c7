import Foundation
import NetworkPrimitives
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("Certificates: named by files, renewed without a restart")
    struct CertificateTests {
        private static func plan(_ options: String...) -> ServerPlan {
            var plan = ServerPlan("relay-threads=2", "tls-listening-port=@PORT@")
            plan.options += TestCertificate.options + options
            plan.files = TestCertificate.shared.files
            return plan
        }

        private func fingerprint(_ server: TernServer) throws -> [UInt8]? {
            try server.secureStream([]).fingerprint
        }

        /// As certbot does: each file at once, one after the other.
        private func renew(_ server: TernServer, _ certificate: TestCertificate) throws {
            for name in ["cert.pem", "key.pem"] {
                let bytes = Data(certificate.files[name] ?? [])
                try bytes.write(to: server.directory.appending(path: name), options: .atomic)
            }
        }

        @Test(
            "the next handshake sees a renewed certificate, and no connection notices",
            .requirement("RI-certificates-2"),
            arguments: [true, false])
        func renewal(isSignalled: Bool) async throws {
            try await TernServer.run(Self.plan()) { server in
                let client = try server.streamClient(protocols: ["stun.turn"])
                try client.allocate()
                let old = try fingerprint(server)
                #expect(old != nil)
                try renew(server, TestCertificate())
                if isSignalled { kill(pid_t(server.processID), SIGUSR2) }
                let start = ContinuousClock.now
                var isRenewed = false
                while !isRenewed, ContinuousClock.now - start < .seconds(20) {
                    try server.converse(client)
                    isRenewed = try fingerprint(server) != old
                }
                #expect(isRenewed)
                try server.converse(client)
                #expect(try await eventually(seconds: 5) { server.output.contains("renewed: certificate") })
            }
        }

        @Test("a pair that does not fit is not used, and its reason stands once in the log")
        func mismatch() async throws {
            try await TernServer.run(Self.plan()) { server in
                let old = try fingerprint(server)
                let other = TestCertificate()
                try Data(other.certificate).write(to: server.directory.appending(path: "cert.pem"), options: .atomic)
                for _ in 0..<2 {
                    kill(pid_t(server.processID), SIGUSR2)
                    #expect(
                        try await eventually(seconds: 10) {
                            server.output.contains("does not belong to the certificate in")
                        })
                }
                #expect(try fingerprint(server) == old)
                try Data(other.key).write(to: server.directory.appending(path: "key.pem"), options: .atomic)
                kill(pid_t(server.processID), SIGUSR2)
                #expect(try await eventually(seconds: 10) { server.output.contains("renewed: certificate") })
                #expect(try fingerprint(server) != old)
                #expect(server.output.components(separatedBy: "stays in use").count == 2)
            }
        }

        @Test("either port serves plain clients and those of TLS")
        func ports() async throws {
            var plan = Self.plan()
            let port = try TernServer.freePort(["127.0.0.1"])
            plan.options.append("tls-listening-port=\(port)")
            try await TernServer.run(plan) { server in
                for address in [server.address, SocketAddress(ip: server.address.ip, port: port)] {
                    let plain = try TURNClient(over: try TCPStream(to: address), to: address)
                    #expect(plain.ask(.binding) != nil)
                    let stream = try TCPStream(to: address)
                    #expect(stream.startTLS())
                    let secure = try TURNClient(over: stream, to: address)
                    try secure.allocate()
                    try server.converse(secure)
                }
            }
        }

        @Test("no-udp leaves DTLS, and answers nobody who comes plainly")
        func onlyEncryptedDatagrams() async throws {
            try await TernServer.run(Self.plan("no-udp")) { server in
                let plain = try server.client()
                #expect(plain.ask(.binding, within: .milliseconds(100)) == nil)
                let client = try server.streamClient(protocols: ["stun.turn"])
                #expect(client.ask(.binding) != nil)
            }
        }

        @Test("no-tcp leaves TLS, and refuses who does not begin with it")
        func onlyEncrypted() async throws {
            try await TernServer.run(Self.plan("no-tcp")) { server in
                let stream = try TCPStream(to: server.address)
                stream.write([0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 1, count: 12))
                #expect(stream.readToEnd() == [])
                let client = try server.streamClient(protocols: ["stun.turn"])
                #expect(client.ask(.binding) != nil)
            }
        }

        @Test("without a certificate there is no TLS, which is no error")
        func without() async throws {
            try await TernServer.run { server in
                let stream = try TCPStream(to: server.address)
                #expect(!stream.startTLS())
                #expect(server.output.contains("there is no certificate, so TLS and DTLS are off"))
            }
        }

        @Test("a certificate that cannot be used stops the start with option, line and file, and check-config says so")
        func unusable() async throws {
            let directory = try TernServer.makeDirectory()
            defer { try? FileManager.default.removeItem(at: directory) }
            try Data(TestCertificate.shared.certificate).write(to: directory.appending(path: "cert.pem"))
            try Data(TestCertificate().key).write(to: directory.appending(path: "key.pem"))
            let file = directory.appending(path: "turnserver.conf").path
            let text = "listening-ip=127.0.0.1\nuser=a:b\ncert=cert.pem\npkey=key.pem\n"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let sentence =
                "\(file):4: error: pkey: the key in key.pem does not belong to the certificate in cert.pem; name the "
                + "key that the certificate was requested with"
            let run = try await Command.tern("serve", "-c", file, in: directory)
            #expect(run.exitCode == 1)
            #expect(run.complaints.contains("not started: \(sentence)"))
            let check = try await Command.tern("check-config", file, in: directory)
            #expect(check.exitCode == 1)
            #expect(check.output.contains(sentence))
        }
    }
}
