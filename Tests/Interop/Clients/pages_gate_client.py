"""Chromium at rooms that want a token: who has none is told so and gets nothing, and who is put out loses the relay.

Usage: pages_gate_client.py TERN [CASE…]
"""

import json
import re

from pages import ADMIN_KEY, case, equal, look, run, says, sees, silence_after

# What credentials look like: the members of RTCIceServer, URLs of TURN, and the names that Tern mints.
CREDENTIAL = re.compile(r'iceServers|"username"|"credential"|turns?:|tern\.\d+\.')
HOST = {"join": True, "signal": True, "turn": True, "kick": True}
# How long the relay of somebody who was put out may go on.
REVOCATION_SECONDS_MAX = 2
MEASURED = []


async def refused(people, words, **options):
    """Somebody who does not get into the room, reads why, and was sent no credential."""
    page = await people.arrive("Eve", "den", **options)
    await page.eval("ternDemo.join()")
    await says(page, words)
    assert await page.eval("ternDemo.room === null && document.getElementById('stage').hidden"), "outside"
    equal([json.loads(text)["type"] for text in page.received if "pong" not in text][-1], "error", "the last word")
    for text in page.received:
        assert not CREDENTIAL.search(text), f"credentials in front of the gate: {text}"
    equal(await people.server.rooms(), [], "rooms")
    equal(await look(page), [], "connections")
    return page


@case
async def only_a_token_opens_the_room(people):
    page = await refused(people, "This room needs a token.")
    assert await page.eval("document.getElementById('token-details').open"), "here is where it goes"
    elsewhere = await people.server.token("attic")
    await refused(people, "Your token does not open this room.", token=elsewhere)
    await refused(people, "This room needs a token.", token=elsewhere[:-4] + "AAAA")

    # Whoever has one pastes it where the page asks for it, or comes by a link.
    await page.eval(f"document.getElementById('token').value = {json.dumps(await people.server.token('den'))}")
    await page.click("join")
    guest = await people.enter("Bea", "den", token=await people.server.token("den"))
    for each in (page, guest):
        await sees(each, 1)
        assert any(CREDENTIAL.search(text) for text in each.received), "credentials behind the gate"
        assert "token" not in await each.eval("location.href"), "a token in an address is given away with it"
    await guest.command("Page.reload")
    await guest.until("globalThis.ternDemo && document.getElementById('preview').videoWidth > 0")
    await guest.eval("ternDemo.join()")
    await sees(guest, 1)


async def relayed(people, ada=None, bea=None):
    """Two people in a call through relays, whose pages keep it up whatever they are told."""
    tokens = [await people.server.token("den", **(wishes or {})) for wishes in (ada, bea)]
    pages = await people.meet("den", tokens=tokens, relay=True)
    for page in pages:
        [connection] = await look(page)
        equal(connection["local"], "relay", "selected candidate")
        await page.eval("probe.isDisobedient = true")
    return pages


async def relays_for(page, servers):
    """Whether credentials still open the relay."""
    return await page.eval(f"probe.gather({json.dumps(servers)})") != []


async def ends_soon(pages):
    last = await silence_after(pages, REVOCATION_SECONDS_MAX + 0.5)
    MEASURED.append(f"{last * 1000:.0f} ms")
    assert last < REVOCATION_SECONDS_MAX, f"media came for {last:.1f} s"


@case
async def a_closed_room_loses_its_relays(people):
    pages = await relayed(people)
    servers = await pages[0].eval("ternDemo.room.credentials.iceServers")
    assert await relays_for(pages[0], servers), "the credentials are good"
    await people.server.ask("DELETE", "/v1/rooms/den", ADMIN_KEY)
    await ends_soon(pages)
    for page in pages:
        await says(page, "The room has been closed.")
    assert not await relays_for(pages[0], servers), "the credentials are still good"
    equal(await people.server.rooms(), [], "rooms")


@case
async def somebody_put_out_loses_the_relay(people):
    pages = host, guest = await relayed(people, {"identity": "ada", "grants": HOST}, {"identity": "bea"})
    own, others = [await page.eval("ternDemo.room.credentials.iceServers") for page in pages]
    await host.eval("ternDemo.room.kick(ternDemo.participants[0].id, { reason: 'noise', banSeconds: 60 })")
    await ends_soon(pages)
    await says(guest, "You have been removed from the room. The reason given: “noise”.")
    equal(await host.eval("ternDemo.participants.length"), 0, "people who are left")
    assert not await relays_for(guest, others), "the credentials of who was put out are still good"
    assert await relays_for(host, own), "the others' credentials are as good as before"
    await guest.click("join")
    await says(guest, "Your token does not open this room.")


@case
async def somebody_who_leaves_is_not_put_out(people):
    # What shows that it is the server who ended the media above, and not the pages.
    pages = await relayed(people)
    await pages[0].click("leave")
    await pages[1].until("ternDemo.participants.length === 0")
    last = await silence_after(pages, 1.5)
    assert last > 1.2, f"media ended after {last:.1f} s"


run("pages behind a gate", note=lambda: f"media went on for {' and '.join(MEASURED)}")
