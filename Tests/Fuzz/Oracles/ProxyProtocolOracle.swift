import NetworkPrimitives
import ProxyProtocol

/// The first bytes of a connection of a proxy: whatever they are, what is said about them depends on the header alone.
package func checkProxyProtocol(_ input: RawSpan) {
    let whole = ProxyHeader.read(input)
    let end: Int
    switch whole {
    case .incomplete:
        require(input.byteCount < ProxyHeader.byteCountMax, "nobody waits for more than the longest header")
        for count in 0..<input.byteCount {
            require(
                ProxyHeader.read(input.extracting(0..<count)) == .incomplete, "what is hoped for was hoped for before")
        }
        return
    case .malformed:
        var wasHopeless = false
        for count in 0...input.byteCount {
            switch ProxyHeader.read(input.extracting(0..<count)) {
            case .incomplete: require(!wasHopeless, "what is hopeless stays so")
            case .malformed: wasHopeless = true
            case .header, .local: require(false, "what is behind a header does not spoil it")
            }
        }
        return
    case .header(let source, let destination, let byteCount):
        require(source.family == destination.family, "both ends are of one family")
        end = byteCount
    case .local(let byteCount): end = byteCount
    }
    require((1...min(input.byteCount, ProxyHeader.byteCountMax)).contains(end), "a header has a length")
    for count in 0..<end {
        require(ProxyHeader.read(input.extracting(0..<count)) == .incomplete, "a header is nothing before its end")
    }
    require(ProxyHeader.read(input.extracting(0..<end)) == whole, "what is behind a header does not matter")
}
