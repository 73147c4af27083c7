"""python-socketio meets others in the words of the codelab and of simple-peer, and relays with what it was given.

Usage: socketio_client.py TURNSERVER.CONF 4|5 polling|websocket [CASE…] (with the interpreter of .build/venv)
The number is the version of python-socketio: 5 speaks Engine.IO 4, and 4, which lies in a folder of its own, 3.
"""

import asyncio
import itertools
import pathlib
import queue
import sys
import time

VERSION, TRANSPORT = sys.argv[2:4]
del sys.argv[2:4]
if VERSION == "4":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / ".build/python-socketio-4"))
try:
    import socketio
    from aioice import turn
except ImportError:
    sys.exit("failed: python-socketio or aioice is not installed: run Scripts/setup test")

from signaling import case, curl, equal, run

SECONDS_MAX = 10
EVENTS = (
    "iceServers", "created", "join", "joined", "ready", "full", "message", "bye", "ipaddr", "log", "error",
    "simple peer options", "initiate peer", "sending signal", "connect", "connect_error", "disconnect")
# Spellings that a server would change if it wrote what it has read.
MESSAGE = {"type": "offer", "sdp": "v=0\r\na=\u2028Wörter 言葉 🐦\r\n", "zero": -0.0, "many": [1e21, None, {"": 0}]}
serial = itertools.count()
# Version 5 would wait for the namespace, and say less of a refusal than the listeners are told.
PATIENCE = {} if VERSION == "4" else {"wait": False}


class Page:
    """A client of Socket.IO that keeps what comes until somebody asks for it.

    Its listeners are called in threads of their own, so that nothing can be said of the order of different events.
    """

    def __init__(self, server, namespace="/", token=None):
        self.namespace = namespace
        self.received = {name: queue.Queue() for name in EVENTS}
        self.client = socketio.Client(reconnection=False)
        for name in EVENTS:
            self.client.on(name, self._keep(name), namespace=namespace)
        # In version 4 everybody is in the namespace "/", too, and a token that is nobody's is refused there.
        self.client.on("connect_error", self._keep("connect_error"), namespace="/")
        query = f"?token={token}" if token else ""
        self.client.connect(server.origin + query, transports=[TRANSPORT], namespaces=[namespace], **PATIENCE)

    def _keep(self, name):
        return lambda *details: self.received[name].put(details)

    def __enter__(self):
        self.hears("connect")
        return self

    def __exit__(self, *_):
        if VERSION == "4":
            # While it still sends something else it goes without a farewell.
            self.client.eio.queue.join()
            time.sleep(0.05)
        self.client.disconnect()

    def say(self, event, *details):
        self.client.emit(event, details or None, namespace=self.namespace)

    def hears(self, event, *wanted):
        """Waits for an event, and expects these details of it, if any; answers all of them."""
        try:
            details = self.received[event].get(timeout=SECONDS_MAX)
        except queue.Empty:
            waiting = {name: list(each.queue) for name, each in self.received.items() if not each.empty()}
            raise AssertionError(f"no {event}; instead {waiting}") from None
        equal(details[:len(wanted)], wanted, event)
        return details

    def deaf_to(self, *events):
        """Expects that these have not come. Something that was sent after them has."""
        for event in events:
            assert self.received[event].empty(), f"unexpected {event}: {list(self.received[event].queue)}"


class Datagrams(asyncio.DatagramProtocol):
    """What comes out of a relay."""

    def __init__(self):
        self.received = asyncio.Queue()

    def datagram_received(self, data, source):
        self.received.put_nowait((data, source))


async def relay_to_each_other(server, *credentials):
    """Datagrams go from the relay of one to the relay of the other, and back."""
    ends = []
    for each in credentials:
        ends.append(await turn.create_turn_endpoint(
            Datagrams, server_addr=(server.host, int(server.turn_port)), username=each["username"],
            password=each["credential"]))
    places = [transport.get_extra_info("sockname") for transport, _ in ends]
    for _ in range(2):
        # The first one goes where there is no permission for it yet.
        for (transport, _), place in zip(ends, reversed(places)):
            transport.sendto(b"ahoy", place)
            await asyncio.sleep(0.05)
    for (_, protocol), place in zip(ends, reversed(places)):
        equal(await asyncio.wait_for(protocol.received.get(), SECONDS_MAX), (b"ahoy", place), "through two relays")
    for transport, _ in ends:
        transport.close()


def participants(server, room):
    rooms = curl(server, "/v1/rooms", bearer=server.admin_key).json()["rooms"]
    return sum(each["participants"] for each in rooms if each["room"] == room)


def eventually(condition):
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, f"not within {SECONDS_MAX} s"
        time.sleep(0.02)


def turn_server(ice_servers):
    [server] = [each for each in ice_servers if "username" in each]
    assert any(url.startswith("turn:") for url in server["urls"]), server
    return server


