"""Messages and upgrades that the server must not take, from python's websockets: with which word and code they end.

The server's limits are low, so that they are met soon; see the test.
Usage: refusals_client.py TURNSERVER.CONF [CASE…] (with the interpreter of .build/venv)
"""

import asyncio
import time

from websockets.frames import Opcode

from signaling import Member, case, curl, equal, refused_upgrade, run

MESSAGE_MAX = 4096


async def last_words(member, *, code, error=None):
    """Expects this close code, and this fatal error before it."""
    messages, actual = await member.end()
    equal(actual, code, f"close code, after {[message['raw'] for message in messages]}")
    if error is not None:
        assert messages and messages[-1]["fatal"] is True, messages
        equal(messages[-1]["code"], error, "last error")
    return messages


@case
async def subprotocol(server):
    for offered in (["chat"], ["tern.v2", "TERN.V1"], ["tern.v10"]):
        response = await refused_upgrade(server, subprotocols=offered)
        equal(response.status_code, 400, offered)


@case
async def binary_messages(server):
    member = await Member.joined(server)
    await member.socket.send(b'{"type":"ping"}')
    await last_words(member, code=1003)
    member = await Member.connect(server)
    await member.socket.send(b"\x00")
    await last_words(member, code=1003)


@case
async def oversize_messages(server):
    member, witness = await Member.joined(server), await Member.joined(server)
    frame = '{"type":"broadcast","room":"den","data":"%s"}'
    fits = frame % ("x" * (MESSAGE_MAX - len(frame) + 2))
    equal(len(fits), MESSAGE_MAX, "length")
    await member.send(fits)
    equal(len((await witness.next("broadcast"))["data"]), len(fits) - len(frame) + 2, "the longest message")
    await member.send(fits.replace("x", "xx", 1))
    await last_words(member, code=1009)
    # In pieces it is no shorter, and the end of it is not waited for.
    member = await Member.joined(server)

    async def endless():
        while True:
            yield "x" * 1000
            await asyncio.sleep(0.001)

    sending = asyncio.create_task(member.socket.send(endless()))
    await last_words(member, code=1009)
    await asyncio.gather(sending, return_exceptions=True)


@case
async def text_that_is_not_utf8(server):
    for data in (b'{"type":"\xff"}', b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ok\xc3"):
        member = await Member.greeted(server)
        await member.socket.send(data, text=True)
        await last_words(member, code=1007)


@case
async def frames_that_break_the_protocol(server):
    for what, frame in {
        "a long ping": b"\x89\xfe\x00\x7e" + bytes(4 + 126), "a ping in pieces": b"\x09\x80" + bytes(4),
        "a continuation of nothing": b"\x80\x80" + bytes(4), "RSV1": b"\xc1\x80" + bytes(4),
        "RSV3": b"\x91\x80" + bytes(4), "an unknown opcode": b"\x83\x80" + bytes(4),
        "a message in a message": b"\x01\x80" + bytes(4) + b"\x81\x80" + bytes(4),
        "no mask": b"\x81\x02{}", "a length of more bytes than it needs": b"\x81\xfe\x00\x02" + bytes(4) + b"{}",
        "a close frame of one byte": b"\x88\x81" + bytes(5), "close code 1005": b"\x88\x82" + bytes(4) + b"\x03\xed",
    }.items():
        member = await Member.greeted(server)
        member.socket.transport.write(frame)
        messages, code = await member.end()
        equal((messages, code), ([], 1002), what)


@case
async def hello_comes_first_and_soon(server):
    begin = time.monotonic()
    silent = await Member.connect(server)
    await last_words(silent, code=4001, error="unauthorized")
    assert 0.9 < time.monotonic() - begin < 10, "one second was the limit"
    for message in ({"type": "ping"}, {"type": "join", "room": "den", "token": server.token()}, "{", "[]",
                    {"type": "dance"}):
        member = await Member.connect(server)
        await member.send(message)
        await last_words(member, code=4001)
    for version in (0, 2, "1", None):
        member = await Member.connect(server)
        await member.send({"type": "hello", "id": 7, "v": version})
        messages = await last_words(member, code=4001, error="unsupported_version")
        equal(messages[-1]["id"], 7, "id")


@case
async def too_many_messages(server):
    member, witness = await Member.joined(server), await Member.joined(server)
    await member.next("participant-joined")
    # 50 at once are taken, hello and join among them; then 10 a second.
    for number in range(60):
        await member.send({"type": "broadcast", "id": number, "room": "den", "data": number})
    answers = [await member.next() for _ in range(60)]
    taken = [answer["id"] for answer in answers if answer["type"] == "ok"]
    assert taken[:47] == list(range(47)) and len(taken) < 60, taken
    for answer in answers:
        if answer["type"] == "error":
            equal((answer["code"], answer["fatal"]), ("rate_limited", False), "refusal")
            assert 0 < answer["retry_after_ms"] <= 1000, answer
    heard = [(await witness.next("broadcast"))["data"] for _ in taken]
    equal(heard, taken, "what was refused was not delivered")
    # Whoever goes on all the same is cut off.
    for number in range(200):
        await member.send({"type": "broadcast", "room": "den", "data": number})
    await last_words(member, code=4029, error="rate_limited")
    await eventually_left(witness, member)


async def eventually_left(witness, member):
    """Expects the others of the room to hear that the member has gone."""
    while (message := await witness.next())["type"] != "participant-left":
        equal(message["type"], "broadcast", "what the witness hears")
    equal(message["id"], member.id, "who left")


@case
async def operators_end_sessions_and_rooms(server):
    member, witness = await Member.joined(server), await Member.joined(server)
    await member.next("participant-joined")
    path = f"/v1/sessions/{member.welcome['session']}"
    equal(curl(server, path, "--request", "DELETE", bearer=server.admin_key).status, 204, "DELETE session")
    await last_words(member, code=4003, error="forbidden")
    equal((await witness.next("participant-left"))["reason"], "kicked", "what the others hear")
    again = await Member.greeted(server, {"resume": member.welcome["resume"]})
    equal(again.welcome["resumed"], False, "resumed after the session was ended")
    equal(curl(server, "/v1/rooms/den", "--request", "DELETE", bearer=server.admin_key).status, 204, "DELETE room")
    left = await witness.next("left")
    equal((left["room"], left["reason"]), ("den", "closed"), "what those in the room hear")
    await witness.refused("roster", "not_in_room", room="den")
    await witness.join()


@case
async def pings_are_answered(server):
    member = await Member.joined(server)
    seen = []
    receive = member.socket.protocol.recv_frame
    member.socket.protocol.recv_frame = lambda frame: (seen.append((frame.opcode, bytes(frame.data))), receive(frame))
    for data in (b"", b"x" * 125):
        latency = await member.socket.ping(data)
        await asyncio.wait_for(latency, 5)
    equal(seen, [(Opcode.PONG, b""), (Opcode.PONG, b"x" * 125)], "answers to pings")


run("refusals")
