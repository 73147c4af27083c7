"""Debian's Janus fetches TURN credentials from `/turn`, with an API key, when somebody calls it.

Janus runs in the foreground, on loopback, with a configuration of its own; its echo test is offered a call. coturn's
uclient relays with what Janus was given.
Usage: janus_client.py TURNSERVER.CONF (with the interpreter of .build/venv)
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

from signaling import case, equal, run, uclient

JANUS = """
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{plugins}/plugins"
    transports_folder = "{plugins}/transports"
    events_folder = "{folder}/none"
    loggers_folder = "{folder}/none"
    debug_level = 5
    protected_folders = []
}}
certificates: {{ }}
nat: {{
    turn_rest_api = "{origin}/turn"
    turn_rest_api_key = "{key}"
    turn_rest_api_method = "{method}"
}}
plugins: {{ disable = "{other_plugins}" }}
transports: {{ disable = "{other_transports}" }}
events: {{ broadcast = false }}
"""
HTTP = """
general: {{ json = "compact"  base_path = "/janus"  http = true  port = {port}  ip = "127.0.0.1"  https = false }}
admin: {{ admin_http = false  admin_https = false }}
"""
OFFER = "\r\n".join("""v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendrecv
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=rtpmap:111 opus/48000/2
""".format(fingerprint=":".join(["AB"] * 32)).split("\n"))


def plugins():
    """The folder of Janus's plugins, wherever this machine's architecture has it."""
    folders = [str(folder.parent) for folder in pathlib.Path("/usr/lib").glob("*/janus/plugins")]
    assert folders and shutil.which("janus"), "no janus: run Scripts/setup test"
    return folders[0]


def all_but(folder, name):
    return ",".join(file for file in os.listdir(folder) if file.endswith(".so") and file != name)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def janus(server, method, key):
    """Janus in the foreground: a function that asks it, and one that answers its log."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = pathlib.Path(name), free_port()
        (folder / "none").mkdir()
        (folder / "janus.jcfg").write_text(JANUS.format(
            folder=folder, plugins=plugins(), origin=server.origin, key=key, method=method,
            other_plugins=all_but(plugins() + "/plugins", "libjanus_echotest.so"),
            other_transports=all_but(plugins() + "/transports", "libjanus_http.so")), encoding="utf-8")
        (folder / "janus.transport.http.jcfg").write_text(HTTP.format(port=port), encoding="utf-8")
        log = folder / "log"
        with open(log, "wb") as output:
            command = ["janus", "--configs-folder", name, "--config", f"{name}/janus.jcfg"]
            process = subprocess.Popen(
                ["timeout", "--kill-after=2", "30", *command], stdout=output, stderr=output, cwd=folder,
                env=os.environ | {"no_proxy": "*", "http_proxy": ""})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def ask(path, **message):
            body = json.dumps(message | {"transaction": "t"}).encode() if message else None
            with opener.open(f"http://127.0.0.1:{port}/janus{path}", body, timeout=10) as answer:
                return json.load(answer)

        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    ask("/info")
                    break
                assert process.poll() is None, log.read_text(errors="replace")[-1000:]
                time.sleep(0.05)
            else:
                raise AssertionError(f"Janus does not serve HTTP: {log.read_text(errors='replace')[-3000:]}")
            yield ask, lambda: log.read_text(errors="replace")
        finally:
            process.terminate()
            process.wait()


def answer_to_offer(ask):
    """The SDP with which Janus answers an offer to its echo test."""
    session = ask("", janus="create")["data"]["id"]
    handle = ask(f"/{session}", janus="attach", plugin="janus.plugin.echotest")["data"]["id"]
    ask(f"/{session}/{handle}", janus="message", body={"audio": True}, jsep={"type": "offer", "sdp": OFFER})
    for _ in range(10):
        event = ask(f"/{session}?maxev=1")
        if "jsep" in event:
            return event["jsep"]["sdp"]
    raise AssertionError(f"no answer: {event}")


@case
def credentials_of_turn_are_good(server):
    for method in ("GET", "POST"):
        with janus(server, method, server.key) as (ask, log):
            sdp = answer_to_offer(ask)
            said = log()
        assert "Got credentials from the TURN REST API backend!" in said, f"{method}: {said[-2000:]}"
        got = json.loads(re.search(r'^\{"username":.*\}', said, re.MULTILINE)[0])
        equal(got["uris"], [f"turn:{server.host}:{server.turn_port}?transport=udp"], f"{method}: uris")
        # The name is the id of Janus's session, behind the time at which it ends.
        session = re.search(r"Creating new session: (\d+)", said)[1]
        equal(got["username"].split(":")[1], session, f"{method}: username")
        if method == "GET":
            done = uclient(server, got["username"], got["password"])
            equal(done.returncode, 0, done.stdout)
        # Janus has no sockets on loopback, and libnice asks no server there from another one. Elsewhere it relays.
        if not server.host.startswith("127."):
            assert "typ relay" in sdp, f"{method}: {sdp}"


@case
def a_wrong_key_gets_nothing(server):
    with janus(server, "GET", "x" * 32) as (ask, log):
        sdp = answer_to_offer(ask)
        assert "Got credentials" not in log() and "Invalid response: missing username" in log(), log()[-2000:]
    assert "typ relay" not in sdp, sdp


run("janus")
