"""vouchd in a small Internet, as its clients see it."""

import contextlib
import json
import os
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from client import REPLY_TIMEOUT_S, ask, ede_codes, is_authentic, make_question
from control import objects
from vouchd import READY_TIMEOUT_S, SANITIZED, POLL_S, faketime, vouchd_in_lab

from lab import network

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a network namespace")

HOST = "127.0.0.1"
TCP_READY_S = 5             # the contract: TCP is accepted that soon after the start
SILENCE_S = 0.5             # who is ignored hears nothing, however long
TCP_IDLE_S = 10             # src/transport/tcp_server.h
FLOOD_BATCH = 50            # fits into a socket's receive buffer: nothing of the flood is lost on the way
FLOOD_PACKETS = int(os.environ.get("VOUCH_FLOOD_PACKETS", 100_000))
EDE_SIGNATURE_EXPIRED, EDE_SIGNATURE_NOT_YET_VALID = 7, 8


def assert_resolves(port=53, server=HOST):
    """Over UDP a flooded socket may lose the question, so this asks over TCP."""
    reply = dns.query.tcp(make_question("www.secure.demo.", "A"), server, REPLY_TIMEOUT_S, port)
    assert reply.rcode() == dns.rcode.NOERROR and reply.answer and is_authentic(reply), reply


# ---- start, rights, clock

def test_accepts_tcp_soon_after_the_start(lab, tmp_path):
    vouchd = vouchd_in_lab(lab, tmp_path)
    began = time.monotonic()
    vouchd.start(awaited=None)
    try:
        with network.inside(lab.netns):
            while True:
                try:
                    socket.create_connection((HOST, 53), READY_TIMEOUT_S).close()
                    break
                except ConnectionRefusedError:
                    assert vouchd.is_running() and time.monotonic() - began < READY_TIMEOUT_S, vouchd.log()
                    time.sleep(POLL_S)
            assert time.monotonic() - began < TCP_READY_S
            assert_resolves()
    finally:
        assert vouchd.stop() == 0


def test_root_where_nobody_else_exists(lab, tmp_path):
    """A container: uid 0, and no other user to become."""
    settings = {"listen": [f"{HOST}@5300"]}
    with vouchd_in_lab(lab, tmp_path, settings, prefix=["unshare", "--user", "--map-root-user"]) as vouchd:
        assert open(f"/proc/{vouchd.process.pid}/uid_map", encoding="ascii").read().split()[2] == "1"
        with network.inside(lab.netns):
            assert_resolves(port=5300)


@pytest.mark.parametrize("instant, cause", [
    ("2017-08-22 00:00:00", EDE_SIGNATURE_NOT_YET_VALID), ("2050-01-01 00:00:00", EDE_SIGNATURE_EXPIRED)])
def test_the_wall_clock_judges_signatures(lab, tmp_path, instant, cause):
    """RFC 4035 section 5.3.1, under libfaketime."""
    with vouchd_in_lab(lab, tmp_path, {"time": {"floor": "none"}}, environment=faketime(instant)):
        with network.inside(lab.netns):
            reply = ask(HOST, "www.secure.demo.", "A")
    assert reply.rcode() == dns.rcode.SERVFAIL and ede_codes(reply) == {cause}


# ---- addresses

