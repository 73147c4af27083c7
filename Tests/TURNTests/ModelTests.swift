import Containers
import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

/// What must be true of one client's allocation by the RFC alone: no tables, no timers, only what was said and when.
private struct ReferenceAllocation {
    var expiresAt: [AddressFamily: Instant]
    var permissions: [IPAddress: Instant] = [:]
    var channels: [UInt16: (peer: SocketAddress, expiresAt: Instant)] = [:]
}

/// Clients of one server in random sequences, each answer checked against the reference, each datagram too.
private final class ModelRun {
    let harness: TURNHarness
    var random: SplitMix64
    let clients: [TestClient]
    var references: [Int: ReferenceAllocation] = [:]
    var tokens: [(token: [UInt8], expiresAt: Instant)] = []
    var steps: [String] = []

    let peers = [
        socket("8.0.0.1:9"), socket("8.0.0.1:10"), socket("8.0.0.2:9"), socket("8.0.0.3:9"), socket("[2600::1]:9"),
        socket("[2600::2]:9"), socket("10.0.0.1:9"),
    ]

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limits = Limits(
            allocationsMax: 5, permissionsPerAllocationMax: 4, channelsPerAllocationMax: 3, newPeersPerSecond: 0,
            reservationsMax: 2)
        harness = TURNHarness(
            TestSetup(relays: [TestSetup.ipv4, TestSetup.ipv6], limits: limits).with {
                $0.quota.perUser = 4
                $0.ports = 50_000...50_007
                $0.quarantineSeconds = 10
            }, seed: random.next())
        let harness = harness
        clients = (0..<7).map { harness.client("198.51.100.\(1 + $0):40000", $0 % 2 == 0 ? .alice : .bob) }
        for client in clients where random.next() % 3 == 0 { client.style = .modern }
        self.random = random
    }

    func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

    func step() {
        forgetWhatIsOver()
        let index = below(clients.count)
        let action = below(100)
        steps.append("\(action) by \(index) at \(harness.now.nanoseconds)")
        switch action {
        case 0..<20: allocate(index)
        case 20..<30: refresh(index)
        case 30..<45: permit(index)
        case 45..<60: bind(index)
        case 60..<72: sendFromClient(index)
        case 72..<84: sendFromPeer(index)
        case 84..<98: letTimePass()
        default: harness.scriptedFailures = [[.addressInUse], [.outOfResources], [nil, .addressInUse]][below(3)]
        }
        compare()
    }

    private func letTimePass() {
        let milliseconds = [1, 50, 1_000, 7_000, 29_000, 61_000, 150_000, 299_000, 301_000][below(9)]
        harness.advance(.milliseconds(milliseconds))
        // Past the tick by which timers may be late, so that the reference needs no tolerance.
        harness.advance(.milliseconds(2))
    }

    private func forgetWhatIsOver() {
        let now = harness.now
        tokens.removeAll { $0.expiresAt <= now }
        for (index, reference) in references {
            var kept = reference
            kept.expiresAt = kept.expiresAt.filter { $0.value > now }
            kept.permissions = kept.permissions.filter { $0.value > now && kept.expiresAt[$0.key.family] != nil }
            kept.channels = kept.channels.filter {
                $0.value.expiresAt > now && kept.expiresAt[$0.value.peer.family] != nil
            }
            references[index] = kept.expiresAt.isEmpty ? nil : kept
        }
    }

    // MARK: - Requests

    private func allocate(_ index: Int) {
        let seconds = [nil, 0, 700, 3600, UInt32.max][below(5)]
        var extra: [Attribute] = [[], [], [.evenPort], [.evenPortAndNext], [.additionalIPv6], [.family(2)]][below(6)]
        if below(6) == 0, !tokens.isEmpty { extra = [.token(tokens[below(tokens.count)].token)] }
        if let seconds { extra.append(.lifetime(seconds)) }
        let response = clients[index].allocate(extra)
        guard references[index] == nil else {
            expect(response?.errorCode == 437, "a second Allocate gets 437")
            return
        }
        guard let response, response.isSuccess else {
            expect([486, 508].contains(response?.errorCode), "Allocate fails for want of room alone")
            return
        }
        let granted = min(max(seconds ?? 600, 600), 3600)
        expect(response.lifetime == granted, "the lifetime is clamped")
        let families = response.relayed.map(\.ip.family)
        expect(!families.isEmpty && Set(families).count == families.count, "one relayed address a family")
        expect(Set(response.relayed.map(\.port)).isSubset(of: 50_000...50_007), "ports are from the range")
        let end = harness.now.advanced(bySeconds: granted)
        references[index] = ReferenceAllocation(
            expiresAt: Dictionary(uniqueKeysWithValues: families.map { ($0, end) }))
        if let token = response.token { tokens.append((token, harness.now.advanced(bySeconds: 30))) }
    }

    private func refresh(_ index: Int) {
        let seconds = [nil, 0, 0, 900, 3600][below(5)] as UInt32?
        let family = [nil, nil, AddressFamily.ipv4, .ipv6][below(4)]
        let response = clients[index].refresh(seconds, family.map { [.family($0.rawValue)] } ?? [])
        guard var reference = references[index] else {
            expect(response?.errorCode == 437, "Refresh without an allocation gets 437")
            return
        }
        let families = family.map { [$0] } ?? AddressFamily.allCases
        let concerned = families.filter { reference.expiresAt[$0] != nil }
        guard !concerned.isEmpty else {
            expect(response?.errorCode == 443, "Refresh of another family gets 443")
            return
        }
        let granted = seconds == 0 ? 0 : min(max(seconds ?? 600, 600), 3600)
        expect(response?.lifetime == granted, "Refresh is answered with the lifetime granted")
        for family in concerned { reference.expiresAt[family] = harness.now.advanced(bySeconds: granted) }
        references[index] = reference
        forgetWhatIsOver()
    }

    private func permit(_ index: Int) {
        let chosen = (0...below(3)).map { _ in peers[below(peers.count)] }
        let response = clients[index].request(.createPermission, peers: chosen)
        guard var reference = references[index] else {
            expect(response?.errorCode == 437, "CreatePermission without an allocation gets 437")
            return
        }
        for peer in chosen {
            if reference.expiresAt[peer.family] == nil {
                expect(response?.errorCode == 443, "another family gets 443")
                return
            }
            if peer.ip == ip("10.0.0.1") {
                expect(response?.errorCode == 403, "an internal peer gets 403")
                return
            }
        }
        let all = Set(reference.permissions.keys).union(chosen.map(\.ip))
        guard all.count <= 4 else {
            expect(response?.errorCode == 508, "the fifth permission gets 508")
            return
        }
        expect(response?.isSuccess == true, "CreatePermission succeeds")
        for peer in chosen { reference.permissions[peer.ip] = harness.now.advanced(bySeconds: 300) }
        references[index] = reference
    }

    private func bind(_ index: Int) {
        let number = UInt16([0x4000, 0x4001, 0x4002, 0x4003, 0x4FFF, 0x5000][below(6)])
        let peer = peers[below(peers.count)]
        let response = clients[index].request(.channelBind, [.channel(number)], peers: [peer])
        guard var reference = references[index] else {
            expect(response?.errorCode == 437, "ChannelBind without an allocation gets 437")
            return
        }
        let expected: Int? =
            if number > 0x4FFF {
                400
            } else if reference.expiresAt[peer.family] == nil {
                443
            } else if peer.ip == ip("10.0.0.1") {
                403
            } else if let bound = reference.channels[number], bound.peer != peer {
                400
            } else if reference.channels.contains(where: { $0.value.peer == peer && $0.key != number }) {
                400
            } else if reference.channels[number] == nil, reference.channels.count == 3 {
                508
            } else if reference.permissions[peer.ip] == nil, reference.permissions.count == 4 {
                508
            } else {
                nil
            }
        expect(response?.errorCode == expected, "ChannelBind is answered as the RFC says: \(expected ?? 0)")
        guard expected == nil else { return }
        reference.channels[number] = (peer, harness.now.advanced(bySeconds: 600))
        reference.permissions[peer.ip] = harness.now.advanced(bySeconds: 300)
        references[index] = reference
    }

    // MARK: - Data

    private func sendFromClient(_ index: Int) {
        let reference = references[index]
        if below(2) == 0 {
            let number = UInt16(0x4000 + below(4))
            let peer = reference?.channels[number].map(\.peer)
            let isPermitted = peer.map { reference?.permissions[$0.ip] != nil } ?? false
            expectSent(clients[index].channelData(number, [1]), to: isPermitted ? peer : nil)
        } else {
            let peer = peers[below(peers.count)]
            let isPermitted = reference?.permissions[peer.ip] != nil
            expectSent(clients[index].sendIndication([1], to: "\(peer)"), to: isPermitted ? peer : nil)
        }
    }

    private func expectSent(_ result: TURNHarness.ClientResult, to peer: SocketAddress?) {
        switch result {
        case .sent(let datagram): expect(datagram.peer == peer, "data goes where it may go")
        case .dropped: expect(peer == nil, "data that may go goes")
        case .answered: expect(false, "data is not answered")
        }
    }

    private func sendFromPeer(_ index: Int) {
        let peer = peers[below(peers.count)]
        let reference = references[index]
        let mayBeHeard = reference?.permissions[peer.ip] != nil
        switch clients[index].hears([1, 2, 3], from: "\(peer)", peer.family) {
        case .delivered(let path, let bytes):
            expect(mayBeHeard && path == clients[index].path, "no peer is heard without a permission")
            let number = reference?.channels.first { $0.value.peer == peer }?.key
            expect(bytes.starts(with: number?.wire ?? [0x00, 0x17]), "a bound peer is heard by its channel")
        case .dropped: expect(!mayBeHeard, "a permitted peer is heard")
        case .nobodyThere: expect(reference?.expiresAt[peer.family] == nil, "a live relay is there")
        }
    }

    // MARK: - Comparison

    private func compare() {
        forgetWhatIsOver()
        let permissions = references.values.reduce(0) { $0 + $1.permissions.count }
        let channels = references.values.reduce(0) { sum, reference in
            sum + reference.channels.values.count { reference.permissions[$0.peer.ip] != nil }
        }
        expect(harness.routes.counts == [references.count, permissions, channels], "the routes are the reference's")
    }

    func expect(_ holds: Bool, _ rule: String) {
        if !holds { Issue.record("\(rule); last steps: \(steps.suffix(6))") }
    }
}

