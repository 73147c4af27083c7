"""What the programs that try the pages have in common: a server of their own, and a browser. No program itself.

A program of them takes the path of the server's executable, runs all its cases one after the other, or those that are
named behind it, and says which failed. Its cases are functions decorated with `@case`.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from browser import Browser

PROBE = Path(__file__).with_name("pages_probe.js").read_text(encoding="utf-8")
API_KEY = "ocean-of-thirty-two-bytes-at-least"
ADMIN_KEY = "captain-of-thirty-two-bytes-at-least"
# What somebody reads who waits; a case that takes longer hangs.
CASE_SECONDS_MAX = 40


class Server:
    """Tern on loopback: `async with Server(…) as server:`. Rooms whose names begin with `open` need no token."""

    def __init__(self, program, options=()):
        self.program = program
        self.turn_port, self.port = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        self.host = f"127.0.0.1:{self.port}"
        self.lines = [
            f"listening-port={self.turn_port}", "listening-ip=127.0.0.1", "relay-ip=127.0.0.1", "realm=example.org",
            "no-tcp", "no-tls", "no-dtls", "allow-loopback-peers", f"signaling-port={self.port}",
            f"signaling-api-key=app:{API_KEY}", f"signaling-admin-key={ADMIN_KEY}", "signaling-anonymous-rooms=open*",
            # One address opens many pages here, and some of them with tokens that are wrong.
            "signaling-connect-rate=1000", "signaling-connect-burst=1000", "signaling-auth-failures=1000", *options,
        ]

    async def __aenter__(self):
        self.folder = tempfile.mkdtemp(prefix="tern-pages-")
        Path(self.folder, "turnserver.conf").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        await self.start()
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            await self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def start(self):
        with open(os.path.join(self.folder, "log"), "w", encoding="utf-8") as log:
            # The server dies with us, however we die; the browser does so as its pipes close.
            self.process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "KILL", self.program, "serve", "-c",
                os.path.join(self.folder, "turnserver.conf"), stdout=log, stderr=log)
        await eventually(lambda: "ready" in self.log(), f"{self.program} is ready")

    async def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        try:
            await asyncio.wait_for(self.process.wait(), 10)
        finally:
            if self.process.returncode is None:
                self.process.kill()
        if number == signal.SIGTERM:
            assert self.process.returncode == 0, f"SIGTERM did not end the server well: {self.log()[-2000:]}"

    def log(self):
        return Path(self.folder, "log").read_text(encoding="utf-8")

    async def ask(self, method, path, key, body=None):
        """The answer of the HTTP interface, as JSON."""
        request = urllib.request.Request(
            f"http://{self.host}{path}", method=method, headers={"Authorization": f"Bearer {key}"},
            data=None if body is None else json.dumps(body).encode())

        def fetch():
            with urllib.request.urlopen(request, timeout=5) as response:
                return json.loads(response.read() or "null")

        return await asyncio.to_thread(fetch)

    async def token(self, room, **wishes):
        return (await self.ask("POST", "/v1/tokens", API_KEY, {"room": room} | wishes))["token"]

    async def rooms(self):
        return (await self.ask("GET", "/v1/rooms", ADMIN_KEY))["rooms"]


class Line:
    """The line between pages and a server, which can be cut: `async with Line(server) as line:`."""

    def __init__(self, server):
        self.server = server
        self.is_cut = False
        self.writers = set()

    async def __aenter__(self):
        self.listener = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.host = f"127.0.0.1:{self.listener.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self.listener.close()
        self.cut()

    def cut(self):
        """Ends all connections with a reset, and refuses new ones."""
        self.is_cut = True
        for writer in list(self.writers):
            writer.transport.abort()

    def mend(self):
        self.is_cut = False

    async def _carry(self, reader, writer):
        if self.is_cut:
            return writer.transport.abort()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        except OSError:
            return writer.transport.abort()
        both = {writer, far_writer}
        self.writers |= both
        try:
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        except OSError:
            pass
        finally:
            self.writers -= both
            for each in both:
                each.transport.abort()


async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def eventually(condition, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.02)


# MARK: - People in a call


class People:
    """Who takes part in a case: pages of one browser, from one server or from the line in front of it."""

    def __init__(self, browser, server, host=None):
        self.browser, self.server = browser, server
        self.host = host or server.host

    def through(self, line):
        """The same, when they reach the server over this line."""
        return People(self.browser, self.server, line.host)

    async def open(self, path, **options):
        return await self.browser.open(f"http://{self.host}{path}", PROBE, **options)

    async def arrive(self, name, room, token=None, relay=False, **options):
        """Somebody before the door of a room, with a picture to show."""
        fragment = f"room={room}" + (f"&token={token}" if token else "")
        switch = "&relay" if relay else ""
        page = await self.open(f"/call.html?media=generated&name={name}{switch}#{fragment}", **options)
        await page.until("globalThis.ternDemo && document.getElementById('preview').videoWidth > 0")
        return page

    async def enter(self, name, room, **options):
        """Somebody in a room."""
        page = await self.arrive(name, room, **options)
        await page.eval("ternDemo.join()")
        await page.until("ternDemo.room")
        return page

    async def meet(self, room, names=("Ada", "Bea"), tokens=(None, None, None), **options):
        """People in a room who see one another."""
        pages = await asyncio.gather(
            *(self.arrive(name, room, token, **options) for name, token in zip(names, tokens)))
        for page in pages:
            await page.eval("ternDemo.join()")
        for page in pages:
            await sees(page, len(pages) - 1)
        return pages


async def look(page):
    """What the page's connections carry: the browser's word, not the page's."""
    return await page.eval("probe.look()")


