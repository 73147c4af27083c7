"""What issued credentials are worth at the TURN server: coturn's uclient relays with them, and aioice's TURN client
watches from outside how its relay ends when somebody is put out.

Usage: relays_client.py TURNSERVER.CONF [CASE…] (with the interpreter of .build/venv)
"""

import asyncio
import os
import time

from aioice import stun
from aioice.turn import TurnClientUdpProtocol

from signaling import Member, case, case_with, curl, equal, run, uclient

# With TERN_LONG_TESTS in the environment half a minute is spent on three lifetimes; else one has to do.
RENEWALS = 3 if os.environ.get("TERN_LONG_TESTS") else 1
CLOUDFLARE = "/v1/turn/keys/app/credentials"


class Echo(asyncio.DatagramProtocol):
    """A peer that returns what it is sent."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        self.transport.sendto(data, source)


class Relay:
    """An allocation of aioice's, with a channel to a peer that returns everything."""

    @classmethod
    async def open(cls, server, turn):
        """With these credentials; fails with stun.TransactionFailed when it is refused."""
        relay = cls()
        relay.received = asyncio.Queue()
        relay.count = 0
        loop = asyncio.get_running_loop()
        echo, _ = await loop.create_datagram_endpoint(Echo, local_addr=(server.host, 0))
        relay.peer = echo.get_extra_info("sockname")
        address = (server.host, int(server.turn_port))
        _, relay.turn = await loop.create_datagram_endpoint(
            lambda: TurnClientUdpProtocol(address, turn["username"], turn["credential"], 600, 500), remote_addr=address)
        relay.turn.receiver = relay
        await relay.turn.connect()
        # The test says when it refreshes.
        relay.turn.refresh_task.cancel()
        return relay

    def datagram_received(self, data, source):
        self.received.put_nowait(data)

    async def works(self):
        """Whether a datagram goes to the peer and comes back."""
        self.count += 1
        data = b"%d" % self.count
        try:
            await self.turn.send_data(data, self.peer)
            while await asyncio.wait_for(self.received.get(), 0.2) != data:
                pass
            return True
        except (asyncio.TimeoutError, stun.TransactionFailed):
            return False

    async def refresh(self):
        """The code of the error that a Refresh is answered with, 0 for a success."""
        request = stun.Message(message_method=stun.Method.REFRESH, message_class=stun.Class.REQUEST)
        request.attributes["LIFETIME"] = 600
        try:
            await self.turn.request_with_retry(request)
            return 0
        except stun.TransactionFailed as error:
            return error.response.attributes["ERROR-CODE"][0]

    async def ends(self, server, what):
        """Expects that it stops relaying within a second, that Refresh is refused, and that the log says why."""
        begin = last = time.monotonic()
        # One datagram may be late on a busy machine.
        while await self.works() or await self.works():
            last = time.monotonic()
            assert last - begin < 1, f"{what}: it still relays after a second"
        equal(await self.refresh(), 401, f"Refresh after {what}")
        assert "revoked" in server.log(), what

    async def goes_on(self, what):
        for _ in range(10):
            if await self.works():
                break
        else:
            raise AssertionError(f"{what}: it does not relay")
        equal(await self.refresh(), 0, f"Refresh: {what}")


async def allocates(server, turn):
    """The code of the error that an Allocate is answered with, 0 for a success."""
    try:
        await Relay.open(server, turn)
        return 0
    except stun.TransactionFailed as error:
        return error.response.attributes["ERROR-CODE"][0]


def of_member(member):
    return member.seat["ice"]["iceServers"][1]


def issued_everywhere(server):
    """Credentials of every route that gives them out."""
    rest = curl(server, f"/turn?service=turn&key={server.key}").json()
    named = curl(server, f"/turn?key={server.key}&username=ada").json()
    token = server.token(sub="ada")
    return {
        "credentials": curl(server, "/v1/rooms/den/credentials", bearer=token, body={}).json()["iceServers"][1],
        "ice": curl(server, "/v1/rooms/den/ice", bearer=server.token()).json()["iceServers"][1],
        "generate": curl(server, f"{CLOUDFLARE}/generate", bearer=server.key, body={"ttl": 60}).json()["iceServers"],
        "generate-ice-servers": curl(
            server, f"{CLOUDFLARE}/generate-ice-servers", bearer=server.key, body={}).json()["iceServers"][1],
        "TURN REST": {"username": rest["username"], "credential": rest["password"]},
        "TURN REST, named": {"username": named["username"], "credential": named["password"]},
    }


