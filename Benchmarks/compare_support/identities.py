"""Certificates and keys for the servers under test; who measures does not verify them."""
import os
import subprocess

KINDS = {
    "rsa": ("rsa:2048",),
    "ec": ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
}


def make(folder, kinds):
    """Paths of a self-signed certificate and its key, by kind."""
    identities = {}
    for kind in kinds:
        certificate, key = (os.path.join(folder, f"{kind}.{ending}") for ending in ("pem", "key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *KINDS[kind], "-nodes", "-days", "2", "-subj", "/CN=turn.example",
             "-keyout", key, "-out", certificate],
            check=True, capture_output=True)
        identities[kind] = (certificate, key)
    return identities
