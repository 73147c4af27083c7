/// How much one connection can make us hold or wait for. Each limit has an answer: 414 or 431 for a head, 413 for a
/// body, 408 for a request that takes too long, and the end of the connection for the others.
package struct HTTPLimits: Hashable, Sendable {
    /// Bytes of request line and headers; of the trailers and the extensions of a chunked body again as many.
    package var headByteCountMax = 16_384
    /// Bytes of the request target.
    package var targetByteCountMax = 8192
    /// Header fields of a request, and trailer fields.
    package var headerCountMax = 100
    /// Bytes of a request's body.
    package var bodyByteCountMax = 65_536
    /// From the first byte of a request until its head is complete.
    package var headSeconds: UInt32 = 10
    /// From then until its body is complete.
    package var bodySeconds: UInt32 = 10
    /// Between requests, and before the first.
    package var idleSeconds: UInt32 = 60
    package var requestsPerConnectionMax = 1000
    /// Bytes of requests that arrive before the one in front of them has been answered.
    package var pipelinedByteCountMax = 16_384

    package init() {}
}
