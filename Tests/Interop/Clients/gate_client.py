"""Who gets into a room and who does not, by tokens that PyJWT and the server itself make; and that nobody who is
refused has been told a credential, in any byte, over WebSocket or HTTP.

The server knows the API key `app`, and the issuers `es256` and `eddsa` by the keys that token_keys.py made.
Usage: gate_client.py TURNSERVER.CONF [CASE…] (with the interpreter of .build/venv)
"""

import asyncio
import hashlib
import hmac
import json
import time

import jwt

from signaling import (
    CREDENTIAL, Member, case, case_with, curl, equal, refused_upgrade, run, segment, without_credentials)

STRANGER = "https://elsewhere.example"
LISTED = "https://app.example.org"
ALGORITHMS = {"es256": "ES256", "eddsa": "EdDSA"}


def private_key(server, issuer):
    with open(server.file(f"{issuer}.key"), encoding="ascii") as file:
        return file.read()


def issued(server, issuer, **claims):
    """A token of the operator's issuer, made by PyJWT with a key of cryptography's."""
    return jwt.encode(server.claims(iss=issuer, **claims), private_key(server, issuer), algorithm=ALGORITHMS[issuer])


def minted(server, **request):
    """A token that the server makes for who has the API key."""
    response = curl(server, "/v1/tokens", bearer=server.key, body=request)
    equal((response.status, response.header("cache-control")), (201, "no-store"), "POST /v1/tokens")
    return response.json()["token"]


def by_hand(server, header, claims=None, key=None):
    """A token with any header, signed with HMAC-SHA256 or not at all."""
    text = segment({"typ": "JWT"} | header) + b"." + segment(claims or server.claims())
    signature = segment(hmac.digest(key, text, hashlib.sha256)) if key else b""
    return (text + b"." + signature).decode()


def good_tokens(server):
    now = int(time.time())
    return {
        "HS256": server.token(sub="ada"),
        "ES256": issued(server, "es256", sub="ada"),
        "EdDSA": issued(server, "eddsa"),
        "a prefix": server.token(room="d*"),
        "every room": server.token(room="*"),
        "expired within the leeway": server.token(exp=now - 20),
        "not valid yet within the leeway": server.token(nbf=now + 20),
        "for this server": server.token(aud=["other", "tern"]),
        "with claims that nobody knows": server.token(scope="x", grants={"join": True, "turn": True, "fly": True}),
        "by the server": minted(server, room="den", identity="ada", ttl=60),
        "by the server, with grants": minted(server, room="d*", grants={"join": True, "turn": {"max_ttl": 300}}),
    }


def bad_tokens(server):
    """Tokens that are refused wherever they are shown, and how."""
    now = int(time.time())
    good = server.token()
    header, payload, signature = good.split(".")
    with open(server.file("es256.pem"), "rb") as file:
        public_key = file.read()
    other = jwt.encode(server.claims(iss="es256"), private_key(server, "eddsa"), algorithm="EdDSA")
    wrong = "unauthorized"
    return {
        "another key": (jwt.encode(server.claims(), "x" * 32, algorithm="HS256"), wrong),
        "another issuer": (server.token(iss="nobody"), wrong),
        "no issuer": (server.token(iss=None), wrong),
        "the key of another issuer": (other, wrong),
        "alg none": (jwt.encode(server.claims(), None, algorithm="none"), wrong),
        "alg None, signed": (by_hand(server, {"alg": "None"}, key=server.key.encode()), wrong),
        "no alg": (by_hand(server, {}, key=server.key.encode()), wrong),
        "alg none for an issuer": (by_hand(server, {"alg": "none"}, server.claims(iss="es256")), wrong),
        "a public key as the secret": (
            by_hand(server, {"alg": "HS256"}, server.claims(iss="es256"), public_key), wrong),
        "ES256 of an API key": (by_hand(server, {"alg": "ES256"}, key=server.key.encode()), wrong),
        "HS512": (jwt.encode(server.claims(), server.key * 2, algorithm="HS512"), wrong),
        "a critical header": (by_hand(server, {"alg": "HS256", "crit": ["x"], "x": 1}, key=server.key.encode()), wrong),
        "other claims": (f"{header}.{segment(server.claims(room='*')).decode()}.{signature}", wrong),
        "no signature": (f"{header}.{payload}.", wrong),
        "half a signature": (good[:-20], wrong),
        "two parts": (f"{header}.{payload}", wrong),
        "four parts": (good + ".x", wrong),
        "no token": ("hello", wrong),
        "the API key": (server.key, wrong),
        "without exp": (server.token(exp=None), wrong),
        "exp that is text": (
            by_hand(server, {"alg": "HS256"}, server.claims(exp=str(now + 600)), server.key.encode()), wrong),
        "a room that is none": (server.token(room="a b"), wrong),
        "for another server": (server.token(aud="other"), wrong),
        "more than 4 KiB": (server.token(sub="a", pad="x" * 4096), wrong),
        "expired": (server.token(exp=now - 120), "token_expired"),
        "expired, of an issuer": (issued(server, "es256", exp=now - 120), "token_expired"),
        "not valid yet": (server.token(nbf=now + 120), "token_not_yet_valid"),
    }