async def sees(page, count, seconds=10):
    """Waits until pictures of as many others are decoded, and go on to be."""
    def shows(connections, frames):
        return len(connections) == len(frames) and all(
            each["state"] == "connected" and each["decoded"] > number for each, number in zip(connections, frames))

    first = await until_look(page, lambda seen: shows(seen, count * [0]), f"the pictures of {count} others", seconds)
    frames = [each["decoded"] for each in first]
    return await until_look(page, lambda seen: shows(seen, frames), f"pictures of {count} others that move", seconds)


async def until_look(page, condition, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition(connections := await look(page)):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}; {connections} {page.complaints[-5:]}"
        await asyncio.sleep(0.05)
    return connections


async def silence_after(pages, seconds):
    """After how many seconds from now the last packet of media has come to any of the pages, watched for as long."""
    start = last = time.monotonic()
    counts = None
    while time.monotonic() - start < seconds:
        seen = [[each["packets"] for each in await look(page)] for page in pages]
        if counts is not None and seen != counts:
            last = time.monotonic()
        counts = seen
        await asyncio.sleep(0.05)
    return last - start


# MARK: - Cases

CASES = []


def case(function):
    """Makes an async function of `People` one of the program's cases."""
    CASES.append(function)
    return function


async def says(page, words, where="entry-error-text", seconds=5):
    """Waits until these words are to be read there."""
    element = f"document.getElementById({json.dumps(where)})"
    await page.until(f"{element}.checkVisibility() && {element}.innerText.includes({json.dumps(words)})", seconds)


async def writes(page, text):
    """Sends a message to everybody in the call, as a person does."""
    await page.eval(f"document.getElementById('chat-text').value = {json.dumps(text)}")
    await page.eval("document.getElementById('chat-form').requestSubmit()")


async def reads(page, text):
    """Waits until a message of somebody else is among those of the call."""
    messages = "[...document.querySelectorAll('.message:not(.own) p')].map((each) => each.textContent)"
    await page.until(f"{messages}.includes({json.dumps(text)})")


def equal(actual, wanted, what):
    assert actual == wanted, f"{what}: wanted {wanted!r}, got {actual!r}"


async def judge(function, people, seconds_max):
    """Runs a case; answers what went wrong in it, if anything."""
    try:
        await asyncio.wait_for(function(people), seconds_max)
    except Exception as error:
        lines = []
        trace = error.__traceback__
        while trace:
            lines.append(f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}")
            trace = trace.tb_next
        own = [line for line in lines[1:] if not line.startswith("tasks.py")]
        return f"{function.__name__} ({', '.join(own)}): {type(error).__name__}: {error}"
    # A page that complains in the console is not well, even if it did its work.
    unwell = [text for page in people.browser.pages.values() for text in page.complaints if not is_expected(text)]
    return f"{function.__name__}: the console says: {unwell[:5]}" if unwell else None


def is_expected(complaint):
    """A connection that cannot be made is told by the browser itself; pages cannot keep it from that."""
    return "WebSocket connection to" in complaint


async def run_all(program, names, options, seconds_max):
    cases = [function for function in CASES if not names or function.__name__ in names]
    failures, times = [], []
    async with Server(program, options) as server, Browser() as browser:
        for function in cases:
            start = time.monotonic()
            failure = await judge(function, People(browser, server), seconds_max)
            times.append(f"{function.__name__} {time.monotonic() - start:.1f} s")
            await browser.close_pages()
            if failure:
                failures.append(failure)
            if server.process.returncode is not None:
                failures.append(f"{function.__name__}: the server died: {server.log()[-2000:]}")
                await server.start()
    return failures, times


def run(what, options=(), case_seconds_max=CASE_SECONDS_MAX, note=lambda: ""):
    """Runs the cases that the command line names, or all. `note` is what they measured."""
    # Killed by timeout(1), it takes its browser and its server along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"{what}: not done in time"))
    program, *names = sys.argv[1:]
    failures, times = asyncio.run(run_all(program, names, options, case_seconds_max))
    if failures or not times:
        print(f"{what}: failed {len(failures)} of {len(times)} cases:\n" + "\n".join(failures)[:6000])
        sys.exit(1)
    print(f"{what}: {', '.join(times)}. {note()}".strip())
