import Containers
import NetworkPrimitives
import TLS
import TURN

/// An association with one client.
struct DTLSAssociation: ~Copyable {
    let path: FiveTuple
    var session: DTLSSession
    /// Of the ClientHello that began it.
    let random: ClientHello.Random
    let handshakeEnd: Instant
    var isEstablished = false
    var hasAllocation = false
}

/// Why an association ends.
enum DTLSEnd {
    case byClient, failed, displaced, idle, replaced
}

/// What came of one call of `read`.
struct DTLSReading {
    /// A message of so many bytes lies at the start of the room; none when it is zero.
    let byteCount: Int
    /// Call again, with the room behind.
    let hasMore: Bool
}

/// Whether a message was encrypted.
enum DTLSSending {
    case sent
    /// There is no association, or not yet.
    case noAssociation
    /// Longer than a record (RFC 6347 §4.1).
    case tooLong
}

/// The DTLS associations of one worker, by five-tuple: who is met, who is remembered, and until when.
///
/// It owns no socket. What it has to say after a call lies in its outbox and is about one client: the caller takes it
/// out before the next call. The ends of associations that may have an allocation are handed out by `takeEnded`.
struct DTLSTable: ~Copyable {
    private static let datagramByteCountMax = 65_536
    private static let outboxDatagramCountMax = 64
    /// A timer of OpenSSL that seems to be due is asked again at the soonest after this.
    private static let timerMilliseconds: UInt32 = 10

    private var limits: DTLSLimits
    private let book: DTLSBook?
    private var listener: DTLSListener?
    private var associations: Slab<DTLSAssociation>
    private var handles: FlatMap<FiveTuple, SlabHandle>
    /// Of handshakes, and of associations without an allocation.
    private var timers: TimerWheel
    /// Those whose handshake goes on.
    private var handshakes = AgeList()
    /// Those who have no allocation.
    private var idlers = AgeList()
    private var handshakesLeft: Int
    private var meter: SourceRateLimiter
    private var ended: [FiveTuple] = []
    /// The datagram that is read: its plain text is written to where it lay.
    private var ciphertext: [UInt8] = []
    /// What `read` has not been given yet.
    private var unread = 0..<0
    /// A message whose parts lay apart.
    private var plaintext: [UInt8] = []
    private(set) var outbox = TLSOutbox(
        byteCountMax: Self.datagramByteCountMax, datagramCountMax: Self.outboxDatagramCountMax)
    private(set) var counters = DTLSCounters()
    /// Why the last handshake failed, until somebody asks.
    private var failure: TLSFailure?

    /// Without a context or a book nobody is met.
    init(_ context: TLSContext?, limits: DTLSLimits, book: DTLSBook?, seeds: (UInt64, UInt64), start: Instant) {
        self.limits = limits
        self.book = book
        associations = Slab(limit: limits.associationsMax)
        handles = FlatMap(seed: seeds.0, limit: limits.associationsMax)
        timers = TimerWheel(start: start)
        handshakesLeft = limits.handshakesPerRound
        meter = Self.meter(limits, seed: seeds.1)
        listener = nil
        renew(context)
    }

    /// Who is met from now on is met with this context.
    mutating func renew(_ context: TLSContext?) {
        guard let context, let book else {
            listener = nil
            return
        }
        listener = DTLSListener(context, cookieKey: book.cookieKey)
    }

    /// Goes by other limits; the size of the table stays. A meter of another rate begins anew.
    mutating func adopt(_ limits: DTLSLimits, seed: UInt64) {
        precondition(limits.associationsMax == self.limits.associationsMax, "the table is made once")
        if limits.handshakesPerSecond != self.limits.handshakesPerSecond {
            meter = Self.meter(limits, seed: seed)
        }
        self.limits = limits
    }

    private static func meter(_ limits: DTLSLimits, seed: UInt64) -> SourceRateLimiter {
        SourceRateLimiter(
            seed: seed, ratePerSecond: limits.handshakesPerSecond, burst: limits.handshakesPerSecond * 5,
            capacity: limits.meteredSourcesMax)
    }

    /// Whether datagrams of DTLS are for us.
    var isServing: Bool { associations.count > 0 || listener != nil }

    var count: Int { associations.count }

    /// A round of the worker begins.
    mutating func beginRound() { handshakesLeft = limits.handshakesPerRound }

    /// Who has to read this datagram; nil when it is for `meet`. A ClientHello that is not the one which began the
    /// association begins another (RFC 6347 §4.2.8).
    func reader(of datagram: RawSpan, on path: FiveTuple) -> SlabHandle? {
        guard let handle = handles[path] else { return nil }
        if let hello = ClientHello(datagram), hello.random != associations[handle].random { return nil }
        return handle
    }

    // MARK: - Beginning

