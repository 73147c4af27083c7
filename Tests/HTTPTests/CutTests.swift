import HTTP
import NetworkPrimitives
import TestSupport
import Testing

@Suite("Bytes that arrive in pieces", .requirement("RI-http-6"))
struct CutTests {
    private static let stream =
        "\r\n" + get("X: 1") + post("Content-Length: 11", then: "hello\r\nbody") + get("X: 2")
        + chunked("5;x=\"y\"\r\nhello\r\nA \t; z\r\n0123456789\r\n0\r\nTrailer: a\r\n\r\n")
        + "HEAD /last HTTP/1.0\r\n\r\n"

    /// Paths and bodies of the requests, in order.
    private func requests(_ pieces: [ArraySlice<UInt8>]) -> [String] {
        var dialogue = Dialogue()
        var requests: [String] = []
        for piece in pieces {
            var outcome = dialogue.send(Array(piece))
            while let request = outcome.request {
                requests.append("\(request.method) \(request.target.path) \(outcome.body ?? "")")
                _ = dialogue.respond()
                outcome = dialogue.next()
            }
            #expect(outcome == .nothing)
        }
        #expect(dialogue.connection.isClosed)
        return requests
    }

    private static let expected = [
        "get / ", "post / hello\r\nbody", "get / ", "post / hello0123456789", "head /last ",
    ]

    @Test("in two, cut anywhere")
    func twoPieces() {
        let bytes = Array(Self.stream.utf8)
        for cut in 0...bytes.count { #expect(requests([bytes[..<cut], bytes[cut...]]) == Self.expected) }
    }

    @Test("in pieces of any one length", arguments: 1...40)
    func equalPieces(length: Int) {
        let bytes = Array(Self.stream.utf8)
        let pieces = stride(from: 0, to: bytes.count, by: length).map { bytes[$0..<min($0 + length, bytes.count)] }
        #expect(requests(pieces) == Self.expected)
    }

    @Test("in pieces of chance")
    func randomPieces() {
        var random = SeededRandom(seed: 1)
        let bytes = Array(Self.stream.utf8)
        for _ in 0..<200 {
            var pieces: [ArraySlice<UInt8>] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + 1 + random.below(60))
                pieces.append(bytes[start..<end])
                start = end
            }
            #expect(requests(pieces) == Self.expected)
        }
    }

    @Test("hostile bytes neither trap nor hang")
    func noise() {
        var random = SeededRandom(seed: 2)
        let bytes = Array(Self.stream.utf8)
        for _ in 0..<2000 {
            var damaged = bytes
            for _ in 0...random.below(4) { damaged[random.below(damaged.count)] = UInt8(random.below(256)) }
            var dialogue = Dialogue()
            var outcome = dialogue.send(damaged)
            while outcome != .nothing {
                if outcome != .goOn { _ = dialogue.respond() }
                outcome = dialogue.next()
            }
            dialogue.connection.endOfInput()
            #expect(dialogue.next() == .nothing)
            #expect(dialogue.connection.isClosed)
        }
    }
}
