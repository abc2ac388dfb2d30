"""Root servers that hand on what the real ones say, with one bit changed in the answers for chosen names."""

import selectors
import socket
import struct
import threading
import typing

HEADER_OCTETS = 12
QUESTION_END_OCTETS = 4     # QTYPE and QCLASS behind the name
FIXED_OCTETS = 10           # TYPE, CLASS, TTL and RDLENGTH of a record
BEHIND_TIMEOUT_S = 10
POINTER = 0xC0


class Record(typing.NamedTuple):
    """Where the parts of a record stand in a message."""
    owner: int
    fixed: int      # TYPE begins here, CLASS two octets on
    rdata: int
    end: int
    type: int


class Flip(typing.NamedTuple):
    offset: int
    bit: int        # 7 is the highest

    def apply(self, message):
        altered = bytearray(message)
        altered[self.offset] ^= 1 << self.bit
        return bytes(altered)


def name_end(message, at):
    while message[at] and message[at] & POINTER != POINTER:
        at += 1 + message[at]
    return at + (2 if message[at] else 1)


def question_name(message):
    """In lower case: the case is random (0x20)."""
    return bytes(message[HEADER_OCTETS:name_end(message, HEADER_OCTETS)]).lower()


def records(message):
    """The records of all sections."""
    counts = struct.unpack_from("!4H", message, 4)
    at = HEADER_OCTETS
    for _ in range(counts[0]):
        at = name_end(message, at) + QUESTION_END_OCTETS
    for _ in range(sum(counts[1:])):
        owner, fixed = at, name_end(message, at)
        rdata = fixed + FIXED_OCTETS
        at = rdata + struct.unpack_from("!H", message, rdata - 2)[0]
        yield Record(owner, fixed, rdata, at, struct.unpack_from("!H", message, fixed)[0])


class AlteringServers:
    """A thread that listens at all addresses, over UDP and TCP.

    flips: question name on the wire, in lower case, to Flip; other answers are left alone."""

    def __init__(self, addresses, behind, flips):
        self._behind = (behind, 53)
        self._flips = flips
        self._selector = selectors.DefaultSelector()
        for address in addresses:
            self._listen(address, socket.SOCK_DGRAM, self._serve_datagram)
            self._listen(address, socket.SOCK_STREAM, self._serve_stream)
        self._wake, waker = socket.socketpair()
        self._waker = waker
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        self._upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._upstream.settimeout(BEHIND_TIMEOUT_S)
        self._upstream.connect(self._behind)
        self._thread = threading.Thread(target=self._run, name="altering servers")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._waker.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._upstream.close()
        self._selector.close()

    def _listen(self, address, kind, serve):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened = socket.socket(family, kind)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, 53))
        if kind == socket.SOCK_STREAM:
            opened.listen(64)
        self._selector.register(opened, selectors.EVENT_READ, serve)

    def _run(self):
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data(key.fileobj)

    def _alter(self, reply):
        flip = self._flips.get(question_name(reply))
        return flip.apply(reply) if flip else reply

    def _serve_datagram(self, listener):
        question, client = listener.recvfrom(4096)
        self._upstream.send(question)
        reply = self._upstream.recv(65535)
        while reply[:2] != question[:2]:        # to an earlier question that was given up
            reply = self._upstream.recv(65535)
        listener.sendto(self._alter(reply), client)

    def _serve_stream(self, listener):
        connection, _ = listener.accept()
        with connection, socket.create_connection(self._behind, BEHIND_TIMEOUT_S) as behind:
            connection.settimeout(BEHIND_TIMEOUT_S)
            question = read_framed(connection)
            if question:
                behind.sendall(framed(question))
                connection.sendall(framed(self._alter(read_framed(behind))))


def framed(message):
    """RFC 1035 section 4.2.2."""
    return struct.pack("!H", len(message)) + message


def read_framed(connection):
    """Empty if the other end sends nothing more."""
    with connection.makefile("rb") as stream:
        length = stream.read(2)
        return stream.read(struct.unpack("!H", length)[0]) if len(length) == 2 else b""
