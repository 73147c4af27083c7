import JSON

// One line for programs. Names stay as they are: others read them.
extension Report {
    private static let curve: [Double] = [
        0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99, 99.999, 100,
    ]

    var json: String {
        var writer = JSONWriter(reserving: 4096)
        writer.beginObject()
        writeRun(to: &writer)
        writeInterval(to: &writer)
        writeLosses(to: &writer)
        writer.latency("latency", outcome.latency, curve: Self.curve)
        writeLateness(to: &writer)
        writeCompanions(to: &writer)
        writeMemory(to: &writer)
        writeSeries(to: &writer)
        writer.name("caveats")
        writer.beginArray()
        for caveat in caveats { writer.string(caveat) }
        writer.endArray()
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func writeRun(to writer: inout JSONWriter) {
        let machine = Machine()
        writer.member("format", 1)
        writer.member("title", title)
        writer.member("server", serverName)
        writer.member("unit", unit)
        writer.member("date", machine.date)
        writer.member("processor", machine.processor)
        writer.member("processors", machine.processors)
        writer.member("kernel", machine.kernel)
        // Whoever passes a report on should not pass on the password.
        writer.member("command", (["tern-bench"] + withoutPassword).joined(separator: " "))
        writer.member("mode", options.mode.rawValue)
        writer.member("transport", options.transport.rawValue)
        writer.member("direction", options.direction.rawValue)
        if let name = outcome.protocolName { writer.member("encryption", name) }
        writer.member("allocations", options.allocations)
        writer.member("payload", options.payload)
        writer.member("burst", options.burst)
        writer.member("direct", options.isDirect)
        writer.member("flood", options.pace == .flood)
        if case .window(let size) = options.pace { writer.member("window", size) } else { writer.none("window") }
        if case .rate(let perSecond) = options.pace { writer.member("rate", perSecond) } else { writer.none("rate") }
    }

    private var withoutPassword: [String] {
        command.indices.map { index in
            if index > 0, command[index - 1] == "--password" { return "…" }
            return command[index].contains(" ") ? "'\(command[index])'" : command[index]
        }
    }

    private func writeInterval(to writer: inout JSONWriter) {
        let interval = outcome.interval
        writer.member("seconds", interval.seconds)
        writer.member("delivered", interval.delivered)
        writer.member("perSecond", Double(interval.delivered) / max(interval.seconds, 1e-9))
        writer.member("goodputBitsPerSecond", goodputBitsPerSecond)
        writer.member("serverMicroseconds", interval.microsecondsPerOperation)
        writer.member("perServerSecond", perServerSecond)
        writer.member("serverUserMicroseconds", interval.userMicrosecondsPerOperation)
        writer.member("serverShare", interval.serverShare)
        writer.member("serverUserShare", interval.userShare)
        writer.member("generatorShare", interval.generatorShare)
        writer.member("foreignShare", interval.foreignShare)
        writer.member("saturated", outcome.isSaturated)
        writer.name("contextSwitches")
        guard let voluntary = interval.voluntarySwitches, let involuntary = interval.involuntarySwitches else {
            return writer.null()
        }
        let count = Double(max(1, interval.delivered))
        writer.beginObject()
        writer.member("voluntary", voluntary)
        writer.member("involuntary", involuntary)
        writer.member("voluntaryPerUnit", Double(voluntary) / count)
        writer.member("involuntaryPerUnit", Double(involuntary) / count)
        writer.endObject()
    }

    private func writeLosses(to writer: inout JSONWriter) {
        writer.member("sentInAll", outcome.sent)
        writer.member("lostInAll", outcome.lost)
        writer.member("refusedBySystem", outcome.refusedBySystem)
        writer.member("generatorDrops", outcome.generatorDrops)
        if let drops = outcome.serverDrops { writer.member("serverDrops", drops) } else { writer.none("serverDrops") }
        writer.member("stalls", outcome.stalls)
        writer.member("endedConnections", outcome.endedConnections)
        if let handshakes = outcome.handshakes {
            writer.member("handshakes", handshakes.finished)
            writer.member("resumed", handshakes.resumed)
        }
        writer.member("unexpected", outcome.unexpected)
        writer.member("failures", outcome.failures)
        writer.name("refusals")
        writer.beginArray()
        for code in outcome.refusals { writer.integer(code) }
        writer.endArray()
    }

    private func writeLateness(to writer: inout JSONWriter) {
        writer.latency("lateness", outcome.lateness, curve: [])
        writer.member("leftOut", outcome.skipped)
    }

    private func writeCompanions(to writer: inout JSONWriter) {
        if let probe = outcome.probe {
            writer.name("probe")
            writer.beginObject()
            writer.member("request", probe.isRefresh ? "refresh" : "binding")
            writer.member("sent", probe.sent)
            writer.member("answered", probe.answered)
            writer.member("within50ms", probe.prompt)
            writer.member("unanswered", probe.unanswered)
            writer.member("retransmissions", probe.retransmissions)
            writer.member("refusals", probe.refusals)
            writer.latency("latency", probe.latency, curve: [])
            writer.endObject()
        }
        if let churn = outcome.churn {
            writer.name("churn")
            writer.beginObject()
            writer.member("opened", churn.opened)
            writer.member("released", churn.released)
            writer.member("failures", churn.failures)
            writer.member("retransmissions", churn.retransmissions)
            writer.latency("setUp", churn.setUp, curve: [])
            writer.endObject()
        }
    }

    private func writeMemory(to writer: inout JSONWriter) {
        if let resident = outcome.resident { writer.member("residentBytes", resident) }
        guard let memory = outcome.memory else { return }
        writer.member("residentBefore", memory.before)
        writer.member("residentOpen", memory.open)
        writer.member("residentAfterwards", memory.afterwards)
        writer.member("bytesPerAllocation", bytesPerAllocation ?? 0)
        writer.member("idleCPUShare", memory.idleCPUShare)
    }

    /// Columns: seconds, duration, sent, delivered, cores of the server, median and p99 of latency in microseconds.
    private func writeSeries(to writer: inout JSONWriter) {
        writer.name("series")
        writer.beginArray()
        for sample in outcome.samples {
            writer.beginArray()
            writer.number(sample.seconds)
            writer.number(sample.duration)
            writer.integer(sample.sent)
            writer.integer(sample.delivered)
            writer.number(sample.serverCPU)
            writer.number(sample.median)
            writer.number(sample.p99)
            writer.endArray()
        }
        writer.endArray()
    }
}

extension JSONWriter {
    fileprivate mutating func none(_ name: String) {
        self.name(name)
        null()
    }

    fileprivate mutating func member(_ name: String, _ value: Double?) {
        self.name(name)
        number(value)
    }

    fileprivate mutating func number(_ value: Double?) {
        guard let value, value.isFinite else { return null() }
        raw(Array("\(value)".utf8))
    }

    /// Percentiles in microseconds; null when nothing was measured.
    fileprivate mutating func latency(_ name: String, _ histogram: LatencyHistogram?, curve: [Double]) {
        self.name(name)
        guard let histogram, histogram.count > 0 else { return null() }
        func microseconds(_ percent: Double) -> Double? { histogram.percentile(percent).map { $0 / 1000 } }
        beginObject()
        member("p50", microseconds(50))
        member("p90", microseconds(90))
        member("p99", microseconds(99))
        member("p999", microseconds(99.9))
        member("max", microseconds(100))
        member("count", histogram.count)
        if !curve.isEmpty {
            self.name("curve")
            beginArray()
            for percent in curve {
                beginArray()
                number(percent)
                number(microseconds(percent))
                endArray()
            }
            endArray()
        }
        endObject()
    }
}
