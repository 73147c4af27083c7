"""Chromium loads a page like those of the codelab: with our own client of Socket.IO, which the server serves, and with
the true one. Two pages meet through the relay with credentials that the server gave them.

Usage: pages_socketio_client.py TERN [CASE…]
"""

import asyncio
import json
import pathlib
import shutil
import tempfile
import time
import urllib.parse

from pages import case, equal, run, until_look

HERE = pathlib.Path(__file__).parent
TRUE_CLIENT = HERE.parents[2] / ".build/socket.io-client/socket.io.min.js"
MEASURED = []
OWN = {}
TRUE = {"client": "/true.js", "line": ""}


def site():
    """A folder with the page, and the true client beside it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tern-codelab-"))
    shutil.copy(HERE / "pages_socketio.html", folder / "page.html")
    if not TRUE_CLIENT.is_file():
        raise SystemExit(f"{TRUE_CLIENT} is missing: run Scripts/setup test")
    shutil.copy(TRUE_CLIENT, folder / "true.js")
    return folder


async def arrive(people, room, wishes):
    return await people.open(f"/page.html?{urllib.parse.urlencode(wishes)}#{room}")


async def hears(page, what):
    await page.until(f"heard.includes({json.dumps(what)})")


async def meet(people, room, wishes, transport):
    """Two pages meet, talk through the relay, and part; answers the first, and who came as the third."""
    start = time.monotonic()
    ada = await arrive(people, room, wishes)
    await ada.until("isFirst")
    bea = await arrive(people, room, wishes)
    for page in (ada, bea):
        await page.until("channel?.readyState === 'open'", 20)
    MEASURED.append(f"{room} {1000 * (time.monotonic() - start):.0f} ms")
    for page, words in ((ada, "Can you hear the sea?"), (bea, "Wörter, 言葉 🐦")):
        await page.eval(f"channel.send({json.dumps(words)})")
    await hears(bea, "Can you hear the sea?")
    await hears(ada, "Wörter, 言葉 🐦")
    names = set()
    for page in (ada, bea):
        [seen] = await until_look(page, lambda all: [each["local"] for each in all] == ["relay"], "a relayed path")
        equal(seen["relayURL"], f"turn:127.0.0.1:{people.server.turn_port}?transport=udp", "the relay")
        names.add(seen["username"].split(":")[1])
        if transport:
            equal(await page.eval("socket.io.engine.transport.name"), transport, "transport")
    equal(len(names), 2, "names of two people")
    return ada, bea


@case
async def our_own_client_brings_pages_together_that_know_of_no_relay(people):
    ada, bea = await meet(people, "open-bay", OWN, None)
    cleo = await arrive(people, "open-bay", OWN)
    await hears(cleo, "full")
    await bea.close()
    await hears(ada, "bye")
    await cleo.eval("heard.length = 0, socket.emit('create or join', room)")
    await hears(cleo, "joined")


@case
async def the_true_client_upgrades(people):
    await meet(people, "open-reef", TRUE, "websocket")


@case
async def the_true_client_polls(people):
    await meet(people, "open-cove", TRUE | {"transports": "polling"}, "polling")


@case
async def the_true_client_goes_by_websocket_at_once(people):
    await meet(people, "open-cliff", TRUE | {"transports": "websocket"}, "websocket")


@case
async def both_clients_meet(people):
    ada = await arrive(people, "open-tide", TRUE)
    await ada.until("isFirst")
    bea = await arrive(people, "open-tide", OWN)
    for page in (ada, bea):
        await page.until("channel?.readyState === 'open'", 20)


@case
async def a_token_opens_a_room(people):
    token = await people.server.token("den")
    for wishes in (OWN, TRUE):
        page = await arrive(people, "den", wishes)
        await hears(page, "refused: unauthorized")
        await page.until("!socket.connected")
        others = [await arrive(people, "den", wishes | {"url": f"/?token={token}"}) for _ in range(2)]
        for each in others:
            await each.until("channel?.readyState === 'open'", 20)
        # With polling the client's farewell overtakes a poll, whose refusal the console shows.
        wrong = await arrive(
            people, "den", wishes | {"url": "/cellar?token=" + token, "transports": "websocket"})
        await hears(wrong, "The token does not open this room.")
        for each in others:
            await each.close()
        await until_empty(people.server, "den")


async def until_empty(server, room):
    deadline = time.monotonic() + 5
    while any(each["room"] == room for each in await server.rooms()):
        assert time.monotonic() < deadline, f"{room} is still there"
        await asyncio.sleep(0.02)


folder = site()
try:
    run("pages of the codelab", options=["signaling-dialect=codelab", f"static-root={folder}"],
        note=lambda: ", ".join(MEASURED))
finally:
    shutil.rmtree(folder)
