package import NetworkPrimitives

extension ServerConfiguration {
    /// What is counted, for Prometheus.
    package struct Metrics: Hashable, Sendable {
        /// Where whoever comes may read it; nil when it is read on signaling-port by operators only.
        package let listener: Listener?
        /// The names that coturn has are there too.
        package let hasCoturnNames: Bool

        /// A port for metrics alone.
        package struct Listener: Hashable, Sendable {
            /// Nil for every address of the host.
            package let address: IPAddress?
            package let port: UInt16
            /// Begins with a slash.
            package let path: String
        }
    }
}

extension ServerConfiguration.Metrics {
    init(_ settings: Settings, log: inout DiagnosticLog) {
        hasCoturnNames = settings.flag("prometheus-coturn-names")
        guard settings.flag("prometheus") else {
            listener = nil
            return
        }
        let path = settings.text("prometheus-path") ?? "/metrics"
        if !path.hasPrefix("/") {
            let message = "\(path.quoted) must begin with a slash: /metrics"
            log.add(.error, at: settings.place(of: "prometheus-path"), about: "prometheus-path", message)
        }
        let port = UInt16(settings.integer("prometheus-port"))
        if port == 0 {
            log.add(
                .error, at: settings.place(of: "prometheus-port"), about: "prometheus-port",
                "0 is no port for metrics; write 9641, or remove prometheus")
        }
        let written = settings.addresses("prometheus-address", countMax: 1, log: &log)
        listener = Listener(address: written.first, port: port, path: path)
    }
}
