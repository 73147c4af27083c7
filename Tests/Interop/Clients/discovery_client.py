"""Asks the four addresses of NAT behaviour discovery, in messages that aioice writes and reads.

Usage: discovery_client.py HOST PORT
"""

import socket
import sys

from aioice import stun

SECONDS_MAX = 5
# CHANGE-REQUEST: neither, the port, the address, both.
FLAGS = (0, 2, 4, 6)


def ask(client, server, flags):
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    if flags:
        request.attributes["CHANGE-REQUEST"] = flags
    client.sendto(bytes(request), server)
    data, source = client.recvfrom(2048)
    answer = stun.parse_message(data)
    if answer.transaction_id != request.transaction_id or answer.message_class != stun.Class.RESPONSE:
        raise ValueError(f"{server} answered {answer}")
    return answer.attributes, source


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(SECONDS_MAX)
    client.bind((host, 0))
    other_host, other_port = ask(client, (host, port), 0)[0]["OTHER-ADDRESS"]
    if other_host == host or other_port == port:
        raise ValueError(f"no other address: {other_host}:{other_port}")
    for asked, other in (((host, port), (other_host, other_port)), ((other_host, port), (host, other_port)),
                         ((host, other_port), (other_host, port)), ((other_host, other_port), (host, port))):
        for flags in FLAGS:
            attributes, source = ask(client, asked, flags)
            expected = (other[0] if flags & 4 else asked[0], other[1] if flags & 2 else asked[1])
            if source != expected or attributes["RESPONSE-ORIGIN"] != source or attributes["OTHER-ADDRESS"] != other:
                raise ValueError(f"{asked} with {flags}: {attributes} from {source}")
            if not attributes["MAPPED-ADDRESS"] == attributes["XOR-MAPPED-ADDRESS"] == client.getsockname():
                raise ValueError(f"{asked} with {flags}: mapped to {attributes}")
    print(f"discovery: {host} and {other_host} answer from {port} and {other_port}")


try:
    main()
except (OSError, ValueError, KeyError) as error:
    print(f"discovery: failed: {error!r}")
    sys.exit(1)