def own_addresses(lab):
    text = subprocess.run(["ip", "-n", lab.netns, "-o", "addr"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.findall(r"inet6? ([0-9a-f.:]+)/", text)


def test_answers_come_from_the_address_that_was_asked(lab, tmp_path):
    """A connected socket takes answers from no other."""
    addresses = own_addresses(lab)
    assert any("." in address for address in addresses) and any(":" in address for address in addresses)
    settings = {"listen": ["0.0.0.0@5300", "::@5300"], "allow": ["0.0.0.0/0", "::/0"]}
    question = make_question("www.secure.demo.", "A")
    with vouchd_in_lab(lab, tmp_path, settings), network.inside(lab.netns):
        for address in addresses:
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asking:
                asking.settimeout(REPLY_TIMEOUT_S)
                asking.connect((address, 5300))
                asking.send(question.to_wire())
                reply = dns.message.from_wire(asking.recv(65535))
            assert reply.id == question.id and reply.answer and is_authentic(reply)
            assert_resolves(port=5300, server=address)


def test_who_may_ask(lab, tmp_path):
    with vouchd_in_lab(lab, tmp_path, {"allow": ["192.0.2.0/24"]}) as vouchd, network.inside(lab.netns):
        assert ask(HOST, "www.secure.demo.", "A").rcode() == dns.rcode.REFUSED
        vouchd.config_path.write_text(vouchd.config_path.read_text().replace("192.0.2.0/24", "127.0.0.0/8"))
        vouchd.send_signal(signal.SIGHUP)
        vouchd.await_log("reloaded")
        assert_resolves()


def test_the_most_specific_network_counts(lab, tmp_path):
    with vouchd_in_lab(lab, tmp_path, {"allow": ["127.0.0.0/8"]}) as vouchd, network.inside(lab.netns):
        original = vouchd.config_path.read_text()
        for _ in range(3):
            assert is_authentic(ask(HOST, "www.secure.demo.", "A"))
        vouchd.config_path.write_text(original + "refuse: [127.0.0.0/16]\n")
        vouchd.send_signal(signal.SIGHUP)
        vouchd.await_log("reloaded")
        assert ask(HOST, "www.secure.demo.", "A").rcode() == dns.rcode.REFUSED
        vouchd.config_path.write_text(original + "ignore: [127.0.0.0/16]\n")
        vouchd.send_signal(signal.SIGHUP)
        vouchd.await_log("reloaded", 2)
        with pytest.raises(dns.exception.Timeout):
            dns.query.udp(make_question("www.secure.demo.", "A"), HOST, SILENCE_S)


def test_looking_into_the_cache(lab, tmp_path):
    """RD=0 by those who may: what is cached, else the closest NS set that is (RFC 1034 section 4.3.2)."""
    def look(qname):
        question = make_question(qname, "A")
        question.flags &= ~dns.flags.RD
        return dns.query.udp(question, HOST, REPLY_TIMEOUT_S)

    with vouchd_in_lab(lab, tmp_path) as vouchd, network.inside(lab.netns):
        original = vouchd.config_path.read_text()
        assert is_authentic(ask(HOST, "secure.demo.", "NS")) and is_authentic(ask(HOST, "www.secure.demo.", "A"))
        assert look("www.secure.demo.").answer and look("other.secure.demo.").rcode() == dns.rcode.REFUSED
        vouchd.config_path.write_text(original + "snoop: [127.0.0.0/8]\n")
        vouchd.send_signal(signal.SIGHUP)
        vouchd.await_log("reloaded")
        assert look("www.secure.demo.").answer
        for _ in range(2):
            reply = look("other.secure.demo.")
            assert reply.rcode() == dns.rcode.NOERROR and not reply.answer and is_authentic(reply)
            assert reply.authority[0].name.to_text() == "secure.demo." and reply.authority[0].rdtype == dns.rdatatype.NS
        assert ask(HOST, "other.secure.demo.", "A").rcode() == dns.rcode.NXDOMAIN


def test_local_data_comes_and_goes(lab, tmp_path):
    """Also for a name whose answer stands ready-made."""
    told = {"data": ["www.secure.demo. 60 A 192.0.2.99"], "zones": [{"zone": "closed.demo.", "type": "refuse"}]}
    with vouchd_in_lab(lab, tmp_path) as vouchd, network.inside(lab.netns):
        original = vouchd.config_path.read_text()
        for _ in range(3):
            assert is_authentic(ask(HOST, "www.secure.demo.", "A"))
        vouchd.config_path.write_text(original + "local: " + json.dumps(told) + "\n")
        vouchd.send_signal(signal.SIGHUP)
        vouchd.await_log("reloaded")
        for _ in range(3):
            reply = ask(HOST, "www.secure.demo.", "A")
            assert [rdata.address for rdata in reply.answer[0]] == ["192.0.2.99"] and not is_authentic(reply)
            assert reply.flags & dns.flags.AA
        assert ask(HOST, "x.closed.demo.", "A").rcode() == dns.rcode.REFUSED
        vouchd.config_path.write_text(original)
        vouchd.send_signal(signal.SIGHUP)
        vouchd.await_log("reloaded", 2)
        assert is_authentic(ask(HOST, "www.secure.demo.", "A"))


# ---- reload

class Asker(threading.Thread):
    """Asks one question after the other until it is told to end, or one fails."""

    def __init__(self, netns, seed):
        super().__init__()
        self._netns, self._chance = netns, random.Random(seed)
        self.asked, self.failure, self.is_over = 0, None, threading.Event()

    def run(self):
        network.enter(self._netns)
        while self.failure is None and not self.is_over.is_set():
            self.failure = self._ask()
            self.asked += 1

    def _ask(self):
        new = f"{self._chance.randrange(10**9)}.secure.demo."
        name = self._chance.choice(["www.secure.demo.", "www.insecure.demo.", new])
        way = self._chance.choice([dns.query.udp, dns.query.tcp])
        try:
            reply = way(make_question(name, "A"), HOST, REPLY_TIMEOUT_S)
        except (OSError, EOFError, dns.exception.DNSException) as error:
            return error
        return None if reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) else reply


def test_reload_while_names_are_resolved(lab, tmp_path):
    """No question is lost, whether it is answered from the cache or being looked up, over UDP or TCP."""
    changes = ["", "validation: {nsec3-iterations: 10}\n", "answers: {minimal: false}\n"]
    askers = [Asker(lab.netns, seed) for seed in range(4)]
    with vouchd_in_lab(lab, tmp_path) as vouchd:
        original = vouchd.config_path.read_text()
        for asker in askers:
            asker.start()
        try:
            for done in range(1, 21):
                vouchd.config_path.write_text(original + changes[done % len(changes)])
                asked = [asker.asked for asker in askers]
                vouchd.send_signal(signal.SIGHUP)
                vouchd.await_log("reloaded", done)
                for asker, before in zip(askers, asked):
                    while asker.is_alive() and asker.asked < before + 5:
                        time.sleep(POLL_S)
        finally:
            for asker in askers:
                asker.is_over.set()
                asker.join()
    assert [asker.failure for asker in askers] == [None] * len(askers)


# ---- hits

def times_waited(vouchd, thread):
    """How often a thread of that name went to sleep."""
    task = pathlib.Path(f"/proc/{vouchd.process.pid}/task")
    own = next(path for path in task.iterdir() if (path / "comm").read_text() == f"{thread}\n")
    return int(re.search(r"^voluntary_ctxt_switches:\s(\d+)", (own / "status").read_text(), re.MULTILINE)[1])


def test_hits_do_not_wake_the_worker(lab, tmp_path):
    """Who is busy with signatures keeps none of them waiting; what they are counted by is complete at any time."""
    hits = 400
    with vouchd_in_lab(lab, tmp_path, {"workers": 1}) as vouchd:
        with network.inside(lab.netns):
            for _ in range(3):
                assert is_authentic(ask(HOST, "www.secure.demo.", "A"))
        ready = objects(vouchd.socket, "stats")[0]["vouch_answers_ready_total"]
        with network.inside(lab.netns):
            before = times_waited(vouchd, "worker 0")
            for _ in range(hits):
                assert is_authentic(ask(HOST, "www.secure.demo.", "A"))
            assert times_waited(vouchd, "worker 0") - before < hits / 4     # its own chores, at most
        assert objects(vouchd.socket, "stats")[0]["vouch_answers_ready_total"] == ready + hits


# ---- TCP

def framed(message):
    wire = message.to_wire()
    return struct.pack("!H", len(wire)) + wire


def read_reply(stream):
    length = stream.read(2)
    return dns.message.from_wire(stream.read(struct.unpack("!H", length)[0])) if len(length) == 2 else None


@contextlib.contextmanager
def connection():
    with socket.create_connection((HOST, 53), REPLY_TIMEOUT_S) as connected, connected.makefile("rb") as stream:
        connected.settimeout(REPLY_TIMEOUT_S)
        yield connected, stream


class SlowServer:
    """Has a zone without signatures, and says nothing until it is told to."""
    PORT = 5999
    RULES = {"stub": [{"zone": "slow.test.", "to": [f"127.0.0.2@{PORT}"]}]}
    TRUST = {"insecure": [{"zone": "slow.test.", "reason": "a server of this test"}]}

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(REPLY_TIMEOUT_S)
        self._socket.bind(("127.0.0.2", self.PORT))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def receive(self):
        wire, client = self._socket.recvfrom(4096)
        return dns.message.from_wire(wire), client

    def answer(self, question, client):
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.AA
        asked = question.question[0]
        reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "A", "192.0.2.7"))
        self._socket.sendto(reply.to_wire(), client)


