"""coturn's turnutils_uclient sends datagrams through the server and must lose none.

Usage: uclient.py HOST PORT USER PASSWORD [--secret] [--peer ADDRESS] [turnutils_uclient's own flags]
--secret says that PASSWORD is the shared secret of time-limited credentials. With --peer the datagrams go to a
turnutils_peer started on that address; otherwise, with -y, from one relay to another.
"""

import contextlib
import re
import shutil
import socket
import subprocess
import sys

SECONDS_MAX = 50


def fail(reason):
    print(f"uclient: failed: {reason}")
    sys.exit(1)


def free_port(address):
    with socket.socket(family(address), socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def echoes(address, port):
    """Whether something at the address returns what it is sent. The peer does, once it is up."""
    with socket.socket(family(address), socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.1)
        for _ in range(50):
            with contextlib.suppress(OSError):
                probe.sendto(b"are you there?", (address, port))
                return probe.recv(100) == b"are you there?"
    return False


@contextlib.contextmanager
def echo_peer(address):
    """turnutils_peer on a free port, which is the value, for as long as the block runs."""
    port = free_port(address)
    command = ["turnutils_peer", "-L", address, "-p", str(port)]
    peer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not echoes(address, port):
            fail("turnutils_peer did not start")
        yield port
    finally:
        peer.kill()
        peer.wait()


def judge(flags):
    """Runs the client and answers the number of messages that came back, or leaves with the reason."""
    try:
        output = subprocess.run(
            ["turnutils_uclient", *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        fail(f"no end after {SECONDS_MAX} s")
    # The exit code is 0 even when datagrams were lost; only the summary tells.
    totals = re.findall(r"start_mclient: tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", output.stdout)
    lost = re.findall(r"Total lost packets (-?\d+)", output.stdout)
    if output.returncode != 0 or not totals or not lost:
        lines = [line for line in output.stdout.splitlines() if "ERROR" in line or "error" in line]
        fail(f"exit code {output.returncode}: {lines[-1] if lines else 'no summary'}")
    sent, received = map(int, totals[-1])
    if sent == 0 or sent != received or int(lost[-1]) != 0:
        fail(f"sent {sent}, received {received}, lost {lost[-1]}")
    return received


def main():
    host, port, user, password, *flags = sys.argv[1:]
    if not shutil.which("turnutils_uclient") or not shutil.which("turnutils_peer"):
        fail("no turnutils_uclient: run Scripts/setup test")
    credential = "-w"
    if "--secret" in flags:
        flags.remove("--secret")
        credential = "-W"
    with contextlib.ExitStack() as stack:
        if "--peer" in flags:
            at = flags.index("--peer")
            address = flags[at + 1]
            flags[at : at + 2] = ["-e", address, "-r", str(stack.enter_context(echo_peer(address)))]
        count = judge([*flags, "-p", port, "-u", user, credential, password, host])
    print(f"uclient {' '.join(flags)}: {count} datagrams, none lost")


main()
