import Containers
import Testing

@Suite("SplitMix64")
struct SplitMix64Tests {
    @Test("the sequence of seed 1234567 is the published one")
    func publishedVector() {
        var generator = SplitMix64(seed: 1_234_567)
        #expect(generator.next() == 6_457_827_717_110_365_317)
        #expect(generator.next() == 3_203_168_211_198_807_973)
        #expect(generator.next() == 9_817_491_932_198_370_423)
    }

    @Test("seed zero is not a fixed point")
    func zeroSeed() {
        var generator = SplitMix64(seed: 0)
        #expect(generator.next() == 0xE220_A839_7B1D_CDAF)
    }

    @Test("equal seeds give equal sequences")
    func replay() {
        var first = SplitMix64(seed: 42)
        var second = SplitMix64(seed: 42)
        for _ in 0..<100 { #expect(first.next() == second.next()) }
    }
}
