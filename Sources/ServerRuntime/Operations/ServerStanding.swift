import NetworkPrimitives
import TURN
import WebService

/// Everything that is counted, at one moment.
struct ServerStanding: Sendable {
    var report = WorkerReport()
    var signaling = ServiceStanding()
    var workerCount = 0
    var uptimeSeconds: UInt64 = 0
    var unixTime = UnixTime(seconds: 0)
    var residentBytes: UInt64 = 0
    var openFiles = 0
    /// How many may be open; 0 when the system does not tell.
    var openFilesMax = 0
    var certificates: [CertificateExpiry] = []
}

/// When a certificate runs out.
struct CertificateExpiry: Hashable, Sendable {
    /// The file that it came from.
    let source: String
    let names: [String]
    let notAfter: UnixTime
}