    /// Looks at a datagram that no association reads. Anybody can send one in the name of somebody else, so an
    /// association lives until the cookie has come back from its address.
    mutating func meet(_ datagram: RawSpan, on path: FiveTuple, at now: Instant) {
        guard let book, let hello = ClientHello(datagram) else { return }
        guard hello.hasCookie else {
            greet(datagram, path, nil, at: now)
            return
        }
        // Asked before the cookie is looked at, because the answer to a good one is what costs.
        let source = path.client.socketAddress.ip
        let hasRoom = associations.count < limits.associationsMax || handles[path] != nil
        guard hasRoom, handshakesLeft > 0, meter.allow(source, at: now) else {
            counters.refused += 1
            return
        }
        let isAdmitted = book.associations.admit(source) == nil
        if !isAdmitted { counters.refused += 1 }
        if isAdmitted, greet(datagram, path, hello, at: now) { return }
        if isAdmitted { book.associations.release(source, hadAllocation: false) }
        // A made-up cookie is not held against the address in whose name it came.
        meter.refund(source)
    }

    /// True when an association has begun, which only happens with a hello that may begin one.
    @discardableResult
    private mutating func greet(
        _ datagram: RawSpan, _ path: FiveTuple, _ hello: ClientHello?, at now: Instant
    ) -> Bool {
        guard listener != nil else { return false }
        switch listener?.receive(datagram, from: path.client.socketAddress, at: now, outbox: &outbox) {
        case .accepted(let session):
            guard let hello else { return false }
            counters.begun += 1
            if let failure = session.failure {
                // They have nothing in common, as the alert in the outbox says.
                self.failure = failure
                counters.failed += 1
                return false
            }
            begin(session, hello, path, at: now)
            return true
        case .challenged:
            counters.challenged += 1
            return false
        case .ignored: return false
        case nil: return false
        }
    }

    private mutating func begin(
        _ session: consuming DTLSSession, _ hello: ClientHello, _ path: FiveTuple, at now: Instant
    ) {
        if let old = handles[path] { end(old, .replaced) }
        if handshakes.count >= limits.handshakesMax { displace(handshakes.oldest) }
        let association = DTLSAssociation(
            path: path, session: session, random: hello.random,
            handshakeEnd: now.advanced(bySeconds: limits.handshakeSeconds))
        guard let handle = associations.insert(association) else {
            preconditionFailure("there is room, which was asked for before the answer was made")
        }
        handles.insert(handle, for: path)
        handshakes.append(handle.index)
        handshakesLeft -= 1
        awaitAnswer(handle, at: now)
    }

    // MARK: - Reading

    /// Takes a copy of the datagram that `read` is about.
    mutating func load(_ datagram: RawSpan) {
        ciphertext.removeAll(keepingCapacity: true)
        unsafe datagram.withUnsafeBytes { unsafe ciphertext.append(contentsOf: $0) }
        unread = 0..<ciphertext.count
    }

    /// Decrypts the next message of the datagram that was loaded.
    mutating func read(_ handle: SlabHandle, into room: inout MutableRawSpan, at now: Instant) -> DTLSReading {
        guard associations.contains(handle) else { return DTLSReading(byteCount: 0, hasMore: false) }
        let receipt = Self.decrypt(
            ciphertext, unread, by: &associations[handle], into: &room, outbox: &outbox)
        let isStuck = receipt.takenByteCount == 0 && receipt.plaintextByteCount == 0
        if receipt.takenByteCount > 0 { unread = ciphertext.count..<ciphertext.count }
        switch receipt.progress {
        case .needsInput, .hasMore, .outboxFull: settleHandshake(handle, at: now)
        case .closed:
            // RFC 5246 §7.2.1: it is answered by ours.
            associations[handle].session.close(outbox: &outbox)
            end(handle, .byClient)
        case .failed(let failure):
            if !associations[handle].isEstablished { self.failure = failure }
            end(handle, .byClient)
        }
        return DTLSReading(
            byteCount: receipt.plaintextByteCount, hasMore: receipt.progress == .hasMore && !isStuck)
    }

    // The datagram and the association are parts of one value, and each is named by itself here.
    private static func decrypt(
        _ ciphertext: [UInt8], _ unread: Range<Int>, by association: inout DTLSAssociation,
        into room: inout MutableRawSpan, outbox: inout TLSOutbox
    ) -> TLSReceipt {
        association.session.receive(
            unsafe ciphertext.span.bytes.extracting(unread), plaintext: &room, outbox: &outbox)
    }

    private mutating func settleHandshake(_ handle: SlabHandle, at now: Instant) {
        guard !associations[handle].isEstablished else { return }
        guard associations[handle].session.isEstablished else { return awaitAnswer(handle, at: now) }
        associations[handle].isEstablished = true
        handshakes.remove(handle.index)
        counters.established += 1
        startIdling(handle, at: now)
    }

    // MARK: - Writing

    /// Encrypts a message for the client at the other end of `path`, into the outbox.
    mutating func send(_ message: RawSpan, to path: FiveTuple) -> DTLSSending {
        guard let handle = handles[path], associations[handle].isEstablished else { return .noAssociation }
        return associations[handle].session.send(message, outbox: &outbox) ? .sent : .tooLong
    }

