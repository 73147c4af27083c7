"""The table of what is measured, and what is promised of it."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """A promise: Tern takes at most so much of what the base takes; without a base, at most this value."""

    most: float
    base: str | None = None


@dataclass(frozen=True)
class Row:
    """A row of the table: a member of the generator's result, and what is promised of it."""

    name: str
    title: str
    field: str = "serverMicroseconds"
    bars: tuple = ()
    digits: int = 2
    scale: float = 1.0
    #: Shares of what was lost have no ratio that says anything.
    has_ratios: bool = True


@dataclass(frozen=True)
class Scenario:
    """Words for the generator, and the rows that come of it."""

    name: str
    words: str
    rows: tuple
    #: Engines of the floor that can do it; the first one is the base of ratios.
    floors: tuple = ()
    floor_words: tuple = ()
    #: Each run has a fresh server, and there is only one: memory that others left behind would hide what is needed, and
    #: counters have to be those of the run.
    is_alone: bool = False
    #: The generator also talks to itself, as the base of latencies.
    has_direct: bool = False
    #: Seconds that a run takes apart from those measured, for the estimate.
    overhead: float = 0.8
    seconds: float | None = None
    #: How clients reach the server; peers always are reached by UDP.
    transport: str = "udp"
    #: The kind of certificate that the server has; see identities.py.
    certificate: str | None = None


def coturn(most):
    return Bar(most, "coturn")


def _relay(name, title, words, bars=(), floors=("connected",), floor_words=()):
    return Scenario(name, words, (Row(name, title, bars=tuple(bars)),), floors, floor_words)


def _single(direction, allocations):
    """160 B one by one. One allocation has no bar: it is the wake-ups' figure more than anything else's."""
    bars = {
        1: (), 1000: (coturn({"up": 0.72, "down": 0.80}[direction]),),
    }.get(allocations, (coturn(0.85), Bar(1.08, "connected")))
    return _relay(
        f"{direction}-{allocations}", f"160 B {direction}, n {allocations:,}",
        f"channel --direction {direction} --allocations {allocations}", bars)


def _burst(length, bars=()):
    return _relay(
        f"burst-{length}", f"1200 B both, n 100, bursts of {length}",
        f"channel --direction both --payload 1200 --burst {length}", bars, ("gso", "gro"))


def _indication(direction, length, most):
    name = {"up": "send", "down": "data"}[direction]
    title = f"{name.capitalize()} indications 160 B, n 100, bursts of {length}"
    return _relay(
        f"{name}-{length}", title, f"indication --direction {direction} --burst {length}", (coturn(most),),
        ("connected",) if length == 1 else ("gso",), ("--indications",))


def _stream(transport, direction, payload, allocations, bars=()):
    """Clients on connections, peers on UDP."""
    name = f"{transport}-{direction}-{payload}-{allocations}"
    title = f"{transport.upper()} {payload} B {direction}, n {allocations}"
    return Scenario(
        name, f"channel --direction {direction} --payload {payload} --allocations {allocations}",
        (Row(name, title, bars=tuple(bars)),), ("stream",) if transport == "tcp" else (), transport=transport,
        certificate=None if transport == "tcp" else "rsa")


def _handshake(transport, kind, resumes=False):
    """Connections from new addresses; those that would resume do so where the server lets them."""
    name = "-".join(filter(None, ("handshake", transport, kind, "resume" if resumes else None)))
    key = {"rsa": ", RSA 2048", "ec": ", ECDSA P-256", None: ""}[kind]
    what = f"{transport.upper()} {'handshakes' if kind else 'connections'}{key}"
    title = f"{what}{', clients would resume' if resumes else ''}: in a second of CPU, more is better"
    row = Row(name, title, "perServerSecond", digits=0)
    words = "handshake" + (" --resume" if resumes else "")
    return Scenario(name, words, (row,), transport=transport, certificate=kind)


def _memory(transport, bars, holds_allocation=False):
    name = f"memory-{transport}" + ("-allocation" if holds_allocation else "")
    title = f"2,000 idle {transport.upper()} connections" + (" with an allocation" if holds_allocation else "")
    words = "idle --allocations 2000" + ("" if holds_allocation else " --bare")
    row = Row(name, f"{title}: resident bytes of each", "bytesPerAllocation", tuple(bars), 0)
    return Scenario(
        name, words, (row,), is_alone=True, overhead=3.0, seconds=0.5, transport=transport,
        certificate=None if transport == "tcp" else "rsa")


