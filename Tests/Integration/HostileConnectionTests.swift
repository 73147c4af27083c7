import Foundation
import NetworkPrimitives
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("Connections to signaling that want too much")
    struct HostileConnectionTests {
        @Test("of 300 connections of one address those within the limit are served, and other addresses are too")
        func connectionsPerSource() async throws {
            try await HostileSignalingTests.run { server, address in
                let all = try (0..<300).map { _ in try TCPStream(to: address, from: "127.0.0.5") }
                let served = all.map { $0.isServed() }
                #expect(served.filter { $0 }.count == 256)
                #expect(served.prefix(256).allSatisfy { $0 })
                #expect(all.suffix(44).allSatisfy { $0.readToEnd() == [] })
                #expect(try TCPStream(to: address, from: "127.0.0.6").isServed())
                #expect(server.output.contains("HTTP from 127.0.0.5: too many connections"))
                #expect(server.output.split(separator: "\n").filter { $0.contains("too many connections") }.count <= 10)
                withExtendedLifetime(all) {}
            }
        }

        @Test("a place that is given up is free again")
        func freePlaces() async throws {
            try await HostileSignalingTests.run("signaling-connections-per-source=3") { _, address in
                for _ in 0..<5 {
                    let all = try (0..<4).map { _ in try TCPStream(to: address, from: "127.0.0.5") }
                    #expect(all.map { $0.isServed() } == [true, true, true, false])
                    for stream in all { stream.endWrites() }
                    for stream in all { #expect(stream.readToEnd() == []) }
                }
                // Of a whole IPv4 address; its neighbour is somebody else.
                #expect(try TCPStream(to: address, from: "127.0.0.4").isServed())
            }
        }

        @Test("who connects too quickly waits, and nobody else does")
        func connectRate() async throws {
            try await HostileSignalingTests.run("signaling-connect-rate=1", "signaling-connect-burst=20") {
                _, address in
                let start = ContinuousClock.now
                let all = try (0..<40).map { _ in try TCPStream(to: address, from: "127.0.0.5") }
                let count = all.filter { $0.isServed() }.count
                // One a second comes back while this runs.
                let seconds = Int((ContinuousClock.now - start).components.seconds)
                #expect((20...21 + seconds).contains(count), "\(count) served")
                #expect(try TCPStream(to: address, from: "127.0.0.6").isServed())
                try await Task.sleep(for: .milliseconds(1100))
                #expect(try TCPStream(to: address, from: "127.0.0.5").isServed())
            }
        }

        @Test("beyond the connections of the whole server new ones are closed, and those that are there go on")
        func connectionsMax() async throws {
            try await HostileSignalingTests.run("signaling-connections-max=10") { _, address in
                var all = try (0..<12).map { number in try TCPStream(to: address, from: "127.0.0.\(number + 1)") }
                #expect(all.map { $0.isServed() } == Array(repeating: true, count: 10) + [false, false])
                #expect(all[0].isServed())
                all.removeAll()
                let isFree = try await eventually(seconds: 5) {
                    (try? TCPStream(to: address).isServed()) == true
                }
                #expect(isFree)
            }
        }

        @Test("a frame without a mask, or that is none, ends the WebSocket; the others of the room are told")
        func unmasked() async throws {
            // Unmasked text, reserved bits, a long ping, a cut message followed by another.
            let frames: [[UInt8]] = [
                [0x81, 0x02, 0x7B, 0x7D], [0xF1, 0x80, 0, 0, 0, 0], [0x89, 0xFE, 0, 126, 0, 0, 0, 0],
                [0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0], [0x83, 0x80, 0, 0, 0, 0], [0x80, 0x80, 0, 0, 0, 0],
                [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            ]
            try await HostileSignalingTests.run("signaling-resume=0") { _, address in
                let witness = try TCPStream(to: address)
                // The example of RFC 6455 §1.3.
                let probe = try TCPStream(to: address)
                #expect(probe.upgrade() == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
                #expect(witness.enter("den"))
                for frame in frames {
                    let stream = try TCPStream(to: address)
                    #expect(stream.enter("den"))
                    #expect(witness.readText()?.contains("participant-joined") == true)
                    stream.write(frame)
                    #expect(stream.closeCode() == 1002, "\(frame)")
                    #expect(witness.readText()?.contains("participant-left") == true, "\(frame)")
                    #expect(stream.readToEnd(within: .seconds(4)) != nil, "\(frame)")
                }
            }
        }

        @Test("a member that does not read is closed with 4008; others miss nothing, and memory is flat")
        func slowConsumer() async throws {
            let pace = ["signaling-message-rate=100000", "signaling-message-burst=100000"]
            try await HostileSignalingTests.run("signaling-queue-bytes=262144", pace[0], pace[1]) { server, address in
                let sender = try TCPStream(to: address)
                let reader = try TCPStream(to: address)
                let sleeper = try TCPStream(to: address, receiveBuffer: 4096)
                for stream in [sender, reader, sleeper] { #expect(stream.enter("den")) }
                _ = reader.readText()
                for _ in 0..<2 { _ = sender.readText() }
                let data = String(repeating: "x", count: 60_000)
                let before = server.residentKiB
                var left = 0
                for number in 0..<200 {
                    sender.writeText(#"{"type":"broadcast","room":"den","data":"\#(number) \#(data)"}"#)
                    var text = reader.readText()
                    while text?.hasPrefix(#"{"type":"participant-left""#) == true {
                        // It was closed some messages ago, and its session waited until more was missed than is kept.
                        left += 1
                        #expect(sleeper.closeCode() == 4008)
                        text = reader.readText()
                    }
                    guard text?.hasSuffix(#""data":"\#(number) \#(data)"}"#) == true else {
                        Issue.record("message \(number) did not arrive: \(text?.prefix(200) ?? "nothing")")
                        return
                    }
                }
                // 12 MB went by; a queue and a buffer of the kernel are what may be held for the sleeper.
                #expect(server.residentKiB - before < 4096)
                #expect(server.output.contains("reads too slowly"))
                #expect(left == 1)
            }
        }

        @Test("requests and messages that are never finished hold no more than their limits")
        func unfinished() async throws {
            try await HostileSignalingTests.run { server, address in
                let start = server.residentKiB
                let heads = try (0..<200).map { number in
                    let stream = try TCPStream(to: address, from: "127.0.1.\(number + 1)")
                    stream.write("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + String(repeating: "a", count: 16_000))
                    return stream
                }
                #expect(try TCPStream(to: address).isServed())
                // 3.2 MB are in there; twice that is for what buffers grow by.
                #expect(server.residentKiB - start < 8192)
                let messages = try (0..<200).map { number in
                    let stream = try TCPStream(to: address, from: "127.0.2.\(number + 1)")
                    #expect(stream.upgrade() != nil)
                    stream.writeFrame(first: 0x01, [UInt8](repeating: 0x20, count: 60_000))
                    return stream
                }
                #expect(try TCPStream(to: address).isServed())
                #expect(server.residentKiB - start < 8192 + 2 * 200 * 60)
                // Any frame, however long it says it is.
                for count in [65_537, 1 << 31, 1 << 62] {
                    let stream = try TCPStream(to: address)
                    #expect(stream.upgrade() != nil)
                    stream.writeFrame([], promising: count)
                    #expect(stream.closeCode() == 1009, "\(count)")
                }
                withExtendedLifetime((heads, messages)) {}
            }
        }

        @Test("requests that pile up behind answers that nobody reads are left where they are")
        func unreadAnswers() async throws {
            try await HostileSignalingTests.run { server, address in
                let before = server.residentKiB
                let greedy = try TCPStream(to: address, receiveBuffer: 4096)
                let request = "GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
                for _ in 0..<5000 {
                    guard greedy.write(request) else { break }
                }
                #expect(try TCPStream(to: address).isServed())
                #expect(server.residentKiB - before < 4096)
            }
        }
    }
}
