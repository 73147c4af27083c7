/// Tokens that PyJWT 2.15 made, so that a foreign implementation vouches for what we read. Each says
/// ```
/// {"iss":"app" or "https://id.example", "sub":"alice", "exp":1800003600, "nbf":1800000000, "room":"team-*", "cap":4,
///  "grants":{"join":true, "signal":true, "broadcast":false, "kick":true,
///            "turn":{"max_ttl":300, "transports":["udp","tls"]}}}
/// ```
enum ForeignTokens {
    static let secret = Array("0123456789abcdef0123456789abcdef".utf8)

    static let p256 = Array(
        """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEDrEdSn60Kk5BpuNL+4kpOS4Sqpd8
        0Nf30HF/YGuVeTfTneDKfsMWDG64jpH4vN6KCVJ54Vk4MHYRHC24DvktQw==
        -----END PUBLIC KEY-----

        """.utf8)

    static let ed25519 = Array(
        """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEALZSndoVbQfFdK36YM1gl6oJNhY9F7RkNh0sJpPbjnfw=
        -----END PUBLIC KEY-----

        """.utf8)

    /// HS256 with `secret`.
    static let apiKey =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJhcHAiLCJzdWIiOiJhbGljZSIsImV4cCI6MTgwMDAwMzYwMCw"
        + "ibmJmIjoxODAwMDAwMDAwLCJyb29tIjoidGVhbS0qIiwiY2FwIjo0LCJncmFudHMiOnsiam9pbiI6dHJ1ZSwic2lnbmFsIjp"
        + "0cnVlLCJicm9hZGNhc3QiOmZhbHNlLCJraWNrIjp0cnVlLCJ0dXJuIjp7Im1heF90dGwiOjMwMCwidHJhbnNwb3J0cyI6WyJ"
        + "1ZHAiLCJ0bHMiXX19fQ.8bEFrTjJiuHkzslrovGlrWTdija-mLJLzC2Q-fPig3c"

    /// The same with `kid`.
    static let apiKeyWithKeyID =
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFwcCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJhcHAiLCJzdWIiOiJhbGljZSIsImV4cCI"
        + "6MTgwMDAwMzYwMCwibmJmIjoxODAwMDAwMDAwLCJyb29tIjoidGVhbS0qIiwiY2FwIjo0LCJncmFudHMiOnsiam9pbiI6dHJ"
        + "1ZSwic2lnbmFsIjp0cnVlLCJicm9hZGNhc3QiOmZhbHNlLCJraWNrIjp0cnVlLCJ0dXJuIjp7Im1heF90dGwiOjMwMCwidHJ"
        + "hbnNwb3J0cyI6WyJ1ZHAiLCJ0bHMiXX19fQ.IXv39A8LHAvveCgy70Est6zhq5BWAfdhW2HuhizNOqs"

    /// ES256, `kid` is `2026-a`.
    static let es256 =
        "eyJhbGciOiJFUzI1NiIsImtpZCI6IjIwMjYtYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJ"
        + "zdWIiOiJhbGljZSIsImV4cCI6MTgwMDAwMzYwMCwibmJmIjoxODAwMDAwMDAwLCJyb29tIjoidGVhbS0qIiwiY2FwIjo0LCJ"
        + "ncmFudHMiOnsiam9pbiI6dHJ1ZSwic2lnbmFsIjp0cnVlLCJicm9hZGNhc3QiOmZhbHNlLCJraWNrIjp0cnVlLCJ0dXJuIjp"
        + "7Im1heF90dGwiOjMwMCwidHJhbnNwb3J0cyI6WyJ1ZHAiLCJ0bHMiXX19fQ.aqZ-JP6DucdrvBRsA84_fjzURVHZk0cA1aYG"
        + "IOxsfw7QfrT8pi0rbeqrLYXTIAymb7ko9IUCtIz8N2PN67B50w"

