import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("Ends of TLS with something before or behind them")
    struct EndOfTLSTests {
        static var plan: ServerPlan {
            var plan = ServerPlan("relay-threads=1", "tls-listening-port=@PORT@")
            plan.options += TestCertificate.options
            plan.files = TestCertificate.shared.files
            return plan
        }

        @Test("what comes behind the end of a data connection is nobody's", .requirement("RI-tcp-8"))
        func behindData() async throws {
            try await TernServer.run(Self.plan) { server in
                let control = try server.streamClient()
                try control.allocateTCP()
                for _ in 0..<3 {
                    let listener = try TCPPeerListener()
                    let id = try control.connect(to: listener.address)
                    let peer = try listener.accept()
                    let data = try server.streamClient(protocols: [])
                    #expect(try data.request(.connectionBind, [.connection(id)]).errorCode == nil)
                    #expect(
                        data.stream?.endTLS(saying: [1, 2, 3], behind: [UInt8](repeating: 0xFF, count: 5000)) == true)
                    #expect(peer.readToEnd() == [1, 2, 3])
                    // Who is read next has nothing to do with it.
                    #expect(try control.refresh(600).errorCode == nil)
                    #expect(try server.streamClient().ask(.binding) != nil)
                    #expect(try server.streamClient(protocols: []).ask(.binding) != nil)
                }
            }
        }

        @Test("what comes behind the end of a control connection is nobody's, and what came before it is answered")
        func control() async throws {
            try await TernServer.run(Self.plan) { server in
                let other = try server.streamClient()
                try other.allocate()
                let stream = try server.secureStream([])
                let request: [UInt8] = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 7, count: 12)
                #expect(stream.endTLS(saying: request, behind: [UInt8](repeating: 0xFF, count: 5000)))
                #expect(stream.readMessage()?.prefix(2) == [1, 1])
                #expect(try other.refresh(600).errorCode == nil)
            }
        }
    }
}
