"""A root and a few zones below it, whose servers may each be wrong in a way of their own: signed as they answer."""

import contextlib
import os
import pathlib
import socket
import struct
import tempfile
import threading
import time

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from lab import network

IN = dns.rdataclass.IN
TTL = 3600
HOUR_S = 3600
POLL_S = 0.1
KSK = 257
P256_OCTETS = 32
ROOT_ADDRESS = "45.83.1.1"


class Key:
    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.dnskey = dns.dnssec.make_dnskey(self.private.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, KSK)
        self.tag = dns.dnssec.key_id(self.dnskey)

    def ds(self, zone):
        return dns.dnssec.make_ds(zone, self.dnskey, "SHA256")

    def sign(self, rrset, signer, begins_s, ends_s, made_with=None):
        """made_with: another private key, which passes itself off as this one."""
        private = self.private if made_with is None else made_with.private
        now = int(time.time())
        return dns.dnssec.sign(rrset, private, signer, self.dnskey, inception=now + begins_s, expiration=now + ends_s)

    def sign_octets(self, octets):
        """RFC 6605 section 4."""
        numbers = utils.decode_dss_signature(self.private.sign(octets, ec.ECDSA(hashes.SHA256())))
        return b"".join(number.to_bytes(P256_OCTETS, "big") for number in numbers)


class Zone:
    """Everything that a server answers with; a test changes its attributes at any time."""

    def __init__(self, name, key, names=("www",)):
        self.name = dns.name.from_text(name)
        self.key = key
        self.published = [key.dnskey]
        self.data = {dns.name.from_text(label, self.name):
                     [dns.rdata.from_text(IN, "A", "198.51.100.1")] for label in names}
        self.children = {}                  # name: ([addresses], list of DS)
        self.lifetime = lambda rrset: (-HOUR_S, HOUR_S)     # of its signature, from now
        self.made_with = lambda rrset: None  # the private key, when it is not the one that the signature names
        self.unsigned = lambda rrset, transport: False
        self.refused = lambda qtype: False
        self.without_edns = lambda transport: False

    def delegate(self, child, addresses, ds=True):
        self.children[child.name] = (addresses, [child.key.ds(child.name)] if ds else [])

    def _rrset(self, name, rdatas):
        return dns.rrset.from_rdata_list(name, TTL, rdatas)

    def _signed(self, rrset, transport):
        if self.unsigned(rrset, transport):
            return [rrset]
        sig = self.key.sign(rrset, self.name, *self.lifetime(rrset), made_with=self.made_with(rrset))
        return [rrset, dns.rrset.from_rdata_list(rrset.name, TTL, [sig])]

    def _denial(self, name, types, transport):
        """Nothing but these types: RFC 9824, of a name that need not exist."""
        following = dns.name.Name((b"\0",) + name.labels).to_text()
        nsec = dns.rdata.from_text(IN, "NSEC", f"{following} {' '.join(types)}")
        return self._signed(self._rrset(name, [nsec]), transport)

    def _soa(self, transport):
        soa = dns.rdata.from_text(IN, "SOA", f"{self.name} hostmaster. 1 3600 600 86400 60")
        return self._signed(self._rrset(self.name, [soa]), transport)

    def _apex(self, qtype):
        if qtype == dns.rdatatype.DNSKEY:
            return self.published
        if qtype == dns.rdatatype.NS:
            return [dns.rdata.from_text(IN, "NS", dns.name.from_text("ns", self.name).to_text())]
        return []

    def _cut(self, qname, qtype):
        for child in self.children:
            if qname.is_subdomain(child) and not (qname == child and qtype == dns.rdatatype.DS):
                return child
        return None

    def _refer(self, reply, child, transport):
        addresses, ds = self.children[child]
        names = [dns.name.from_text(f"ns{i}", child) for i in range(len(addresses))]
        ns = [dns.rdata.from_text(IN, "NS", name.to_text()) for name in names]
        reply.authority.append(self._rrset(child, ns))
        if not ds:
            reply.authority += self._denial(child, ["NS", "RRSIG", "NSEC"], transport)
        else:
            reply.authority += self._signed(self._rrset(child, ds), transport)
        for name, address in zip(names, addresses):
            reply.additional.append(self._rrset(name, [dns.rdata.from_text(IN, "A", address)]))

    def answer(self, question, transport):
        asked = question.question[0]
        reply = dns.message.make_response(question, our_payload=4096)
        if self.refused(asked.rdtype):
            reply.set_rcode(dns.rcode.REFUSED)
            return reply
        child = self._cut(asked.name, asked.rdtype)
        if child is not None:
            self._refer(reply, child, transport)
            return reply
        reply.flags |= dns.flags.AA
        rdatas = self.data.get(asked.name, []) if asked.rdtype == dns.rdatatype.A else []
        if asked.name == self.name:
            rdatas = self._apex(asked.rdtype) or rdatas
        if asked.rdtype == dns.rdatatype.DS and asked.name in self.children:
            rdatas = self.children[asked.name][1]
        if asked.name == self.name and asked.rdtype == dns.rdatatype.SOA:
            reply.answer += self._soa(transport)
        elif rdatas:
            reply.answer += self._signed(self._rrset(asked.name, rdatas), transport)
        else:
            types = ["NS", "RRSIG", "NSEC"] if asked.name in self.children else ["RRSIG", "NSEC"]
            reply.authority += self._soa(transport) + self._denial(asked.name, types, transport)
        return reply


