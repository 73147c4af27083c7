import Testing

@testable import Configuration

/// A generator whose sequence follows from its seed (SplitMix64), so that a failing run can be repeated.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("Text that is no configuration")
struct HostileTextTests {
    /// Loads bytes and checks what holds for every input.
    private func check(_ bytes: [UInt8]) {
        let result = ServerConfiguration.load(file: ConfigurationFile(bytes: bytes))
        #expect(result.diagnostics.count <= 201)
        #expect((result.configuration == nil) == result.diagnostics.contains { $0.severity == .error })
        for diagnostic in result.diagnostics {
            #expect(diagnostic.description.utf8.count < 2000)
            #expect(diagnostic.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
        }
    }

    @Test("random bytes", arguments: 0..<40 as Range<UInt64>)
    func randomBytes(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        let count = Int.random(in: 0...3000, using: &generator)
        check((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    @Test("known names with random values", arguments: 0..<40 as Range<UInt64>)
    func randomValues(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        let alphabet = Array("0123456789abcdefx:./-,# \t\"=\\\u{0}\u{7F}".utf8) + [0xC3, 0xFF]
        var bytes: [UInt8] = []
        for name in OptionTable.allNames.shuffled(using: &generator) {
            bytes += Array(name.utf8) + [UInt8(ascii: "=")]
            for _ in 0..<Int.random(in: 0...40, using: &generator) {
                bytes.append(alphabet.randomElement(using: &generator) ?? 0)
            }
            bytes.append(0x0A)
        }
        check(bytes)
    }

    @Test(
        "mutated configurations",
        arguments: [
            "jitsi", "synapse", "nextcloud-talk", "bigbluebutton", "single-user", "matrix-ansible", "nixos", "broken",
            "signaling",
        ]
    )
    func mutations(name: String) throws {
        let original = try fixture(name).bytes
        var generator = SeededGenerator(state: UInt64(original.count))
        for _ in 0..<12 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                default: bytes.swapAt(index, Int.random(in: 0..<bytes.count, using: &generator))
                }
            }
            check(bytes)
        }
    }

    @Test(
        "lines of a megabyte",
        arguments: [
            ("", UInt8(ascii: "a")), ("#", 0xFF), ("realm=", 0x00), ("realm=\"", UInt8(ascii: "#")), ("user=a:", 0x20),
            ("user=a:0x", UInt8(ascii: "1")), ("user=", UInt8(ascii: ":")), ("denied-peer-ip=", UInt8(ascii: "-")),
            ("external-ip=", UInt8(ascii: "/")), ("user-quota=", UInt8(ascii: "1")), ("listening-ip=::", 0xFF),
            ("alternate-server=[", UInt8(ascii: ":")), ("no-tcp=", UInt8(ascii: "=")),
            ("signaling-origin=https://", UInt8(ascii: "]")), ("signaling-api-key=a:", UInt8(ascii: "a")),
            ("signaling-token-issuer=", UInt8(ascii: ":")), ("signaling-turn-host=", UInt8(ascii: ".")),
            ("signaling-anonymous-rooms=", UInt8(ascii: "*")),
        ])
    func longLines(prefix: String, filler: UInt8) {
        check(Array(prefix.utf8) + [UInt8](repeating: filler, count: 1_000_000))
    }

    @Test("many unknown names cost no more than a few")
    func unknownNames() {
        check(Array(String(repeating: "listening-pork=1\n", count: 20_000).utf8))
    }

    @Test("command lines of random words", arguments: 0..<40 as Range<UInt64>)
    func commandLines(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        let alphabet = Array("-=abcdefnpruvXLE:0123456789./ é\u{0}")
        let words = (0..<60).map { _ -> String in
            let name =
                Bool.random(using: &generator)
                ? "--" + (OptionTable.allNames.randomElement(using: &generator) ?? "") : ""
            let count = Int.random(in: 0...12, using: &generator)
            return name + String((0..<count).map { _ in alphabet.randomElement(using: &generator) ?? "-" })
        }
        let result = ServerConfiguration.load(file: nil, commandLine: CommandLineOptions(parsing: words))
        #expect(result.diagnostics.count <= 201)
    }
}
