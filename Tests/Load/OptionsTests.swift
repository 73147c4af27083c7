import Testing

@testable import tern_bench

/// What the command line comes to.
@Suite("Command line of tern-bench")
struct OptionsTests {
    private func parse(_ line: String) -> Result<Options, OptionError> {
        Options.parse(line.split(separator: " ").map(String.init))
    }

    private func complaint(_ line: String) -> String? {
        guard case .failure(let error) = parse(line) else { return nil }
        return "\(error.word): \(error.advice)"
    }

    @Test("a mode alone has defaults for everything")
    func defaults() throws {
        let options = try parse("channel").get()
        #expect(options.mode == .channel)
        #expect(options.pace == .window(256))
        #expect(options.allocations == 100)
        #expect(options.payload == 160)
        #expect(options.takesTrains)
        #expect(try parse("refresh").get().pace == .window(64))
    }

    @Test("words are taken")
    func words() throws {
        let options = try parse(
            "indication --server 127.0.0.2:99 --direction both --rate 50000 --burst 8 --probe --no-gro --pid 12"
        ).get()
        #expect("\(options.server)" == "127.0.0.2:99")
        #expect(options.direction == .both)
        #expect(options.pace == .rate(50_000))
        #expect(options.hasProbe)
        #expect(!options.takesTrains)
        #expect(options.pid == 12)
        #expect(try parse("channel --flood").get().pace == .flood)
        #expect(try parse("channel --transport tls").get().transport == .tls)
        #expect(try parse("handshake --transport dtls --resume").get().resumes)
        #expect(try parse("idle --transport tcp --bare").get().isBare)
    }

    @Test(
        "what makes no sense is named, with what would",
        arguments: [
            ("", "MODE: a mode comes first: "),
            ("chanel", "chanel: a mode comes first: "),
            ("channel --rats 1", "--rats: there is no such option"),
            ("channel --burst", "--burst: a value is missing: 1 to 64"),
            ("channel --burst 65", "--burst 65: allowed is 1 to 64"),
            ("channel --burst 64 --payload 1200", "--burst 64: with this payload, at most 51"),
            ("channel --transport quic", "--transport quic: allowed is udp, tcp, tls or dtls"),
            ("handshake", "--transport udp: mode handshake needs tcp, tls or dtls"),
            ("handshake --transport tls --rate 2", "--rate: mode handshake goes as fast as it is answered"),
            ("channel --transport tcp --direct", "--transport tcp: with --direct there is only udp"),
            (
                "channel --transport tls --floor",
                "--transport tls: the floor knows udp, and tcp for the modes channel and indication"
            ),
            ("channel --transport dtls --payload 16001", "--payload 16001: over dtls at most 16000 bytes"),
            ("idle --bare", "--bare: this is for mode idle over tcp, tls or dtls"),
            ("handshake --transport tcp --resume", "--resume: this is for tls and dtls"),
            ("channel --transport dtls --tls12", "--tls12: this is for --transport tls"),
            ("channel --server example.org:1", "--server example.org:1: allowed is an IPv4 address and a port"),
            ("channel --flood --rate 5", "--flood: either this, or --rate, or --window"),
            ("channel --window 5 --rate 5", "--window: either this or --rate"),
            ("refresh --burst 2", "--burst: mode refresh sends requests one by one"),
            ("idle --rate 2", "--rate: mode idle goes as fast as it is answered"),
            ("binding --direct", "--direct: this is for the modes channel and indication"),
            ("channel --direct --probe", "--probe: with --direct there is no server to ask"),
            ("refresh --floor", "--floor: this is for the modes channel, indication and binding"),
        ])
    func refused(line: String, wanted: String) {
        let complaint = complaint(line) ?? "accepted"
        #expect(complaint.hasPrefix(wanted), "\(complaint)")
    }

    @Test("the largest values are taken, and one more is not", arguments: [("--allocations", 16_000), ("--burst", 64)])
    func limits(word: String, most: Int) {
        #expect(complaint("channel --payload 100 \(word) \(most)") == nil)
        #expect(complaint("channel --payload 100 \(word) \(most + 1)") != nil)
    }

    @Test("a time needs twelve bytes of payload; requests have room for it anyway")
    func stamps() throws {
        #expect(try parse("channel --payload 12").get().hasStamps)
        #expect(try !parse("channel --payload 11").get().hasStamps)
        #expect(try parse("binding --payload 1").get().hasStamps)
    }

    @Test("the page of several runs needs files and a place")
    func report() throws {
        let options = try ReportOptions.parse(["report", "a.json", "--html", "c.html", "b.json"]).get()
        #expect(options.inputs == ["a.json", "b.json"])
        #expect(options.output == "c.html")
        #expect(throws: OptionError.self) { try ReportOptions.parse(["report", "a.json"]).get() }
        #expect(throws: OptionError.self) { try ReportOptions.parse(["report", "--html", "a.html"]).get() }
    }
}
