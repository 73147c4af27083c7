import CTLSClient

/// OpenSSL's client between a test and its connection. It believes every certificate.
final class TLSLayer {
    private let handle: OpaquePointer
    private var isEstablished = false

    init(_ protocols: [String] = []) {
        let wire = protocols.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
        var options = test_client_options()
        handle = wire.withUnsafeBufferPointer { wire in
            options.protocols = wire.isEmpty ? nil : wire.baseAddress
            options.protocols_count = wire.count
            return test_client_make(&options)!
        }
    }

    deinit { test_client_free(handle) }

    /// 1 when it is complete, 0 when it goes on, negative when it has failed.
    func handshake() -> Int {
        let progress = Int(test_client_handshake(handle))
        isEstablished = progress == 1
        return progress
    }

    func input(_ bytes: [UInt8]) { test_client_input(handle, bytes, bytes.count) }

    /// What the server has to get.
    func output() -> [UInt8] {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 40_000)
        while true {
            let count = test_client_output(handle, &bytes, bytes.count)
            if count == 0 { return all }
            all += bytes[..<count]
        }
    }

    func read() -> [UInt8] {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 20_000)
        while isEstablished {
            let count = test_client_read(handle, &bytes, bytes.count)
            guard count > 0 else { break }
            all += bytes[..<Int(count)]
        }
        return all
    }

    func write(_ bytes: [UInt8]) -> Bool { test_client_write(handle, bytes, bytes.count) }

    /// Says that nothing more comes.
    func close() { test_client_close(handle) }

    var applicationProtocol: String? {
        var name = [UInt8](repeating: 0, count: 255)
        let count = test_client_protocol(handle, &name, name.count)
        return count == 0 ? nil : String(decoding: name[..<count], as: UTF8.self)
    }

    var fingerprint: [UInt8]? {
        var digest = [UInt8](repeating: 0, count: 32)
        return test_client_server_fingerprint(handle, &digest) ? digest : nil
    }
}

/// A certificate made on the spot, for `cert` and `pkey`.
struct TestCertificate {
    let certificate: [UInt8]
    let key: [UInt8]

    init(_ kind: Int = TEST_KEY_EC) {
        var certificate = [UInt8](repeating: 0, count: 8192)
        var key = [UInt8](repeating: 0, count: 8192)
        let isMade = test_identity(Int32(kind), nil, &certificate, certificate.count, &key, key.count)
        precondition(isMade, "OpenSSL makes keys and certificates")
        self.certificate = Array(certificate.prefix { $0 != 0 })
        self.key = Array(key.prefix { $0 != 0 })
    }

    static let shared = TestCertificate()

    /// For a plan.
    static let options = ["cert=@DIRECTORY@/cert.pem", "pkey=@DIRECTORY@/key.pem"]

    var files: [String: [UInt8]] { ["cert.pem": certificate, "key.pem": key] }
}
