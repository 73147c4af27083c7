"""Makes files that the server of a test reads, in a directory: es256.key, es256.pem, eddsa.key and eddsa.pem, the keys
of two issuers of tokens; `site`, pages to be served; and secret.txt beside it, which must not be.

Usage: server_files.py DIRECTORY (with the interpreter of .build/venv)
"""

import os
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

folder = Path(sys.argv[1])

keys = {"es256": ec.generate_private_key(ec.SECP256R1()), "eddsa": ed25519.Ed25519PrivateKey.generate()}
for name, key in keys.items():
    (folder / f"{name}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pem").write_bytes(public)

(folder / "secret.txt").write_text("SECRET\n", encoding="ascii")
site = folder / "site"
for path, text in {
    "index.html": "<!doctype html><title>start</title>", "about.html": "<!doctype html><title>about</title>",
    "a b.txt": "with a space\n", "é.txt": "with an accent\n", "sub/index.html": "<title>below</title>",
    "app.mjs": "0\n", "data.unknown": "?\n", ".hidden": "SECRET\n", ".git/config": "SECRET\n",
    "sub/.htpasswd": "SECRET\n",
}.items():
    (site / path).parent.mkdir(parents=True, exist_ok=True)
    (site / path).write_text(text, encoding="utf-8")
(site / "large.bin").write_bytes(bytes(range(256)) * 4096)
os.symlink("../secret.txt", site / "out.txt")
os.symlink(folder, site / "up")
os.symlink("/etc/passwd", site / "passwd.txt")
os.mkfifo(site / "pipe.txt")
