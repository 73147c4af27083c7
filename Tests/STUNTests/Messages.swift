import NetworkPrimitives
import STUN
import TestSupport

// Helpers that lay messages out by hand, so that nothing under test computes what a test expects.

/// An attribute: type, length without padding, value, padding of `filler` to four bytes.
func attribute(_ type: UInt16, _ value: [UInt8], filler: UInt8 = 0) -> [UInt8] {
    let padding = [UInt8](repeating: filler, count: (4 - value.count % 4) % 4)
    return bigEndian(type) + bigEndian(UInt16(value.count)) + value + padding
}

/// An attribute whose value is given in hexadecimal.
func attribute(_ type: UInt16, _ hexadecimalValue: String) -> [UInt8] { attribute(type, bytes(hexadecimalValue)) }

/// The transaction id of `message`, on the wire and as a value.
let transactionIDBytes = bytes("B7E7A701 BC34D686 FA87DFAE")
let transactionID = TransactionID(high: 0xB7E7_A701, low: 0xBC34_D686_FA87_DFAE)

/// A message of wire type `type` (a Binding request unless told) with these attributes.
func message(_ type: UInt16 = 0x0001, _ attributes: [UInt8]...) -> [UInt8] {
    let body = attributes.flatMap { $0 }
    return bigEndian(type) + bigEndian(UInt16(body.count)) + bytes("2112A442") + transactionIDBytes + body
}

func bigEndian(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }

func bigEndian(_ value: UInt32) -> [UInt8] { bigEndian(UInt16(value >> 16)) + bigEndian(UInt16(value & 0xFFFF)) }

func parse(_ bytes: [UInt8]) throws(STUNParseError) -> STUNMessage {
    try bytes.withRawSpan { span throws(STUNParseError) in try STUNMessage(parsing: span) }
}

extension STUNMessage {
    /// The value of an attribute as an array.
    func bytes(of attribute: KnownAttribute, in bytes: [UInt8]) -> [UInt8]? {
        range(of: attribute).map { Array(bytes[$0]) }
    }

    /// All unknown comprehension-required types.
    var unknownRequiredTypes: [UInt16] { (0..<unknownRequiredCount).map { unknownRequired($0).rawValue } }
}

/// Writes a message into a buffer full of 0xEE, so that bytes nobody wrote show.
func write(
    _ type: MessageType, id: TransactionID = transactionID, capacity: Int = 256,
    _ body: (inout MessageWriter) -> Void
) -> [UInt8] {
    var buffer = [UInt8](repeating: 0xEE, count: capacity)
    var span = buffer.mutableSpan
    var writer = MessageWriter(into: span.mutableBytes, type: type, transactionID: id)
    body(&writer)
    let count = writer.finish()
    return Array(buffer[..<count])
}

func v4(_ text: String, _ port: UInt16) -> SocketAddress { SocketAddress(ip: .v4(IPv4Address(text)!), port: port) }

func v6(_ text: String, _ port: UInt16) -> SocketAddress { SocketAddress(ip: .v6(IPv6Address(text)!), port: port) }
