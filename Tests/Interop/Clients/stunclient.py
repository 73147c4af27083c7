"""coturn's turnutils_stunclient asks for its own address with a Binding request.

Usage: stunclient.py HOST PORT
"""

import re
import shutil
import subprocess
import sys

# It waits for ever for an answer that got lost, so it is given up after this.
SECONDS_MAX = 5


def main():
    host, port = sys.argv[1:3]
    if not shutil.which("turnutils_stunclient"):
        print("stunclient: failed: no turnutils_stunclient: run Scripts/setup test")
        sys.exit(1)
    command = ["turnutils_stunclient", "-p", port, host]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX).stdout
    except subprocess.TimeoutExpired as expired:
        output = (expired.stdout or b"").decode()
    address = re.search(r"UDP reflexive addr: (\S+)", output)
    if not address or not address[1].rpartition(":")[0].strip("[]") == host:
        print(f"stunclient: failed: expected a reflexive address of {host}, got {output.strip() or 'no answer'}")
        sys.exit(1)
    print(f"stunclient: the server sees us at {address[1]}")


main()
