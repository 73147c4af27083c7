/// Which way the bytes of a stream go.
package enum StreamDirection: Sendable {
    case toPeer, toClient
}
