"""python's websockets holds the conversation of tern.v1: every request, every answer, and what the others hear.

Usage: websockets_client.py TURNSERVER.CONF [CASE…] (with the interpreter of .build/venv)
"""

import re

from signaling import Member, case, equal, run

IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{22}")
USERNAME = re.compile(r"\d{10}:tern\.\d+\.m-[A-Za-z0-9_-]{16}")


@case
async def hello(server):
    member = await Member.connect(server)
    equal(member.socket.subprotocol, "tern.v1", "subprotocol")
    welcome = await member.hello(token=server.token(), client={"name": "test", "version": "1"}, want=["deflate"])
    assert IDENTIFIER.fullmatch(welcome["session"]), welcome
    assert len(welcome["resume"]) > 40, "the secret is longer than the name"
    equal(welcome["resumed"], False, "resumed")
    equal(welcome["resume_s"], 30, "resume_s")
    equal(welcome["heartbeat_ms"], 25000, "heartbeat_ms")
    equal(welcome["limits"], {"message": 65536, "rooms": 8, "rate": 50, "burst": 200}, "limits")
    assert welcome["server"]["version"], welcome
    await member.refused("hello", "bad_request", v=1)
    other = await Member.greeted(server)
    assert other.welcome["session"] != welcome["session"], "sessions have names of their own"


@case
async def join_and_roster(server):
    first = await Member.joined(server, name="Ada", meta={"mic": True}, role="host")
    equal(first.seat["participants"][0]["id"], first.id, "a member is in its own roster")
    equal(first.seat["capacity"], 64, "capacity")
    second = await Member.joined(server, name='Zoë "\\" 😀')
    roster = second.seat["participants"]
    equal([person["id"] for person in roster], [first.id, second.id], "roster in the order of joining")
    ada = {name: roster[0][name] for name in ("name", "meta", "role")}
    equal(ada, {"name": "Ada", "meta": {"mic": True}, "role": "host"}, "what Ada says of herself")
    joined = await first.next("participant-joined")
    equal(joined["participant"], roster[1], "the others hear what the roster says")
    equal(joined["participant"]["name"], 'Zoë "\\" 😀', "name")
    assert IDENTIFIER.fullmatch(first.id) and first.id != first.welcome["session"], first.id
    equal((await first.ask("roster", room="den"))["participants"], roster, "roster on demand")
    await first.silent()
    await second.silent()


@case
async def signal_is_relayed_byte_for_byte(server):
    sender, receiver = await Member.joined(server), await Member.joined(server)
    for data in (
        '{"b":1.0e+2,"a":null , "c":-0, "é":"\\u00e9\\/"}', "[ ]", '""', "null", "12345678901234567890.10",
        '"\\ud83d\\ude00 😀"', '{"sdp":"v=0\\r\\no=- 1 2 IN IP4 0.0.0.0\\r\\n"}',
    ):
        # Whoever claims to be somebody else is not believed.
        await sender.send(f'{{"type":"signal","from":"{receiver.id}","room":"den","to":"{receiver.id}","data":{data}}}')
        message = await receiver.next("signal")
        wanted = f'{{"type":"signal","room":"den","from":"{sender.id}","data":{data}}}'
        equal(message["raw"].decode(), wanted, "signal")
    equal((await sender.ask("signal", room="den", to=sender.id, data=1))["type"], "ok", "a signal to oneself")
    equal((await sender.next("participant-joined"))["participant"]["id"], receiver.id, "who joined")
    equal((await sender.next("signal"))["data"], 1, "a signal to oneself")


@case
async def order_is_kept_per_sender(server):
    receiver = await Member.joined(server)
    senders = [await Member.joined(server), await Member.joined(server)]
    for _ in senders:
        await receiver.next("participant-joined")
    for number in range(80):
        for sender in senders:
            await sender.send({"type": "signal", "room": "den", "to": receiver.id, "data": number})
            if number % 10 == 0:
                await sender.send({"type": "broadcast", "room": "den", "data": -number})
    heard = {sender.id: [] for sender in senders}
    for _ in range(2 * (80 + 8)):
        message = await receiver.next()
        heard[message["from"]].append(message["data"])
    wanted = []
    for number in range(80):
        wanted += [number] + ([-number] if number % 10 == 0 else [])
    for numbers in heard.values():
        equal(numbers, wanted, "order")


