import Crypto
import NetworkPrimitives
import STUN

/// Any bytes: parsing agrees with the reference, no reader traps, what is written again reads the same, and integrity
/// that we add verifies.
package func checkSTUN(_ input: RawSpan) {
    let bytes = input.array()
    checkMessage(bytes)
    checkClassicBinding(bytes)
    // Chance rarely hits the cookie, the length and the CRC at once, so the same bytes are tried with those put right.
    let repaired = repair(bytes)
    checkMessage(repaired)
    checkMessage(withFingerprint(repaired))
}

private let sha1Key = HMACSHA1Key(key: Array("secret".utf8))
private let sha256Key = HMACSHA256Key(key: Array("secret".utf8))

private func checkMessage(_ bytes: [UInt8]) {
    let parsed = bytes.withRawSpan { try? STUNMessage(parsing: $0) }
    let reference = STUNReference(bytes)
    require((parsed == nil) == (reference == nil), "the parser takes what the reference takes")
    guard let parsed, let reference else { return }
    checkIndex(parsed, reference, bytes)
    checkReaders(parsed, reference, bytes)
    let written = rewrite(parsed, reference, bytes)
    require(written == withoutPadding(bytes, reference), "writing what was read yields the same bytes")
    checkOwnIntegrity(parsed, reference, bytes)
}

// MARK: - Reading

private func checkIndex(_ message: STUNMessage, _ reference: STUNReference, _ bytes: [UInt8]) {
    require(message.byteCount == bytes.count, "a message fills its datagram")
    require(Int(message.type.wire) == STUNReference.uint16(bytes, 0), "the type is that of the first two bytes")
    var unknown: [UInt16] = []
    for attribute in reference.counting {
        guard let known = KnownAttribute(AttributeType(rawValue: attribute.type)) else {
            if attribute.type < 0x8000, !unknown.contains(attribute.type) { unknown.append(attribute.type) }
            continue
        }
        require(message.has(known), "what counts is in the index")
        guard known != .responseOnly else { continue }
        require(message.range(of: known) == reference.first(attribute.type)?.value, "the first of a duplicate counts")
    }
    require(message.unknownRequiredCount == min(unknown.count, STUNMessage.unknownAttributesMax), "unknown are counted")
    for index in 0..<message.unknownRequiredCount {
        require(message.unknownRequired(index).rawValue == unknown[index], "unknown types are listed in order")
    }
}

private func checkReaders(_ message: STUNMessage, _ reference: STUNReference, _ bytes: [UInt8]) {
    bytes.withRawSpan { span in
        checkFixed(message.lifetime(in: span), reference.first(0x000D), byteCount: 4)
        checkFixed(message.channelNumber(in: span), reference.first(0x000C), byteCount: 4)
        checkFixed(message.requestedTransport(in: span), reference.first(0x0019), byteCount: 4)
        checkFixed(message.addressFamily(.requestedAddressFamily, in: span), reference.first(0x0017), byteCount: 4)
        checkFixed(message.addressFamily(.additionalAddressFamily, in: span), reference.first(0x8000), byteCount: 4)
        checkFixed(message.evenPort(in: span), reference.first(0x0018), byteCount: 1)
        checkFixed(message.reservationToken(in: span), reference.first(0x0022), byteCount: 8)
        checkPeers(message, reference, span)
        _ = message.hasValidIntegrity(sha1Key, in: span)
        _ = message.hasValidIntegritySHA256(sha256Key, in: span)
        if let value = message.value(of: .passwordAlgorithm, in: span),
            let algorithm = PasswordAlgorithm(parsing: value)
        {
            require(PasswordAlgorithm.list([algorithm]) == value.array(), "an algorithm is written as it was read")
        }
    }
}

private func checkFixed<Value>(
    _ reading: AttributeReading<Value>, _ attribute: STUNReference.Attribute?, byteCount: Int
) {
    switch reading {
    case .absent: require(attribute == nil, "an attribute that is there is not absent")
    case .malformed: require(attribute.map { $0.value.count != byteCount } == true, "the right length is not malformed")
    case .value: require(attribute?.value.count == byteCount, "a value has the length of its type")
    }
}

private func checkPeers(_ message: STUNMessage, _ reference: STUNReference, _ span: RawSpan) {
    var visited: [SocketAddress?] = []
    message.forEachXORPeerAddress(in: span) { address in
        visited.append(address)
        return true
    }
    let counting = reference.counting.filter { $0.type == 0x0012 }
    require(visited.count == counting.count, "each peer that counts is visited once")
    switch message.xorPeerAddress(in: span) {
    case .absent: require(visited.isEmpty, "a peer that is there is not absent")
    case .malformed: require(visited.first == .some(nil), "the first peer is malformed")
    case .value(let address): require(visited.first == address, "the first peer is the one that counts")
    }
    for (address, attribute) in zip(visited, counting) {
        guard let address else { continue }
        // The first byte of the value is reserved: ignored when read, zero when written.
        let expected = [0] + span.extracting(attribute.value).array().dropFirst()
        require(encoded(address, message.transactionID) == expected, "an address is written as it was read")
    }
}

