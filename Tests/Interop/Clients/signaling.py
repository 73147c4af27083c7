"""What the programs that try signaling have in common. No program itself.

A program of them takes the path of the server's turnserver.conf, reads there what it needs to know, runs all its
cases, each by itself, and names those that failed. Its cases are functions decorated with `@case`.
"""

import asyncio
import base64
import json
import os
import re
import subprocess
import sys
import time

try:
    import jwt
    from websockets.asyncio.client import ClientConnection, connect
    from websockets.exceptions import ConnectionClosed, InvalidStatus
except ImportError:
    sys.exit("failed: websockets or PyJWT is not installed: run Scripts/setup test")

SECONDS_MAX = 20
# What credentials look like, wherever they stand: the members of RTCIceServer, URLs of TURN, and the names that Tern
# mints. Nothing of this may reach anybody in front of the gate.
CREDENTIAL = re.compile(rb'iceServers|"username"|"credential"|turns?:|\d{10}:|tern\.\d+\.', re.IGNORECASE)


class Server:
    """The server as its configuration file describes it."""

    def __init__(self, path):
        self.path = path
        self.directory = os.path.dirname(path)
        self.options = {}
        with open(path, encoding="utf-8") as file:
            for line in file.read().splitlines():
                name, _, value = line.partition("=")
                self.options.setdefault(name, []).append(value)
        self.host = self.options["listening-ip"][0]
        self.turn_port = self.options["listening-port"][0]
        authority = f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.options['signaling-port'][0]}"
        self.origin = f"http://{authority}"
        self.signal_url = f"ws://{authority}/v1/signal"
        self.key_id, _, self.key = self.options["signaling-api-key"][0].partition(":")
        self.admin_key = self.options["signaling-admin-key"][0]

    def file(self, name):
        return os.path.join(self.directory, name)

    def log(self):
        with open(self.file("log"), encoding="utf-8") as file:
            return file.read()

    def claims(self, **claims):
        """Claims of a token for the room `den`, valid for ten minutes. What is None is left out."""
        standard = {"iss": self.key_id, "room": "den", "exp": int(time.time()) + 600}
        return {name: value for name, value in (standard | claims).items() if value is not None}

    def token(self, **claims):
        """A token signed with the API key, as PyJWT makes it."""
        return jwt.encode(self.claims(**claims), self.key, algorithm="HS256")


def segment(data):
    """A part of a token that is put together by hand."""
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=")


class Response:
    """What curl got."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        # An interim response stands in front of the final one.
        while head.startswith(b"HTTP/1.1 100"):
            head, _, self.body = self.body.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.raw = raw
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            self.headers.setdefault(name.lower(), []).append(value)

    def header(self, name):
        """The value of a header that may be there once."""
        values = self.headers.get(name, [])
        assert len(values) <= 1, f"{name} is there {len(values)} times"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json()["error"]["code"]


def curl(server, path, *arguments, bearer=None, body=None):
    """Runs curl on a path of the server."""
    command = ["curl", "--silent", "--show-error", "--include", "--max-time", "10", "--noproxy", "*", *arguments]
    if bearer is not None:
        command += ["--header", f"Authorization: Bearer {bearer}"]
    if body is not None:
        command += ["--data", body if isinstance(body, str) else json.dumps(body)]
    done = subprocess.run([*command, server.origin + path], capture_output=True, check=False)
    assert done.returncode == 0, f"curl: {done.stderr.decode().strip()}"
    return Response(done.stdout)


def uclient(server, username, credential):
    """Relays with coturn's client. It sleeps for some seconds whatever it is told."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "uclient.py")
    flags = ["-y", "-c", "-s", "-n", "5", "-z", "5"]
    return subprocess.run(
        [sys.executable, program, server.host, server.turn_port, username, credential, *flags], capture_output=True,
        text=True, check=False)


