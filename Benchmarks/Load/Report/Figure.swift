/// Numbers as people read them.
package enum Figure {
    /// With so many digits behind the point.
    package static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "–" }
        var factor = 1.0
        for _ in 0..<digits { factor *= 10 }
        let scaled = (abs(value) * factor).rounded()
        guard scaled < 9e15 else { return "\(value)" }
        let number = Int(scaled)
        let sign = value < 0 && number > 0 ? "-" : ""
        guard digits > 0 else { return sign + "\(number)" }
        let fraction = String(number % Int(factor))
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return sign + "\(number / Int(factor)).\(zeros)\(fraction)"
    }

    /// A whole number with a comma before every third digit.
    package static func grouped(_ value: Double) -> String {
        let digits = Array(fixed(abs(value), 0))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (value <= -0.5 ? "-" : "") + text
    }

    /// Of one; 0.5 is 50 %.
    package static func percent(_ share: Double) -> String {
        if share == 0 { return "0 %" }
        let percent = share * 100
        return "\(fixed(percent, abs(percent) < 0.1 ? 3 : 1)) %"
    }

    /// A duration in microseconds, with the unit that suits it and three digits that count.
    package static func duration(_ microseconds: Double) -> String {
        let (value, unit) =
            switch microseconds {
            case ..<999.5: (microseconds, "µs")
            case ..<999_500: (microseconds / 1e3, "ms")
            default: (microseconds / 1e6, "s")
            }
        return "\(fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0)) \(unit)"
    }

    /// A rate of bits.
    package static func bits(_ perSecond: Double) -> String {
        switch perSecond {
        case ..<1e6: "\(fixed(perSecond / 1e3, 1)) kbit/s"
        case ..<1e9: "\(fixed(perSecond / 1e6, 1)) Mbit/s"
        default: "\(fixed(perSecond / 1e9, 2)) Gbit/s"
        }
    }

    /// An amount of memory.
    package static func bytes(_ count: Double) -> String {
        switch abs(count) {
        case ..<10_000: "\(grouped(count)) B"
        case ..<10_000_000: "\(fixed(count / 1e3, 1)) kB"
        default: "\(fixed(count / 1e6, 1)) MB"
        }
    }
}
