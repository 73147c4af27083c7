"""Two RTCPeerConnections in a headless Chromium exchange data-channel messages through the server.

Usage: chromium_client.py HOST PORT USER PASSWORD [tcp | tls CERTIFICATE]
Over TLS the certificate is one that the user of this browser has imported; everything about it is checked.
The page and its verdict travel over a web server on loopback that lives as long as this program.
"""

import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

SECONDS_MAX = 60
PAGE = pathlib.Path(__file__).with_name("chromium_page.html")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # Otherwise Chromium gathers nothing on a machine whose only interface is lo.
    "--allow-loopback-in-peer-connection",
)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the page with the server's address in it, and takes the page's verdict."""

    settings = {}
    verdict = None
    done = threading.Event()

    def do_GET(self):
        body = PAGE.read_text().replace("/*SETTINGS*/", json.dumps(self.settings)).encode()
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body if self.path == "/" else b"")

    def do_POST(self):
        Handler.verdict = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.done.set()

    def log_message(self, *arguments):
        pass


def trust(certificate, home):
    """Makes the certificate one that programs believe whose home directory is `home`."""
    store = os.path.join(home, ".pki", "nssdb")
    os.makedirs(store)
    for arguments in (["-N", "--empty-password"], ["-A", "-n", "tern", "-t", "CT,,", "-i", certificate]):
        subprocess.run(["certutil", "-d", f"sql:{store}", *arguments], check=True, stdout=subprocess.DEVNULL)


def browse(url, certificate):
    """Opens `url` in a browser of our own until the verdict arrives; answers what went wrong, if anything."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return "no chromium: run Scripts/setup test"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        if certificate:
            trust(certificate, profile)
        with open(os.path.join(profile, "log"), "w+") as log:
            process = subprocess.Popen(
                [browser, *FLAGS, f"--user-data-dir={profile}", url],
                stdout=log, stderr=log, start_new_session=True, env=os.environ | {"HOME": profile},
            )
            try:
                if Handler.done.wait(SECONDS_MAX):
                    return None
                log.seek(0)
                return "no verdict in time: " + " | ".join(log.read().splitlines()[-5:])
            finally:
                # Its own session makes the browser and all its helpers one group, and only them.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def main():
    host, port, user, password, *transport = sys.argv[1:]
    way, certificate = (transport + [None, None])[:2]
    bracketed = f"[{host}]" if ":" in host else host
    url = f"{'turns' if way == 'tls' else 'turn'}:{bracketed}:{port}?transport={'tcp' if way else 'udp'}"
    Handler.settings = {"url": url, "way": way or "udp", "username": user, "credential": password}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    failure = browse(f"http://127.0.0.1:{server.server_port}/", certificate)
    failure = failure or Handler.verdict.get("failure")
    if failure:
        print(f"chromium: failed: {failure}")
        sys.exit(1)
    print(f"chromium: {Handler.verdict['summary']} over {way or 'udp'}")


main()
