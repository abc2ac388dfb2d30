"""The servers of all mutated zones, in one process: root, top-level domains, and a zone for each mutation.

    authority.py SEED NOW

serves on every local address, over UDP and TCP; which zones a server has depends on its address.  A zone is made when
it is first asked for.
"""

import functools
import itertools
import pathlib
import selectors
import socket
import struct
import sys

import dns.exception
import dns.flags
import dns.message

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import mutants      # noqa: E402  (the path must be set first)

IP_PKTINFO = 8                  # linux/in.h
DATAGRAM_OCTETS_MAX = 4096
MESSAGE_OCTETS_MAX = 65535
REPLIES_KEPT = 20_000
CLIENT_TIMEOUT_S = 5
SPARE_OCTETS = 64
HEADER_OCTETS = 12
TC_FLAG = 0x02
BACKLOG = 512


class Replies:
    """Whole messages, by server and question."""

    def __init__(self, world):
        self._world = world
        self._body = functools.lru_cache(REPLIES_KEPT)(self._make_body)

    def reply_to(self, octets, address, over_udp):
        """None: not worth a reply."""
        try:
            question = dns.message.from_wire(octets)
            asked = question.question[0]
        except (dns.exception.DNSException, IndexError):
            return None
        body = self._body(address, mutants.lower(asked.name), asked.rdtype)
        # The question is echoed letter for letter: servers are asked in random case.
        end = HEADER_OCTETS + len(asked.name.to_wire()) + 4
        reply = octets[:2] + body[2:HEADER_OCTETS] + octets[HEADER_OCTETS:end] + body[end:]
        if over_udp and len(reply) > max(question.payload, 512):
            return octets[:2] + bytes([body[2] | TC_FLAG, body[3]]) + b"\0\1" + bytes(6) + octets[HEADER_OCTETS:end]
        return reply

    def _make_body(self, address, qname, qtype):
        reply = self._world.reply_from(address, qname, qtype)
        message = dns.message.make_response(dns.message.make_query(qname, qtype, use_edns=0, payload=DATAGRAM_OCTETS_MAX))
        message.flags = dns.flags.QR | (dns.flags.AA if reply.authoritative else 0)
        message.set_rcode(reply.rcode)
        message.answer, message.authority, message.additional = reply.answer, reply.authority, reply.additional
        return message.to_wire(max_size=MESSAGE_OCTETS_MAX)


def serve_datagram(server, replies):
    octets, control, _, client = server.recvmsg(DATAGRAM_OCTETS_MAX, SPARE_OCTETS)
    asked = control[0][2][8:12]     # struct in_pktinfo: the address that the question was sent to
    reply = replies.reply_to(octets, socket.inet_ntoa(asked), over_udp=True)
    if reply is not None:
        info = struct.pack("=I4s4s", 0, asked, bytes(4))
        server.sendmsg([reply], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, client)


class Connection:
    def __init__(self, accepted, replies):
        self.socket, self._replies, self._octets = accepted, replies, b""
        self._address = accepted.getsockname()[0]
        accepted.settimeout(CLIENT_TIMEOUT_S)

    def read(self):
        """False: it is over."""
        try:
            more = self.socket.recv(65535)
            self._octets += more
            while len(self._octets) > 2 and len(self._octets) >= 2 + (length := int.from_bytes(self._octets[:2], "big")):
                reply = self._replies.reply_to(self._octets[2:2 + length], self._address, over_udp=False)
                self._octets = self._octets[2 + length:]
                if reply is not None:
                    self.socket.sendall(struct.pack("!H", len(reply)) + reply)
        except OSError:
            return False
        return bool(more)


def main():
    replies = Replies(mutants.World(*map(int, sys.argv[1:])))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.create_server(("", 53), backlog=BACKLOG) as tcp:
        udp.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        udp.bind(("", 53))
        with selectors.DefaultSelector() as waiting:
            waiting.register(udp, selectors.EVENT_READ)
            waiting.register(tcp, selectors.EVENT_READ)
            print("ready", flush=True)
            for key, _ in itertools.chain.from_iterable(iter(waiting.select, None)):
                if key.fileobj is udp:
                    serve_datagram(udp, replies)
                elif key.fileobj is tcp:
                    connection = Connection(tcp.accept()[0], replies)
                    waiting.register(connection.socket, selectors.EVENT_READ, connection)
                elif not key.data.read():
                    waiting.unregister(key.fileobj)
                    key.fileobj.close()


if __name__ == "__main__":
    main()
