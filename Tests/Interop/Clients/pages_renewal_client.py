"""Chromium in a call that outlives its TURN credentials three times, through the relay all the while. Three minutes.

Usage: pages_renewal_client.py TERN
"""

import asyncio
import time

from pages import case, equal, look, run, sees

# The shortest there is.
LIFETIME_SECONDS = 60
RENEWALS = 3
# As long as nobody takes it for an end.
SILENCE_SECONDS_MAX = 1.5
SEEN = []


@case
async def media_outlives_credentials(people):
    pages = await people.meet("open-island", relay=True)
    names = [{(await look(page))[0]["username"]} for page in pages]
    start = time.monotonic()
    packets, heard = [0, 0], [start, start]
    renewals, silences = [0, 0], [0.0, 0.0]
    while min(renewals) < RENEWALS:
        assert time.monotonic() - start < RENEWALS * LIFETIME_SECONDS, f"renewals: {renewals}"
        for index, page in enumerate(pages):
            [connection] = await look(page)
            now = time.monotonic()
            if connection["packets"] != packets[index]:
                packets[index], heard[index] = connection["packets"], now
            silences[index] = max(silences[index], now - heard[index])
            assert silences[index] < SILENCE_SECONDS_MAX, f"media stopped after {heard[index] - start:.0f} s"
            equal(connection["local"], "relay", "selected candidate")
            names[index].add(connection["username"])
            count = await page.eval("ternDemo.renewals")
            if count != renewals[index]:
                SEEN.append(f"{'AB'[index]} renewed after {now - start:.0f} s")
            renewals[index] = count
        await asyncio.sleep(0.1)
    # The last restart has to come through.
    await asyncio.sleep(5)
    for page, seen in zip(pages, names):
        await sees(page, 1)
        equal(len(seen), RENEWALS + 1, f"user names: {seen}")
        equal(len({name.split(":")[1] for name in seen}), 1, "they are all of one participant")
        restarts = await page.eval("[...ternDemo.call.connections.values()].map((each) => each.restarts)")
        SEEN.append(f"restarts {restarts}")
    SEEN.append(f"longest silence {max(silences):.2f} s")


run(
    "pages and short-lived credentials", [f"credential-lifetime-anonymous={LIFETIME_SECONDS}"],
    case_seconds_max=RENEWALS * LIFETIME_SECONDS + 40, note=lambda: ", ".join(SEEN))
