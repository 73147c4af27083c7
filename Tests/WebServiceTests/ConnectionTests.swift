import Containers
import NetworkPrimitives
import Testing
import WebSocket

@testable import WebService

/// How connections begin, are limited, and end.
@Suite struct ConnectionTests {
    static let get = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func connectionsAreKeptAlive() throws {
        let harness = try ServiceHarness()
        let connection = try #require(harness.connect())
        for _ in 0..<3 {
            harness.send(Self.get, on: connection)
            #expect(harness.takeText(connection).hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
        harness.advance(seconds: 61)
        #expect(harness.shutDown == [connection])
        harness.advance(seconds: 2)
        #expect(harness.closed == [connection])
        #expect(harness.service.connectionCount == 0)
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let harness = try ServiceHarness()
        let connection = try #require(harness.connect())
        harness.send(Self.get + "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", on: connection)
        let text = harness.takeText(connection)
        let bodies = text.split(separator: "HTTP/1.1 200 OK").map { $0.split(separator: "\r\n").last ?? "" }
        #expect(bodies == ["ok\n", "ready\n"])
    }

    @Test func garbageIsAnsweredAndThenTheClientMayClose() throws {
        let harness = try ServiceHarness()
        let connection = try #require(harness.connect())
        harness.send("\u{16}\u{03}\u{01} this is no request\r\n\r\n", on: connection)
        #expect(harness.takeText(connection).hasPrefix("HTTP/1.1 400 "))
        #expect(harness.shutDown == [connection])
        harness.send("more", on: connection)
        harness.endStream(connection)
        #expect(harness.closed == [connection])
    }

    @Test func aSlowHeadIsGivenUp() throws {
        let harness = try ServiceHarness()
        let connection = try #require(harness.connect())
        harness.send("GET / HTTP/1.1\r\nHo", on: connection)
        harness.advance(seconds: 9)
        harness.send("st", on: connection)
        #expect(harness.take(connection).isEmpty)
        harness.advance(seconds: 2)
        #expect(harness.takeText(connection).hasPrefix("HTTP/1.1 408 "))
        harness.advance(seconds: 2)
        #expect(harness.closed == [connection])
    }

    @Test func theLimitOfASourceIsItsOwn() throws {
        let harness = try ServiceHarness { settings, _ in
            settings.connectionsPerSourceMax = 3
            settings.connectsPerSecond = 0
        }
        let connections = (0..<3).compactMap { _ in harness.connect(from: "2001:db8::1") }
        #expect(connections.count == 3)
        #expect(harness.connect(from: "2001:db8::2") == nil)
        #expect(harness.connect(from: "2001:db8:0:1::1") != nil)
        #expect(harness.service.counters.refusedPerSource == 1)
        harness.service.closed(connections[0], at: harness.now)
        #expect(harness.connect(from: "2001:db8::2") != nil)
    }

    @Test func theLimitOfAllIsForAll() throws {
        let harness = try ServiceHarness { settings, _ in settings.connectionsMax = 2 }
        #expect(harness.connect(from: "192.0.2.1") != nil)
        #expect(harness.connect(from: "192.0.2.2") != nil)
        #expect(harness.connect(from: "192.0.2.3") == nil)
        #expect(harness.service.counters.refusedConnectionsMax == 1)
    }

    @Test func connectsHaveARate() throws {
        let harness = try ServiceHarness { settings, _ in
            settings.connectsPerSecond = 1
            settings.connectsBurst = 2
        }
        #expect(harness.connect() != nil)
        #expect(harness.connect() != nil)
        #expect(harness.connect() == nil)
        #expect(harness.service.counters.refusedConnectRate == 1)
        harness.advance(seconds: 1)
        #expect(harness.connect() != nil)
    }

    @Test func whoReadsNothingIsGivenUp() throws {
        let harness = try ServiceHarness(site: BigSite())
        let connection = try #require(harness.connect())
        harness.stalled = [connection]
        // More than is answered ahead: the rest waits for the client to read.
        for _ in 0..<20 { harness.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n", on: connection) }
        #expect(harness.service.pending(connection).reduce(0) { $0 + $1.count } < 500_000)
        harness.advance(seconds: 29)
        #expect(harness.service.connectionCount == 1)
        harness.stalled = []
        harness.advance(seconds: 3)
        #expect(harness.service.connectionCount == 0)
    }

    @Test func requestsThatHadToWaitAreAnsweredWhenTheClientReads() throws {
        let harness = try ServiceHarness(site: BigSite())
        let connection = try #require(harness.connect())
        harness.stalled = [connection]
        for _ in 0..<6 { harness.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n", on: connection) }
        harness.stalled = []
        harness.service.markReady(SlabHandle(connection))
        harness.settle()
        let count = harness.takeText(connection).split(separator: "HTTP/1.1 200 OK").count
        #expect(count == 6)
    }

    @Test func whoAsksWithoutReadingMakesNothingGrow() throws {
        let harness = try ServiceHarness(site: BigSite())
        let connection = try #require(harness.connect())
        harness.stalled = [connection]
        for _ in 0..<4 { harness.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n", on: connection) }
        let held = { harness.service.connections[SlabHandle(connection)].withHTTP { $0.heldByteCount } }
        harness.send([UInt8](repeating: 65, count: 16_384 - 30), on: connection)
        #expect(held() == 16_384)
        for _ in 0..<10 { harness.send([UInt8](repeating: 65, count: 65_536), on: connection) }
        #expect(held() == 0)
        // What was answered before is still to be read, and then the connection ends.
        harness.stalled = []
        harness.service.markReady(SlabHandle(connection))
        harness.settle()
        #expect(harness.takeText(connection).split(separator: "HTTP/1.1 200 OK").count == 3)
        #expect(harness.shutDown == [connection])
    }

    @Test func aProxySpeaksForManyClients() throws {
        let harness = try ServiceHarness { settings, _ in
            settings.proxies = TrustedProxies([.prefix(IPPrefix("10.0.0.0/8")!)])
            settings.connectionsPerSourceMax = 1
            settings.connectsPerSecond = 1
            settings.connectsBurst = 1
        }
        for last in 1...3 {
            let headers = "X-Forwarded-For: 203.0.113.\(last)"
            #expect(SocketClient(harness, headers: headers, from: "10.0.0.1") != nil)
        }
        #expect(SocketClient(harness, headers: "X-Forwarded-For: 203.0.113.1", from: "10.0.0.1") == nil)
    }

    @Test func aProxyIsOneByItsWholeAddress() throws {
        let harness = try ServiceHarness { settings, _ in
            settings.proxies = TrustedProxies([.prefix(IPPrefix("2001:db8::7/128")!)])
            settings.connectionsPerSourceMax = 1
        }
        let proxied = (0..<3).map { _ in harness.connect(from: "2001:db8::7") }
        #expect(!proxied.contains(nil))
        // Its neighbours are not.
        #expect(harness.connect(from: "2001:db8::8") != nil)
        #expect(harness.connect(from: "2001:db8::8") == nil)
    }

    @Test func clientsOfAProxyHaveTheLimitOfASource() throws {
        let harness = try ServiceHarness { settings, _ in
            settings.proxies = TrustedProxies([.prefix(IPPrefix("10.0.0.0/8")!)])
            settings.connectionsPerSourceMax = 2
            settings.connectsPerSecond = 0
        }
        func upgrade(_ client: String) -> SocketClient? {
            SocketClient(harness, headers: "X-Forwarded-For: \(client)", from: "10.0.0.1")
        }
        let first = try #require(upgrade("203.0.113.1"))
        #expect(upgrade("203.0.113.1") != nil)
        #expect(upgrade("203.0.113.1") == nil)
        #expect(upgrade("203.0.113.2") != nil)
        harness.service.closed(first.connection, at: harness.now)
        #expect(upgrade("203.0.113.1") != nil)
    }
}

/// A site of one page, 100,000 bytes long.
struct BigSite: SiteContent {
    func resource(at path: [String]) -> SiteResource? {
        SiteResource(bytes: [UInt8](repeating: 65, count: 100_000), entityTag: "\"big\"", contentType: "text/plain")
    }
}
