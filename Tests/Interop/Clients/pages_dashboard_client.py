"""Chromium at the operators' dashboard: what it shows is so, and what it ends has ended.

Usage: pages_dashboard_client.py TERN [CASE…]
"""

import asyncio
import json
import socket
import tempfile
from pathlib import Path

from pages import ADMIN_KEY, API_KEY, Line, People, Server, case, equal, run, says
from turn import TurnClient

SESSIONS = "[...document.querySelectorAll('#sessions tbody tr')]"
ROOMS = "[...document.querySelectorAll('#rooms tbody tr')]"
IS_OPEN = "!document.getElementById('main').hidden"


async def knock(page, key):
    await page.eval(f"document.getElementById('key').value = {json.dumps(key)}")
    await page.eval("document.getElementById('gate-form').requestSubmit()")


async def enter(people):
    """The dashboard, opened."""
    page = await people.open("/dashboard")
    await page.until("document.activeElement?.id === 'key'")
    await knock(page, ADMIN_KEY)
    await page.until(IS_OPEN)
    return page


async def credentials(people):
    answer = await people.server.ask("POST", "/v1/rooms/den/credentials", API_KEY, {"identity": "mallory"})
    [server] = [each for each in answer["iceServers"] if "credential" in each]
    return server["username"], server["credential"]


def forgive(page, *words):
    """Takes what the browser says of answers that are refusals out of what the page is blamed for."""
    page.complaints[:] = [
        text for text in page.complaints if not ("Failed to load resource" in text and any(w in text for w in words))]


async def confirms(page, ok):
    """Reads a question, and says yes."""
    await page.until("document.getElementById('dialog').open")
    equal(await page.text("dialog-ok"), ok, "what is agreed to")
    # Whoever only presses Enter changes nothing.
    equal(await page.eval("document.activeElement.id"), "dialog-cancel", "focus")
    await page.click("dialog-ok")


@case
async def only_the_operator_comes_in(people):
    page = await people.open("/dashboard")
    await page.until("document.activeElement?.id === 'key'")
    for key, words in [
        ("somebody-with-thirty-two-bytes-of-wishes", "does not accept this key"),
        (API_KEY, "the key of an application"), ("wörter", "no key"),
    ]:
        await knock(page, key)
        await says(page, words, where="gate-error")
        assert not await page.eval(IS_OPEN), "outside"
        equal(await page.eval("sessionStorage.length + localStorage.length"), 0, "things that are stored")
        equal(await page.eval("document.getElementById('key').value"), "", "what is still written there")
    await knock(page, ADMIN_KEY)
    await page.until(IS_OPEN)
    await page.command("Page.reload")
    await page.until(f"globalThis.ternDashboard && {IS_OPEN}")
    equal(await page.eval("localStorage.length + document.cookie.length"), 0, "what outlives the tab")
    assert ADMIN_KEY not in await page.eval("document.documentElement.outerHTML + location.href"), "the key is shown"
    await page.click("lock")
    assert not await page.eval(IS_OPEN), "locked"
    equal(await page.eval("sessionStorage.length"), 0, "things that are stored")
    forgive(page, "401", "403")


@case
async def what_is_relayed_is_drawn_until_it_is_ended(people):
    page = await enter(people)
    await page.until("document.getElementById('sessions').innerText.includes('Nobody')")
    name, password = await credentials(people)
    with TurnClient(people.server.turn_port, name, password) as client, peer() as far:
        relay = client.allocate()
        client.permit(far.getsockname())
        relaying = asyncio.ensure_future(relays(client, far, relay))
        try:
            # Of two looks: lines through as many points, and more than nothing in both directions.
            await page.until(
                "ternDashboard.history.points.filter(({ values }) => values?.toPeers > 0 && values.toClients > 0)"
                ".length >= 2", 12)
            line = await page.eval("document.querySelector('#throughput .line.first').getAttribute('d')")
            assert line.count("L") >= 1, f"a line that is drawn: {line}"
            equal(await page.eval("ternDashboard.history.latest.udp"), 1, "allocations")
            assert "bit/s now" in await page.eval("document.querySelector('#throughput .plot').ariaLabel"), "in words"
            await shows_values(page)
        finally:
            relaying.cancel()
        await ends(page, client, name, relay)