def test_answers_do_not_wait_for_each_other(lab, tmp_path):
    """RFC 7766 section 7: a slow question does not hold up those behind it on the same connection."""
    settings = {"resolver": {"root-hints": str(lab.hints)} | SlowServer.RULES,
                "trust": {"anchors": [], "anchor-files": [str(lab.anchor)]} | SlowServer.TRUST}
    slow, fast = make_question("slow.test.", "A"), make_question("www.secure.demo.", "A")
    with vouchd_in_lab(lab, tmp_path, settings), network.inside(lab.netns):
        with SlowServer() as server, connection() as (connected, stream):
            connected.sendall(framed(slow) + framed(fast))
            held = server.receive()
            assert read_reply(stream).id == fast.id
            server.answer(*held)
            reply = read_reply(stream)
            assert reply.id == slow.id and reply.rcode() == dns.rcode.NOERROR and not is_authentic(reply)


def is_closed(connected):
    """By the other end, with nothing more to read."""
    connected.setblocking(False)
    try:
        return connected.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_idle_connections_are_closed(lab, tmp_path):
    """RFC 7766 section 6.2.3: silent ones, half a question, and one that never ends; not one that is in use."""
    question = framed(make_question("www.secure.demo.", "A"))
    with vouchd_in_lab(lab, tmp_path), network.inside(lab.netns), contextlib.ExitStack() as opened:
        (silent, _), (half, _), (endless, _), (used, used_stream) = [
            opened.enter_context(connection()) for _ in range(4)]
        half.sendall(question[:7])
        began = time.monotonic()
        closed_after = {}
        while len(closed_after) < 3:
            waited = time.monotonic() - began
            assert waited < REPLY_TIMEOUT_S, f"only {list(closed_after)} are closed"
            for name, idle in {"silent": silent, "half": half, "endless": endless}.items():
                if name not in closed_after and is_closed(idle):
                    closed_after[name] = waited
            if "endless" not in closed_after:
                with contextlib.suppress(ConnectionError):
                    endless.send(b"\1")        # announces 257 octets, then sends them one by one
            used.sendall(question)
            assert read_reply(used_stream).answer
            time.sleep(0.5)
        assert min(closed_after.values()) > TCP_IDLE_S / 2
        used.sendall(question)
        assert read_reply(used_stream).answer


