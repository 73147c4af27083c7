"""Chromium opens the pages of the server: calls directly and through the relay, the ICE test, the landing page.

Usage: pages_call_client.py TERN [CASE…]
"""

import asyncio
import json
import re
import time

from pages import case, equal, look, reads, run, says, sees, until_look, writes

USERNAME = re.compile(r"\d{10}:tern\.\d+\.m-[A-Za-z0-9_-]{16}")
# Far more than it takes, for machines that have other work.
MEETING_MILLISECONDS_MAX = 10_000
# What the decoder makes of silence is not quite nothing.
SILENCE = 1e-8
MEASURED = []


async def meets(people, room, what, relay):
    """Two people meet, see each other, and talk; answers what the connection of each carries."""
    pages = ada, bea = await asyncio.gather(*(people.arrive(name, room, relay=relay) for name in ("Ada", "Bea")))
    await ada.eval("ternDemo.join()")
    milliseconds = await bea.eval("probe.joinAndMeet()")
    MEASURED.append(f"{what} picture {milliseconds:.0f} ms after joining")
    assert milliseconds < MEETING_MILLISECONDS_MAX, f"{milliseconds} ms from joining to the other's picture"
    [by_ada], [by_bea] = [await sees(page, 1) for page in pages]
    await writes(ada, "Can you hear the sea?")
    await reads(bea, "Can you hear the sea?")
    await writes(bea, "Wörter, 言葉 🐦")
    await reads(ada, "Wörter, 言葉 🐦")
    return pages, (by_ada, by_bea)


@case
async def two_meet_directly(people):
    pages, connections = await meets(people, "open-bay", "direct", relay=False)
    for page, connection in zip(pages, connections):
        equal(connection["local"], "host", "selected candidate")
        await page.until("document.querySelector('.tile:nth-child(2) .badge').innerText.trim() === 'direct'", 3)


@case
async def two_meet_through_the_relay(people):
    pages, connections = await meets(people, "open-reef", "relayed", relay=True)
    url = f"turn:127.0.0.1:{people.server.turn_port}?transport=udp"
    for page, connection in zip(pages, connections):
        equal(connection["local"], "relay", "selected candidate")
        equal((connection["relayURL"], connection["relayProtocol"]), (url, "udp"), "the relay")
        assert USERNAME.fullmatch(connection["username"]), connection["username"]
        await page.until("document.querySelector('.tile:nth-child(2) .badge').innerText.trim() === 'relayed'", 3)
    names = {connection["username"].split(":")[1] for connection in connections}
    equal(len(names), 2, "names of two people")


@case
async def a_call_moves_to_the_relay_and_back(people):
    ada, bea = await people.meet("open-cove")
    for kind in ("relay", "host"):
        await ada.click("relay")
        await until_look(ada, lambda seen: [each["local"] for each in seen] == [kind], f"a path by {kind}")
        for page in (ada, bea):
            await sees(page, 1)


async def loudness(page, name):
    """How much energy a fifth of a second brings of somebody's sound."""

    async def energy():
        return next(each["soundEnergy"] for each in await look(page) if each["name"] == name)

    before = await energy()
    await asyncio.sleep(0.2)
    return await energy() - before


@case
async def three_meet_and_part(people):
    ada, bea, cleo = await people.meet("open-cliff", ("Ada", "Bea", "Cleo"))
    for page in (ada, bea, cleo):
        equal(await page.text("people-count"), "3", "people")

    assert await bea.eval("probe.brightness('Ada')") > 40, "the picture of the test card is bright"
    await ada.click("mute-audio")
    await ada.click("mute-video")
    await bea.until("probe.brightness('Ada') < 5")
    muted = "[...document.querySelectorAll('.tile.without-video .tile-label')].map((each) => each.innerText).join()"
    for page in (bea, cleo):
        await page.until(f"{muted}.includes('Ada') && {muted}.includes('muted')")
    assert await loudness(cleo, "Bea") > 100 * SILENCE, "the test card has a tone"
    deadline = time.monotonic() + 5
    # What was on its way when she muted is still heard.
    while await loudness(cleo, "Ada") > SILENCE:
        assert time.monotonic() < deadline, "somebody who is muted is still heard"
    await ada.click("mute-video")
    await bea.until("probe.brightness('Ada') > 40")

    await ada.click("leave")
    await ada.until("!document.getElementById('entry').hidden && ternDemo.room === null")
    for page in (bea, cleo):
        await page.until("ternDemo.participants.length === 1 && document.querySelectorAll('.tile').length === 2")
        equal(len(await look(page)), 1, "connections that are left")
    await cleo.close()
    # A window that is closed gives its seat back; it is not missed for the time in which it could return.
    await bea.until("ternDemo.participants.length === 0 && document.querySelectorAll('.tile').length === 1", 5)
    equal(await look(bea), [], "connections that are left")


async def tests_ice(page):
    """The verdict of the ICE test, which is under way or about to begin."""
    return await page.until("!ternIceTest.isRunning && ternIceTest.verdict", 30)


@case
async def ice_test_finds_the_relay(people):
    page = await people.open("/ice.html?run")
    equal((await tests_ice(page))["title"], "The test could not start", "without a token")
    await says(page, "needs a token", "verdict-text")

    token = await people.server.token("bench")
    await page.eval(f"document.getElementById('token').value = {json.dumps(token)}")
    await page.eval("document.getElementById('room').value = 'bench'")
    await page.click("start")
    verdict = await tests_ice(page)
    report = await page.eval("ternIceTest.report")
    equal(verdict["title"], "Calls work from here", f"the verdict of {report}")
    for line in ("ok   TURN over UDP", "ok   Through the relay, by UDP"):
        assert line in report, report
    assert "tern." not in report and token not in report, f"the report is for strangers: {report}"


@case
async def ice_test_names_wrong_credentials(people):
    page = await people.open("/ice.html")
    servers = [{"urls": f"turn:127.0.0.1:{people.server.turn_port}", "username": "nobody", "credential": "nothing"}]
    await page.eval("document.querySelector('[value=pasted]').click()")
    await page.eval(f"document.getElementById('servers').value = {json.dumps(json.dumps(servers))}")
    await page.click("start")
    equal((await tests_ice(page))["title"], "The credentials are refused", "verdict")
    await says(page, "The credentials are refused", "verdict-title")
    assert "401" in await page.eval("ternIceTest.report"), "the server's own word for it"


@case
async def landing_page_shows_the_status(people):
    page = await people.open("/")
    await page.until("document.getElementById('status-text').innerText === 'Running'")
    status = await page.text("status-list")
    facts = dict(zip(status.split("\n")[::2], status.split("\n")[1::2]))
    equal(facts["Relay"], "UDP", f"relay in {status}")
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", facts["Version"]), status
    equal(await page.text("status-urls"), f"turn:127.0.0.1:{people.server.turn_port}?transport=udp", "URLs")
    # Its link leads into the room that it names.
    await page.eval("document.getElementById('room').value = 'open-lagoon'")
    await page.eval("document.getElementById('room').form.requestSubmit()")
    await page.until("location.pathname === '/call.html' && document.getElementById('room')?.value === 'open-lagoon'")


run("pages", note=lambda: ", ".join(MEASURED))
