import EngineIO
import NetworkPrimitives

/// The first byte chooses a form, the others are the body of a request with packets. It is read as a second, slow
/// reading finds, and messages that are written again read as the same.
package func checkEngineIO(_ input: RawSpan) {
    let bytes = input.array()
    let body = Array(bytes.dropFirst())
    switch (bytes.first ?? 0) % 4 {
    case 0: checkText(body, .four)
    case 1: checkText(body, .three)
    case 2: checkBinary(body)
    default: checkScript(body)
    }
}

private let packetsMax = 16

private func checkText(_ body: [UInt8], _ version: EngineVersion) {
    let packets = EnginePayload.decode(text: body[...], version: version, packetsMax: packetsMax)
    let text = String(validating: body, as: UTF8.self)
    let parts = text.flatMap { version == .four ? separated($0) : measured($0) }
    let expected = parts.flatMap { $0.count <= packetsMax ? $0 : nil }?.map { part in
        EnginePacket(text: Array(part.utf8)[...], version: version)
    }
    guard let packets else {
        require(expected?.allSatisfy { $0 != nil } != true, "a payload that is one is read")
        return
    }
    require(packets.map { $0 } == expected?.compactMap { $0 }, "packets are those of a plain reading")
    require(packets.count == expected?.count, "and all of them")
    checkRoundTrip(packets, version)
}

private func checkBinary(_ body: [UInt8]) {
    guard let packets = EnginePayload.decode(binary: body[...], packetsMax: packetsMax) else { return }
    require((1...packetsMax).contains(packets.count), "binary: no more packets than may be")
    let frames = frames(of: packets)
    guard !frames.isEmpty else { return }
    let again = EnginePayload.decode(binary: EnginePayload.encode(binary: frames)[...], packetsMax: packetsMax)
    require(again == packets.filter(isMessage), "binary: what is written reads as the same")
}

private func checkRoundTrip(_ packets: [EnginePacket], _ version: EngineVersion) {
    let frames = frames(of: packets)
    guard !frames.isEmpty else { return }
    let messages = packets.filter(isMessage)
    // The separator of revision 4 cannot occur in what was separated by it.
    let again = EnginePayload.decode(
        text: EnginePayload.encode(text: frames, version: version)[...], version: version, packetsMax: packetsMax)
    require(again == messages, "text: what is written reads as the same")
    guard version == .three else { return }
    let binary = EnginePayload.decode(binary: EnginePayload.encode(binary: frames)[...], packetsMax: packetsMax)
    require(binary == messages, "text: written as bytes it reads as the same")
}

private func isMessage(_ packet: EnginePacket) -> Bool {
    if case .message = packet { true } else { false }
}

private func frames(of packets: [EnginePacket]) -> [EngineFrame] {
    packets.compactMap { packet in
        guard case .message(let message) = packet else { return nil }
        return EngineFrame(message)
    }
}

private func separated(_ text: String) -> [String]? {
    text.unicodeScalars.split(separator: "\u{1E}", omittingEmptySubsequences: false).map { String($0) }
}

/// Revision 3, with the standard library's idea of UTF-16.
private func measured(_ text: String) -> [String]? {
    var units = Array(text.utf16)[...]
    var parts: [String] = []
    while !units.isEmpty {
        let digits = units.prefix { $0 != 0x3A }
        guard digits.count < units.count, (1...9).contains(digits.count),
            digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let length = Int(String(decoding: digits, as: UTF16.self))
        else { return nil }
        units = units.dropFirst(digits.count + 1)
        guard length <= units.count, let part = String(validating: units.prefix(length), as: UTF16.self) else {
            return nil
        }
        parts.append(part)
        units = units.dropFirst(length)
    }
    return parts.isEmpty ? nil : parts
}

/// A script is ASCII but for what the payload has itself, and holds nothing that ends its string, line or element. A
/// form of any bytes is read or refused.
private func checkScript(_ body: [UInt8]) {
    _ = JSONPolling.payload(ofForm: body[...])
    let script = JSONPolling.script(body, index: 4)
    require(script.starts(with: "___eio[4](\"".utf8), "script: it begins with the call")
    require(script.suffix(3).elementsEqual("\");".utf8), "script: it ends with the call")
    let inside = script.dropFirst(11).dropLast(3)
    var isEscape = false
    for byte in inside {
        require(byte >= 0x20 && byte != UInt8(ascii: "<"), "script: no control bytes, no tags")
        require(byte != UInt8(ascii: "\"") || isEscape, "script: no bare quotes")
        isEscape = byte == UInt8(ascii: "\\") && !isEscape
    }
    require(!isEscape, "script: the last quote is none of the payload's")
    if String(validating: body, as: UTF8.self) != nil {
        let text = String(decoding: inside, as: UTF8.self).unicodeScalars
        require(!text.contains("\u{2028}") && !text.contains("\u{2029}"), "script: one line")
    }
}
