import CTLSClient
import TLSClient

/// OpenSSL's client between a test and its connection. It believes every certificate.
final class TLSLayer {
    private let client: TestClient
    private var isEstablished = false

    init(_ protocols: [String] = []) { client = TestClient(ClientOffer(protocols: protocols)) }

    /// 1 when it is complete, 0 when it goes on, negative when it has failed.
    func handshake() -> Int {
        let progress = client.handshake()
        isEstablished = progress == 1
        return progress
    }

    func input(_ bytes: [UInt8]) { client.input(bytes) }

    /// What the server has to get.
    func output() -> [UInt8] { Array(client.output().joined()) }

    /// What has come since the handshake.
    func read() -> [UInt8] {
        var all: [UInt8] = []
        while isEstablished, case .bytes(let bytes) = client.read() { all += bytes }
        return all
    }

    func write(_ bytes: [UInt8]) -> Bool { client.write(bytes) }

    /// Says that nothing more comes.
    func close() { client.close() }

    var applicationProtocol: String? { client.applicationProtocol }

    var fingerprint: [UInt8]? { client.serverFingerprint }
}

/// A certificate made on the spot, for `cert` and `pkey`.
struct TestCertificate {
    private let identity: TestIdentity

    init(_ identity: TestIdentity = TestIdentity(kind: TEST_KEY_EC)) { self.identity = identity }

    static let shared = TestCertificate(.ecdsa)

    /// For a plan.
    static let options = ["cert=@DIRECTORY@/cert.pem", "pkey=@DIRECTORY@/key.pem"]

    var certificate: [UInt8] { identity.certificate }

    var key: [UInt8] { identity.key }

    var files: [String: [UInt8]] { ["cert.pem": certificate, "key.pem": key] }
}