    /// As `send`, for a message whose parts lie apart.
    mutating func send(header: RawSpan, payload: RawSpan, padding: Int, to path: FiveTuple) -> DTLSSending {
        guard let handle = handles[path], associations[handle].isEstablished else { return .noAssociation }
        plaintext.removeAll(keepingCapacity: true)
        unsafe header.withUnsafeBytes { unsafe plaintext.append(contentsOf: $0) }
        unsafe payload.withUnsafeBytes { unsafe plaintext.append(contentsOf: $0) }
        for _ in 0..<padding { plaintext.append(0) }
        return Self.encrypt(plaintext, by: &associations[handle], outbox: &outbox) ? .sent : .tooLong
    }

    // See `decrypt`.
    private static func encrypt(
        _ message: [UInt8], by association: inout DTLSAssociation, outbox: inout TLSOutbox
    ) -> Bool {
        association.session.send(unsafe message.span.bytes, outbox: &outbox)
    }

    /// What lay in the outbox was handed on.
    mutating func emptyOutbox() { outbox.removeAll() }

    // MARK: - Allocations

    mutating func allocationOpened(_ path: FiveTuple) {
        guard let handle = handles[path], !associations[handle].hasAllocation else { return }
        associations[handle].hasAllocation = true
        idlers.remove(handle.index)
        timers.cancel(handle.index)
        book?.associations.allocationOpened(path.client.socketAddress.ip)
    }

    mutating func allocationClosed(_ path: FiveTuple, at now: Instant) {
        // Gone when it is the association that has ended; another one may have taken its place.
        guard let handle = handles[path], associations[handle].hasAllocation else { return }
        associations[handle].hasAllocation = false
        book?.associations.allocationClosed(path.client.socketAddress.ip)
        startIdling(handle, at: now)
    }

    // MARK: - Time

    var nextDeadline: Instant? { timers.nextDeadline }

    /// Does what is due for one association, and says to whom the outbox goes; nil when nothing is left.
    mutating func handleDeadline(at now: Instant) -> FiveTuple? {
        while let index = timers.popExpired(at: now) {
            guard let handle = associations.handle(at: index) else { continue }
            let path = associations[handle].path
            if associations[handle].isEstablished {
                associations[handle].session.close(outbox: &outbox)
                end(handle, .idle)
            } else if associations[handle].handshakeEnd <= now {
                failure = .timeout
                end(handle, .failed)
            } else if case .failed(let failure) = associations[handle].session.handleTimeout(outbox: &outbox) {
                self.failure = failure
                end(handle, .failed)
            } else {
                awaitAnswer(handle, at: now)
            }
            return path
        }
        return nil
    }

    private mutating func startIdling(_ handle: SlabHandle, at now: Instant) {
        if idlers.count >= limits.idleMax { displace(idlers.oldest) }
        idlers.append(handle.index)
        timers.cancel(handle.index)
        guard limits.idleSeconds > 0 else { return }
        timers.schedule(handle.index, at: now.advanced(bySeconds: limits.idleSeconds))
    }

    /// Waits for the next flight of a handshake.
    private mutating func awaitAnswer(_ handle: SlabHandle, at now: Instant) {
        var deadline = associations[handle].handshakeEnd
        if let timeout = associations[handle].session.nextTimeout(at: now) {
            deadline = min(deadline, max(timeout, now.advanced(byMilliseconds: Self.timerMilliseconds)))
        }
        timers.schedule(handle.index, at: deadline)
    }

    // MARK: - Ending

    /// Makes room. Nobody is told: a handshake has nobody to tell, and the outbox is about somebody else.
    private mutating func displace(_ index: UInt32?) {
        guard let index, let handle = associations.handle(at: index) else { return }
        end(handle, .displaced)
    }

    private mutating func end(_ handle: SlabHandle, _ end: DTLSEnd) {
        guard let association = associations.remove(handle) else { preconditionFailure("ended once") }
        let path = association.path
        handles.remove(path)
        timers.cancel(handle.index)
        handshakes.remove(handle.index)
        idlers.remove(handle.index)
        book?.associations.release(path.client.socketAddress.ip, hadAllocation: association.hasAllocation)
        if association.isEstablished { ended.append(path) }
        switch end {
        case .byClient: if !association.isEstablished { counters.failed += 1 }
        case .failed: counters.failed += 1
        case .displaced: counters.displaced += 1
        case .idle: counters.idle += 1
        case .replaced: counters.replaced += 1
        }
    }

    /// Why the handshake failed that the last call was about; nil when none did.
    mutating func takeFailure() -> TLSFailure? {
        defer { failure = nil }
        return failure
    }

    /// The five-tuple of an association that has ended; its allocation is the caller's to end.
    mutating func takeEnded() -> FiveTuple? { ended.popLast() }

    /// Those to whom `close` says goodbye.
    var establishedPaths: [FiveTuple] {
        var paths: [FiveTuple] = []
        associations.forEachHandle { handle in
            if associations[handle].isEstablished { paths.append(associations[handle].path) }
        }
        return paths
    }

    /// Says goodbye, because the server stops.
    mutating func close(_ path: FiveTuple) {
        guard let handle = handles[path] else { return }
        associations[handle].session.close(outbox: &outbox)
    }
}
