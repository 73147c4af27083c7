package import NetworkPrimitives

/// The format of dates in headers: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
package enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    /// The last second of the year 9999; the format has four digits for a year.
    private static let latest: Int64 = 253_402_300_799

    /// The date in text. Times before 1970 and after 9999 become the nearest that is not.
    package static func text(_ time: UnixTime) -> String {
        let seconds = Int(min(max(time.seconds, 0), latest))
        let (days, second) = (seconds / 86_400, seconds % 86_400)
        let (year, month, day) = civil(days)
        // 1 January 1970 was a Thursday.
        return "\(weekdays[(days + 4) % 7]), \(two(day)) \(months[month]) \(four(year)) "
            + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
    }

    /// Year, month from 0 and day from 1 of a day since 1970. Years are counted from March, so that the leap day is the
    /// last of its year and the lengths of months follow a line: 153 days in five months.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let sinceEra = days + 719_468
        let (era, dayOfEra) = (sinceEra / 146_097, sinceEra % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = (monthFromMarch + 2) % 12
        let year = era * 400 + yearOfEra + (month < 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func four(_ number: Int) -> String { two(number / 100) + two(number % 100) }
}
