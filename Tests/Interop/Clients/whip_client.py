"""Debian's simple-whip-client reads where STUN and TURN are, and with which credentials, from the `Link` headers of
`/v1/rooms/{room}/ice` (RFC 9725 §4.6); and coturn's uclient relays with what it has read.

A WHIP endpoint of a few lines stands between: it passes the client's token on to the server, and the server's headers
back to the client.
Usage: whip_client.py TURNSERVER.CONF (with the interpreter of .build/venv)
"""

import http.server
import os
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.parse
import urllib.request

from signaling import case, equal, run, uclient

PIPELINE = ("audiotestsrc is-live=true ! audioconvert ! opusenc ! rtpopuspay pt=100 ssrc=1 ! queue ! "
            "application/x-rtp,media=audio,encoding-name=OPUS,payload=100")
SECONDS_MAX = 30


class Endpoint(http.server.BaseHTTPRequestHandler):
    """A WHIP endpoint that says where STUN and TURN are, and takes no offer."""

    def do_OPTIONS(self):
        request = urllib.request.Request(
            self.server.ice_url, method="OPTIONS", headers={"Authorization": self.headers["Authorization"]})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            links = answer.headers.get_all("Link")
        self.send_response(204)
        for link in links:
            self.send_header("Link", link)
        self.end_headers()

    def do_POST(self):
        self.server.offer = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_error(406)

    def log_message(self, *_):
        pass


def run_client(server, token):
    """What simple-whip-client says, and the offer that it sent, if it came to that."""
    program = shutil.which("whip-client") or shutil.which("simple-whip-client")
    assert program, "no whip-client: run Scripts/setup test"
    endpoint = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    endpoint.ice_url = server.origin + "/v1/rooms/den/ice"
    endpoint.offer = None
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    command = [program, "-u", f"http://127.0.0.1:{endpoint.server_port}/whip", "-t", token, "-f", "-F", "-n", "-o",
               "-A", PIPELINE]
    with tempfile.TemporaryDirectory() as folder:
        # It is killed by a signal or goes on for ever; neither is to leave a file or a process behind.
        done = subprocess.run(
            ["timeout", "--kill-after=1", "15", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=folder, env=os.environ | {"HOME": folder, "http_proxy": ""}, timeout=SECONDS_MAX, check=False)
    endpoint.shutdown()
    return done.stdout, endpoint.offer


@case
def link_headers_configure_the_client(server):
    output, offer = run_client(server, server.token(sub="camera"))
    configured = re.findall(r"-- -- (\S+)", output)
    equal(len(configured), 2, f"servers that the client has found in {output}")
    equal(configured[0], f"stun://{server.host}:{server.turn_port}", "STUN")
    turn = re.fullmatch(r"turn://([^:]+):([^@]+)@(\S+)", configured[1])
    assert turn, configured[1]
    equal(turn[3], f"{server.host}:{server.turn_port}?transport=udp", "TURN")
    # Debian 12 links the client with libsoup 2 and its GStreamer with libsoup 3, so it ends here. Where it does not,
    # its offer has a candidate of the relay and no other.
    if offer is None:
        assert "libsoup" in output, output
    else:
        assert "typ relay" in offer and "typ host" not in offer, offer
    username, credential = urllib.parse.unquote(turn[1]), urllib.parse.unquote(turn[2])
    done = uclient(server, username, credential)
    equal(done.returncode, 0, done.stdout)


run("simple-whip-client")
