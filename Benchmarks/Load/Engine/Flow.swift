import LinuxSockets
import NetworkPrimitives

/// One direction of one allocation, or the requests of one client: where datagrams leave, and what they are.
struct Flow {
    let sender: CInt
    /// The connection that it leaves by instead; -1 for a datagram socket.
    var link: Int32 = -1
    /// The train of datagrams, within `Traffic.trains`.
    let start: Int
    var datagramBytes: Int
    /// Where in each datagram its time is written; nil when there is no room.
    let stampOffset: Int?
    /// Requests that end with MESSAGE-INTEGRITY, which has to be computed anew for each time.
    var isSealed = false
}

/// Where datagrams come in, and what they should look like.
struct Arrival {
    enum Form {
        /// As it left.
        case payload
        /// Behind the four bytes of ChannelData.
        case channelData
        /// Somewhere in a Data indication.
        case indication
        /// The answer to a request.
        case response
    }

    let raw: CInt
    /// The connection that it comes by instead; -1 for a datagram socket.
    let link: Int32
    let form: Form
    let bytes: ClosedRange<Int>
    /// Where the time was found the last time.
    var stampOffset: Int
    /// Slots to ask the kernel for: one while datagrams come alone.
    var limit: UInt32 = 1
    /// The round in which something came last.
    var round = 0

    init(at raw: CInt, link: Int32 = -1, _ form: Form, bytes: ClosedRange<Int>) {
        self.raw = raw
        self.link = link
        self.form = form
        self.bytes = bytes
        stampOffset =
            switch form {
            case .payload: 0
            case .channelData: 4
            // Header, XOR-PEER-ADDRESS of IPv4, and the head of DATA; looked for when it is not there.
            case .indication: 36
            case .response: 8
            }
    }
}

/// Something that goes on next to the traffic, in the same loop.
protocol Companion: AnyObject {
    /// Called once, before anything is sent. Sockets are to be given to `traffic.watch`.
    func begin(in traffic: Traffic, at now: UInt64) throws(SystemError)
    /// When `attend` is to be called next, in nanoseconds.
    var due: UInt64 { get }
    func attend(at now: UInt64) throws(SystemError)
    /// Something waits at the socket that was watched under this number.
    func receive(from number: Int, at now: UInt64) throws(SystemError)
}
