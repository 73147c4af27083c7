extension ServerConfiguration {
    /// How the server ends.
    package struct Draining: Hashable, Sendable {
        /// How long allocations may go on; 0 stops at once when the process is told to stop.
        package let seconds: UInt32
        /// It exits as soon as there are no more than so many.
        package let allocationsMin: Int
    }
}

extension ServerConfiguration.Draining {
    init(_ settings: Settings) {
        seconds = UInt32(settings.integer("drain-timeout"))
        allocationsMin = settings.integer("drain-min-allocations")
    }
}