PACED = "160 B both, n 100, 50,000/s"
IDLE = "10,000 idle allocations"
FLOOD = "flood of 160 B, n 100,"


def _flood(direction, row):
    name, title = f"flood-{direction}", f"{FLOOD} {direction}"
    return Scenario(name, f"channel --direction {direction} --flood --probe", (
        Row(f"{name}-lost", f"{title}: lost, %", "lostShare", (), 1, 100.0, False),
        Row(f"{name}-uncounted", f"{title}: lost and not counted, %", "uncountedShare", (Bar(0.1),), 2, 100.0, False),
        row,
    ), is_alone=True)


SCENARIOS = (
    *(_single(direction, allocations) for allocations in (1, 10, 100, 1000) for direction in ("up", "down")),
    _burst(2, (coturn(0.60), Bar(1.12, "gso"))),
    _burst(4),
    _burst(8, (coturn(0.38), Bar(1.12, "gso"))),
    _burst(16),
    *(_indication(direction, length, most) for length, most in ((1, 0.85), (8, 0.45)) for direction in ("up", "down")),
    Scenario("paced", "channel --direction both --rate 50000", (
        Row("paced", PACED, bars=(coturn(0.60),)),
        Row("paced-p50", f"{PACED}: p50 latency, µs", "latency.p50", (Bar(300),), 0),
        Row("paced-p99", f"{PACED}: p99 latency, µs", "latency.p99", (), 0),
        Row("paced-added", f"{PACED}: p99 latency added, µs", "latencyAdded.p99", (Bar(500),), 0),
    ), ("gathering",), has_direct=True),
    _relay("binding", "Binding", "binding", (coturn(0.66),)),
    Scenario("refresh", "refresh", (Row("refresh", "Refresh", bars=(coturn(0.30),)),)),
    Scenario("cycle", "allocate", (Row("cycle", "allocation cycle", bars=(coturn(0.30),), digits=1),)),
    Scenario("idle", "idle --allocations 10000", (
        Row("idle-open", f"{IDLE}: CPU to open one, µs", bars=(coturn(0.25),), digits=1),
        Row("idle-memory", f"{IDLE}: resident bytes of each", "bytesPerAllocation", (Bar(1500),), 0),
        Row("idle-cpu", f"{IDLE}: CPU of all, % of a core", "idleCPUShare", (Bar(0.1),), 3, 100.0),
    ), is_alone=True, overhead=6.0, seconds=3.0),
    # Upwards the requests are in the crowd, downwards in front of another door.
    _flood("up", Row("flood-up-late", f"{FLOOD} up: requests not lost, yet answered after 50 ms, %", "lateRequestShare",
                     (Bar(0.0),), 1, 100.0, False)),
    _flood("down", Row("flood-down-slowest", f"{FLOOD} down: slowest answer to a request, ms", "slowestRequest",
                       (Bar(50),), 1, 0.001)),
    *(_stream(transport, direction, payload, allocations, (coturn(most),))
      for transport, most in (("tcp", 0.85), ("tls", 0.95)) for payload in (160, 1200) for allocations in (10, 100)
      for direction in ("up", "down")),
    *(_stream("dtls", direction, 160, 100) for direction in ("up", "down")),
    _handshake("tcp", None),
    *(_handshake(transport, kind) for transport in ("tls", "dtls") for kind in ("rsa", "ec")),
    _handshake("tls", "rsa", resumes=True),
    _memory("tcp", (Bar(4000),)),
    _memory("tls", (Bar(40_000),)),
    _memory("dtls", ()),
    *(_memory(transport, (), holds_allocation=True) for transport in ("tcp", "tls", "dtls")),
)


def select(words):
    """Scenarios of these names, and those whose names begin so: `up` is all of up-1, up-10, …"""
    if not words:
        return SCENARIOS
    chosen = set()
    for word in words.split(","):
        found = {s.name for s in SCENARIOS if s.name == word or s.name.startswith(word + "-")}
        if not found:
            raise ValueError(f"no such scenario: {word}")
        chosen |= found
    return tuple(s for s in SCENARIOS if s.name in chosen)
