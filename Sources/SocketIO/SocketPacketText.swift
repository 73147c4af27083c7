import JSON

/// What the server says, as text messages of Engine.IO.
enum SocketPacketText {
    /// `0/ns,{"sid":"…"}`; in protocol 4 without the object.
    static func connected(_ namespace: String, id: String, _ revision: SocketProtocol) -> [UInt8] {
        var text = head(.connect, namespace)
        if revision == .five { text.append(contentsOf: #"{"sid":"\#(id)"}"#.utf8) }
        return text
    }

    /// `1/ns,`. The comma stays: all clients read it with, not all without.
    static func disconnected(_ namespace: String) -> [UInt8] {
        head(.disconnect, namespace)
    }

    /// A refusal: an object in protocol 5, in protocol 4 a string or what the application gives instead.
    static func refused(
        _ namespace: String, message: String, data: ArraySlice<UInt8>?, _ revision: SocketProtocol
    ) -> [UInt8] {
        var writer = JSONWriter()
        switch (revision, data) {
        case (.four, nil): writer.string(message)
        case (.four, let data?): writer.raw(data)
        case (.five, let data):
            writer.beginObject()
            writer.member("message", message)
            if let data { writer.member("data", raw: data) }
            writer.endObject()
        }
        return head(.connectError, namespace) + writer.bytes
    }

    static func event(
        _ namespace: String, name: String, _ arguments: SocketEmission, _ id: AcknowledgementID?
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: arguments.byteCount + 64)
        writer.beginArray()
        writer.string(name)
        for argument in arguments.arguments { writer.raw(argument) }
        writer.endArray()
        return text(arguments.attachments.isEmpty ? .event : .binaryEvent, namespace, arguments, id, writer.bytes)
    }

    static func event(_ namespace: String, array: [UInt8]) -> [UInt8] { head(.event, namespace) + array }

    static func acknowledgement(
        _ namespace: String, _ arguments: SocketEmission, _ id: AcknowledgementID
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: arguments.byteCount + 64)
        writer.beginArray()
        for argument in arguments.arguments { writer.raw(argument) }
        writer.endArray()
        let type = arguments.attachments.isEmpty ? SocketPacketType.acknowledgement : .binaryAcknowledgement
        return text(type, namespace, arguments, id, writer.bytes)
    }

    private static func text(
        _ type: SocketPacketType, _ namespace: String, _ arguments: SocketEmission, _ id: AcknowledgementID?,
        _ json: [UInt8]
    ) -> [UInt8] {
        var text = head(type, namespace, attachmentCount: arguments.attachments.count)
        if let id { text.append(contentsOf: String(id.rawValue).utf8) }
        text.append(contentsOf: json)
        return text
    }

    private static func head(_ type: SocketPacketType, _ namespace: String, attachmentCount: Int = 0) -> [UInt8] {
        var text = [type.rawValue]
        if type.hasAttachments {
            text.append(contentsOf: String(attachmentCount).utf8)
            text.append(UInt8(ascii: "-"))
        }
        if namespace != "/" {
            text.append(contentsOf: namespace.utf8)
            text.append(UInt8(ascii: ","))
        }
        return text
    }
}

/// What goes with an event or an acknowledgement: each argument a JSON text, and the binary parts that placeholders in
/// them (`{"_placeholder":true,"num":0}`) stand for.
package struct SocketEmission: Sendable {
    package var arguments: [ArraySlice<UInt8>]
    package var attachments: [ArraySlice<UInt8>]

    package init(_ arguments: [ArraySlice<UInt8>] = [], attachments: [ArraySlice<UInt8>] = []) {
        self.arguments = arguments
        self.attachments = attachments
    }

    /// Everything that came, byte for byte.
    package init(_ arguments: SocketArguments) {
        self.init(arguments.raw, attachments: arguments.attachments)
    }

    /// JSON texts that are written in the source or by `JSONWriter`.
    package init(json: [[UInt8]]) { self.init(json.map { $0[...] }) }

    /// Strings as arguments.
    package init(strings: [String]) {
        self.init(
            strings.map { string in
                var writer = JSONWriter(reserving: string.utf8.count + 2)
                writer.string(string)
                return writer.bytes[...]
            })
    }

    var byteCount: Int { arguments.reduce(0) { $0 + $1.count + 1 } }
}