@case
async def broadcast_reaches_all_others(server):
    sender, *others = [await Member.joined(server) for _ in range(4)]
    elsewhere = await Member.joined(server, "attic")
    equal((await sender.ask("broadcast", room="den", data={"hand": "up"}))["type"], "ok", "broadcast")
    for other in others:
        heard = [await other.next() for _ in range(len(others) - others.index(other))]
        equal(heard[-1]["raw"].decode(),
              f'{{"type":"broadcast","room":"den","from":"{sender.id}","data":{{"hand": "up"}}}}', "broadcast")
        await other.silent()
    await elsewhere.silent()
    sender.waiting.clear()
    await sender.silent()


@case
async def update_tells_the_others(server):
    first, second = await Member.joined(server, meta={"mic": True}), await Member.joined(server)
    await second.send('{"type":"update","id":"u","room":"den","meta":{"mic": false,"n":1.50}}')
    equal((await second.next("ok"))["id"], "u", "id")
    await first.next("participant-joined")
    updated = await first.next("participant-updated")
    equal(updated["participant"]["id"], second.id, "who")
    assert b'"meta":{"mic": false,"n":1.50}' in updated["raw"], updated["raw"]
    assert b'"meta":{"mic": false,"n":1.50}' in (await first.ask("roster", room="den"))["raw"], "roster"


@case
async def credentials(server):
    member = await Member.joined(server)
    ice = member.seat["ice"]
    equal(set(ice), {"iceServers", "ttl", "expires_at", "renew_after_s"}, "members of ice")
    stun, turn = ice["iceServers"]
    equal(stun, {"urls": [f"stun:{server.host}:{server.turn_port}"]}, "STUN")
    equal(turn["urls"], [f"turn:{server.host}:{server.turn_port}?transport=udp"], "TURN")
    assert USERNAME.fullmatch(turn["username"]), turn
    equal(int(turn["username"].split(":")[0]), ice["expires_at"], "the name says when it ends")
    equal(ice["ttl"], 600, "ttl")
    assert 450 <= ice["renew_after_s"] <= 510, ice
    again = await member.ask("credentials", room="den", reason="ice-restart")
    equal(again["type"], "credentials", "answer")
    equal(again["iceServers"][1]["username"].split(":")[1], turn["username"].split(":")[1], "one member, one quota")
    other = await Member.joined(server)
    assert other.seat["ice"]["iceServers"][1]["username"].split(":")[1] != turn["username"].split(":")[1], "two members"
    assert "ice" not in (await Member.joined(server, ice=False)).seat, "credentials that nobody wanted"


@case
async def kick(server):
    host = await Member.joined(server, hello={"token": server.token(
        sub="host", grants={"join": True, "signal": True, "broadcast": True, "kick": True})})
    guest = await Member.joined(server, hello={"token": server.token(sub="guest")})
    witness = await Member.joined(server)
    await guest.refused("kick", "forbidden", room="den", to=host.id)
    await host.refused("kick", "participant_not_found", room="den", to="A" * 22)
    equal((await host.ask("kick", room="den", to=guest.id, reason="noise", ban_s=60))["type"], "ok", "kick")
    await guest.next("participant-joined")
    kicked = await guest.next("kicked")
    equal((kicked["room"], kicked["reason"]), ("den", "noise"), "kicked")
    left = await witness.next("participant-left")
    equal((left["id"], left["reason"]), (guest.id, "kicked"), "what the others hear")
    await guest.refused("broadcast", "not_in_room", room="den", data=1)
    await guest.refused("join", "forbidden", room="den")
    again = await Member.greeted(server, {"token": server.token(sub="guest")})
    await again.refused("join", "forbidden", room="den")