def test_half_closed_client_gets_its_answers(lab, tmp_path):
    """RFC 7766 section 6.2.4."""
    questions = [make_question(name, "A") for name in ("www.secure.demo.", "www.insecure.demo.", "www.bogus.demo.")]
    with vouchd_in_lab(lab, tmp_path), network.inside(lab.netns), connection() as (connected, stream):
        connected.sendall(b"".join(map(framed, questions)))
        connected.shutdown(socket.SHUT_WR)
        replies = {reply.id: reply.rcode() for reply in (read_reply(stream) for _ in questions)}
        assert read_reply(stream) is None
    assert [replies[question.id] for question in questions] == [0, 0, dns.rcode.SERVFAIL]


# ---- floods

def malformed_questions(chance):
    """Random octets, questions cut short, questions with changed octets, names that do not exist: without end."""
    zones = ["secure", "insecure", "bogus", "nothing"]
    whole = [make_question(f"123456789.{zone}.demo.", "A").to_wire() for zone in zones]
    label = whole[0].index(b"123456789")
    while True:
        wire = bytearray(chance.choice(whole))
        wire[label:label + 9] = b"%09d" % chance.randrange(10**9)
        kind = chance.randrange(16)
        if kind < 5:
            yield chance.randbytes(chance.randrange(1400))
        elif kind < 8:
            yield wire[:chance.randrange(len(wire))]
        elif kind < 15:
            for _ in range(chance.randrange(1, 9)):
                wire[chance.randrange(2, len(wire))] = chance.randrange(256)
            yield wire
        else:
            yield wire


@pytest.fixture
def sanitized(lab, tmp_path):
    """With sanitizers: what goes wrong in the flood, or leaks, ends it with a complaint."""
    with vouchd_in_lab(lab, tmp_path, build=SANITIZED), network.inside(lab.netns):
        yield
        assert_resolves()


def await_marker(flooding):
    """All that was sent before on this socket has been read by vouchd, and it still answers."""
    marker = dns.message.make_query("localhost.", "AAAA")
    flooding.send(marker.to_wire())
    start = marker.to_wire()[:2]
    while True:
        reply = flooding.recv(65535)
        if reply[:2] == start and b"\x09localhost\x00\x00\x1c" in reply:
            return


def test_flood_of_datagrams(sanitized):
    questions = malformed_questions(random.Random(1))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooding:
        flooding.settimeout(REPLY_TIMEOUT_S)
        flooding.connect((HOST, 53))
        for number in range(FLOOD_PACKETS):
            flooding.send(next(questions))
            if number % FLOOD_BATCH == 0:
                await_marker(flooding)
            if number % (FLOOD_PACKETS // 10) == 0:
                assert_resolves()


def hang_up_by_reset(connected):
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_flood_of_connections(sanitized):
    """Garbage, lengths that lie, and hanging up in the middle."""
    chance = random.Random(2)
    questions = malformed_questions(chance)
    for number in range(FLOOD_PACKETS // 20):
        with socket.create_connection((HOST, 53), REPLY_TIMEOUT_S) as flooding:
            message = bytes(next(questions))
            length = chance.choice([len(message), len(message) + 1, 0, 65535, chance.randrange(65536)])
            with contextlib.suppress(ConnectionError):
                flooding.sendall(struct.pack("!H", length) + message + bytes(next(questions)))
                if chance.randrange(2):
                    flooding.shutdown(socket.SHUT_WR)
                    while flooding.recv(65535):     # to the end: so it was read
                        pass
                else:
                    hang_up_by_reset(flooding)
        if number % 500 == 0:
            assert_resolves()
