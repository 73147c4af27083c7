import Containers
import NetworkPrimitives
import Testing

/// A key whose hash has four values, so that runs are long and wrap around the end of the table.
private struct ClumsyKey: FlatMapKey, Hashable {
    let number: UInt64

    func hash(seed: UInt64) -> UInt64 { (number & 3) << 32 | (number & 3 == 3 ? 0x7FFF_FFFF << 32 : 0) }
}

@Suite("FlatMap")
struct FlatMapTests {
    @Test("insert refuses a present key, update an absent one, remove answers once")
    func contract() {
        var map = FlatMap<UInt64, String>(seed: 1, limit: 10)
        #expect(map[5] == nil)
        #expect(map.insert("a", for: 5) == true)
        #expect(map.insert("b", for: 5) == false)
        #expect(map[5] == "a")
        #expect(map.update("c", for: 5) == true)
        #expect(map.update("c", for: 6) == false)
        #expect(map[5] == "c")
        #expect(map.count == 1)
        #expect(map.remove(5) == "c")
        #expect(map.remove(5) == nil)
        #expect(map.count == 0)
    }

    @Test("limit keys fit and one more does not, until one leaves", arguments: [0, 1, 3, 4, 48, 49, 1000])
    func limit(limit: Int) {
        var map = FlatMap<UInt32, Int>(seed: 9, limit: limit)
        for key in 0..<limit { #expect(map.insert(key, for: UInt32(key)) == true) }
        #expect(map.insert(0, for: UInt32(limit)) == false)
        #expect(map.count == limit)
        guard limit > 0 else { return }
        #expect(map.remove(0) == 0)
        #expect(map.insert(7, for: UInt32(limit)) == true)
        #expect(map[UInt32(limit)] == 7)
    }

    @Test("memory follows the count both ways, with a gap between growing and shrinking")
    func capacity() {
        var map = FlatMap<UInt64, Int>(seed: 3, limit: 100_000)
        #expect(map.capacity == 0)
        for key in 0..<3 { map.insert(0, for: UInt64(key)) }
        #expect(map.capacity == 4)
        map.insert(0, for: 3)
        #expect(map.capacity == 8)
        map.remove(3)
        #expect(map.capacity == 8)
        for key in 3..<10_000 { map.insert(0, for: UInt64(key)) }
        #expect(map.capacity == 16_384)
        for key in 4096..<10_000 { map.remove(UInt64(key)) }
        #expect(map.capacity == 8192)
        for key in 0..<4096 { map.remove(UInt64(key)) }
        #expect(map.capacity == 4)
    }

    @Test("values are destroyed with the map, on removal and on replacement")
    func ownership() {
        final class Token {}
        weak var first: Token?
        weak var second: Token?
        weak var third: Token?
        do {
            var map = FlatMap<UInt64, Token>(seed: 3, limit: 100)
            do {
                let tokens = [Token(), Token(), Token()]
                (first, second, third) = (tokens[0], tokens[1], tokens[2])
                for (key, token) in tokens.enumerated() { map.insert(token, for: UInt64(key)) }
                for key in 3..<50 { map.insert(Token(), for: UInt64(key)) }
            }
            #expect(first != nil)
            map.update(Token(), for: 0)
            #expect(first == nil)
            map.remove(1)
            #expect(second == nil)
            #expect(third != nil)
        }
        #expect(third == nil)
    }

    @Test("addresses of different family, host, or port are different keys")
    func addresses() {
        var map = FlatMap<SocketAddress, Int>(seed: 77, limit: 10)
        let keys = [
            SocketAddress(ip: .v4(IPv4Address(rawValue: 1)), port: 1),
            SocketAddress(ip: .v4(IPv4Address(rawValue: 1)), port: 2),
            SocketAddress(ip: .v4(IPv4Address(rawValue: 2)), port: 1),
            SocketAddress(ip: .v6(IPv6Address(high: 0, low: 1)), port: 1),
            SocketAddress(ip: .v6(IPv6Address(high: 1, low: 0)), port: 1),
            SocketAddress(ip: .v6(IPv6Address(high: 0, low: 1)), port: 2),
        ]
        for (number, key) in keys.enumerated() { #expect(map.insert(number, for: key) == true) }
        for (number, key) in keys.enumerated() { #expect(map[key] == number) }
        var hosts = FlatMap<IPAddress, Int>(seed: 77, limit: 10)
        #expect(hosts.insert(1, for: .v4(.any)) == true)
        #expect(hosts.insert(2, for: .v6(.any)) == true)
        #expect(hosts[.v6(.any)] == 2)
    }

    @Test("a flat map behaves like a dictionary", arguments: [1, 2, 3, 4] as [UInt64])
    func model(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var map = FlatMap<UInt64, UInt64>(seed: seed, limit: 700)
        try compare(&map, limit: 700, universe: 1000, &random, "seed \(seed)") { $0 }
    }

    @Test("a flat map behaves like a dictionary when nearly every key collides", arguments: [5, 6] as [UInt64])
    func collidingModel(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var map = FlatMap<ClumsyKey, UInt64>(seed: seed, limit: 40)
        try compare(&map, limit: 40, universe: 64, &random, "seed \(seed)") { ClumsyKey(number: $0) }
    }

    private func compare<Key: FlatMapKey & Hashable>(
        _ map: inout FlatMap<Key, UInt64>, limit: Int, universe: UInt64, _ random: inout SplitMix64, _ name: String,
        key makeKey: (UInt64) -> Key
    ) throws {
        var model: [Key: UInt64] = [:]
        for step in 0..<20_000 {
            let key = makeKey(random.next() % universe)
            let value = random.next()
            let place = "\(name) step \(step)"
            switch random.next() % 8 {
            case 0..<(step / 2000 % 2 == 0 ? 5 : 2):
                let fits = model[key] == nil && model.count < limit
                try check(map.insert(value, for: key) == fits, place)
                if fits { model[key] = value }
            case 7:
                try check(map.update(value, for: key) == (model[key] != nil), place)
                if model[key] != nil { model[key] = value }
            default:
                try check(map.remove(key) == model.removeValue(forKey: key), place)
            }
            try check(map.count == model.count, place)
            try check(map.count * 4 <= map.capacity * 3, place)
            guard step % 1000 == 0 else { continue }
            for number in 0..<universe { try check(map[makeKey(number)] == model[makeKey(number)], place) }
        }
    }
}

@Suite("FlatMapKey")
struct FlatMapKeyTests {
    /// Flips every input bit of many keys and counts how often each output bit follows.
    private func worstBias(bits: Int, _ hash: (UInt64, UInt64) -> UInt64) -> Double {
        var random = SplitMix64(seed: 11)
        var worst = 0.0
        let rounds = 2000
        for bit in 0..<bits {
            var flips = [Int](repeating: 0, count: 64)
            for _ in 0..<rounds {
                let (key, seed) = (random.next(), random.next())
                let difference = hash(key, seed) ^ hash(key ^ (1 << UInt64(bit)), seed)
                for output in 0..<64 where difference >> UInt64(output) & 1 == 1 { flips[output] += 1 }
            }
            for count in flips { worst = max(worst, abs(Double(count) / Double(rounds) - 0.5)) }
        }
        return worst
    }

    @Test("every bit of a key moves every bit of the hash half of the time")
    func avalanche() {
        // Six standard deviations of a fair coin at 2000 throws are 0.067.
        #expect(worstBias(bits: 64) { $0.hash(seed: $1) } < 0.07)
        #expect(worstBias(bits: 32) { UInt32(truncatingIfNeeded: $0).hash(seed: $1) } < 0.07)
        #expect(worstBias(bits: 64) { IPAddress.v6(IPv6Address(high: $0, low: 5)).hash(seed: $1) } < 0.07)
        #expect(worstBias(bits: 64) { IPAddress.v6(IPv6Address(high: 5, low: $0)).hash(seed: $1) } < 0.07)
    }

    @Test("every bit of the seed moves every bit of the hash half of the time")
    func seedAvalanche() {
        #expect(worstBias(bits: 64) { $1.hash(seed: $0) } < 0.07)
    }

    @Test("neighbouring ports and hosts spread over the table like chance")
    func neighbours() {
        // 4096 keys in 4096 places leave 1507 of them empty on average (1/e), with a deviation of about 20.
        var seen = Set<UInt64>()
        for port in 0..<4096 {
            let address = SocketAddress(ip: .v4(IPv4Address(rawValue: 0x0A00_0001)), port: UInt16(port))
            seen.insert(address.hash(seed: 99) >> 32 & 4095)
        }
        #expect((4096 - 1627)...(4096 - 1387) ~= seen.count)
    }

    @Test("mix folds the halves of the product")
    func mixing() {
        #expect(mix(3, 5) == 15)
        #expect(mix(1 << 63, 2) == 1)
        #expect(mix(1 << 63, 6) == 3)
        #expect(mix(.max, .max) == 0xFFFF_FFFF_FFFF_FFFF)
    }
}