class Server(threading.Thread):
    """One address, UDP and TCP; zones: those it answers for, the deepest first."""

    def __init__(self, netns, address, zones):
        super().__init__(daemon=True)
        self.zones = zones
        self._netns, self._address = netns, address
        self.is_over = threading.Event()
        with network.inside(netns):
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._udp.bind((address, 53))
        self._udp.settimeout(POLL_S)
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._tcp.bind((address, 53))
        self._tcp.listen(16)
        self._tcp.settimeout(POLL_S)
        self._streams = threading.Thread(target=self._serve_tcp, daemon=True)

    def zone_of(self, question):
        return next((zone for zone in self.zones if question.question[0].name.is_subdomain(zone.name)), None)

    def _answer(self, wire, transport):
        question = dns.message.from_wire(wire)
        zone = self.zone_of(question)
        if zone is None:
            reply = dns.message.make_response(question)
            reply.set_rcode(dns.rcode.REFUSED)
            return reply.to_wire()
        reply = zone.answer(question, transport)
        if zone.without_edns(transport):
            reply.use_edns(-1)
        return reply.to_wire()

    def datagrams(self, wire, asking):
        """What is sent back to that address."""
        return [self._answer(wire, "udp")]

    def serve_connection(self, connection):
        with connection:
            connection.settimeout(5)
            wire = self._answer(read_message(connection), "tcp")
            connection.sendall(struct.pack("!H", len(wire)) + wire)

    def run(self):
        self._streams.start()
        while not self.is_over.is_set():
            with contextlib.suppress(TimeoutError, OSError, dns.exception.DNSException):
                wire, asking = self._udp.recvfrom(65535)
                for octets in self.datagrams(wire, asking):
                    self._udp.sendto(octets, asking)

    def _serve_tcp(self):
        while not self.is_over.is_set():
            with contextlib.suppress(TimeoutError, OSError, dns.exception.DNSException, struct.error):
                self.serve_connection(self._tcp.accept()[0])

    def end(self):
        self.is_over.set()
        self.join()
        self._streams.join()
        self._udp.close()
        self._tcp.close()


def read_message(connection):
    (length,) = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
    return connection.recv(length, socket.MSG_WAITALL)


class World:
    """with World({"z.": ["45.83.1.2", "45.83.1.3"]}) as world: …; world.at("z.", "45.83.1.2") is that server's zone."""

    def __init__(self, zones, server=Server):
        """server: makes those of these zones."""
        self.netns = f"vouch-world-{os.getpid()}"
        self._directory = tempfile.TemporaryDirectory(prefix="vouch-world.")
        directory = pathlib.Path(self._directory.name)
        self.root = Zone(".", Key())
        self._zones, self._servers = {}, []
        served = {}
        for name, where in zones.items():
            key = Key()
            for address in where:
                self._zones[name, address] = Zone(name, key)
                served.setdefault(address, []).append(self._zones[name, address])
            self.root.delegate(self._zones[name, where[0]], where)
        network.create(self.netns, [ROOT_ADDRESS, *served])
        self._servers.append(Server(self.netns, ROOT_ADDRESS, [self.root]))
        self._servers += [server(self.netns, address, its_zones) for address, its_zones in served.items()]
        for server in self._servers:
            server.start()
        self.hints, self.anchor = directory / "hints", directory / "anchor"
        self.hints.write_text(f". 3600 IN NS ns.\nns. 3600 IN A {ROOT_ADDRESS}\n")
        self.anchor.write_text(f". IN DS {self.root.key.ds(dns.name.root)}\n")

    def at(self, name, address):
        return self._zones[name, address]

    def everywhere(self, name):
        return [zone for (own, _), zone in self._zones.items() if own == name]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self._servers:
            server.end()
        network.delete(self.netns)
        self._directory.cleanup()
