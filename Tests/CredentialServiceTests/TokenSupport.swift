import CredentialService
import Crypto
import NetworkPrimitives
import Signaling

// What the tests of tokens and credentials have in common.

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

func time(_ seconds: Int64) -> UnixTime { UnixTime(seconds: seconds) }

/// The moment of most tests.
let now = time(1_800_000_000)

let secret = ForeignTokens.secret

/// A token put together by hand, signed with HMAC.
func signed(
    _ claims: String, header: String = #"{"alg":"HS256","typ":"JWT"}"#, secret: [UInt8] = secret
) -> [UInt8] {
    signed(parts: string(Base64URL.encode(bytes(header))), string(Base64URL.encode(bytes(claims))), secret: secret)
}

/// A signature over two parts that need not be base 64 or JSON at all.
func signed(parts header: String, _ claims: String, secret: [UInt8] = secret) -> [UInt8] {
    let text = bytes(header + "." + claims)
    let code = HMACSHA256Key(key: secret).authenticate(text.span.bytes).array
    return text + bytes(".") + Base64URL.encode(code)
}

/// Why the token is refused, or nil when it is not.
func refusal(_ token: [UInt8], _ verifier: TokenVerifier, at moment: UnixTime = now) -> AdmissionRefusal? {
    do {
        _ = try verifier.verify(token, at: moment)
        return nil
    } catch {
        return error
    }
}

func room(_ name: String) -> RoomName { RoomName(bytes(name))! }

func visitor(
    _ address: String = "198.51.100.7", local: String = "203.0.113.1", host: String? = "turn.example"
) -> Visitor {
    Visitor(address: IPAddress(address)!, localAddress: IPAddress(local)!, host: host)
}