@Suite("A server under random sequences of requests, data, expiries and failures")
struct ModelTests {
    @Test(
        "every answer and every route is what the RFC says", .requirement("RI-model-1"),
        arguments: 1...6 as ClosedRange<UInt64>)
    func sequences(seed: UInt64) {
        let run = ModelRun(seed: seed)
        for _ in 0..<2_000 { run.step() }
        run.harness.scriptedFailures = []
        // Enough of everything has happened for the run to mean something.
        #expect(run.harness.server.counters.allocationsOpened > 20)
        #expect(run.harness.server.counters.allocationsExpired > 5)
        #expect(run.harness.server.counters.allocationsDeleted > 5)
        run.harness.advance(.seconds(3601))
        #expect(run.harness.server.liveCounts == (0, 0, 0, 0))
        #expect(run.harness.ledger.liveCounts == (0, 0))
        #expect(run.harness.server.nextDeadline == nil)
    }

    @Test("the same seed is the same run", .requirement("RI-model-2"))
    func repeats() {
        let first = ModelRun(seed: 77)
        let second = ModelRun(seed: 77)
        for _ in 0..<500 {
            first.step()
            second.step()
        }
        #expect(first.harness.now == second.harness.now)
        #expect(first.harness.openingsAsked == second.harness.openingsAsked)
        #expect(first.harness.outputs == second.harness.outputs)
        #expect(first.harness.routes.counts == second.harness.routes.counts)
    }
}
