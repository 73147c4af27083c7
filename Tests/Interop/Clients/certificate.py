"""Makes cert.pem and key.pem in a directory, for 127.0.0.1, ::1 and localhost, with the openssl of the system.

Usage: certificate.py DIRECTORY
"""

import subprocess
import sys

subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
     "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost",
     "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"],
    cwd=sys.argv[1], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