def peer():
    far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far.bind(("127.0.0.1", 0))
    far.setblocking(False)
    return far


async def relays(client, far, relay):
    """A datagram each way, a hundred times a second."""
    while True:
        client.send(far.getsockname(), b"to the peer" * 20)
        far.sendto(b"to the client" * 20, relay)
        client.received()
        await asyncio.sleep(0.01)


async def shows_values(page):
    """A pointer, and the arrow keys, read values from the chart."""
    box = await page.eval("(({ x, y, width, height }) => [x + width - 30, y + height / 2])"
                          "(document.querySelector('#throughput .plot').getBoundingClientRect())")
    await page.command("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
    await page.until("document.querySelector('#throughput .tip').innerText.includes('bit/s')")
    await page.eval("document.querySelector('#throughput .plot').focus()")
    await page.command("Input.dispatchKeyEvent", type="keyDown", key="ArrowLeft")
    await page.until(
        "/to clients .*bit\\/s, to peers .*bit\\/s/.test(document.getElementById('announcer').textContent)")


async def seeks(page, words):
    await page.eval("(field => { field.value = %s; field.dispatchEvent(new Event('input')) })"
                    "(document.getElementById('sessions-search'))" % json.dumps(words))


async def ends(page, client, name, relay):
    """Ends the session in the page; the client learns of it."""
    equal(client.refresh(), 0, "Refresh before")
    await page.eval("document.getElementById('sessions').scrollIntoView()")
    await page.until(f"{SESSIONS}.length === 1")
    row = await page.eval(f"{SESSIONS}[0].innerText")
    for text in (name, f"127.0.0.1:{client.socket.getsockname()[1]}", f"127.0.0.1:{relay[1]}", "UDP"):
        assert text in row, f"{text} in {row}"
    await seeks(page, "nobody of this name")
    equal(await page.eval(f"{SESSIONS}.length"), 0, "rows that are like nobody")
    await seeks(page, name.upper())
    await page.eval(f"{SESSIONS}[0].querySelector('button').click()")
    await page.until("document.getElementById('dialog').open")
    await page.click("dialog-cancel")
    equal(client.refresh(), 0, "Refresh of who was spared")
    await page.eval(f"{SESSIONS}[0].querySelector('button').click()")
    await confirms(page, "End it")
    await says(page, "has ended", where="toast")
    # RFC 8656 §7.3: a Refresh of no allocation is 437.
    equal(client.refresh(), 437, "Refresh after")
    await page.until("document.getElementById('sessions').innerText.includes('Nobody')")


@case
async def a_room_is_closed(people):
    page = await enter(people)
    guest = await people.enter("Ada", "open-lobby")
    await page.eval("document.getElementById('rooms').scrollIntoView()")
    await page.until(f"{ROOMS}.some((row) => row.innerText.includes('open-lobby') && row.innerText.includes('1 of '))")
    await page.eval(f"{ROOMS}[0].querySelector('button').click()")
    await confirms(page, "Close it")
    await says(guest, "The room has been closed.")
    equal(await people.server.rooms(), [], "rooms")
    await page.until(f"{ROOMS}.length === 0")


@case
async def silence_is_told_and_ends(people):
    async with Line(people.server) as line:
        page = await enter(people.through(line))
        await page.until("document.getElementById('status-text').innerText === 'Live'")
        line.cut()
        await page.until("/^No answer for \\d+ s$/.test(document.getElementById('status-text').innerText)")
        await says(page, "goes on asking", where="banner")
        line.mend()
        await page.until("document.getElementById('status-text').innerText === 'Live'")
        assert await page.eval("document.getElementById('banner').hidden"), "the banner stays"
        assert await page.eval("ternDashboard.history.points.some(({ values }) => values === null)"), "a gap is drawn"
    forgive(page, "ERR_")


async def reloads(page):
    """Has the server reload, and reads the answer."""
    await page.click("reload")
    await confirms(page, "Reload")
    await page.until("document.getElementById('dialog').open && document.getElementById('dialog-cancel').hidden")
    text = await page.text("dialog-body")
    await page.click("dialog-ok")
    return text


@case
async def a_reload_is_answered(people):
    page = await enter(people)
    file = Path(people.server.folder, "turnserver.conf")
    before = file.read_text(encoding="utf-8")
    try:
        text = await reloads(page)
        assert text.startswith("Nothing has changed.") and "allow-loopback-peers" not in text.split("About")[0], text
        file.write_text(before + "user-quota=7\nmin-port=50000\n", encoding="utf-8")
        text = await reloads(page)
        assert "In force from now on\nuser-quota" in text and "needs a restart\nmin-port" in text, text
        await page.until("document.getElementById('configuration').textContent.includes('user-quota')")
        file.write_text(before + "user-quota=many\n", encoding="utf-8")
        text = await reloads(page)
        assert "Everything stays as it was" in text and "user-quota" in text, text
    finally:
        file.write_text(before, encoding="utf-8")
        await people.server.ask("POST", "/v1/reload", ADMIN_KEY)
    forgive(page, "422")


@case
async def the_configuration_is_shown_without_secrets(people):
    page = await enter(people)
    options = "[...document.querySelectorAll('#configuration tbody tr')].map((row) => row.innerText.split(/\\s+/))"
    await page.until(f"{options}.length > 10")
    await page.eval("(field => { field.value = 'signaling-'; field.dispatchEvent(new Event('input')) })"
                    "(document.getElementById('configuration-search'))")
    rows = {row[0]: row[1] for row in await page.eval(options)}
    equal(rows["signaling-port"], str(people.server.port), "a value")
    equal(rows["signaling-admin-key"], "hidden", "a secret")
    text = await page.eval("document.body.textContent")
    for secret in (ADMIN_KEY, API_KEY):
        assert secret not in text, "a secret is shown"


@case
async def nobody_looks_and_nothing_is_asked(people):
    page = await enter(people)
    asked = "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/v1/server')).length"
    show = "document.dispatchEvent(new Event('visibilitychange'))"
    await page.until(f"{asked} >= 2")
    await page.eval(f"Object.defineProperty(document, 'hidden', {{ configurable: true, value: true }}); {show}")
    # What is under way may end; behind it comes nothing.
    await asyncio.sleep(0.3)
    before = await page.eval(asked)
    await asyncio.sleep(2.2)
    equal(await page.eval(asked), before, "questions")
    await page.eval(f"delete document.hidden; {show}")
    await page.until(f"{asked} > {before}", 1)


@case
async def a_site_of_the_operator_leaves_the_dashboard_there(people):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.html").write_text("Our own", encoding="utf-8")
        Path(folder, "style.css").write_text("body { display: none }", encoding="utf-8")
        async with Server(people.server.program, [f"static-root={folder}"]) as server:
            own = People(people.browser, server)
            page = await own.open("/")
            equal(await page.eval("document.body.textContent"), "Our own", "the operator's page")
            await page.close()
            page = await enter(own)
            assert await page.eval("document.body.checkVisibility()"), "the dashboard has its own look"
            await page.until("document.getElementById('status-text').innerText === 'Live'")
            await page.close()


@case
async def a_drain_is_told(people):
    async with Server(people.server.program) as server:
        own = People(people.browser, server)
        page = await enter(own)
        await page.click("drain")
        await page.until("document.getElementById('dialog').open")
        await page.click("dialog-cancel")
        name, password = await credentials(own)
        with TurnClient(server.turn_port, name, password) as client:
            # Who only looked at the question has not answered it.
            client.allocate()
            await page.click("drain")
            await confirms(page, "Drain")
            await says(page, "One allocation is left.", where="dialog-body")
            await page.click("dialog-ok")
            await page.until("document.getElementById('status-text').innerText === 'Draining'")
            equal(client.refresh(), 0, "Refresh while it drains")
            await page.close()


run("dashboard")
