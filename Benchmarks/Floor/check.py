"""Whether every engine of the floor relays the bytes that it was given, whole and in order.

    python3 Benchmarks/Floor/check.py PATH/TO/tern-floor

Five flows are interleaved, in trains and one by one, with empty datagrams, shorter ends and lengths that need padding.
Every other time the floor is stopped while they are sent, so that they gather in its sockets. Streams are cut anywhere.
"""
import random
import signal
import socket
import struct
import subprocess
import sys
import time

UDP_SEGMENT = 103
LENGTHS = [0, 1, 2, 3, 4, 159, 160, 161, 1200]
ENGINES = [[], ["--connect"], ["--gso"], ["--gro"], ["--gro", "--gather-us", "250"], ["--stream"]]


def framed(payload, peer, indication, transaction, is_padded=False):
    """ChannelData, or an indication of this type (RFC 8656 §11.4, §11.6, §12.4)."""
    padding = bytes(-len(payload) % 4)
    if indication is None:
        # In a stream the next message follows at a multiple of four (RFC 8656 §12.5).
        return struct.pack("!HH", 0x4000, len(payload)) + payload + (padding if is_padded else b"")
    host = struct.unpack("!I", socket.inet_aton(peer[0]))[0] ^ 0x2112A442
    head = struct.pack("!HHI", indication, 16 + len(payload) + len(padding), 0x2112A442) + transaction
    address = struct.pack("!HHBBHI", 0x0012, 8, 0, 1, peer[1] ^ 0x2112, host)
    return head + address + struct.pack("!HH", 0x0013, len(payload)) + payload + padding


class Flow:
    def __init__(self, number, port):
        self.peer = self.open("127.0.0.1")
        self.client = self.open(f"127.0.1.{number + 1}")
        self.client.connect(("127.0.0.1", port))
        self.name = self.peer.getsockname()
        self.client.send(b"\xf1\x00" + socket.inet_aton(self.name[0]) + struct.pack("!H", self.name[1]))
        relay = self.client.recv(100)
        self.peer.connect((socket.inet_ntoa(relay[:4]), struct.unpack("!H", relay[4:])[0]))

    @staticmethod
    def open(address):
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((address, 0))
        opened.settimeout(2)
        return opened


class Stream:
    """A client on a connection. What it sends is cut anywhere, and what arrives is cut into messages."""

    def __init__(self, name, port, chance):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=2, source_address=name)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.chance = chance

    def send_all(self, messages):
        text = b"".join(messages)
        while text:
            count = self.chance.choice([1, 3, 4, 5, 700, len(text), len(text)])
            self.connection.send(text[:count])
            text = text[count:]

    def recv(self, _=None):
        head = self.take(4)
        length = struct.unpack("!H", head[2:])[0]
        return head + self.take(length + -length % 4 if head[0] >= 0x40 else 16 + length)

    def take(self, count):
        got = b""
        while len(got) < count:
            more = self.connection.recv(count - len(got))
            assert more, "the floor has closed the connection"
            got += more
        return got


class StreamFlow:
    def __init__(self, number, port, chance):
        self.peer = Flow.open("127.0.0.1")
        self.name = self.peer.getsockname()
        self.client = Stream((f"127.0.1.{number + 1}", 0), port, chance)
        address = socket.inet_aton(self.name[0]) + struct.pack("!H", self.name[1])
        self.client.send_all([b"\x4f\x00\x00\x06" + address + bytes(2)])
        relay = self.client.recv()[4:]
        self.peer.connect((socket.inet_ntoa(relay[:4]), struct.unpack("!H", relay[4:6])[0]))


def send(sender, datagrams):
    if isinstance(sender, Stream):
        sender.send_all(datagrams)
        return
    first, *others = (len(datagram) for datagram in datagrams)
    if not others or first == 0 or others[-1] > first or any(length != first for length in others[:-1]):
        for datagram in datagrams:
            sender.send(datagram)
    else:
        sender.sendmsg([b"".join(datagrams)], [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("H", first))])


def make_train(chance):
    length = chance.choice(LENGTHS)
    train = [chance.randbytes(length) for _ in range(chance.choice([1, 1, 2, 3, 8, 16, 40]))]
    if length > 4 and chance.random() < 0.5:
        train[-1] = train[-1][:chance.randrange(1, length)]
    return train


def check(process, port, words, chance):
    has_indications, has_streams = "--indications" in words, "--stream" in words
    flows = [StreamFlow(number, port, chance) if has_streams else Flow(number, port) for number in range(5)]
    relayed = 0
    for trial in range(200):
        expected = []
        # The kernel takes less from a stream whose end does not read, and we wait for nobody.
        if trial % 2 == 1 and not has_streams:
            process.send_signal(signal.SIGSTOP)
        for _ in range(chance.randrange(1, 12)):
            flow = chance.choice(flows)
            train = make_train(chance)
            if chance.random() < 0.5:
                message = 0x0016 if has_indications else None
                identifier = b"transaction."
                send(flow.client, [framed(one, flow.name, message, identifier, has_streams) for one in train])
                expected += [(flow.peer, payload) for payload in train]
            else:
                message = 0x0017 if has_indications else None
                send(flow.peer, train)
                expected += [
                    (flow.client, framed(one, flow.name, message, bytes(12), has_streams)) for one in train]
        process.send_signal(signal.SIGCONT)
        for receiver, datagram in expected:
            got = receiver.recv(65536)
            assert got == datagram, f"trial {trial}: {len(got)} bytes instead of {len(datagram)}, or other ones"
            relayed += 1
    return relayed


def free_port():
    """Free over UDP and TCP, and none that the kernel gives to others by itself."""
    for port in random.sample(range(4000, 10000), 1000):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port between 4000 and 10000 is free")


def main():
    for engine in ENGINES:
        for words in (engine, engine + ["--indications"]):
            port = free_port()
            process = subprocess.Popen([sys.argv[1], *words, str(port)])
            try:
                time.sleep(0.2)
                relayed = check(process, port, words, random.Random(1))
                print(f"{' '.join(words) or 'plain'}: {relayed} datagrams relayed as they should be")
            finally:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