@case
async def uclient_relays_with_whatever_was_issued(server):
    member = await Member.joined(server)
    everything = {"joined": of_member(member)} | issued_everywhere(server)
    ends = await asyncio.gather(
        *(asyncio.to_thread(uclient, server, turn["username"], turn["credential"]) for turn in everything.values()))
    for what, done in zip(everything, ends):
        equal(done.returncode, 0, f"{what}: {done.stdout}")


@case
async def changed_credentials_are_refused(server):
    turn = of_member(await Member.joined(server))
    expiry, _, rest = turn["username"].partition(":")
    later = f"{int(expiry) + 3600}:{rest}"
    greedy = turn["username"].replace("tern.12.", "tern.99.")
    assert greedy != turn["username"], "the quota is in the name"
    for username in (later, greedy, expiry, rest, f"{expiry}:{rest}x", "9999999999:x"):
        equal(await allocates(server, turn | {"username": username}), 401, username)
    equal(await allocates(server, turn | {"credential": turn["credential"][::-1]}), 401, "another password")
    equal(await allocates(server, turn), 0, "as they were issued")


@case
async def a_revoked_name_is_of_no_use(server):
    both = [curl(server, f"{CLOUDFLARE}/generate", bearer=server.key, body={}).json()["iceServers"] for _ in range(2)]
    relay, other = [await Relay.open(server, turn) for turn in both]
    await relay.goes_on("before it is revoked")
    path = f"{CLOUDFLARE}/{both[0]['username'].replace(':', '%3A')}/revoke"
    equal(curl(server, path, "--request", "POST", bearer="x" * 32).status, 401, "revoke with a wrong key")
    await relay.goes_on("after a wrong key")
    for _ in range(2):
        response = curl(server, path, "--request", "POST", bearer=server.key)
        equal((response.status, response.body), (204, b""), "revoke")
    await relay.ends(server, "revoke")
    equal(await allocates(server, both[0]), 401, "Allocate")
    done = await asyncio.to_thread(uclient, server, both[0]["username"], both[0]["credential"])
    assert done.returncode == 1 and "Cannot complete Allocation" in done.stdout, done.stdout
    await other.goes_on("other credentials of the same key")
    # A name without its expiry stands for everything that was issued under it.
    named = [curl(server, f"/turn?key={server.key}&username=bob&ttl={ttl}").json() for ttl in (60, 120)]
    relays = [
        await Relay.open(server, {"username": one["username"], "credential": one["password"]}) for one in named]
    for relay in relays:
        await relay.goes_on("before its name is revoked")
    equal(curl(server, f"{CLOUDFLARE}/bob/revoke", "--request", "POST", bearer=server.key).status, 204, "revoke bob")
    for relay in relays:
        await relay.ends(server, "revoke bob")
    await other.goes_on("somebody else")


async def put_out(server, act, what):
    """Expects that `act` ends what the second of two members relays, and nothing of the first."""
    moderator = server.token(grants={"join": True, "kick": True, "turn": True})
    stays = await Member.joined(server, hello={"token": moderator})
    goes = await Member.joined(server)
    kept = await Relay.open(server, of_member(stays))
    # The allocations of a member may be on several threads.
    lost = [await Relay.open(server, of_member(goes)) for _ in range(4)]
    for relay in [kept, *lost]:
        await relay.goes_on(f"before {what}")
    await act(stays, goes)
    await asyncio.gather(*(relay.ends(server, what) for relay in lost))
    equal(await allocates(server, of_member(goes)), 401, f"Allocate after {what}")
    return kept


@case
async def a_kick_ends_relays(server):
    async def act(stays, goes):
        equal((await stays.ask("kick", room="den", to=goes.id))["type"], "ok", "kick")

    await (await put_out(server, act, "kick")).goes_on("who kicked")


@case
async def an_ended_session_ends_relays(server):
    async def act(_, goes):
        path = f"/v1/sessions/{goes.welcome['session']}"
        equal(curl(server, path, "--request", "DELETE", bearer=server.admin_key).status, 204, "DELETE")

    await (await put_out(server, act, "DELETE session")).goes_on("another session")


@case
async def a_closed_room_ends_relays(server):
    elsewhere = await Member.joined(server, "attic")
    other = await Relay.open(server, of_member(elsewhere))

    async def act(*_):
        equal(curl(server, "/v1/rooms/den", "--request", "DELETE", bearer=server.admin_key).status, 204, "DELETE")

    await (await put_out(server, act, "DELETE room")).ends(server, "DELETE room")
    await other.goes_on("another room")


