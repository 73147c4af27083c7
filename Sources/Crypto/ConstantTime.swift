import COpenSSL

/// Whether two runs of bytes are the same, in a time that depends on their lengths but not on their contents.
///
/// Runs of different lengths are different, and that is found out at once: the length of an authentication code is no
/// secret.
package func constantTimeEquals(_ left: RawSpan, _ right: RawSpan) -> Bool {
    guard left.byteCount == right.byteCount else { return false }
    return unsafe left.withUnsafeBytes { leftBytes in
        unsafe right.withUnsafeBytes { rightBytes in
            unsafe CRYPTO_memcmp(leftBytes.baseAddress, rightBytes.baseAddress, leftBytes.count) == 0
        }
    }
}

/// Overwrites a secret with zeros in a way the optimiser may not remove. The count stays.
///
/// Only this array is overwritten: a copy made earlier keeps its own storage as soon as one of the two is written.
package func wipe(_ bytes: inout [UInt8]) {
    unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe OPENSSL_cleanse(buffer.baseAddress, buffer.count)
    }
}