    /// EdDSA, without `kid`.
    static let edDSA =
        "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJzdWIiOiJhbGljZSIsImV"
        + "4cCI6MTgwMDAwMzYwMCwibmJmIjoxODAwMDAwMDAwLCJyb29tIjoidGVhbS0qIiwiY2FwIjo0LCJncmFudHMiOnsiam9pbiI"
        + "6dHJ1ZSwic2lnbmFsIjp0cnVlLCJicm9hZGNhc3QiOmZhbHNlLCJraWNrIjp0cnVlLCJ0dXJuIjp7Im1heF90dGwiOjMwMCw"
        + "idHJhbnNwb3J0cyI6WyJ1ZHAiLCJ0bHMiXX19fQ.zW7AgoALupZOk-o7E93tyckQdeIUo0Bb1g2ZOhQseshcYWIw_SOEOWOT"
        + "cwBZXvzzpm52YJM797vxdqsN7k6BDQ"

    /// RS256, by a key that nobody here has.
    static let rs256 =
        "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJzdWIiOiJhbGljZSIsImV"
        + "4cCI6MTgwMDAwMzYwMCwibmJmIjoxODAwMDAwMDAwLCJyb29tIjoidGVhbS0qIiwiY2FwIjo0LCJncmFudHMiOnsiam9pbiI"
        + "6dHJ1ZSwic2lnbmFsIjp0cnVlLCJicm9hZGNhc3QiOmZhbHNlLCJraWNrIjp0cnVlLCJ0dXJuIjp7Im1heF90dGwiOjMwMCw"
        + "idHJhbnNwb3J0cyI6WyJ1ZHAiLCJ0bHMiXX19fQ.l0oKXd8oKU5q2E1awsClI48GvDWMCPwI4vdFGV8hdpHjuhQJKoHbp7yu"
        + "3GPhm2Me8BESHVNHMeYAMBTy_JUEMrZCvmWdl319Jrhrg4JQFm1rorbLJdONb_0VZQUWbm-pnMqrv_oJwhZAACvPm4ZzE04k"
        + "AsVeMNREYxoqFeZ_M_G-nitG285gHXo2Zktw4dCoNYBIqrNiEEBw0XEBMx2YW_1VvW22RNqD2qGGKLNqOZr3eevwsab7QDjo"
        + "moU1x-8is9Sd3fxgM_kUl82L7ShJkW7Sv2G86WZ558yJ85yQDU-fKpGM5_ioJoACW7vVSahbkCgCcNEyNrNUkC1EEUeA_A"

    /// Signed with HMAC, and with the text of the P-256 key as its secret.
    static let hs256WithPublicKey =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJzdWIiOiJhbGljZSIsImV"
        + "4cCI6MTgwMDAwMzYwMCwibmJmIjoxODAwMDAwMDAwLCJyb29tIjoidGVhbS0qIiwiY2FwIjo0LCJncmFudHMiOnsiam9pbiI"
        + "6dHJ1ZSwic2lnbmFsIjp0cnVlLCJicm9hZGNhc3QiOmZhbHNlLCJraWNrIjp0cnVlLCJ0dXJuIjp7Im1heF90dGwiOjMwMCw"
        + "idHJhbnNwb3J0cyI6WyJ1ZHAiLCJ0bHMiXX19fQ.-0-hBFKTiPe6Ey7IhiYdbcrgiqKmni5vIjdzAIgrI1Q"

    /// Without a signature.
    static let none =
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOiJhcHAiLCJzdWIiOiJhbGljZSIsImV4cCI6MTgwMDAwMzYwMCwi"
        + "bmJmIjoxODAwMDAwMDAwLCJyb29tIjoidGVhbS0qIiwiY2FwIjo0LCJncmFudHMiOnsiam9pbiI6dHJ1ZSwic2lnbmFsIjp0"
        + "cnVlLCJicm9hZGNhc3QiOmZhbHNlLCJraWNrIjp0cnVlLCJ0dXJuIjp7Im1heF90dGwiOjMwMCwidHJhbnNwb3J0cyI6WyJ1"
        + "ZHAiLCJ0bHMiXX19fQ."
}
