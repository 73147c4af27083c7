/// Writes one JSON text from left to right. Commas and colons are its own business.
@usableFromInline package struct JSONWriter: Sendable {
    /// What has been written; a whole text once every container has been ended.
    @usableFromInline package internal(set) var bytes: [UInt8] = []
    private var needsComma = false
    private var depth = 0

    /// An empty text, with room for `byteCount` bytes before it has to grow.
    package init(reserving byteCount: Int = 256) { bytes.reserveCapacity(byteCount) }

    // MARK: - Containers

    package mutating func beginObject() { begin(UInt8(ascii: "{")) }
    package mutating func endObject() { end(UInt8(ascii: "}")) }
    package mutating func beginArray() { begin(UInt8(ascii: "[")) }
    package mutating func endArray() { end(UInt8(ascii: "]")) }

    /// The name of the next value, which must follow.
    @usableFromInline package mutating func name(_ name: String) {
        separate()
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: - Values

    package mutating func string(_ text: String) {
        separate()
        appendQuoted(text)
    }

    /// A string of bytes that are UTF-8.
    package mutating func string(utf8: [UInt8]) { string(utf8: utf8[...]) }

    /// A string of bytes that are UTF-8.
    package mutating func string(utf8: ArraySlice<UInt8>) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        appendEscaped(utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    package mutating func integer(_ number: Int) {
        separate()
        bytes.append(contentsOf: String(number).utf8)
    }

    package mutating func bool(_ value: Bool) {
        separate()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    package mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
    }

    /// A value that is JSON already, such as `JSONValue.rawBytes`.
    @inlinable package mutating func raw(_ text: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: text)
    }

    // MARK: - Members

    package mutating func member(_ name: String, _ value: String) {
        self.name(name)
        string(value)
    }

    package mutating func member(_ name: String, _ value: Int) {
        self.name(name)
        integer(value)
    }

    package mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        bool(value)
    }

    @inlinable package mutating func member(_ name: String, raw text: some Collection<UInt8>) {
        self.name(name)
        raw(text)
    }

    /// A member whose name is JSON already, in its quotes, such as `JSONValue.Member.name.rawBytes`.
    package mutating func member(rawName: ArraySlice<UInt8>, raw text: ArraySlice<UInt8>) {
        separate()
        bytes.append(contentsOf: rawName)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(contentsOf: text)
    }

    // MARK: - Bytes

    private mutating func begin(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
        depth += 1
    }

    private mutating func end(_ bracket: UInt8) {
        precondition(depth > 0, "only what was begun can be ended")
        bytes.append(bracket)
        needsComma = true
        depth -= 1
    }

    @usableFromInline mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func appendQuoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        appendEscaped(text.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscaped(_ text: some Collection<UInt8>) {
        // Nearly all strings are ASCII that needs no escapes, and contiguous.
        let isWritten = text.withContiguousStorageIfAvailable { buffer in
            let span = unsafe buffer.span
            guard JSONText.endOfPlainRun(in: span, from: 0) == span.count else { return false }
            unsafe bytes.append(contentsOf: buffer)
            return true
        }
        if isWritten != true { appendEscaping(text) }
    }

    /// Escapes what §7 says must be, and the two line separators that end a line of JavaScript (RFC 8259 §1.2 of old,
    /// and still a way out of a script element): U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
    private mutating func appendEscaping(_ text: some Collection<UInt8>) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0A: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case 0x0D: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
            case 0x09: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
            case 0x00..<0x20:
                bytes.append(contentsOf: (byte < 0x10 ? "\\u000" : "\\u00").utf8)
                bytes.append(contentsOf: String(byte, radix: 16).utf8)
            case 0xA8, 0xA9:
                guard bytes.suffix(2) == [0xE2, 0x80] else { fallthrough }
                bytes.removeLast(2)
                bytes.append(contentsOf: (byte == 0xA8 ? "\\u2028" : "\\u2029").utf8)
            default: bytes.append(byte)
            }
        }
    }
}
