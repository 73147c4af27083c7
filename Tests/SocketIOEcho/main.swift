// The small application that the protocols' own test suites want: `tern-socketio-echo engine|socket PORT`.
//
// It is Tern's own service of HTTP and WebSocket with an echo behind it, for tests alone: Engine.IO's suites want
// messages back on `/engine.io/`, that of Socket.IO events on `/socket.io/`.

import EchoEndpoints
import EventLoop
import Foundation
import LinuxSockets
import NetworkPrimitives

let arguments = CommandLine.arguments
guard arguments.count == 3, let port = UInt16(arguments[2]), ["engine", "socket"].contains(arguments[1]) else {
    print("usage: tern-socketio-echo engine|socket PORT")
    exit(2)
}
do {
    var random = OSRandom()
    let (secret, start) = (random.bytes(32), Clock.monotonic())
    let endpoint: any EchoEndpoint =
        arguments[1] == "engine" ? EngineEcho(secret: secret, start: start) : SocketEcho(secret: secret, start: start)
    var shell = try EchoShell(endpoint, port: port)
    print("echo of \(arguments[1]) on http://127.0.0.1:\(shell.port)")
    // Whoever reads it through a pipe waits for it.
    fflush(nil)
    try shell.run()
} catch {
    print("cannot serve: \(error)")
    exit(1)
}
