import CLibFuzzer
import FuzzOracles
import Glibc

/// The name and form that libFuzzer asks for.
@c(LLVMFuzzerTestOneInput)
func testOneInput(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    checkTLS(UnsafeRawBufferPointer(start: start, count: byteCount).bytes)
    return 0
}

/// The package manager makes the entry point of a program its own, so libFuzzer's must be called from here.
@main
enum FuzzTLS {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(LLVMFuzzerRunDriver(&count, &arguments, testOneInput))
    }
}
