"""One port at one time: a room over WSS, pages over HTTPS, and TURN over UDP, TCP, TLS and DTLS, each relaying.

Usage: every_way_client.py HOST PORT USER PASSWORD CERTIFICATE (with the interpreter of .build/venv)
"""

import asyncio
import json
import pathlib
import ssl
import sys

from websockets.asyncio.client import connect

SECONDS_MAX = 60
UCLIENT = pathlib.Path(__file__).with_name("uclient.py")
WAYS = {"UDP": [], "TCP": ["-t"], "TLS": ["-t", "-S"], "DTLS": ["-S"]}


async def run(*command):
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    output, _ = await process.communicate()
    return process.returncode, output.decode().strip()


async def relay(name, host, port, user, password):
    code, output = await run(
        "/usr/bin/python3", str(UCLIENT), host, port, user, password, *WAYS[name], "-y", "-c", "-n", "100", "-z", "20")
    assert code == 0, f"{name}: {output}"


async def ask(socket, message):
    """A request of tern.v1 and its answer."""
    await socket.send(json.dumps(message))
    while True:
        answer = json.loads(await socket.recv())
        if answer.get("id") == message["id"]:
            return answer


async def browse(host, port, certificate, until):
    """Asks for the page again and again, over HTTPS, until everything else has been done."""
    count = 0
    while not until.done():
        code, status = await run(
            "curl", "-sS", "--max-time", "10", "--cacert", certificate, "-o", "/dev/null", "-w", "%{http_code}",
            f"https://{host}:{port}/")
        assert (code, status) == (0, "200"), f"HTTPS: {status}"
        count += 1
        # One address may not connect as fast as it can.
        await asyncio.sleep(0.2)
    return count


async def main():
    host, port, user, password, certificate = sys.argv[1:]
    trust = ssl.create_default_context(cafile=certificate)
    async with connect(f"wss://{host}:{port}/v1/signal", ssl=trust, subprotocols=["tern.v1"]) as socket:
        await ask(socket, {"type": "hello", "v": 1, "id": "1"})
        joined = await ask(socket, {"type": "join", "room": "den", "id": "2"})
        assert joined["type"] == "joined", joined
        relays = asyncio.gather(*(relay(name, host, port, user, password) for name in WAYS))
        pages = await browse(host, port, certificate, relays)
        await relays
        # The room was open all the time, and is.
        roster = await ask(socket, {"type": "roster", "room": "den", "id": "3"})
        assert roster["participants"], roster
    print(f"every way: {', '.join(WAYS)} relayed, {pages} pages over HTTPS, and a room over WSS, on one port")


try:
    asyncio.run(asyncio.wait_for(main(), SECONDS_MAX))
except Exception as error:
    print(f"every way: failed: {type(error).__name__}: {error}")
    sys.exit(1)
