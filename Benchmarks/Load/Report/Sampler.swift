import CLoad
import EventLoop
import NetworkPrimitives

/// Looks at a run a few times a second, for charts and for whoever watches. That costs a few microseconds each time.
final class Sampler {
    private static let interval: UInt64 = 200_000_000

    private(set) var samples: [Sample] = []
    /// When to call `take` next.
    private(set) var due: UInt64 = .max

    private let pid: Int32?
    private let progress = Progress()
    private var start: UInt64 = 0
    private var end: UInt64 = 0
    private var last = Moment()

    private struct Moment {
        var time: UInt64 = 0
        var sent = 0
        var delivered = 0
        var serverCPU: Int64?
        var latency: LatencyHistogram?
    }

    init(pid: Int32?) { self.pid = pid }

    func begin(at now: UInt64, until end: UInt64, sent: Int, delivered: Int) {
        start = now
        self.end = end
        due = now + Self.interval
        last = Moment(time: now, sent: sent, delivered: delivered, serverCPU: pid.flatMap(processCPU))
    }

    func take(at now: UInt64, sent: Int, delivered: Int, latency: LatencyHistogram?) {
        let moment = Moment(
            time: now, sent: sent, delivered: delivered, serverCPU: pid.flatMap(processCPU), latency: latency)
        let duration = Double(now - last.time) / 1e9
        guard duration > 0.001 else { return }
        var serverCPU: Double?
        if let after = moment.serverCPU, let before = last.serverCPU {
            serverCPU = Double(after - before) / 1e9 / duration
        }
        let recent = latency.map { now in last.latency.map { now.since($0) } ?? now }
        let sample = Sample(
            seconds: Double(now - start) / 1e9, duration: duration, sent: sent - last.sent,
            delivered: delivered - last.delivered, serverCPU: serverCPU,
            median: recent?.percentile(50).map { $0 / 1000 }, p99: recent?.percentile(99).map { $0 / 1000 })
        samples.append(sample)
        last = moment
        due = now + Self.interval
        progress.show(sample, of: Double(end - start) / 1e9)
    }

    /// Takes a last sample, unless the time since the one before is so short that it would tell of chance.
    func finish(at now: UInt64, sent: Int, delivered: Int, latency: LatencyHistogram?) {
        if samples.isEmpty || now - last.time > Self.interval / 2 {
            take(at: now, sent: sent, delivered: delivered, latency: latency)
        }
        due = .max
        progress.clear()
    }
}

/// One line on the terminal that is written again and again. Nothing when standard error is no terminal.
struct Progress {
    private let isVisible = cload_is_terminal(2)

    func show(_ sample: Sample, of seconds: Double) {
        guard isVisible else { return }
        var parts = ["\(Figure.fixed(sample.seconds, 1)) of \(Figure.fixed(seconds, 1)) s"]
        parts.append("\(Figure.grouped(Double(sample.delivered) / sample.duration))/s")
        // What is in flight at the two ends makes small differences, which are no loss.
        let missing = sample.sent - sample.delivered
        parts.append("missing \(Figure.grouped(Double(max(0, missing))))")
        if let cpu = sample.serverCPU { parts.append("server \(Figure.percent(cpu))") }
        if let p99 = sample.p99 { parts.append("p99 \(Figure.duration(p99))") }
        write("\r\u{1B}[K  " + parts.joined(separator: "   "))
    }

    func clear() {
        if isVisible { write("\r\u{1B}[K") }
    }

    private func write(_ text: String) {
        unsafe Array(text.utf8).withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe cload_write(2, start, bytes.count)
        }
    }
}