@case
async def leave_and_bye(server):
    stays, leaves, quits = [await Member.joined(server) for _ in range(3)]
    await stays.next("participant-joined")
    await stays.next("participant-joined")
    equal((await leaves.ask("leave", room="den"))["type"], "ok", "leave")
    leaves.waiting = [message for message in leaves.waiting if message["type"] == "left"]
    left = await leaves.next("left")
    equal((left["room"], left["reason"]), ("den", "left"), "left")
    await leaves.refused("leave", "not_in_room", room="den")
    equal((await stays.next("participant-left"))["reason"], "left", "leave")
    await quits.send({"type": "bye", "id": 9})
    messages, code = await quits.end()
    equal((messages[-1]["type"], messages[-1]["id"], code), ("ok", 9, 1000), "bye")
    left = await stays.next("participant-left")
    equal((left["id"], left["reason"]), (quits.id, "left"), "bye")
    # The session has ended with it: there is nothing to come back to.
    again = await Member.greeted(server, {"resume": quits.welcome["resume"], "received": quits.numbered})
    equal(again.welcome["resumed"], False, "resumed after bye")
    await leaves.join()


@case
async def errors_name_what_is_wrong(server):
    member = await Member.joined(server)
    for text in ("{", "", "[1,2", '{"type":"ping"} x', '{"type":"ping","t":01}', '{"type":"ping","t":{"a":1,"a":2}}',
                 '{"a":' * 17 + "1" + "}" * 17):
        await member.send(text)
        error = await member.next("error")
        equal((error["code"], error["fatal"], "id" in error), ("bad_json", False, False), text)
    for text in ("[]", "7", "{}", '{"type":7}'):
        await member.send(text)
        equal((await member.next("error"))["code"], "bad_request", text)
    await member.refused("dance", "unknown_type")
    await member.refused("signal", "not_in_room", room="attic", to=member.id, data=1)
    await member.refused("signal", "participant_not_found", room="den", to="nobody", data=1)
    await member.refused("signal", "participant_not_found", room="den", to="A" * 22, data=1)
    for fields in ({"to": member.id, "data": 1}, {"room": "den", "data": 1}, {"room": "den", "to": member.id},
                   {"room": "a b", "to": member.id, "data": 1}, {"room": "a" * 129, "to": member.id, "data": 1}):
        await member.refused("signal", "bad_request", **fields)
    await member.refused("join", "duplicate_join", room="den")
    await member.refused("join", "forbidden", room="attic")
    await member.refused("update", "too_large", room="den", meta="x" * 2047)
    equal((await member.ask("update", room="den", meta="x" * 2046))["type"], "ok", "meta of 2048 bytes")
    for room in ("", ".", "a/b", "ä", 7, None):
        await member.refused("roster", "bad_request" if room != "." else "not_in_room", room=room)
    await member.silent()


@case
async def ids_come_back_as_they_were_written(server):
    member = await Member.joined(server)
    for written in ("1", '"a"', "-3", '"\\u0041"', "0", '"' + 62 * "x" + '"'):
        await member.send(f'{{"type":"ping","id":{written},"t":{written}}}')
        pong, ok = await member.next("pong"), await member.next("ok")
        assert f'"id":{written}'.encode() in ok["raw"], ok["raw"]
        assert f'"t":{written}'.encode() in pong["raw"], pong["raw"]
    for written in ("1.5", "[]", "{}", "true", '"' + 65 * "x" + '"'):
        await member.send(f'{{"type":"ping","id":{written}}}')
        message = await member.next()
        equal(message.get("code"), "bad_request", written)


@case
async def rooms_are_apart_and_have_ends(server):
    member = await Member.greeted(server, {"token": server.token(room="team.*")})
    for number in range(8):
        await member.join(f"team.{number}")
    await member.refused("join", "quota_exceeded", room="team.8")
    equal((await member.ask("leave", room="team.0"))["type"], "ok", "leave")
    await member.join("team.8")
    small = {"token": server.token(room="nook", cap=2)}
    for _ in range(2):
        await Member.joined(server, "nook", small)
    third = await Member.greeted(server, small)
    await third.refused("join", "room_full", room="nook")


@case
async def tools_may_offer_no_subprotocol(server):
    member = await Member.greeted(server, subprotocols=None)
    equal(member.socket.subprotocol, None, "subprotocol")
    # Of several, the one that the server speaks.
    member = await Member.connect(server, subprotocols=["chat", "tern.v1"])
    equal(member.socket.subprotocol, "tern.v1", "subprotocol")


run("websockets")