def useless_tokens(server):
    """Tokens that are good and open another door."""
    return {
        "a foreign room": server.token(room="attic"),
        "a foreign prefix": server.token(room="den.*"),
        "no room": server.token(room=None),
        "no right to join": server.token(grants={"signal": True, "turn": True}),
        "a foreign room, of an issuer": issued(server, "eddsa", room="attic"),
        "a foreign room, by the server": minted(server, room="attic"),
    }


def has_credentials(ice):
    turn = ice["iceServers"][1]
    return bool(turn["username"] and turn["credential"])


@case
async def good_tokens_open_the_room(server):
    for what, token in good_tokens(server).items():
        ways = {"hello": ({"token": token}, {}), "join": ({}, {"token": token})}
        for way, (hello, join) in ways.items():
            member = await Member.greeted(server, hello)
            without_credentials(member.transcript, f"{what}, before the gate")
            seat = await member.ask("join", room="den", **join)
            equal(seat["type"], "joined", f"{what} in {way}")
            assert has_credentials(seat["ice"]), what
        for way, headers in (
            ("Authorization", {"Authorization": f"bearer {token}"}), ("Cookie", {"Cookie": f"a=b; tern_token={token}"}),
        ):
            member = await Member.greeted(server, additional_headers=headers, origin=server.origin)
            equal((await member.ask("join", room="den"))["type"], "joined", f"{what} in {way}")
        response = curl(server, "/v1/rooms/den/credentials", "--request", "POST", bearer=token)
        equal(response.status, 201, f"{what} over HTTP")
        assert has_credentials(response.json()), what
        response = curl(server, "/v1/rooms/den/ice", bearer=token)
        equal((response.status, len(response.headers["link"])), (200, 2), f"{what} over HTTP")


@case
async def bad_tokens_end_the_connection(server):
    for what, (token, code) in bad_tokens(server).items():
        header = {"additional_headers": {"Authorization": f"Bearer {token}"}}
        for options, hello in (({}, {"token": token}), (header, {})):
            member = await Member.connect(server, **options)
            await member.send({"type": "hello", "id": 1, "v": 1} | hello)
            messages, close_code = await member.end()
            equal(close_code, 4001, what)
            equal([(message["type"], message["code"], message["fatal"], message["id"]) for message in messages],
                  [("error", code, True, 1)], what)
            without_credentials(member.transcript, what)


@case
async def bad_tokens_are_refused_in_join(server):
    for what, (token, code) in bad_tokens(server).items():
        # Greeted with one that is good: a bad one does not fall back to it. Each in a session of its own, since a few
        # bad ones end it.
        member = await Member.greeted(server, {"token": server.token()})
        await member.refused("join", code, room="den", token=token)
        await member.refused("roster", "not_in_room", room="den")
        await member.refused("credentials", "not_in_room", room="den")
        without_credentials(member.transcript, what)


@case
async def useless_tokens_open_nothing(server):
    resident = await Member.joined(server, name="resident")
    for what, token in useless_tokens(server).items():
        member = await Member.greeted(server, {"token": token})
        await member.refused("join", "forbidden", room="den")
        await member.refused("credentials", "not_in_room", room="den")
        await member.refused("signal", "not_in_room", room="den", to=resident.id, data=1)
        without_credentials(member.transcript, what)
        assert b"resident" not in member.transcript and resident.id.encode() not in member.transcript, what
        for path, method in (("credentials", "POST"), ("ice", "GET"), ("ice", "OPTIONS")):
            response = curl(server, f"/v1/rooms/den/{path}", "--request", method, bearer=token)
            equal((response.status, response.error), (403, "forbidden"), f"{what}: {method} {path}")
            without_credentials(response.raw, what)
    await resident.silent()


@case
async def without_a_token(server):
    member = await Member.greeted(server)
    for room in ("den", "attic", "lobb"):
        await member.refused("join", "unauthorized", room=room)
    without_credentials(member.transcript, "no token")
    equal((await member.ask("join", room="lobby.7"))["type"], "joined", "a room that is open to all")
    await member.refused("kick", "forbidden", room="lobby.7", to="A" * 22)
    # A token says all that its holder may do, in open rooms too.
    holder = await Member.greeted(server, {"token": server.token()})
    await holder.refused("join", "forbidden", room="lobby.7")


@case
def bad_tokens_are_refused_over_http(server):
    for what, (token, code) in bad_tokens(server).items():
        # The API key is not a token, but opens this route.
        if token == server.key:
            continue
        for path, method in (("credentials", "POST"), ("ice", "GET"), ("ice", "OPTIONS")):
            response = curl(server, f"/v1/rooms/den/{path}", "--request", method, bearer=token)
            equal((response.status, response.error), (401, code), f"{what}: {method} {path}")
            equal(response.header("www-authenticate"), "Bearer", what)
            without_credentials(response.raw, what)
    for path, method in (("credentials", "POST"), ("ice", "GET"), ("ice", "OPTIONS")):
        response = curl(server, f"/v1/rooms/den/{path}", "--request", method)
        equal((response.status, response.error), (401, "unauthorized"), f"no token: {method} {path}")
        without_credentials(response.raw, "no token")


