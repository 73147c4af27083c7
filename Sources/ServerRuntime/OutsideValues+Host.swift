package import Configuration
import LinuxSockets

extension OutsideValues {
    /// The files of this host and the variables of this process.
    package static let ofHost = OutsideValues(
        file: { path in
            do { return .bytes(try Files.read(path, byteCountMax: byteCountMax)) } catch {
                return .unreadable("\(error)")
            }
        },
        variable: { Environment.value(of: $0) })
}
