"""The programs under test: how each is started, asked whether it is ready, and stopped."""
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from dataclasses import dataclass

from .machine import SERVER_CPU, free_port

# Below the ports that Linux gives out by itself (32768 and up), so that relays, clients and peers never meet.
RELAY_PORTS = (10000, 32767)

#: Both tell TLS from plain text by the first byte, on any port; the one for TLS has to be somewhere.
SECURE_WORDS = ("--cert={certificate}", "--pkey={key}", "--tls-listening-port={secureport}")

FLOOR_ENGINES = {
    "connected": ["--connect"],
    "gso": ["--gso"],
    "gro": ["--gro"],
    "stream": ["--stream"],
    "gathering": ["--gso", "--gather-us", "250"],
}


@dataclass(frozen=True)
class Program:
    """How a server is started. {port} and {log} in its words become those of the one that is started, and for
    scenarios over TLS and DTLS {certificate}, {key} and {secureport}."""

    name: str
    words: tuple
    #: More words, for scenarios over TLS and DTLS, and for all others.
    secure_words: tuple = ()
    plain_words: tuple = ()
    is_floor: bool = False
    #: What is asked is answered by nobody: the generator talks to itself, as the base of latencies.
    is_direct: bool = False


DIRECT = Program("direct", (), is_direct=True)


def tern(program, extra="", name="tern"):
    return Program(name, (
        program, "serve", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--listening-port={port}",
        "--allow-loopback-peers", "--lt-cred-mech", "--user=u:p", "--realm=r", "--relay-threads=1",
        "--unauthorized-ratelimit=0", "--binding-ratelimit-rps=0",
        f"--min-port={RELAY_PORTS[0]}", f"--max-port={RELAY_PORTS[1]}", "--log-file={log}", "--simple-log",
        *shlex.split(extra)), SECURE_WORDS)


def coturn():
    # Quotas and bandwidth limits are off unless asked for.
    return Program("coturn", (
        "turnserver", "-n", "-a", "-u", "u:p", "-r", "r", "--no-cli", "--relay-threads=1",
        "--allow-loopback-peers", "-L", "127.0.0.1", "-E", "127.0.0.1", "-p", "{port}",
        f"--min-port={RELAY_PORTS[0]}", f"--max-port={RELAY_PORTS[1]}", "--log-file={log}", "--simple-log",
        "--pidfile={log}.pid", "--no-stdout-log"), SECURE_WORDS, ("--no-tls", "--no-dtls"))


def floor(binaries, engine, extra=()):
    words = (os.path.join(binaries, "tern-floor"), *FLOOR_ENGINES[engine], *extra, "{port}")
    return Program(engine, words, is_floor=True)


def peer(text):
    """The program of `--peer 'name=command'`."""
    name, separator, command = text.partition("=")
    # As in a shell, a command may go on in the next line.
    words = tuple(shlex.split(command.replace("\\\n", " ")))
    if not separator or not re.fullmatch(r"[\w.+-]+", name) or not words:
        raise ValueError(f"not of the form name=command: {text}")
    if not any("{port}" in word for word in words):
        raise ValueError(f"the command of {name} does not say where {{port}} goes")
    # What is said about certificates is for scenarios that have one.
    secure = tuple(word for word in words if any(name in word for name in ("{certificate}", "{key}", "{secureport}")))
    return Program(name, tuple(word for word in words if word not in secure), secure)


def command(program, values):
    """The words to start a program with: those for TLS when there is a certificate among the values."""
    words = program.words + (program.secure_words if "{certificate}" in values else program.plain_words)
    for name, value in values.items():
        words = tuple(word.replace(name, value) for word in words)
    return list(words)


class Server:
    """One server pinned to its processor, ended by its process id."""

    def __init__(self, program, scratch, transport="udp", identity=None):
        """`identity` is where certificate and key are, for a server that is to be reached by TLS or DTLS."""
        self.program = program
        self.has_streams = transport in ("tcp", "tls")
        self.name = program.name
        self.port = free_port()
        self.log = os.path.join(scratch, f"{self.name}-{self.port}.log")
        values = {"{port}": str(self.port), "{log}": self.log}
        if identity is not None:
            values |= {"{certificate}": identity[0], "{key}": identity[1], "{secureport}": str(free_port())}
        words = command(program, values)
        with open(self.log + ".out", "wb") as output:
            # `taskset` becomes the server, so that the process id is the server's.
            self.process = subprocess.Popen(
                ["taskset", "-c", SERVER_CPU, *words], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT)

    def is_ready(self, seconds=10):
        """Whether it answers a Binding request in time, and takes connections where they are needed."""
        binding = bytes.fromhex("000100002112a442") + b"tern-compare"
        deadline = time.monotonic() + seconds
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.1)
            while time.monotonic() < deadline and self.process.poll() is None:
                try:
                    probe.sendto(binding, ("127.0.0.1", self.port))
                    if probe.recv(1024)[8:20] == b"tern-compare" and (not self.has_streams or self._accepts()):
                        return True
                except OSError:
                    time.sleep(0.02)
        return False

    def _accepts(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def last_words(self):
        """The end of what it said, for a note about why it is not there."""
        lines = [line for line in self.log_lines(self.log + ".out") + self.log_lines(self.log) if line.strip()]
        return lines[-1].strip()[:200] if lines else "it said nothing"

    @staticmethod
    def log_lines(path):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read().splitlines()
        except OSError:
            return []

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def counted_drops(self):
        """What a stopped Tern says was lost: failed sends, what its sockets had no room for, and drops by reason."""
        for line in reversed(self.log_lines(self.log)):
            if "failed to send" in line and "dropped:" in line:
                totals = re.findall(r"failed to send (\d+)|(\d+) not read in time", line)
                reasons = re.findall(r"[a-zA-Z]+ (\d+)", line.partition("dropped:")[2])
                return sum(int(count) for count in [*map("".join, totals), *reasons])
        return None