@case
async def grants(server):
    silent = await Member.joined(server, hello={"token": server.token(grants={"join": True})})
    assert "ice" not in silent.seat, silent.seat
    await silent.refused("credentials", "credentials_denied", room="den")
    await silent.refused("signal", "forbidden", room="den", to=silent.id, data=1)
    await silent.refused("broadcast", "forbidden", room="den", data=1)
    without_credentials(silent.transcript, "no right to relay")
    response = curl(server, "/v1/rooms/den/ice", bearer=server.token(grants={"join": True}))
    equal((response.status, response.error), (403, "credentials_denied"), "ice")
    short = server.token(grants={"join": True, "turn": {"max_ttl": 5}})
    equal((await Member.joined(server, hello={"token": short})).seat["ice"]["ttl"], 5, "max_ttl")
    response = curl(server, "/v1/rooms/den/credentials", bearer=short, body={"ttl": 3600})
    equal(response.json()["ttl"], 5, "max_ttl over HTTP")
    no_udp = server.token(grants={"join": True, "turn": {"transports": ["tls"]}})
    without_credentials(curl(server, "/v1/rooms/den/ice", bearer=no_udp).raw, "no transport left")
    assert "ice" not in (await Member.joined(server, hello={"token": no_udp})).seat, "no transport left"


@case
async def foreign_origins_are_refused(server):
    token = server.token()
    for origin in (STRANGER, "null", "https://app.example.org.evil.example", "https://app.example.org:8443",
                   "http://app.example.org", server.origin + "0", "file://", "https://"):
        response = await refused_upgrade(
            server, origin=origin,
            additional_headers={"Authorization": f"Bearer {token}", "Cookie": f"tern_token={token}"})
        equal(response.status_code, 403, origin)
        equal(json.loads(response.body)["error"]["code"], "foreign_origin", origin)
        without_credentials(response.body, origin)
        for path in ("/v1/rooms/den/ice", "/v1/rooms/lobby/ice", f"/turn?key={server.key}"):
            response = curl(server, path, "--header", f"Origin: {origin}", bearer=token)
            equal((response.status, response.error), (403, "foreign_origin"), f"{origin}: {path}")
            equal(response.header("access-control-allow-origin"), None, origin)
            without_credentials(response.raw, origin)
    for origin in (LISTED, LISTED.upper().replace("HTTPS", "https"), server.origin, None):
        member = await Member.joined(server, origin=origin)
        assert has_credentials(member.seat["ice"]), origin


@case
async def cookies_count_for_own_pages_alone(server):
    member = await Member.greeted(
        server, origin=LISTED, additional_headers={"Cookie": f"tern_token={server.token()}"})
    await member.refused("join", "unauthorized", room="den")
    without_credentials(member.transcript, "a cookie that another site's page brought")


@case
async def the_pattern_finds_credentials(server):
    # Otherwise the cases above would show nothing.
    member = await Member.joined(server)
    assert CREDENTIAL.search(member.transcript), "the transcript of a member"
    for path in ("/v1/rooms/den/ice", f"/turn?key={server.key}"):
        assert CREDENTIAL.search(curl(server, path, bearer=server.token()).raw) or path.startswith("/turn"), path
    assert CREDENTIAL.search(curl(server, f"/turn?key={server.key}").raw), "TURN REST"


@case_with("signaling-auth-failures=3")
async def who_tries_many_tokens_waits(server):
    wrong = server.token(iss="nobody")
    for _ in range(2):
        equal(curl(server, "/v1/rooms/den/ice", bearer=wrong).status, 401, "over HTTP")
    for _ in range(2):
        member = await Member.connect(server)
        await member.send({"type": "hello", "v": 1, "token": wrong})
        equal((await member.end())[1], 4001, "in hello")
    # Three a minute are nobody's fault. After the fourth even the right token is not looked at.
    response = curl(server, "/v1/rooms/den/ice", bearer=server.token())
    equal((response.status, response.error), (429, "rate_limited"), "after four")
    assert 1 <= int(response.header("retry-after")) <= 3, response.headers
    without_credentials(response.raw, "429")
    equal((await refused_upgrade(server)).status_code, 429, "upgrade")
    equal(curl(server, "/healthz").status, 200, "what needs no secret")
    # Others are not concerned.
    equal(curl(server, "/v1/rooms/den/ice", "--interface", "127.0.0.2", bearer=server.token()).status, 200, "others")
    await asyncio.sleep(int(response.header("retry-after")))
    equal(curl(server, "/v1/rooms/den/ice", bearer=server.token()).status, 200, "later")


run("gate")
