"""vouchd, built with AddressSanitizer, among servers that do whatever is odd, wrong or malicious: it never falls, never
says what nobody has proven, spends no more than a bounded number of questions, and serves others meanwhile (rows R4.2,
R4.3)."""

import asyncio
import contextlib
import os
import random
import socket
import struct
import threading
import time

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import pytest
from client import ede_codes, is_authentic, make_question
from control import objects
from faults import FAULTS, MIXED, POISON, STREAM_FAULTS, Exchange, fault_of
from signed_world import Server, World, read_message
from vouchd import SANITIZED, vouchd_in_lab

from lab import network

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a network namespace")

HOST = "127.0.0.1"
GOOD, HOSTILE, BOTHERSOME = "45.83.1.2", "45.83.1.3", "45.83.1.4"
SEED = 1
TRUE_ADDRESS = "198.51.100.1"
PATIENCE_S = 30             # of a client; resolvers give up earlier
UPSTREAM_MAX = 128          # UPSTREAM_PACKETS_MAX: of one question
MANY_DS = 100
AT_ONCE = 16                # questions into traps: the servers are slow, being Python
GOOD_QUESTIONS = 40
ATTEMPTS = 3                # of a client that gets no answer
LABELS = ("www", "a.b.c.nothing")
# Each question is another delegation, referral, alias.
NEVER_THE_SAME = ("bogus-delegations.", "referrals-without-end.", "aliases-without-end.", "servers-that-lead-on.")
LABELS_OF_THEIRS = tuple(f"n{number}" for number in range(6))
MIXED_LABELS = tuple(f"m{number}" for number in range(30))
# These do not keep the truth from those who ask: of many replies one is right, of many keys one fits.
BORNE = {"other-ids.", "octets-behind-the-end.", "replies-to-others-first.", "keys-of-no-octets.", "keys-of-all-sizes."}


def udp_socket(address, port):
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind((address, port))
    return bound


class Stream:
    """A connection as a fault sees it."""

    def __init__(self, connection, is_over):
        self._connection, self._is_over = connection, is_over

    def send(self, octets):
        self._connection.sendall(octets)

    def wait(self, seconds=PATIENCE_S):
        """True: the test is over."""
        return self._is_over.wait(seconds)


class HostileServer(Server):
    """Does what the zone is called by; the keys of the zones whose fault is one of TCP are as they should be."""

    def __init__(self, netns, address, zones):
        super().__init__(netns, address, zones)
        with network.inside(netns):
            self._elsewhere = [udp_socket(address, 5300), udp_socket(f"127.0.0.{address[-1]}", 53)]
        for zone in zones:
            zone.address = address

    def _exchange(self, wire, transport, asking=None):
        def send_elsewhere(octets):
            for each in self._elsewhere if asking is not None else []:
                each.sendto(octets, asking)

        question = dns.message.from_wire(wire)
        zone, asked = self.zone_of(question), question.question[0]
        chance = random.Random(f"{SEED} {asked.name.to_text().lower()} {asked.rdtype} {transport}")
        return zone.name.to_text(), Exchange(wire, zone, transport, chance, send_elsewhere)

    def datagrams(self, wire, asking):
        name, exchange = self._exchange(wire, "udp", asking)
        if name in FAULTS or name == MIXED:
            return fault_of(name, exchange)(exchange)
        is_over_tcp = name in STREAM_FAULTS and exchange.is_for_data
        return [exchange.raw(flags=0x8600) if is_over_tcp else exchange.reply()]

    def serve_connection(self, connection):
        threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, dns.exception.DNSException, struct.error), connection:
            connection.settimeout(PATIENCE_S)
            name, exchange = self._exchange(read_message(connection), "tcp")
            if name in STREAM_FAULTS:
                STREAM_FAULTS[name](exchange, Stream(connection, self.is_over))
                return
            for octets in fault_of(name, exchange)(exchange):
                connection.sendall(struct.pack("!H", len(octets)) + octets)


def make_server(netns, address, zones):
    return Server(netns, address, zones) if address == GOOD else HostileServer(netns, address, zones)


@pytest.fixture(scope="module")
def world():
    hostile = {name: [BOTHERSOME if name in BORNE else HOSTILE] for name in [*FAULTS, MIXED, *STREAM_FAULTS]}
    with World({"good.": [GOOD]} | hostile, make_server) as running:
        zone = running.at("good.", GOOD)
        for number in range(GOOD_QUESTIONS):
            zone.data[dns.name.from_text(f"g{number}", zone.name)] = [dns.rdata.from_text("IN", "A", TRUE_ADDRESS)]
        ds = running.root.children[dns.name.from_text("many-ds.")][1]
        ds[:0] = [ds[0].replace(digest=struct.pack("!I", number) * 8) for number in range(MANY_DS)]
        yield running


async def ask(qname, checking_disabled=False):
    question = make_question(qname, "A", checking_disabled=checking_disabled)
    reply, _ = await dns.asyncquery.udp_with_fallback(question, HOST, PATIENCE_S, ignore_unexpected=True)
    return reply


def says_poison(reply):
    return any(rdata.to_text() == POISON for rrset in reply.answer for rdata in rrset)


async def into_the_trap(zone, label):
    reply = await ask(f"{label}.{zone}")
    assert not says_poison(reply), reply.to_text()
    assert reply.rcode() != dns.rcode.SERVFAIL or ede_codes(reply), reply.to_text()
    if label == LABELS[0]:
        unjudged = await ask(f"{label}.{zone}", checking_disabled=True)
        assert not (says_poison(unjudged) and is_authentic(unjudged)), unjudged.to_text()


async def must_be_answered(qname):
    for _ in range(ATTEMPTS):
        reply = await ask(qname)
        if reply.rcode() == dns.rcode.NOERROR:
            break
    assert reply.rcode() == dns.rcode.NOERROR and is_authentic(reply), reply.to_text()


async def beside_it(waits_s):
    for number in range(GOOD_QUESTIONS):
        begun = time.monotonic()
        await must_be_answered(f"g{number}.good.")
        waits_s.append(time.monotonic() - begun)
        await asyncio.sleep(0.1)


async def all_at_once(questions, waits_s):
    left = iter(questions)

    async def ask_some():
        for question in left:
            await into_the_trap(*question)

    for zone in sorted(BORNE):
        await must_be_answered(f"www.{zone}")
    await asyncio.gather(beside_it(waits_s), *(ask_some() for _ in range(AT_ONCE)))


def test_whatever_servers_do(world, tmp_path):
    questions, waits_s = [(zone, label) for zone in [*FAULTS, *STREAM_FAULTS] for label in LABELS], []
    questions += [(zone, label) for zone in NEVER_THE_SAME for label in LABELS_OF_THEIRS]
    questions += [(MIXED, label) for label in MIXED_LABELS]
    with vouchd_in_lab(world, tmp_path, {"workers": 1}, build=SANITIZED) as vouchd, network.inside(world.netns):
        asyncio.run(all_at_once(questions, waits_s))
        stats, = objects(vouchd.socket, "stats")
        asked = sum(value for name, value in stats.items() if name.startswith("vouch_upstream_questions_total"))
    assert asked <= UPSTREAM_MAX / 4 * len(questions)       # few come near to what one may cost
    assert sorted(waits_s)[len(waits_s) // 2] < PATIENCE_S / 10
