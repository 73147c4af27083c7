package import Codelab
package import EngineIO
package import NodePark
package import SimplePeer
package import SocketIO
package import SocketIOChannels

/// What the operator decided about the path of Socket.IO, and which dialects are spoken there.
package struct SocketIOSignalingSettings: Sendable {
    /// What stands between the slashes of the path.
    package var path = ["socket.io"]
    package var engine = EngineSettings()
    /// Namespaces are rooms, so which of them there are is not read here.
    package var sockets = SocketSettings()
    /// Nil when it is not spoken; so are the others.
    package var simplePeer: SimplePeerSettings?
    package var codelab: CodelabSettings?
    package var nodePark: NodeParkSettings?
    package var socketIOChannels: SocketIOChannelsSettings?

    package init() {}
}
