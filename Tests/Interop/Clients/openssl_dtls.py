"""openssl s_client shakes hands over DTLS, checks the certificate, and carries a Binding request.

Usage: openssl_dtls.py HOST PORT CERTIFICATE
"""

import os
import select
import subprocess
import sys
import time

SECONDS_MAX = 20
COOKIE = bytes.fromhex("2112a442")


def read(pipe, count):
    """Exactly so many bytes, or what came until there was no time left."""
    taken = b""
    end = time.monotonic() + SECONDS_MAX
    while len(taken) < count and time.monotonic() < end:
        if select.select([pipe], [], [], 0.1)[0]:
            piece = os.read(pipe.fileno(), count - len(taken))
            if not piece:
                break
            taken += piece
    return taken


def main():
    host, port, certificate = sys.argv[1:]
    command = [
        "openssl", "s_client", "-dtls1_2", "-quiet", "-connect", f"{host}:{port}", "-CAfile", certificate,
        "-verify_ip", host, "-verify_return_error", "-alpn", "stun.turn",
    ]
    client = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    identifier = os.urandom(12)
    try:
        client.stdin.write(b"\x00\x01\x00\x00" + COOKIE + identifier)
        answer = read(client.stdout, 20)
    finally:
        client.kill()
        client.wait()
    if answer[:2] != b"\x01\x01" or answer[4:] != COOKIE + identifier:
        print(f"openssl: failed: {answer.hex() or 'no answer'}")
        sys.exit(1)
    print("openssl: a Binding request was answered over DTLS")


main()
