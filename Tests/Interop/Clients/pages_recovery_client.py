"""Chromium in a call whose server is gone for a while: the line is cut, or the server restarted.

Usage: pages_recovery_client.py TERN [CASE…]
"""

import signal

from pages import Line, case, equal, look, reads, run, says, sees, until_look, writes


@case
async def a_cut_line_is_no_end_of_the_call(people):
    async with Line(people.server) as line:
        pages = await people.through(line).meet("open-pier", relay=True)
        selves = [await page.eval("ternDemo.room.self") for page in pages]
        line.cut()
        for page in pages:
            await says(page, "The server is gone for now. Your call goes on", "banner-text")
            await sees(page, 1)
        line.mend()
        for page, own in zip(pages, selves):
            await page.click("retry")
            await page.until("ternDemo.client.state === 'open'")
            equal(await page.eval("ternDemo.client.reconnections"), {"resumed": 1, "renewed": 0}, "reconnections")
            equal(await page.eval("ternDemo.room.self"), own, "the seat")
            equal(await page.text("banner-text"), "", "the banner")
            restarts = await page.eval("[...ternDemo.call.connections.values()].map((each) => each.restarts)")
            equal(restarts, [0], "restarts")
            await sees(page, 1)
        # The session is more than it seems: what is said now arrives.
        await pages[0].click("mute-audio")
        await pages[1].until("ternDemo.participants[0].metadata.audio === false")


async def comes_back(people, room, number):
    pages = ada, bea = await people.meet(room, relay=True)
    before = {each["username"] for page in pages for each in await look(page)}
    await people.server.stop(number)
    for page in pages:
        await says(page, "The server is gone for now.", "banner-text")
    await people.server.start()
    for page in pages:
        await page.until("ternDemo.client.reconnections.renewed === 1 && ternDemo.client.state === 'open'", 15)
    for page in pages:
        # The relays ended with the server. These are new ones, with new credentials.
        await until_look(
            page, lambda seen: [each["username"] not in before and each["local"] == "relay" for each in seen] == [True],
            "a connection by new credentials", 15)
        await sees(page, 1)
        equal(await page.text("people-count"), "2", "people")
    await writes(ada, "Back again")
    await reads(bea, "Back again")


@case
async def people_meet_again_after_a_restart(people):
    await comes_back(people, "open-harbor", signal.SIGTERM)


@case
async def people_meet_again_after_a_crash(people):
    await comes_back(people, "open-dune", signal.SIGKILL)


run("pages whose server is gone")
