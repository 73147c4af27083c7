"""coturn's turnadmin makes a database with alice, her password "secret", and the shared secret "north-wind".

Usage: turnadmin.py DIRECTORY
"""

import glob
import os
import shutil
import subprocess
import sys

directory = sys.argv[1]
if not shutil.which("turnadmin"):
    print("turnadmin: missing: run Scripts/setup test")
    sys.exit(1)
for flags in (["-a", "-u", "alice", "-p", "secret"], ["-s", "north-wind"]):
    command = ["turnadmin", *flags, "-r", "example.org", "-b", os.path.join(directory, "turndb")]
    process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output, _ = process.communicate(timeout=30)
    # It leaves a log wherever it may write.
    for folder in ("/var/log", "/var/tmp", "/tmp"):
        for log in glob.glob(f"{folder}/turn_{process.pid}_*.log"):
            os.remove(log)
    if process.returncode != 0:
        print(f"turnadmin: failed: {output}")
        sys.exit(1)