class Recorded(ClientConnection):
    """A connection of websockets that remembers every byte it was sent, the HTTP response included."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.transcript = bytearray()

    def data_received(self, data):
        self.transcript += data
        super().data_received(data)


class Member:
    """A client of tern.v1 over websockets: sends requests, and keeps what comes until somebody asks for it."""

    def __init__(self, socket):
        self.socket = socket
        self.waiting = []
        self.numbered = 0
        self.last_id = 0

    @classmethod
    async def connect(cls, server, **options):
        options = {"subprotocols": ["tern.v1"], "compression": None, "proxy": None, "ping_interval": None} | options
        return cls(await connect(server.signal_url, create_connection=Recorded, **options))

    @classmethod
    async def greeted(cls, server, hello=None, **options):
        """A member that has said hello, with the fields of `hello`."""
        member = await cls.connect(server, **options)
        await member.hello(**(hello or {}))
        return member

    @classmethod
    async def joined(cls, server, room="den", hello=None, **fields):
        """A member that is in a room, with its own token for it unless another one is given."""
        member = await cls.greeted(server, hello or {"token": server.token(room=room)})
        await member.join(room, **fields)
        return member

    async def hello(self, **fields):
        self.welcome = await self.ask("hello", v=1, **fields)
        assert self.welcome["type"] == "welcome", self.welcome
        return self.welcome

    async def join(self, room="den", **fields):
        self.seat = await self.ask("join", room=room, **fields)
        assert self.seat["type"] == "joined", self.seat
        self.id = self.seat["self"]
        return self.seat

    @property
    def transcript(self):
        return bytes(self.socket.transcript)

    async def send(self, message):
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def ask(self, kind, **fields):
        """Sends a request and answers what came for it: the particular answer if there is one, else `ok` or `error`."""
        self.last_id += 1
        await self.send({"type": kind, "id": self.last_id} | fields)
        answers = []
        while True:
            message = await self.receive()
            if message.get("id") != self.last_id:
                self.waiting.append(message)
                continue
            answers.append(message)
            # The last word on a request is always one of these two.
            if message["type"] in ("ok", "error"):
                return answers[0]

    async def refused(self, kind, code, **fields):
        """Sends a request and expects it to be refused in this way."""
        answer = await self.ask(kind, **fields)
        assert (answer["type"], answer.get("code")) == ("error", code), f"{kind}: wanted {code}, got {answer}"
        assert answer["message"] and answer["fatal"] is False, answer
        return answer

    async def receive(self):
        """The next message from the connection."""
        text = await asyncio.wait_for(self.socket.recv(decode=False), SECONDS_MAX)
        message = json.loads(text)
        message["raw"] = bytes(text)
        # What is counted for `received` of a later hello: everything but what is about the connection alone.
        if message["type"] not in ("welcome", "pong") and not message.get("fatal"):
            self.numbered += 1
        return message

    async def next(self, kind=None):
        """The next message that answers no request, which is of this kind."""
        message = self.waiting.pop(0) if self.waiting else await self.receive()
        assert kind is None or message["type"] == kind, f"wanted {kind}, got {message['raw']}"
        return message

    async def silent(self):
        """Expects that nothing waits: what was sent before a ping comes before its pong."""
        await self.ask("ping", t=self.last_id)
        assert not self.waiting, f"unexpected: {[message['raw'] for message in self.waiting]}"

    async def end(self):
        """What came until the end of the connection, and the code with which it was closed."""
        while True:
            try:
                self.waiting.append(await self.receive())
            except ConnectionClosed:
                messages, self.waiting = self.waiting, []
                return messages, self.socket.close_code

    def abort(self):
        """Ends the connection with a reset, as a crash or a network that is gone does."""
        self.socket.transport.abort()


async def refused_upgrade(server, **options):
    """The response to a request for a WebSocket that is refused."""
    try:
        member = await Member.connect(server, **options)
    except InvalidStatus as refusal:
        return refusal.response
    raise AssertionError(f"a WebSocket was opened: {member.transcript}")


def without_credentials(data, what):
    """Expects that no credential is anywhere in these bytes."""
    found = CREDENTIAL.search(data)
    assert not found, f"{what}: {found[0]} in {data}"


def equal(actual, wanted, what):
    assert actual == wanted, f"{what}: wanted {wanted!r}, got {actual!r}"


async def eventually(condition, what, seconds=5):
    """Waits until a condition holds, and answers what it came to."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.02)
    return result


CASES = []


def case(function):
    """Makes a function, plain or async, one of the program's cases."""
    CASES.append(function)
    return function


def case_with(line):
    """The same, of a case that needs this line in the configuration. Where it stands, no others are run."""

    def mark(function):
        function.line = line
        return case(function)

    return mark


def selected(server, names):
    """The cases that this server is for, or those that are named."""
    if names:
        return [function for function in CASES if function.__name__ in names]
    with open(server.path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    special = [function for function in CASES if getattr(function, "line", None) in lines]
    return special or [function for function in CASES if not hasattr(function, "line")]


def empty(server):
    """Closes the rooms that are left of the case before, with everybody in them."""
    for room in curl(server, "/v1/rooms", bearer=server.admin_key).json()["rooms"]:
        curl(server, f"/v1/rooms/{room['room']}", "--request", "DELETE", bearer=server.admin_key)


def run(program):
    """Runs the cases against the server of the command line, or those alone that it names."""
    path, *names = sys.argv[1:]
    server = Server(path)
    cases = selected(server, names)
    failures = []
    for function in cases:
        empty(server)
        try:
            result = function(server)
            if asyncio.iscoroutine(result):
                asyncio.run(asyncio.wait_for(result, SECONDS_MAX + 40))
        except Exception as error:
            frames = []
            trace = error.__traceback__
            while trace:
                if trace.tb_frame.f_code.co_filename.startswith(os.path.dirname(os.path.abspath(__file__))):
                    frames.append(str(trace.tb_lineno))
                trace = trace.tb_next
            failures.append(f"{function.__name__} (line {', '.join(frames[1:])}): {type(error).__name__}: {error}")
    if failures or not cases:
        print(f"{program}: failed {len(failures)} of {len(cases)} cases:\n" + "\n".join(failures)[:6000])
        sys.exit(1)
    print(f"{program}: {len(cases)} cases")
