"""Sessions that outlive their connection: what a client of python's websockets gets when it comes back, and what the
others notice of it.

The server's limits are low; see the test. With --restart the program waits for a restart of the server instead: it
makes a file `joined` beside the configuration when it is ready for that.
Usage: resume_client.py TURNSERVER.CONF [CASE…] (with the interpreter of .build/venv)
"""

import asyncio
import pathlib
import sys
import time

from signaling import Member, Server, case, curl, equal, run, without_credentials

REPLAY_MAX = 32


async def back(server, member, **hello):
    """A new connection that resumes the member's session."""
    again = await Member.connect(server)
    await again.hello(resume=member.welcome["resume"], **({"received": member.numbered} | hello))
    if again.welcome["resumed"]:
        again.id = member.id
        again.numbered += member.numbered
    return again


async def pair(server, **second):
    """Two members of a room. The first has heard that the second came."""
    first = await Member.joined(server, name="first")
    other = await Member.joined(server, name="second", **second)
    await first.next("participant-joined")
    return first, other


async def say(sender, receiver, numbers):
    for number in numbers:
        equal((await sender.ask("signal", room="den", to=receiver.id, data=number))["type"], "ok", "signal")


async def hear(receiver, numbers):
    """Expects exactly these signals, in this order, and nothing else."""
    for number in numbers:
        equal((await receiver.next("signal"))["data"], number, "what was missed, in order")
    await receiver.silent()


@case
async def what_was_missed_comes_in_order(server):
    lost, other = await pair(server)
    await say(other, lost, range(3))
    for number in range(3):
        equal((await lost.next("signal"))["data"], number, "before")
    lost.abort()
    await say(other, lost, range(3, 13))
    await other.ask("broadcast", room="den", data="to all")
    await other.ask("update", room="den", meta=7)
    again = await back(server, lost)
    equal((again.welcome["resumed"], again.welcome["session"]), (True, lost.welcome["session"]), "welcome")
    assert again.welcome["resume"] != lost.welcome["resume"], "a secret is good once"
    for number in range(3, 13):
        equal((await again.next("signal"))["data"], number, "what was missed, in order")
    equal((await again.next("broadcast"))["data"], "to all", "broadcast")
    equal((await again.next("participant-updated"))["participant"]["meta"], 7, "update")
    await again.silent()
    # It speaks as who it was, and nobody has noticed anything.
    await say(again, other, ["back"])
    equal((await other.next("signal"))["from"], lost.id, "from")
    await other.silent()


@case
async def what_was_on_its_way_comes_again(server):
    lost, other = await pair(server)
    await say(other, lost, range(10))
    # Only four of the ten were read before the connection broke.
    for number in range(4):
        await lost.next("signal")
    lost.abort()
    await hear(await back(server, lost), range(4, 10))


@case
async def several_breaks_in_a_row(server):
    lost, other = await pair(server)
    for number in range(5):
        lost.abort()
        await say(other, lost, [number])
        lost = await back(server, lost)
        equal(lost.welcome["resumed"], True, f"break {number}")
        await hear(lost, [number])


@case
async def a_live_connection_gives_way(server):
    old, other = await pair(server)
    again = await back(server, old)
    equal(again.welcome["resumed"], True, "resumed")
    _, code = await old.end()
    equal(code, 4009, "the old connection")
    await say(other, again, [1])
    await hear(again, [1])
    await other.silent()


@case
async def a_wrong_secret_resumes_nothing(server):
    lost, other = await pair(server)
    lost.abort()
    token = lost.welcome["resume"]
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), other.welcome["resume"][:22] + token[22:],
                  token[:22] + other.welcome["resume"][22:], token[22:], "", "x"):
        stranger = await Member.greeted(server, {"resume": wrong, "received": 0})
        equal(stranger.welcome["resumed"], False, wrong)
        assert stranger.welcome["session"] != lost.welcome["session"], wrong
        await stranger.refused("roster", "not_in_room", room="den")
        without_credentials(stranger.transcript, wrong)
    again = await back(server, lost)
    equal(again.welcome["resumed"], True, "the right one still does")
    spent = await Member.greeted(server, {"resume": token, "received": 0})
    equal(spent.welcome["resumed"], False, "a secret is good once")
    await again.silent()
    await other.silent()


