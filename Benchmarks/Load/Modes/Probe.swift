import CLoad
import LinuxSockets
import NetworkPrimitives
import STUN

/// A client of its own that asks fifty times a second while the load goes on: whether the server still answers requests
/// when it has more to relay than it can.
///
/// It asks for a Refresh of its own allocation, or for a Binding when it has none. Who is not answered asks again as
/// RFC 8489 §6.2.1 says, and the latency is counted from when the request was due for the first time.
final class Probe: Companion {
    private static let perSecond = 50
    private static let firstRetransmission: UInt64 = 500_000_000
    private static let requestsMax = 7
    private static let prompt: UInt64 = 50_000_000

    private struct Pending {
        let number: UInt64
        let due: UInt64
        var retransmitAt: UInt64
        var requests = 1
    }

    private(set) var findings = Outcome.Probe()
    private var pacer: Pacer
    private let inbox = Inbox()
    private let link: Link
    private let client: Client?
    private let credentials: Credentials
    private var nonce: [UInt8]
    private var pending: [Pending] = []
    private let transactionHigh: UInt32
    private var next: UInt64 = 1

    /// `client` has an allocation; nil asks for Bindings, by `link`.
    init(client: Client?, link: Link, credentials: Credentials) {
        self.client = client
        self.link = link
        self.credentials = credentials
        nonce = client?.nonce ?? []
        findings.isRefresh = client != nil
        transactionHigh = UInt32(truncatingIfNeeded: 0x7072_6F62)
        pacer = Pacer(start: 0, perSecond: Self.perSecond, burst: 1)
    }

    func begin(in traffic: Traffic, at now: UInt64) throws(SystemError) {
        pacer = Pacer(start: now, perSecond: Self.perSecond, burst: 1)
        try traffic.watch(link.raw, for: self, number: 0)
    }

    var due: UInt64 { pending.reduce(pacer.due) { min($0, $1.retransmitAt) } }

    func attend(at now: UInt64) {
        pacer.skipHopeless(at: now)
        while pacer.due <= now {
            let request = Pending(number: next, due: pacer.due, retransmitAt: now + Self.firstRetransmission)
            next += 1
            pending.append(request)
            findings.sent += 1
            send(request.number)
            pacer.advance()
        }
        for index in pending.indices.reversed() where pending[index].retransmitAt <= now {
            guard pending[index].requests < Self.requestsMax else {
                findings.unanswered += 1
                pending.remove(at: index)
                continue
            }
            let interval = Self.firstRetransmission << UInt64(pending[index].requests)
            pending[index].retransmitAt = now + interval
            pending[index].requests += 1
            findings.retransmissions += 1
            send(pending[index].number)
        }
    }

    func receive(from number: Int, at now: UInt64) {
        link.receive(inbox) { take($0, at: now) }
    }

    /// Requests on their way when the load ends are not awaited.
    func finish() {
        let overdue = pending.filter { $0.requests > 1 }.count
        findings.unanswered += overdue
        findings.sent -= pending.count - overdue
        pending = []
    }

    private func take(_ bytes: RawSpan, at now: UInt64) {
        guard
            let index = pending.firstIndex(where: { request in
                Response(bytes, to: transaction(request.number)) != nil
            })
        else { return }
        guard let response = Response(bytes, to: transaction(pending[index].number)) else { return }
        if response.errorCode == 438, let fresh = response.nonce {
            // The same question once more; its latency is counted on.
            nonce = fresh
            send(pending[index].number)
            return
        }
        let latency = now - min(now, pending[index].due)
        pending.remove(at: index)
        if response.errorCode != nil {
            findings.refusals += 1
            return
        }
        findings.answered += 1
        if latency <= Self.prompt { findings.prompt += 1 }
        findings.latency.record(latency)
    }

    private func transaction(_ number: UInt64) -> TransactionID { TransactionID(high: transactionHigh, low: number) }

    private func send(_ number: UInt64) {
        let id = transaction(number)
        let request =
            client == nil
            ? AuthenticatedRequest.binding(transactionID: id)
            : AuthenticatedRequest.refresh(credentials, nonce: nonce, transactionID: id)
        request.withRawSpan { link.send($0) }
    }
}
