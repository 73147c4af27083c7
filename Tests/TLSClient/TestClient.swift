import CTLSClient

/// A certificate made for the tests, as PEM.
package struct TestIdentity: Sendable {
    package let certificate: [UInt8]
    package let key: [UInt8]

    package init(kind: Int, password: String? = nil) {
        var certificate = [UInt8](repeating: 0, count: 8192)
        var key = [UInt8](repeating: 0, count: 8192)
        let isMade =
            password?.withCString {
                test_identity(Int32(kind), $0, &certificate, certificate.count, &key, key.count)
            } ?? test_identity(Int32(kind), nil, &certificate, certificate.count, &key, key.count)
        precondition(isMade, "OpenSSL makes keys and certificates")
        self.certificate = Array(certificate.prefix { $0 != 0 })
        self.key = Array(key.prefix { $0 != 0 })
    }

    /// For other names than `turn.example`, such as `DNS:a.example,IP:192.0.2.9`, and until another time than 2040,
    /// such as `20210101000000Z`.
    package init(names: String, notAfter: String = "20400101000000Z") {
        var certificate = [UInt8](repeating: 0, count: 8192)
        var key = [UInt8](repeating: 0, count: 8192)
        let isMade = names.withCString { names in
            notAfter.withCString { end in
                test_identity_for(
                    Int32(TEST_KEY_EC), nil, end, names, &certificate, certificate.count, &key, key.count)
            }
        }
        precondition(isMade, "OpenSSL makes keys and certificates")
        self.certificate = Array(certificate.prefix { $0 != 0 })
        self.key = Array(key.prefix { $0 != 0 })
    }

    package static let rsa = TestIdentity(kind: TEST_KEY_RSA)
    package static let ecdsa = TestIdentity(kind: TEST_KEY_EC)
}

/// What the client of a test offers.
package struct ClientOffer {
    package var datagrams = false
    package var version: Int32 = 0
    package var ciphers: String?
    package var signatures: String?
    package var protocols: [String] = []
    package var identity: TestIdentity?
    /// Of datagrams. Nothing is sent twice by a test that does not ask for it, however slow the machine.
    package var retransmissionMilliseconds: UInt32 = 60_000

    package init(
        datagrams: Bool = false, version: Int32 = 0, ciphers: String? = nil, signatures: String? = nil,
        protocols: [String] = [], identity: TestIdentity? = nil
    ) {
        self.datagrams = datagrams
        self.version = version
        self.ciphers = ciphers
        self.signatures = signatures
        self.protocols = protocols
        self.identity = identity
    }
}

/// OpenSSL's client between two queues.
package final class TestClient {
    package enum Reading: Equatable {
        case bytes([UInt8]), nothing, closed, failed
    }

    private let handle: OpaquePointer

    package init(_ offer: ClientOffer) {
        let wire = offer.protocols.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
        let certificate = (offer.identity?.certificate ?? []) + [0]
        let key = (offer.identity?.key ?? []) + [0]
        var options = test_client_options()
        options.datagrams = offer.datagrams
        options.version = offer.version
        options.retransmission_milliseconds = offer.retransmissionMilliseconds
        handle = withText(offer.ciphers) { ciphers in
            withText(offer.signatures) { signatures in
                wire.withUnsafeBufferPointer { wire in
                    certificate.withUnsafeBufferPointer { certificate in
                        key.withUnsafeBufferPointer { key in
                            options.ciphers = ciphers
                            options.signatures = signatures
                            options.protocols = wire.isEmpty ? nil : wire.baseAddress
                            options.protocols_count = wire.count
                            options.certificate = offer.identity == nil ? nil : certificate.baseAddress
                            options.key = key.baseAddress
                            return test_client_make(&options)!
                        }
                    }
                }
            }
        }
    }

    deinit { test_client_free(handle) }

    package func input(_ bytes: [UInt8]) { test_client_input(handle, bytes, bytes.count) }

    package func handshake() -> Int { Int(test_client_handshake(handle)) }

    package func write(_ bytes: [UInt8]) -> Bool { test_client_write(handle, bytes, bytes.count) }

    package func close() { test_client_close(handle) }

    package func updateKeys() -> Bool { test_client_update_keys(handle) }

    package func handleTimeout() { test_client_handle_timeout(handle) }

    package func read() -> Reading {
        var bytes = [UInt8](repeating: 0, count: 20_000)
        let count = test_client_read(handle, &bytes, bytes.count)
        return switch count {
        case 1...: .bytes(Array(bytes[..<Int(count)]))
        case 0: .nothing
        case -1: .closed
        default: .failed
        }
    }

    /// All that the client wants sent, by write.
    package func output() -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var bytes = [UInt8](repeating: 0, count: 40_000)
        while true {
            let count = test_client_output(handle, &bytes, bytes.count)
            if count == 0 { return pieces }
            pieces.append(Array(bytes[..<count]))
        }
    }

    package var version: Int32 { test_client_version(handle) }

    package var serverKey: Int { Int(test_client_server_key(handle)) }

    /// SHA-256 of the server's certificate.
    package var serverFingerprint: [UInt8]? {
        var digest = [UInt8](repeating: 0, count: 32)
        return test_client_server_fingerprint(handle, &digest) ? digest : nil
    }

    package var applicationProtocol: String? {
        var name = [UInt8](repeating: 0, count: 255)
        let count = test_client_protocol(handle, &name, name.count)
        return count == 0 ? nil : String(decoding: name[..<count], as: UTF8.self)
    }
}

private func withText<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
}
