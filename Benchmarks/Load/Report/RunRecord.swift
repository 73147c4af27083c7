import JSON

/// A run as its line of JSON tells it: what pages are made from, so that a run of today and one of last year are the
/// same to them.
package struct RunRecord: Sendable {
    package struct Latency: Sendable {
        package let p50, p90, p99, p999, maximum: Double
        package let count: Int
        /// Percent and microseconds.
        package let curve: [(percent: Double, microseconds: Double)]
    }

    package struct Sample: Sendable {
        package let seconds, duration: Double
        package let sent, delivered: Int
        package let serverCPU: Double?
        /// Of the latency, in microseconds.
        package let median, p99: Double?
    }

    package struct Probe: Sendable {
        package let request: String
        package let sent, answered, prompt, unanswered, retransmissions: Int
        package let latency: Latency?
    }

    package struct Churn: Sendable {
        package let opened, failures, retransmissions: Int
        package let setUp: Latency?
    }

    package let server, title, unit, mode: String
    package let command, date, processor, kernel: String
    package let processors: Int
    package let seconds, perSecond: Double
    package let delivered, sentInAll, lostInAll, generatorDrops: Int
    package let serverDrops, residentBytes, bytesPerAllocation: Int?
    package let goodput, serverMicroseconds, serverUserShare, idleCPUShare: Double?
    package let voluntarySwitches, involuntarySwitches: Double?
    package let serverShare, generatorShare, foreignShare: Double
    package let latency, lateness: Latency?
    package let probe: Probe?
    package let churn: Churn?
    package let samples: [Sample]
    package let caveats: [String]

    /// Reads what `tern-bench --json` has written.
    package init(parsing text: String) throws(RunRecordError) {
        let limits = JSONLimits(depthMax: 8, valuesMax: 1 << 20)
        guard let document = try? JSONDocument(parsing: Array(text.utf8), limits: limits) else { throw .isNotJSON }
        let root = document.root
        guard root["format"]?.integer == 1, let title = root["title"]?.string else { throw .isOfAnotherKind }
        func string(_ name: String) -> String { root[name]?.string ?? "" }
        func number(_ name: String) -> Double { root[name]?.double ?? 0 }
        func count(_ name: String) -> Int { root[name]?.integer ?? 0 }
        self.title = title
        server = string("server")
        unit = string("unit")
        mode = string("mode")
        command = string("command")
        date = string("date")
        processor = string("processor")
        kernel = string("kernel")
        processors = count("processors")
        seconds = number("seconds")
        perSecond = number("perSecond")
        delivered = count("delivered")
        sentInAll = count("sentInAll")
        lostInAll = count("lostInAll")
        generatorDrops = count("generatorDrops")
        serverDrops = root["serverDrops"]?.integer
        residentBytes = root["residentBytes"]?.integer
        bytesPerAllocation = root["bytesPerAllocation"]?.integer
        goodput = root["goodputBitsPerSecond"]?.double
        serverMicroseconds = root["serverMicroseconds"]?.double
        serverUserShare = root["serverUserShare"]?.double
        idleCPUShare = root["idleCPUShare"]?.double
        voluntarySwitches = root["contextSwitches"]?["voluntaryPerUnit"]?.double
        involuntarySwitches = root["contextSwitches"]?["involuntaryPerUnit"]?.double
        serverShare = number("serverShare")
        generatorShare = number("generatorShare")
        foreignShare = number("foreignShare")
        latency = Latency(root["latency"])
        lateness = Latency(root["lateness"])
        probe = Probe(root["probe"])
        churn = Churn(root["churn"])
        samples = (root["series"]?.elements).map { $0.compactMap(Sample.init) } ?? []
        caveats = (root["caveats"]?.elements).map { $0.compactMap { $0.string } } ?? []
    }
}

/// A text that is no run.
package enum RunRecordError: Error, CustomStringConvertible {
    case isNotJSON
    case isOfAnotherKind

    package var description: String {
        switch self {
        case .isNotJSON: "this is no JSON; reports are made of what --json has written, a line for each run"
        case .isOfAnotherKind: "this is no run of one of the TURN modes; only those have pages"
        }
    }
}

extension RunRecord.Latency {
    fileprivate init?(_ value: JSONValue?) {
        guard let value, let p50 = value["p50"]?.double else { return nil }
        self.p50 = p50
        p90 = value["p90"]?.double ?? p50
        p99 = value["p99"]?.double ?? p50
        p999 = value["p999"]?.double ?? p50
        maximum = value["max"]?.double ?? p50
        count = value["count"]?.integer ?? 0
        curve =
            (value["curve"]?.elements).map { points in
                points.compactMap { point in
                    let numbers = point.elements.compactMap { $0.double }
                    return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
                }
            } ?? []
    }
}

extension RunRecord.Sample {
    fileprivate init?(_ value: JSONValue) {
        let columns = Array(value.elements)
        guard columns.count == 7, let seconds = columns[0].double, let duration = columns[1].double, duration > 0,
            let sent = columns[2].integer, let delivered = columns[3].integer
        else { return nil }
        self.seconds = seconds
        self.duration = duration
        self.sent = sent
        self.delivered = delivered
        serverCPU = columns[4].double
        median = columns[5].double
        p99 = columns[6].double
    }
}

extension RunRecord.Probe {
    fileprivate init?(_ value: JSONValue?) {
        guard let value, let sent = value["sent"]?.integer else { return nil }
        self.sent = sent
        request = value["request"]?.string ?? ""
        answered = value["answered"]?.integer ?? 0
        prompt = value["within50ms"]?.integer ?? 0
        unanswered = value["unanswered"]?.integer ?? 0
        retransmissions = value["retransmissions"]?.integer ?? 0
        latency = RunRecord.Latency(value["latency"])
    }
}

extension RunRecord.Churn {
    fileprivate init?(_ value: JSONValue?) {
        guard let value, let opened = value["opened"]?.integer else { return nil }
        self.opened = opened
        failures = value["failures"]?.integer ?? 0
        retransmissions = value["retransmissions"]?.integer ?? 0
        setUp = RunRecord.Latency(value["setUp"])
    }
}
