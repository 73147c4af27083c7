import Crypto
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A PEM file around a SubjectPublicKeyInfo.
private func pem(_ der: [UInt8], label: String = "PUBLIC KEY") -> [UInt8] {
    let base64 = String(decoding: Base64.encode(der), as: UTF8.self)
    return bytes("-----BEGIN \(label)-----\n\(base64)\n-----END \(label)-----\n")
}

/// What stands before the point of a P-256 key, and before the bytes of an Ed25519 key.
private let p256Prefix: [UInt8] = Hex.decode("3059301306072a8648ce3d020106082a8648ce3d030107034200".utf8)!
private let ed25519Prefix: [UInt8] = Hex.decode("302a300506032b6570032100".utf8)!

/// RFC 7515 §A.3: the example of ECDSA on P-256.
private enum RFC7515A3 {
    static let x = Base64URL.decode(bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"))!
    static let y = Base64URL.decode(bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"))!
    static let der = p256Prefix + [4] + x + y
    static let message = bytes(
        "eyJhbGciOiJFUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ")
    static let signature = Base64URL.decode(
        bytes("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"))!
}

/// RFC 8037 §A.4: the example of Ed25519.
private enum RFC8037A4 {
    static let der = ed25519Prefix + Base64URL.decode(bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))!
    static let message = bytes("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")
    static let signature = Base64URL.decode(
        bytes("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"))!
}

@Suite("Signatures of public keys")
struct SignatureKeyTests {
    @Test("RFC 7515 §A.3: ECDSA on P-256")
    func ecdsa() throws {
        let key = try SignatureKey(pem: pem(RFC7515A3.der))
        #expect(key.algorithm == .ecdsaP256)
        #expect(key.isSignature(RFC7515A3.signature, of: RFC7515A3.message))
        #expect(!key.isSignature(RFC7515A3.signature, of: RFC7515A3.message.dropLast()))
        #expect(!key.isSignature(RFC8037A4.signature, of: RFC7515A3.message))
    }

    @Test("RFC 8037 §A.4: Ed25519")
    func edwards() throws {
        let key = try SignatureKey(pem: pem(RFC8037A4.der))
        #expect(key.algorithm == .ed25519)
        #expect(key.isSignature(RFC8037A4.signature, of: RFC8037A4.message))
        #expect(!key.isSignature(RFC8037A4.signature, of: RFC8037A4.message + [0]))
        #expect(!key.isSignature(RFC7515A3.signature, of: RFC8037A4.message))
    }

    @Test("a signature with one bit changed is none", arguments: 0..<64)
    func changed(position: Int) throws {
        var ecdsa = RFC7515A3.signature
        ecdsa[position] ^= 0x10
        #expect(try !SignatureKey(pem: pem(RFC7515A3.der)).isSignature(ecdsa, of: RFC7515A3.message))
        var edwards = RFC8037A4.signature
        edwards[position] ^= 0x10
        #expect(try !SignatureKey(pem: pem(RFC8037A4.der)).isSignature(edwards, of: RFC8037A4.message))
    }

    @Test("a signature of another length or of zeros is none", arguments: [0, 1, 32, 63, 64, 65, 70, 128])
    func lengths(count: Int) throws {
        for der in [RFC7515A3.der, RFC8037A4.der] {
            let key = try SignatureKey(pem: pem(der))
            #expect(!key.isSignature([UInt8](repeating: 0, count: count), of: RFC7515A3.message))
            #expect(!key.isSignature([UInt8](repeating: 0xFF, count: count), of: RFC7515A3.message))
        }
    }

    @Test("an empty message can be asked about")
    func emptyMessage() throws {
        #expect(try !SignatureKey(pem: pem(RFC7515A3.der)).isSignature(RFC7515A3.signature, of: []))
        #expect(try !SignatureKey(pem: pem(RFC8037A4.der)).isSignature(RFC8037A4.signature, of: []))
    }

    @Test("keys of other kinds are not supported", arguments: OtherKeys.all)
    func otherKinds(text: String) {
        #expect(throws: SignatureKey.Failure.unsupported) { try SignatureKey(pem: bytes(text)) }
    }

    @Test("a private key or a certificate is named as what it is")
    func otherLabels() {
        let der = RFC8037A4.der
        for label in ["PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
            #expect(throws: SignatureKey.Failure.privateKey) { try SignatureKey(pem: pem(der, label: label)) }
        }
        for label in ["CERTIFICATE", "RSA PUBLIC KEY", "", "public key"] {
            #expect(throws: SignatureKey.Failure.notPublicKey) { try SignatureKey(pem: pem(der, label: label)) }
        }
    }