@case
async def more_than_is_kept_is_not_resumed(server):
    lost, other = await pair(server)
    lost.abort()
    await say(other, lost, range(REPLAY_MAX))
    again = await back(server, lost)
    equal(again.welcome["resumed"], True, "as much as is kept")
    await hear(again, range(REPLAY_MAX))
    again.abort()
    for number in range(REPLAY_MAX + 1):
        await other.ask("broadcast", room="den", data=number)
    left = await other.next("participant-left")
    equal((left["id"], left["reason"]), (lost.id, "timeout"), "what the others hear")
    fresh = await back(server, again)
    equal(fresh.welcome["resumed"], False, "one more than is kept")
    await fresh.refused("roster", "not_in_room", room="den")
    await fresh.join(token=server.token())


@case
async def a_count_that_cannot_be_ends_the_session(server):
    lost, other = await pair(server)
    lost.abort()
    again = await back(server, lost, received=lost.numbered + 1)
    equal(again.welcome["resumed"], False, "more received than was sent")
    equal((await other.next("participant-left"))["reason"], "timeout", "what the others hear")


@case
async def the_window_closes(server):
    lost, other = await pair(server)
    lost.abort()
    begin = time.monotonic()
    left = await other.next("participant-left")
    equal((left["id"], left["reason"]), (lost.id, "timeout"), "what the others hear")
    assert 1.5 < time.monotonic() - begin < 10, "two seconds is the window"
    again = await back(server, lost)
    equal(again.welcome["resumed"], False, "too late")
    await again.refused("roster", "not_in_room", room="den")


@case
async def a_ghost_makes_way(server):
    # The page was closed without a word, and opened again: a new session of the same person.
    hello = {"token": server.token(sub="ada")}
    _, other = await pair(server, hello={"token": server.token(sub="bob")})
    ghost = await Member.joined(server, hello=hello)
    await other.next("participant-joined")
    ghost.abort()
    twin = await Member.greeted(server, hello)
    await twin.join(replace=True)
    equal(ghost.id in [person["id"] for person in twin.seat["participants"]], False, "the ghost is in the roster")
    left, joined = await other.next("participant-left"), await other.next("participant-joined")
    equal((left["id"], left["reason"], joined["participant"]["id"]), (ghost.id, "replaced", twin.id), "join")
    again = await Member.greeted(server, hello | {"replace": True})
    messages, code = await twin.end()
    equal((messages[-1]["code"], code), ("session_replaced", 4009), "the one that was there")
    equal((await other.next("participant-left"))["reason"], "replaced", "hello")
    await again.join()
    # Somebody else is not replaced, nor is who has no name.
    stranger = await Member.greeted(server, {"token": server.token(), "replace": True})
    await stranger.join(replace=True)
    await other.next("participant-joined")
    await other.next("participant-joined")
    await other.silent()


@case
async def operators_see_who_is_away(server):
    lost, _ = await pair(server)
    path = f"/v1/sessions/{lost.welcome['session']}"
    equal(curl(server, path, bearer=server.admin_key).json()["connected"], True, "connected")
    lost.abort()
    await asyncio.sleep(0.1)
    session = curl(server, path, bearer=server.admin_key).json()
    equal((session["connected"], session["rooms"]), (False, ["den"]), "session")
    equal(curl(server, path, "--request", "DELETE", bearer=server.admin_key).status, 204, "DELETE")
    equal((await back(server, lost)).welcome["resumed"], False, "resumed")


async def survive_restart(server):
    """A member loses the server itself: it is told so, and is in the room again as soon as there is a new one."""
    member, other = await pair(server)
    file = pathlib.Path(server.file("joined"))
    file.touch()
    messages, code = await member.end()
    equal(code, 1001, f"what the server says when it stops, after {[message['raw'] for message in messages]}")
    _, code = await other.end()
    equal(code, 1001, "what it says to the others")
    for _ in range(100):
        try:
            again = await back(server, member, token=server.token())
            break
        except (OSError, asyncio.TimeoutError):
            await asyncio.sleep(0.05)
    else:
        raise AssertionError("the server did not come back")
    equal(again.welcome["resumed"], False, "resumed by a server that has never seen the session")
    assert again.welcome["session"] != member.welcome["session"], "session"
    await again.refused("signal", "not_in_room", room="den", to=other.id, data=1)
    seat = await again.join()
    equal([person["id"] for person in seat["participants"]], [again.id], "roster")
    assert seat["ice"]["iceServers"][1]["credential"], "new credentials"
    print("resume: joined again after a restart")


if "--restart" in sys.argv:
    asyncio.run(asyncio.wait_for(survive_restart(Server(sys.argv[1])), 30))
else:
    run("resume")
