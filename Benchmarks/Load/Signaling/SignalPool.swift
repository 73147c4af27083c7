import EventLoop
import LinuxSockets
import NetworkPrimitives

/// The clients of a run, on one poller.
final class SignalPool {
    private let options: SignalOptions
    private var poller: Poller
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private(set) var clients: [SignalClient?] = []
    private(set) var failures: [SignalFailure] = []
    /// How many clients there have been, of this pool and of those before it: each calls from another address.
    private(set) var clientsMade: UInt32

    init(_ options: SignalOptions, after clientsMade: UInt32 = 0) throws(SystemError) {
        self.options = options
        self.clientsMade = clientsMade
        poller = try Poller()
    }

    /// Opens a connection that will be a member of the room, each from another address in 127.0.0.0/8. Answers its
    /// index.
    func open(room: Int) throws(SystemError) -> Int {
        clientsMade += 1
        // From 127.1.0.1 on, so that it is none of the addresses that servers are told to listen on.
        let source = IPv4Address(rawValue: 0x7F01_0000 + clientsMade % 0x00FE_0000)
        let client = try SignalClient(to: options.server, from: source, room: "room-\(room)", options)
        try poller.add(client.stream.raw, token: UInt64(clients.count), interest: .writable)
        clients.append(client)
        return clients.count - 1
    }

    /// Ends that were asked for are no failures.
    func forgetFailures() { failures = [] }

    /// Waits, and lets clients take what has come. `tell` hears of it, with the client's index.
    func round(until deadline: Instant?, _ tell: (Int, SignalClient.Progress) -> Void) throws(SystemError) {
        let count = try poller.wait(until: deadline, now: Clock.monotonic())
        for position in 0..<count {
            let event = poller.event(at: position)
            let index = Int(event.token)
            // Closed by an earlier event of this round.
            guard index < clients.count, let client = clients[index] else { continue }
            if client.step == .connection, event.isWritable, !event.hasError {
                note(index, client.begin(), tell)
                try poller.modify(client.stream.raw, token: event.token, interest: .readable)
            } else {
                read(client, index, tell)
            }
        }
    }

    private func read(_ client: SignalClient, _ index: Int, _ tell: (Int, SignalClient.Progress) -> Void) {
        var span = buffer.mutableSpan
        var room = unsafe span.mutableBytes
        switch client.stream.read(into: &room) {
        case .bytes(let count):
            let bytes = buffer
            unsafe client.receive(bytes.span.bytes.extracting(0..<count)) { note(index, $0, tell) }
        case .wouldBlock: break
        case .endOfStream: note(index, .failed(.lost(nil)), tell)
        case .failed(let error): note(index, .failed(.lost(error)), tell)
        }
    }

    private func note(
        _ index: Int, _ progress: SignalClient.Progress, _ tell: (Int, SignalClient.Progress) -> Void
    ) {
        if case .failed(let failure) = progress {
            failures.append(failure)
            clients[index] = nil
        }
        tell(index, progress)
    }
}
