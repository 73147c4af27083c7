/// Where values of secret options may stand instead of in the configuration: in files, and in the environment. Reading
/// them is the host's business; who only looks at a configuration gives none.
package struct OutsideValues: Sendable {
    /// What a file has.
    package enum Content: Sendable {
        /// At most one byte more than `byteCountMax`.
        case bytes([UInt8])
        /// Why it cannot be read.
        case unreadable(String)
    }

    /// A file with more is not what was meant.
    package static let byteCountMax = 4096

    private let file: @Sendable (_ path: String) -> Content
    private let variable: @Sendable (_ name: String) -> String?

    package init(
        file: @escaping @Sendable (_ path: String) -> Content, variable: @escaping @Sendable (_ name: String) -> String?
    ) {
        self.file = file
        self.variable = variable
    }

    /// There are neither files nor variables.
    package static let none = OutsideValues(
        file: { _ in .unreadable("files are not read here") }, variable: { _ in nil })

    /// The value that `text` stands for: `@file:/path`, `@env:NAME`, or itself. A secret that really begins with one
    /// of these gets another `@` before it; no other `@` means anything, so that secrets written for coturn stay as
    /// they are.
    func value(of text: String) throws(MalformedValue) -> String {
        if text.hasPrefix(Self.filePrefix) { return try content(of: String(text.dropFirst(Self.filePrefix.count))) }
        if text.hasPrefix(Self.variablePrefix) {
            let name = String(text.dropFirst(Self.variablePrefix.count))
            guard !name.isEmpty, let value = variable(name) else {
                throw MalformedValue("there is no variable \(name.quoted) in the environment of this process; set it")
            }
            return try Self.line(Array(value.utf8), of: "the variable \(name.quoted)")
        }
        if text.hasPrefix("@" + Self.filePrefix) || text.hasPrefix("@" + Self.variablePrefix) {
            return String(text.dropFirst())
        }
        return text
    }

    private static let filePrefix = "@file:"
    private static let variablePrefix = "@env:"

    private func content(of path: String) throws(MalformedValue) -> String {
        guard path.hasPrefix("/") else {
            throw MalformedValue(
                "@file: must be followed by a path that begins with /, such as @file:/run/secrets/turn")
        }
        switch file(path) {
        case .unreadable(let reason): throw MalformedValue("the file of the secret cannot be read: \(reason)")
        case .bytes(let bytes): return try Self.line(bytes, of: "the file \(path.quoted)")
        }
    }

    /// One line, without what ends it.
    private static func line(_ bytes: [UInt8], of subject: String) throws(MalformedValue) -> String {
        var line = bytes[...]
        if line.last == UInt8(ascii: "\n") { line.removeLast() }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        guard !line.isEmpty else { throw MalformedValue("\(subject) is empty; write the secret into it") }
        guard line.count <= byteCountMax else {
            throw MalformedValue("\(subject) has more than \(byteCountMax) bytes, which is no secret")
        }
        guard !line.contains(where: { $0 == 0 || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }),
            let text = String(validating: line, as: UTF8.self)
        else {
            throw MalformedValue("\(subject) must have one line of text: the secret and nothing else")
        }
        return text
    }
}
