"""coturn's turnutils_natdiscovery asks a server with two addresses what the NAT between them does. There is none.

Usage: natdiscovery.py HOST PORT USER PASSWORD [OPTION...]
"""

import shutil
import subprocess
import sys

# It waits several seconds for an answer that does not come, three times at most.
SECONDS_MAX = 60

# What each option has it find out where nothing is in between, and nobody rewrites addresses.
FINDINGS = {
    "-m": "Endpoint Independent Mapping",
    "-f": "Endpoint Independent Filtering",
    "-H": "successful hairpinning",
    "-P": "No ALG: Mapped == XOR-Mapped",
}


def main():
    host, port, _, _, *options = sys.argv[1:]
    if not shutil.which("turnutils_natdiscovery"):
        print("natdiscovery: failed: no turnutils_natdiscovery: run Scripts/setup test")
        sys.exit(1)
    command = ["turnutils_natdiscovery", *options, "-p", port, host]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX).stdout
    except subprocess.TimeoutExpired as expired:
        output = (expired.stdout or b"").decode()
    missing = [FINDINGS[option] for option in options if FINDINGS[option] not in output]
    if missing:
        print(f"natdiscovery: failed: expected {missing}, got {output.strip() or 'nothing'}")
        sys.exit(1)
    print(f"natdiscovery: found {', '.join(FINDINGS[option] for option in options)}")


main()
