"""Two aioice agents that know only relay candidates exchange datagrams through the server.

Usage: aioice_client.py HOST PORT USER PASSWORD [tcp | tls CERTIFICATE] (with the interpreter of .build/venv)
"""

import asyncio
import os
import sys

try:
    import aioice
except ImportError:
    sys.exit("aioice: failed: not installed: run Scripts/setup test")

ROUNDS = 20
SECONDS_MAX = 30


def make_agent(controlling, host, port, user, password, transport):
    return aioice.Connection(
        ice_controlling=controlling,
        turn_server=(host, port),
        turn_username=user,
        turn_password=password,
        turn_transport="udp" if transport == "udp" else "tcp",
        turn_ssl=transport == "tls",
        use_ipv4=":" not in host,
        use_ipv6=":" in host,
        transport_policy=aioice.TransportPolicy.RELAY,
    )


async def introduce(agent, other):
    """Gives `agent` what signaling would have carried from `other`."""
    for candidate in other.local_candidates:
        assert candidate.type == "relay", f"aioice offered a {candidate.type} candidate"
        await agent.add_remote_candidate(candidate)
    await agent.add_remote_candidate(None)
    agent.remote_username = other.local_username
    agent.remote_password = other.local_password


async def exchange(*server):
    left = make_agent(True, *server)
    right = make_agent(False, *server)
    await asyncio.gather(left.gather_candidates(), right.gather_candidates())
    assert left.local_candidates and right.local_candidates, "no relay candidate"
    await introduce(left, right)
    await introduce(right, left)
    await asyncio.gather(left.connect(), right.connect())
    for round in range(ROUNDS):
        # Lengths 1 to 1001 meet every padding of ChannelData and DATA.
        for sender, receiver in ((left, right), (right, left)):
            message = bytes([round]) * (1 + 50 * round + round % 4)
            await sender.send(message)
            assert await receiver.recv() == message, "a datagram was altered on its way"
    await asyncio.gather(left.close(), right.close())


def main():
    host, port, user, password, *transport = sys.argv[1:]
    if transport[1:]:
        # What python believes in place of the authorities of the system; it checks as it always does.
        os.environ["SSL_CERT_FILE"] = transport[1]
    way = (transport or ["udp"])[0]
    try:
        asyncio.run(asyncio.wait_for(exchange(host, int(port), user, password, way), SECONDS_MAX))
    except Exception as error:
        print(f"aioice: failed: {type(error).__name__}: {error}")
        sys.exit(1)
    print(f"aioice {aioice.__version__}: {2 * ROUNDS} datagrams through two relays over {way}")


main()