@case
def two_meet_as_in_the_codelab(server):
    room = f"lobby-{next(serial)}"
    with Page(server) as ada, Page(server) as bea:
        ada.say("create or join", room)
        [servers_of_ada] = ada.hears("iceServers")
        _, name_of_ada = ada.hears("created", room)
        bea.say("create or join", room)
        [servers_of_bea] = bea.hears("iceServers")
        _, name_of_bea = bea.hears("joined", room)
        for page in (ada, bea):
            page.hears("ready", room)
        ada.hears("join", room)
        assert name_of_ada != name_of_bea
        if VERSION == "4":
            # What a client is called in that protocol is what it polls with.
            assert name_of_ada != ada.client.eio.sid, "the name of a client is its secret"
        ada.say("message", MESSAGE)
        bea.hears("message", MESSAGE)
        bea.say("message", "got user media")
        ada.hears("message", "got user media")
        bea.deaf_to("message", "join", "ready", "log")
        asyncio.run(relay_to_each_other(server, turn_server(servers_of_ada), turn_server(servers_of_bea)))


@case
def seats_of_the_codelab_are_freed(server):
    room = f"lobby-{next(serial)}"
    with Page(server) as ada, Page(server) as cleo:
        ada.say("create or join", room)
        ada.hears("created", room)
        with Page(server) as bea:
            bea.say("create or join", room)
            bea.hears("joined", room)
            cleo.say("create or join", room)
            cleo.hears("full", room)
            cleo.deaf_to("iceServers")
        ada.hears("bye", room)
        cleo.say("create or join", room)
        cleo.hears("joined", room)
        cleo.say("bye", room)
        ada.hears("bye", room)
        cleo.say("ipaddr")
        cleo.hears("ipaddr", server.host)


@case
def a_room_of_the_codelab_that_is_closed_says_so(server):
    with Page(server) as page:
        page.say("create or join", "den")
        page.hears("log", ["Message from server:", "refused: unauthorized"])
        page.hears("disconnect")
        page.deaf_to("iceServers", "created")
    with Page(server, token=server.token()) as page:
        page.say("create or join", "den")
        page.hears("created", "den")


def options_of(page):
    """The credentials that a page of simple-peer was given last."""
    [options] = page.hears("simple peer options")
    while not page.received["simple peer options"].empty():
        [options] = page.hears("simple peer options")
    return turn_server(options["config"]["iceServers"])


@case
def three_meet_as_in_simple_peer(server):
    with Page(server, "/den", server.token()) as ada, Page(server, "/den", server.token()) as bea, Page(
            server, "/den", server.token()) as cleo:
        ada.say("create or join")
        first, *_ = ada.hears("created")
        bea.say("create or join")
        ada.hears("join", first)
        bea.hears("joined", first)
        credentials = [options_of(ada), options_of(bea)]
        cleo.say("create or join")
        rooms = {}
        for page in (ada, bea):
            rooms[page], *_ = page.hears("joined")
            options_of(page)
        equal({cleo.hears("join")[0] for _ in range(2)}, set(rooms.values()), "rooms with the third")
        assert len({first, *rooms.values()}) == 3, (first, rooms)
        options_of(cleo)
        # A signal goes to the other one of its room, and to nobody else.
        for page, room in rooms.items():
            signal = {"room": room, "data": '{"type":"offer","sdp":"v=0\\r\\n"}'}
            page.say("sending signal", signal)
            cleo.hears("sending signal", signal)
            page.say("initiate peer", room)
            cleo.hears("initiate peer", room)
        ada.say("sending signal", {"room": rooms[bea], "data": "{}"})
        cleo.say("message", MESSAGE)
        for page in (ada, bea):
            page.hears("message", MESSAGE)
            page.deaf_to("sending signal", "initiate peer")
        cleo.deaf_to("sending signal")
        asyncio.run(relay_to_each_other(server, *credentials))


@case
def those_who_come_after_others_have_gone_meet(server):
    def arrive():
        return Page(server, "/den", server.token())

    with arrive() as cleo:
        with arrive() as ada, arrive() as bea:
            for page in (ada, bea, cleo):
                page.say("create or join")
            for page in (ada, bea, cleo):
                page.hears("simple peer options")
        eventually(lambda: participants(server, "den") == 1)
        for event in ("join", "joined"):
            cleo.received[event].queue.clear()
        with arrive() as dora:
            dora.say("create or join")
            room, *_ = dora.hears("joined")
            cleo.hears("join", room)
            dora.say("sending signal", {"room": room, "data": "{}"})
            cleo.hears("sending signal", {"room": room, "data": "{}"})


@case
def a_namespace_is_a_room_behind_the_gate(server):
    for token in (None, "none", server.token(room="cellar")):
        page = Page(server, "/den", token)
        page.hears("connect_error")
        page.deaf_to("connect", "simple peer options", "iceServers")
        page.client.disconnect()


run(f"python-socketio {VERSION} by {TRANSPORT}")
