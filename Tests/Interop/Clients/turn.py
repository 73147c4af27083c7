"""A TURN client over UDP that says what it is told and shows what it hears. No program itself.

RFC 8656 with long-term credentials (RFC 8489 §9.2, HMAC-SHA1), IPv4, and nothing that a test does not need.
"""

import hashlib
import hmac
import os
import select
import socket
import struct

COOKIE = 0x2112A442
ALLOCATE, REFRESH, CREATE_PERMISSION, SEND_INDICATION = 0x0003, 0x0004, 0x0008, 0x0016
USERNAME, INTEGRITY, ERROR_CODE, LIFETIME, PEER, DATA = 0x0006, 0x0008, 0x0009, 0x000D, 0x0012, 0x0013
REALM, NONCE, RELAYED, TRANSPORT = 0x0014, 0x0015, 0x0016, 0x0019
SECONDS_MAX = 5


class TurnClient:
    """`with TurnClient(port, name, password) as client:`, at a server on 127.0.0.1."""

    def __init__(self, port, name, password):
        self.server, self.name, self.password = ("127.0.0.1", port), name, password
        self.realm = self.nonce = None

    def __enter__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(SECONDS_MAX)
        return self

    def __exit__(self, *_):
        self.socket.close()

    def allocate(self):
        """Makes an allocation, and answers its relayed address."""
        code, attributes = self.request(ALLOCATE, [(TRANSPORT, b"\x11\0\0\0")])
        assert code == 0, f"Allocate: {code}"
        return unpack(attributes[RELAYED])

    def permit(self, peer):
        code, _ = self.request(CREATE_PERMISSION, [(PEER, pack(peer))])
        assert code == 0, f"CreatePermission: {code}"

    def refresh(self):
        """0, or the code of the error."""
        return self.request(REFRESH, [(LIFETIME, struct.pack(">I", 600))])[0]

    def send(self, peer, data):
        """A Send indication."""
        self.socket.sendto(message(SEND_INDICATION, os.urandom(12), [(PEER, pack(peer)), (DATA, data)]), self.server)

    def received(self):
        """How many datagrams have come meanwhile. They are thrown away."""
        count = 0
        while select.select([self.socket], [], [], 0)[0]:
            self.socket.recv(2048)
            count += 1
        return count

    def request(self, method, attributes):
        """The code of the answer, 0 for success, and its attributes. Takes up a realm and a nonce on the way."""
        for _ in range(3):
            transaction = os.urandom(12)
            self.socket.sendto(self._signed(method, transaction, attributes), self.server)
            code, answer = self._answer(transaction)
            if code not in (401, 438) or answer[NONCE] == self.nonce:
                break
            self.realm, self.nonce = answer[REALM], answer[NONCE]
        return code, answer

    def _signed(self, method, transaction, attributes):
        if self.nonce is None:
            return message(method, transaction, attributes)
        attributes = attributes + [(USERNAME, self.name.encode()), (REALM, self.realm), (NONCE, self.nonce)]
        key = hashlib.md5(b":".join([self.name.encode(), self.realm, self.password.encode()])).digest()
        # What is signed says a length that counts the signature (RFC 8489 §14.5).
        text = message(method, transaction, attributes + [(INTEGRITY, bytes(20))])[:-24]
        return text + struct.pack(">HH", INTEGRITY, 20) + hmac.digest(key, text, "sha1")

    def _answer(self, transaction):
        while True:
            data = self.socket.recv(2048)
            if data[8:20] != transaction:
                continue
            attributes, at = {}, 20
            while at < len(data):
                kind, length = struct.unpack_from(">HH", data, at)
                attributes[kind] = data[at + 4:at + 4 + length]
                at += 4 + (length + 3) // 4 * 4
            error = attributes.get(ERROR_CODE)
            return (error[2] * 100 + error[3] if error else 0), attributes


def message(method, transaction, attributes):
    body = b"".join(
        struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4) for kind, value in attributes)
    return struct.pack(">HHI", method, len(body), COOKIE) + transaction + body


def pack(address):
    """XOR-PEER-ADDRESS of an IPv4 address (RFC 8489 §14.2)."""
    host, port = address
    number = struct.unpack(">I", socket.inet_aton(host))[0]
    return struct.pack(">HHI", 1, port ^ COOKIE >> 16, number ^ COOKIE)


def unpack(value):
    _, port, number = struct.unpack(">HHI", value)
    return socket.inet_ntoa(struct.pack(">I", number ^ COOKIE)), port ^ COOKIE >> 16
