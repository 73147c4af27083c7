"""Idle sessions of Socket.IO on Tern and on python-socketio: memory of each, and what their heartbeats cost; started by
Benchmarks/socketio.

Half of the sessions poll and half have a WebSocket. Each has opened its session, entered the default namespace, and
then answers the server's pings, nothing else. The memory is what the server's process has grown by, the processor time
what it used while nothing but heartbeats went on. Both servers ping every 25 seconds.
"""
import argparse
import asyncio
import base64
import os
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

from compare_support.machine import GENERATOR_CPU, SERVER_CPU, free_port

HOST = "127.0.0.1"
PAGE = os.sysconf("SC_PAGESIZE")
TICK = os.sysconf("SC_CLK_TCK")

PYTHON_SERVER = """
import sys
import socketio
from aiohttp import web
server = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")
application = web.Application()
server.attach(application)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""


def tern(port, binaries):
    return [
        os.path.join(binaries, "tern"), "serve", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
        f"--listening-port={free_port()}", f"--signaling-port={port}", "--relay-threads=1", "--realm=bench",
        "--use-auth-secret", "--static-auth-secret=of-no-use-outside-of-this-measurement-01",
        "--signaling-dialect=socket.io", "--signaling-anonymous-rooms=*",
        # The generator is everybody, and all come at once from one address.
        "--signaling-connections-per-source=100000", "--signaling-connect-rate=100000",
        "--signaling-connect-burst=1000000", f"--log-file={os.path.join(tempfile.gettempdir(), 'tern-socketio.log')}",
    ]


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Session:
    """What a client says; it counts the heartbeats that it answered."""

    heartbeats = 0
    lost = 0

    def __init__(self, port):
        self.port = port

    async def connect(self):
        self.reader, self.writer = await asyncio.open_connection(HOST, self.port, limit=4096)

    async def head(self):
        return (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()


class Polling(Session):
    """One connection that polls, answers, and polls again."""

    async def open(self):
        await self.connect()
        text = await self.request("GET", "")
        self.sid = text.split('"sid":"')[1].split('"')[0]
        await self.request("POST", "40")
        text = await self.request("GET", "")
        assert text.startswith("40"), text

    async def request(self, method, body):
        sid = f"&sid={self.sid}" if hasattr(self, "sid") else ""
        length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        self.writer.write(
            f"{method} /socket.io/?EIO=4&transport=polling{sid} HTTP/1.1\r\nHost: {HOST}\r\n{length}\r\n{body}"
            .encode())
        head = await self.head()
        if " 200 " not in head.split("\r\n")[0] + " ":
            raise ConnectionError(head)
        if "transfer-encoding: chunked" in head:
            raise ConnectionError("chunked answers are not read here")
        count = int(head.split("content-length:")[1].split("\r\n")[0])
        return (await self.reader.readexactly(count)).decode()

    async def stay(self):
        while True:
            text = await self.request("GET", "")
            if text == "2":
                await self.request("POST", "3")
                Session.heartbeats += 1
            elif text != "6":
                raise ConnectionError(text)


class WebSocket(Session):
    """A WebSocket from the first request on."""

    async def open(self):
        await self.connect()
        key = base64.b64encode(os.urandom(16)).decode()
        self.writer.write(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = await self.head()
        if " 101 " not in head.split("\r\n")[0]:
            raise ConnectionError(head)
        assert (await self.receive()).startswith("0")
        self.send("40")
        assert (await self.receive()).startswith("40")

    def send(self, text):
        # A mask of zeros is a mask.
        self.writer.write(struct.pack("!BBI", 0x81, 0x80 | len(text), 0) + text.encode())

    async def receive(self):
        opcode, length = await self.reader.readexactly(2)
        if length == 126:
            [length] = struct.unpack("!H", await self.reader.readexactly(2))
        payload = await self.reader.readexactly(length)
        if opcode & 0x0F == 8:
            raise ConnectionError("closed")
        return payload.decode() if opcode & 0x0F == 1 else await self.receive()

    async def stay(self):
        while True:
            if await self.receive() == "2":
                self.send("3")
                Session.heartbeats += 1


async def keep(session):
    try:
        await session.stay()
    except (ConnectionError, asyncio.IncompleteReadError, IndexError):
        Session.lost += 1


async def hold(port, pid, options):
    """Bytes of each session, and the share of a processor that 10,000 of them take while idle."""
    # What the first ones load is not what each costs.
    first = [Polling(port), WebSocket(port)]
    for session in first:
        await session.open()
    tasks = [asyncio.create_task(keep(session)) for session in first]
    before = resident_bytes(pid)
    sessions = [Polling(port) if number % 2 else WebSocket(port) for number in range(options.sessions)]
    for start in range(0, len(sessions), 100):
        await asyncio.gather(*(session.open() for session in sessions[start:start + 100]))
        tasks += [asyncio.create_task(keep(session)) for session in sessions[start:start + 100]]
        print(f"\r{min(start + 100, len(sessions))} sessions", end="", file=sys.stderr, flush=True)
    await asyncio.sleep(1)
    grown = resident_bytes(pid) - before
    Session.heartbeats = 0
    used = processor_seconds(pid)
    began = time.monotonic()
    await asyncio.sleep(options.seconds)
    elapsed = time.monotonic() - began
    used = processor_seconds(pid) - used
    heartbeats = Session.heartbeats
    for task in tasks:
        task.cancel()
    print(f"\r{heartbeats} heartbeats in {elapsed:.0f} s, {Session.lost} sessions lost", file=sys.stderr)
    if Session.lost or heartbeats < options.sessions * (elapsed // 25) * 0.9:
        sys.exit("socketio: the sessions did not live; nothing was measured")
    return grown / options.sessions, used / heartbeats * 1e6, used / elapsed


def measure(name, options):
    port = free_port()
    command = [sys.executable, "-c", PYTHON_SERVER, str(port)] if name == "python" else tern(port, options.binaries)
    server = subprocess.Popen(
        ["taskset", "-c", SERVER_CPU] + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                url = f"http://{HOST}:{port}/socket.io/?EIO=4&transport=polling"
                urllib.request.urlopen(url, timeout=1).read()
                break
            except OSError:
                time.sleep(0.1)
        else:
            sys.exit(f"socketio: {name} does not answer")
        Session.lost = 0
        return asyncio.run(hold(port, server.pid, options))
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/socketio", description=__doc__.splitlines()[0])
    parser.add_argument("--binaries", default=".build/release", help=argparse.SUPPRESS)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=55.0, help="how long idle sessions are watched")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(GENERATOR_CPU)})
    results = {"python": [], "tern": []}
    for number in range(options.rounds):
        order = ["python", "tern"] if number % 2 == 0 else ["tern", "python"]
        for name in order:
            print(f"round {number + 1} of {options.rounds}: {name}", file=sys.stderr)
            results[name].append(measure(name, options))
    print(f"{options.sessions} idle sessions, half of them polling; medians of {options.rounds} rounds\n")
    print("| | python-socketio | Tern | Tern : python-socketio |\n| --- | --- | --- | --- |")
    titles = ["memory of a session, bytes", "CPU of a heartbeat, µs", "CPU of all while idle, % of a core"]
    for index, title in enumerate(titles):
        scale = 100 if index == 2 else 1
        python = statistics.median(result[index] for result in results["python"]) * scale
        ours = statistics.median(result[index] for result in results["tern"]) * scale
        print(f"| {title} | {python:,.1f} | {ours:,.1f} | {ours / python:.3f} |")


if __name__ == "__main__":
    main()