private func encoded(_ address: SocketAddress, _ transactionID: TransactionID) -> [UInt8] {
    var value = [UInt8](repeating: 0xEE, count: XORAddress.byteCount(address.family))
    var span = value.mutableSpan
    var rawSpan = span.mutableBytes
    XORAddress.encode(address, transactionID: transactionID, into: &rawSpan, at: 0)
    return value
}

private func checkClassicBinding(_ bytes: [UInt8]) {
    guard bytes.withRawSpan({ ClassicBinding.isRequest($0) }) else { return }
    for ip in [IPAddress.loopback(.ipv4), .loopback(.ipv6)] {
        var buffer = [UInt8](repeating: 0, count: ClassicBinding.responseByteCountMax)
        var span = buffer.mutableSpan
        var response = span.mutableBytes
        let count = bytes.withRawSpan { request in
            ClassicBinding.respond(to: request, source: SocketAddress(ip: ip, port: 1), into: &response)
        }
        require(count <= 3 * bytes.count, "an answer is at most three times the request")
        require(buffer[4..<20] == bytes[4..<20], "the sixteen bytes of the id are echoed")
    }
}

// MARK: - Writing

/// The message again, attribute for attribute, through the writer. FINGERPRINT and integrity are copied, since they
/// cover padding that was not necessarily zero.
private func rewrite(_ message: STUNMessage, _ reference: STUNReference, _ bytes: [UInt8]) -> [UInt8] {
    write(message, capacity: bytes.count) { writer in
        for attribute in reference.attributes {
            writer.append(AttributeType(rawValue: attribute.type), Array(bytes[attribute.value]))
        }
    }
}

/// Integrity and FINGERPRINT written behind the attributes verify, and stop doing so when a covered bit changes.
private func checkOwnIntegrity(_ message: STUNMessage, _ reference: STUNReference, _ bytes: [UInt8]) {
    let plain = reference.attributes.filter { ![0x0008, 0x001C, 0x8028].contains($0.type) }
    guard bytes.count + 64 <= 0xFFFF else { return }
    var signed = write(message, capacity: bytes.count + 20 + 24 + 36 + 8) { writer in
        for attribute in plain { writer.append(AttributeType(rawValue: attribute.type), Array(bytes[attribute.value])) }
        writer.appendMessageIntegrity(sha1Key)
        writer.appendMessageIntegritySHA256(sha256Key)
        writer.appendFingerprint()
    }
    guard let parsed = signed.withRawSpan({ try? STUNMessage(parsing: $0) }) else {
        fatalError("what we write, we read")
    }
    require(signed.withRawSpan { parsed.hasValidIntegrity(sha1Key, in: $0) }, "our SHA-1 integrity verifies")
    require(signed.withRawSpan { parsed.hasValidIntegritySHA256(sha256Key, in: $0) }, "our SHA-256 integrity verifies")
    // A bit of the transaction id: any input picks another one.
    let victim = 8 + bytes.count % 12
    signed[victim] ^= 1 << (bytes[bytes.count - 1] & 7)
    require(signed.withRawSpan { (try? STUNMessage(parsing: $0)) == nil }, "FINGERPRINT notices a flipped bit")
    require(!signed.withRawSpan { parsed.hasValidIntegrity(sha1Key, in: $0) }, "SHA-1 notices a flipped bit")
    require(!signed.withRawSpan { parsed.hasValidIntegritySHA256(sha256Key, in: $0) }, "SHA-256 notices a flipped bit")
}

private func write(
    _ message: STUNMessage, capacity: Int, _ body: (inout MessageWriter) -> Void
) -> [UInt8] {
    // Dirty, so that padding that is not written shows.
    var buffer = [UInt8](repeating: 0xEE, count: capacity)
    var span = buffer.mutableSpan
    var writer = MessageWriter(into: span.mutableBytes, type: message.type, transactionID: message.transactionID)
    body(&writer)
    let count = writer.finish()
    return Array(buffer[..<count])
}

/// The bytes with all padding zero.
private func withoutPadding(_ bytes: [UInt8], _ reference: STUNReference) -> [UInt8] {
    var result = bytes
    for attribute in reference.attributes {
        var offset = attribute.value.upperBound
        while offset % 4 != 0 {
            result[offset] = 0
            offset += 1
        }
    }
    return result
}

// MARK: - Repair

/// The bytes cut to a multiple of four, with the first two bits, the cookie and the length field made right.
private func repair(_ bytes: [UInt8]) -> [UInt8] {
    var result = Array(bytes.prefix(2_000))
    while result.count < 20 || result.count % 4 != 0 { result.append(0) }
    result[0] &= 0x3F
    result[2] = UInt8((result.count - 20) >> 8)
    result[3] = UInt8((result.count - 20) & 0xFF)
    result.replaceSubrange(4..<8, with: [0x21, 0x12, 0xA4, 0x42])
    return result
}

/// The message with a FINGERPRINT behind it that fits.
private func withFingerprint(_ message: [UInt8]) -> [UInt8] {
    var result = message
    result[2] = UInt8((result.count - 12) >> 8)
    result[3] = UInt8((result.count - 12) & 0xFF)
    let crc = STUNReference.crc32(result[...]) ^ 0x5354_554E
    return result + [0x80, 0x28, 0x00, 0x04] + STUNReference.bigEndian(crc)
}