    @Test("what is no key, or not only a key, is malformed")
    func malformed() {
        var offCurve = RFC7515A3.der
        offCurve[offCurve.count - 1] ^= 1
        let wrong: [[UInt8]] = [
            [0], RFC7515A3.der + [0], Array(RFC7515A3.der.dropLast()), offCurve, Array(RFC8037A4.der.dropLast()),
            RFC8037A4.der + [0], p256Prefix, ed25519Prefix,
        ]
        for der in wrong {
            #expect(throws: SignatureKey.Failure.malformed) { try SignatureKey(pem: pem(der)) }
        }
    }
}

@Suite("PEM, RFC 7468")
struct PEMTests {
    private func block(_ text: String) -> PEM? { PEM(firstBlockIn: bytes(text)) }

    @Test("reads the first block, with remarks, line ends and blanks of any kind around it")
    func reads() {
        let texts = [
            "-----BEGIN A-----\nZm9v\n-----END A-----", "-----BEGIN A-----\r\nZm\r\n9v\r\n-----END A-----\r\n",
            "# a remark\n\n  -----BEGIN A-----\t\n Zm9v \n\n-----END A-----\nmore\n",
            "-----BEGIN A-----\nZm9v\n-----END A-----\n-----BEGIN B-----\nAAAA\n-----END B-----",
        ]
        for text in texts {
            #expect(block(text)?.label == bytes("A"))
            #expect(block(text)?.der == bytes("foo"))
        }
    }

    @Test(
        "refuses what is not whole",
        arguments: [
            "", "Zm9v", "-----BEGIN A-----", "-----BEGIN A-----\nZm9v", "-----BEGIN A-----\nZm9v\n-----END B-----",
            "-----BEGIN A-----\nZm9\n-----END A-----", "-----BEGIN A-----\n-----END A-----", "-----BEGIN -",
            "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nZm9v\n-----END A-----", "----BEGIN A----\nZm9v\n----END A----",
            "-----END A-----\nZm9v",
        ])
    func refuses(text: String) {
        #expect(block(text) == nil)
    }

    @Test("a file at the limit is read, a longer one is not")
    func limit() {
        let text = bytes("-----BEGIN A-----\nZm9v\n-----END A-----\n")
        let room = PEM.byteCountMax - text.count
        #expect(PEM(firstBlockIn: text + [UInt8](repeating: 0x20, count: room)) != nil)
        #expect(PEM(firstBlockIn: text + [UInt8](repeating: 0x20, count: room + 1)) == nil)
    }
}

/// Made by OpenSSL: P-384, secp256k1, RSA, and Ed448.
private enum OtherKeys {
    static let all = [
        """
        -----BEGIN PUBLIC KEY-----
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAESRLh4L0/FhRlf6tBCvXPnC6ZouczBzxv
        tZM6XaLlW9G9hqbAZRDDl010b6pesTcsDjshu5eNMjPgW5vn3Qe4FeQRZqf/w5DX
        H5gMDYTDjoepCJhrzmbKdCZwQ45GnmJw
        -----END PUBLIC KEY-----
        """,
        """
        -----BEGIN PUBLIC KEY-----
        MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE6IjGd1631SZcrrmOtp4AJYrsdrHaWuNO
        enAo1sC7LD9koVs+94c3Z54AGN9Hp8HlQhFAK7mtjbbBpEUK7VDORw==
        -----END PUBLIC KEY-----
        """,
        """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAs2u2b2UaUqUP6D++RQQA
        xYjQFkMGcHH8/f7WzsXKm/Rd9++URp18RuRchRyiztnduwvygbcELtGls4usJwa3
        tblExDDO8sObPaKXPDOa1g5A7IDC3WZofMkHMsABu1jt49OptLvn2ahJfCXbXimm
        6RFJ7+iGtWtKOmhTo2qfJJVxDL31bvvhQIhYoVhesREs8j+JGUHRFlpFxTnL/bNN
        tTQrEsdAUhVsCWS7AZXnYdQQPvSnwyxcTXgvMswBG570d4uIgJeR8JnucGEKvYmS
        ygh/T+WUgT+SVhihka93HRYawX02U7Rp5R5kMuC22MSnKAXAFVVVGTf8Qn/r2rdN
        XQIDAQAB
        -----END PUBLIC KEY-----
        """,
        """
        -----BEGIN PUBLIC KEY-----
        MEMwBQYDK2VxAzoAhWVJfjmqpA987jjKpGBPAMnt6ZCdujLvBpANxFqkGA9/C+fn
        6mdwEHGzUIRLK+KiFQbQ4QKD+1KA
        -----END PUBLIC KEY-----
        """,
    ]
}
