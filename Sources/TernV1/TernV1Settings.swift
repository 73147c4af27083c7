package import Signaling

/// What the operator decided about the native protocol.
package struct TernV1Settings: Sendable {
    package var limits: SignalingLimits
    /// Told to clients in `welcome`.
    package var serverVersion: String
    /// Which of several servers this is; told to clients in `welcome`.
    package var node: String
    /// After which part of their lifetime credentials are renewed unasked, give or take a twentieth.
    package var renewFraction: Double = 0.8

    package init(limits: SignalingLimits = SignalingLimits(), serverVersion: String = "", node: String = "") {
        self.limits = limits
        self.serverVersion = serverVersion
        self.node = node
    }
}
