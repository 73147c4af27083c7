package import EngineIO
import HTTP
package import JSON
package import Signaling

/// A client's place in a namespace. Never used twice; says nothing to others.
package struct SocketID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Which namespaces there are.
package enum SocketNamespaces: Hashable, Sendable {
    /// Others are refused with `Invalid namespace`, as the reference does.
    case listed(Set<String>)
    /// The application decides about each when somebody comes to it.
    case decidedByApplication

    func mayContain(_ namespace: String) -> Bool {
        switch self {
        case .listed(let names): names.contains(namespace)
        case .decidedByApplication: true
        }
    }
}

/// What the operator decided about Socket.IO.
package struct SocketSettings: Sendable {
    /// From the opening of a session until it has to be in a namespace.
    package var connectTimeoutMilliseconds: UInt32 = 45_000
    /// From a packet until its attachments have to be there.
    package var attachmentTimeoutMilliseconds: UInt32 = 10_000
    package var namespaces = SocketNamespaces.listed(["/"])
    package var socketsPerSessionMax = 8
    /// How often one session may be kept or sent out of a namespace before it is closed.
    package var refusalsPerSessionMax = 32
    /// Questions to one client that wait for its answer.
    package var questionsPerSocketMax = 64
    package var packets = SocketPacketLimits()

    package init() {}
}

/// Somebody wants into a namespace. The application answers with `accept` or `refuse`.
package struct SocketConnect: Sendable {
    package let socket: SocketID
    package let session: EngineSessionID
    package let revision: SocketProtocol
    package let namespace: String
    /// What clients call this socket; in protocol 4 it is made of the transport's secret, by definition.
    package let name: String
    /// The object of the packet as it was written; protocol 5 only.
    package let auth: ArraySlice<UInt8>?
    package let visitor: Visitor
    /// The token that came in a header of the session's first request.
    package let token: [UInt8]?
    /// The query of the session, and that of the namespace, as they were sent.
    package let queries: [String]

    package init(
        socket: SocketID, session: EngineSessionID, revision: SocketProtocol, namespace: String, name: String,
        auth: ArraySlice<UInt8>?, visitor: EngineVisitor, queries: [String]
    ) {
        self.socket = socket
        self.session = session
        self.revision = revision
        self.namespace = namespace
        self.name = name
        self.auth = auth
        self.visitor = visitor.visitor
        token = visitor.token
        self.queries = queries
    }

    /// A value of the namespace's query (protocol 4), else of the session's.
    package func query(_ name: String) -> String? {
        for query in queries.reversed() {
            if let value = RequestTarget("/?" + query)?.query(name) { return value }
        }
        return nil
    }
}

/// Something that a client says, with its attachments.
package struct SocketEvent: Sendable {
    package let name: String
    package let arguments: SocketArguments
    /// What to say to `acknowledge`; nil when no answer is wanted.
    package let acknowledgement: AcknowledgementID?

    /// The array as it came, the name first, without its attachments.
    package var array: JSONValue { arguments.array.root }

    package init(name: String, arguments: SocketArguments, acknowledgement: AcknowledgementID? = nil) {
        self.name = name
        self.arguments = arguments
        self.acknowledgement = acknowledgement
    }
}

/// Why somebody is in a namespace no more.
package enum SocketDisconnectReason: Hashable, Sendable {
    /// The client said so.
    case client
    /// The application said so.
    case server
    /// The session broke a rule of Socket.IO.
    case malformed
    /// The session is gone.
    case transport(EngineCloseReason)
}

/// How the application parts with a client.
package enum SocketFarewell: Hashable, Sendable {
    /// Out of this namespace; clients do not come back by themselves.
    case kick
    /// The whole session is closed; clients come back after a while.
    case closeTransport
}

/// What the sockets ask of the transport and of the application.
package enum SocketOutput: Sendable {
    /// The messages, one behind the other, to each of the sessions.
    case send([EngineMessage], to: [EngineSessionID])
    case closeSession(EngineSessionID)
    case connect(SocketConnect)
    case event(SocketID, SocketEvent)
    /// The answer to a question of the application.
    case acknowledged(SocketID, AcknowledgementID, SocketArguments)
    /// The end of a socket that was announced by `connect` and not refused; once for each.
    case disconnected(SocketID, SocketDisconnectReason)
}

/// What happened, and what was refused, since the start.
package struct SocketCounters: Hashable, Sendable {
    package var connected: UInt64 = 0
    package var refused: UInt64 = 0
    package var refusedNamespaces: UInt64 = 0
    package var eventsIn: UInt64 = 0
    /// Each copy of an event counts.
    package var eventsOut: UInt64 = 0
    package var malformedPackets: UInt64 = 0
    package var tooManySockets: UInt64 = 0
    /// Sessions that were closed because they went on trying.
    package var tooManyRefusals: UInt64 = 0
    package var connectTimeouts: UInt64 = 0
    package var attachmentLimits: UInt64 = 0

    package init() {}
}
