import NetworkPrimitives
import TestSupport
import Testing
import WebSocket

@Suite("Closing the connection, RFC 6455 §7")
struct RFC6455Section7 {
    private let noon = Instant(nanoseconds: 43_200_000_000_000)

    @Test(
        "§7.4.1: codes that may be sent", .requirement("R6455-7.4.1-1"),
        arguments: [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
        ] as [UInt16])
    func goodCodes(code: UInt16) {
        #expect(events(masked(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)])) == [.close(code: code, reason: [])])
    }

    @Test(
        "§7.4.1: codes that may not", .requirement("R6455-7.4.1-1"),
        arguments: [
            0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
        ] as [UInt16])
    func badCodes(code: UInt16) {
        #expect(events(masked(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)])) == [.failed(.closeCodeInvalid)])
    }

    @Test("the other side closes: its code goes back, without its reason", .requirement("R6455-5.5.1-1"))
    func echo() throws {
        var connection = WebSocketConnection()
        #expect(!connection.isClosing && !connection.isClosed)
        let events = receive(masked(0x88, [0x0F, 0xA0] + Array("secret".utf8)), &connection)
        #expect(connection.isClosing && !connection.isClosed)
        #expect(connection.deadline == nil)
        #expect(connection.answer(to: try #require(events.first), at: noon) == bytes("88020fa0"))
        #expect(connection.isClosed && !connection.isClosing)
        #expect(connection.deadline == noon.advanced(bySeconds: 2))
        #expect(connection.close(code: 1000, at: noon) == nil)
    }

    @Test("a Close without a code is answered by one without", .requirement("R6455-5.5.1-1"))
    func echoOfNothing() {
        var connection = WebSocketConnection()
        #expect(receive(masked(0x88, ""), &connection) == [.close(code: nil, reason: [])])
        #expect(connection.answer(to: .close(code: nil, reason: []), at: noon) == bytes("8800"))
        #expect(connection.isClosed)
    }

    @Test("we close: only the answer counts from there", .requirement("R6455-5.5.1-2"), .requirement("R6455-7.1.1-1"))
    func ourClose() {
        var connection = WebSocketConnection()
        #expect(connection.close(code: 1001, reason: Array("bye".utf8), at: noon) == bytes("880503e9627965"))
        #expect(connection.isClosing && !connection.isClosed)
        #expect(connection.deadline == noon.advanced(bySeconds: 2))
        #expect(connection.close(code: 1000, at: noon) == nil)
        // What was under way when our Close left is read and dropped.
        #expect(receive(masked(0x81, "late") + masked(0x89, "ping"), &connection) == [])
        #expect(connection.answer(to: .ping([]), at: noon) == nil)
        let answer = receive(masked(0x88, [0x03, 0xE9]), &connection)
        #expect(answer == [.close(code: 1001, reason: [])])
        #expect(connection.answer(to: answer[0], at: noon) == nil)
        #expect(connection.isClosed)
        #expect(connection.deadline == noon.advanced(bySeconds: 2))
    }

    @Test("both close at once", .requirement("R6455-7.1.1-1"))
    func simultaneous() {
        var connection = WebSocketConnection()
        #expect(connection.close(code: 1001, at: noon) == bytes("880203e9"))
        #expect(receive(masked(0x88, [0x03, 0xE8]), &connection) == [.close(code: 1000, reason: [])])
        #expect(connection.isClosed)
    }

    @Test("the deadline is the limit's", .requirement("RI-websocket-3"))
    func deadline() {
        var connection = WebSocketConnection(limits: .init(messageByteCountMax: 10, closeSeconds: 5))
        _ = connection.close(code: 1000, at: noon)
        #expect(connection.deadline == noon.advanced(bySeconds: 5))
    }

    @Test("§7.1.7: a failure is told with its code, and ends all", .requirement("R6455-7.1.7-1"))
    func failure() {
        var connection = WebSocketConnection()
        #expect(receive(masked(0x83, "x") + masked(0x81, "y"), &connection) == [.failed(.reservedOpcode)])
        #expect(connection.isClosing)
        #expect(connection.answer(to: .failed(.reservedOpcode), at: noon) == bytes("880203ea"))
        #expect(connection.isClosed)
        #expect(connection.deadline == noon.advanced(bySeconds: 2))
        #expect(receive(masked(0x81, "z") + masked(0x88, ""), &connection) == [])
    }

    @Test("a failure after our Close is told to nobody")
    func failureWhileClosing() {
        var connection = WebSocketConnection()
        _ = connection.close(code: 1001, at: noon)
        #expect(receive(masked(0x83, "x"), &connection) == [.failed(.reservedOpcode)])
        #expect(connection.answer(to: .failed(.reservedOpcode), at: noon) == nil)
        #expect(connection.isClosed)
    }

    @Test("a client's Close and its answers are masked", .requirement("R6455-5.1-4"))
    func clientRole() {
        var connection = WebSocketConnection(role: .client(maskingKey: 0x37FA_213D))
        #expect(connection.answer(to: .ping(Array("Hello".utf8)), at: noon) == bytes("8a8537fa213d7f9f4d5158"))
        #expect(receive(bytes("880203e8"), &connection) == [.close(code: 1000, reason: [])])
        #expect(connection.answer(to: .close(code: 1000, reason: []), at: noon) == bytes("888237fa213d3412"))
    }

    @Test("§7.4.1: every failure has a code that may be sent", .requirement("R6455-7.4.1-2"))
    func failureCodes() {
        for failure in WebSocketFailure.allCases { #expect(WebSocketCloseCode.mayBeSent(failure.closeCode)) }
        #expect(WebSocketFailure.invalidUTF8.closeCode == 1007)
        #expect(WebSocketFailure.messageTooBig.closeCode == 1009)
        #expect(WebSocketFailure.binaryUnsupported.closeCode == 1003)
        #expect(WebSocketFailure.messageInterrupted.closeCode == 1002)
    }
}
