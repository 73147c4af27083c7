import Containers
import TURN
import Telemetry

/// The name of an allocation for operators: eighteen digits, as coturn has them. Three are the worker's, the others the
/// place of the allocation and how often that was used, so that no two are the same while the server runs.
struct SessionNumber: Hashable, Sendable {
    let worker: Int
    private let place: UInt64
    private static let placeDigits = 15

    init(_ session: SessionSummary, worker: Int) {
        let handle = session.allocation.handle
        self.worker = worker
        place = UInt64(handle.generation) << 20 | UInt64(handle.index & 0xF_FFFF)
    }

    /// Reads eighteen digits.
    init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 18, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let worker = Int(text.prefix(3)), let place = UInt64(text.dropFirst(3))
        else { return nil }
        self.worker = worker
        self.place = place
    }

    func append(to line: inout LineBuilder) {
        line.append(UInt64(worker), digitCountMin: 3)
        line.append(place, digitCountMin: Self.placeDigits)
    }

    var text: String {
        var line = LineBuilder()
        append(to: &line)
        return line.text
    }
}