@case
async def who_leaves_makes_no_more_relays(server):
    for way in ("leave", "bye", "abort"):
        member = await Member.joined(server)
        relay = await Relay.open(server, of_member(member))
        if way == "leave":
            await member.ask("leave", room="den")
        elif way == "bye":
            await member.send({"type": "bye"})
            await member.end()
        else:
            member.abort()
        equal(await allocates(server, of_member(member)), 0, f"within the grace after {way}")
        # A second of grace; before it, when the connection was lost, a second in which it may be resumed.
        begin = time.monotonic()
        while await allocates(server, of_member(member)) == 0:
            assert time.monotonic() - begin < 10, f"{way}: new relays after the grace"
            await asyncio.sleep(0.2)
        assert time.monotonic() - begin > 0.5, f"{way}: the grace was short"
        # The call goes on: a lost signaling connection is not its end.
        await relay.goes_on(f"after {way}")


@case_with("credential-lifetime=60")
async def renewed_while_relaying(server):
    # Less than the shortest lifetime that the server can be told: the token allows 13 seconds, and nothing is renewed
    # sooner than after ten. The relay outlives that as long as the session does.
    short = server.token(grants={"join": True, "turn": {"max_ttl": 13}})
    member = await Member.joined(server, hello={"token": short})
    first = of_member(member)
    relay = await Relay.open(server, first)
    equal(member.seat["ice"]["ttl"], 13, "ttl")
    relaying = asyncio.create_task(keeps_working(relay))
    names = [first["username"]]
    for number in range(RENEWALS):
        pushed = await member.next("credentials")
        turn = pushed["iceServers"][1]
        assert int(turn["username"].split(":")[0]) > int(names[-1].split(":")[0]), "they last longer"
        equal(turn["username"].split(":")[1], first["username"].split(":")[1], "one member, one quota")
        assert int(names[-1].split(":")[0]) > time.time(), "they come before the old ones expire"
        equal(await allocates(server, turn), 0, f"renewal {number}")
        names.append(turn["username"])
    while time.time() < int(names[-2].split(":")[0]) + 1:
        await asyncio.sleep(0.1)
    equal(await allocates(server, first), 401, "the first credentials, expired")
    equal(await allocates(server, turn), 0, "the last ones")
    assert not relaying.done(), f"it stopped: {relaying.exception()}"
    relaying.cancel()
    await relay.goes_on("with the first credentials, past their time")
    # And a member that was put out keeps nothing of it.
    path = f"/v1/sessions/{member.welcome['session']}"
    equal(curl(server, path, "--request", "DELETE", bearer=server.admin_key).status, 204, "DELETE")
    await relay.ends(server, "DELETE session")


async def keeps_working(relay):
    while True:
        await relay.goes_on("while credentials are renewed")
        await asyncio.sleep(0.1)


@case
async def expired_credentials_make_no_relay(server):
    token = server.token(sub="ada", grants={"join": True, "turn": {"max_ttl": 3}})
    turn = curl(server, "/v1/rooms/den/ice", bearer=token).json()["iceServers"][1]
    equal(await allocates(server, turn), 0, "before they expire")
    await asyncio.sleep(max(0, int(turn["username"].split(":")[0]) + 1.1 - time.time()))
    equal(await allocates(server, turn), 401, "after they have expired")


@case_with("credential-quota=2")
async def a_member_has_its_quota(server):
    member, other = await Member.joined(server), await Member.joined(server)
    again = (await member.ask("credentials", room="den"))["iceServers"][1]
    for turn in (of_member(member), again):
        equal(await allocates(server, turn), 0, "within the quota")
    for turn in (of_member(member), again):
        equal(await allocates(server, turn), 486, "one more, whatever the credentials")
    equal(await allocates(server, of_member(other)), 0, "another member")


@case_with("credential-on-leave=delete")
async def leaving_ends_relays(server):
    member = await Member.joined(server)
    relay = await Relay.open(server, of_member(member))
    await relay.goes_on("before leave")
    await member.ask("leave", room="den")
    await relay.ends(server, "leave")
    equal(await allocates(server, of_member(member)), 401, "Allocate after leave")


@case_with("credential-on-leave=grace")
async def relays_end_with_the_grace(server):
    member = await Member.joined(server)
    relay = await Relay.open(server, of_member(member))
    await member.ask("leave", room="den")
    await relay.goes_on("within the grace")
    await asyncio.sleep(1.1)
    await relay.ends(server, "the grace")


run("relays")
