import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("a peer that is sent to steadily gets a connected socket, and nobody else notices")
    struct ConnectionTests {
        /// More than the server waits for before it connects.
        static let steady = 200

        @Test("peers beside the connected one are heard and sent to, from the same relayed address")
        func secondPeer() async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                let relayed = try #require(client.relayed)
                let first = try UDPEndpoint()
                let second = try UDPEndpoint()
                let third = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: first.address) == nil)
                #expect(try client.bind(0x4001, to: second.address) == nil)
                try Self.converse(client, 0x4000, first)
                #expect(Self.connections(of: relayed) == [first.address])

                try Self.exchange(client, 0x4001, second)
                try Self.exchange(client, 0x4000, first)
                // The permission is for the address: a port that nobody has named yet may speak (RFC 8656 §9).
                third.send([9], to: relayed)
                #expect(Self.hears(client, [9], from: third))
            }
        }

        @Test("a connection ends with its allocation, and the port is free")
        func end() async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                let relayed = try #require(client.relayed)
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                try Self.converse(client, 0x4000, peer)
                #expect(!Self.connections(of: relayed).isEmpty)
                _ = try client.refresh(0)
                #expect(Self.sockets(on: relayed).isEmpty)
            }
        }

        @Test("a peer that refuses stops nothing, and is served when it is back")
        func refusal() async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                let relayed = try #require(client.relayed)
                var peer: UDPEndpoint? = try UDPEndpoint()
                let address = try #require(peer?.address)
                let other = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: address) == nil)
                #expect(try client.bind(0x4001, to: other.address) == nil)
                try Self.converse(client, 0x4000, try #require(peer))
                #expect(Self.connections(of: relayed) == [address])
                peer = nil
                for _ in 0..<20 { client.send([1], onChannel: 0x4000) }
                Self.forgetErrors(client)
                try Self.exchange(client, 0x4001, other)
                let back = try UDPEndpoint(port: address.port)
                // A refusal of before may still be on its way and cost one datagram.
                client.send([2], onChannel: 0x4000)
                client.send([3], onChannel: 0x4000)
                var arrived: [UInt8] = []
                while let next = back.receive(within: .milliseconds(200)) { arrived += next.bytes }
                #expect(arrived.last == 3)
                Self.forgetErrors(client)
                back.send([4], to: relayed)
                #expect(client.receiveData(onChannel: 0x4000) == [4])
            }
        }

        @Test("a permission that has run out holds for a connected peer too")
        func permissionEnds() async throws {
            try await TernServer.run(ServerPlan("permission-lifetime=1", "channel-lifetime=1")) { server in
                let client = try server.allocatedClient()
                let relayed = try #require(client.relayed)
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                try Self.converse(client, 0x4000, peer)
                #expect(Self.connections(of: relayed) == [peer.address])
                try await Task.sleep(for: .milliseconds(1100))
                client.send([2], onChannel: 0x4000)
                peer.send([3], to: relayed)
                #expect(peer.receive(within: .milliseconds(50)) == nil)
                #expect(client.receive(within: .milliseconds(50)) == nil)
            }
        }

        // MARK: -

        private static func converse(_ client: TURNClient, _ channel: UInt16, _ peer: UDPEndpoint) throws {
            for _ in 0..<steady { try exchange(client, channel, peer) }
        }

        private static func exchange(_ client: TURNClient, _ channel: UInt16, _ peer: UDPEndpoint) throws {
            client.send([1, 2, 3], onChannel: channel)
            let (bytes, source) = try #require(peer.receive())
            #expect(bytes == [1, 2, 3] && source == client.relayed)
            peer.send([4, 5], to: source)
            #expect(
                nextChannelData(client)?.elementsEqual([UInt8(channel >> 8), UInt8(channel & 0xFF), 0, 2, 4, 5]) == true
            )
        }

        // Whoever on this host still sends to a relay that had the port before is permitted too, for the permission is
        // for the address: what such strangers say comes as indications, and is passed over.

        private static func nextChannelData(_ client: TURNClient) -> [UInt8]? {
            while let bytes = client.receive() {
                if bytes.first.map({ $0 >= 0x40 }) == true { return bytes }
            }
            return nil
        }

        private static func hears(_ client: TURNClient, _ payload: [UInt8], from peer: UDPEndpoint) -> Bool {
            while let data = client.receiveData() {
                if data.peer == peer.address { return data.payload == payload }
            }
            return false
        }

        /// Takes the indications that tell of refusals (RFC 8656 §11.5).
        private static func forgetErrors(_ client: TURNClient) {
            while client.receive(within: .milliseconds(100)) != nil {}
        }

        private static func connections(of relayed: SocketAddress) -> [SocketAddress] {
            sockets(on: relayed).filter { $0.port != 0 }
        }

        /// The remote address of each socket on `local`, with port 0 for those that hear everybody.
        private static func sockets(on local: SocketAddress) -> [SocketAddress] {
            // The file tells no length, and comes in pieces.
            let file = FileHandle(forReadingAtPath: "/proc/net/udp")
            let table = String(decoding: (try? file?.readToEnd()) ?? Data(), as: UTF8.self)
            return table.split(separator: "\n").dropFirst().compactMap { line in
                let words = line.split(separator: " ")
                guard words.count > 2, address(words[1]) == local else { return nil }
                return address(words[2])
            }
        }

        /// `0100007F:C350`, an address in the byte order of the machine and a port (proc_pid_net(5)).
        private static func address(_ text: Substring) -> SocketAddress? {
            let parts = text.split(separator: ":")
            guard parts.count == 2, let ip = UInt32(parts[0], radix: 16), let port = UInt16(parts[1], radix: 16) else {
                return nil
            }
            return SocketAddress(ip: .v4(IPv4Address(rawValue: ip.byteSwapped)), port: port)
        }
    }
}
