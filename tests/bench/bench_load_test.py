"""The load generator of bench/ sees what is wrong with a reply, and what does not come."""

import contextlib
import json
import pathlib
import socket
import struct
import subprocess
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
SOURCES = ("load.c", "udp.c", "tcp.c", "flight.c", "tally.c", "question.c")
HOST = "127.0.0.1"
COUNT = 200
QUESTION = "www.example. 1 ea 0 1"
FAULTS = ("right", "malformed", "question", "truncated", "rcode", "ad", "records")


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    program = tmp_path_factory.mktemp("bench") / "load"
    subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all", *(BENCH / source for source in SOURCES), "-o", program], check=True)
    return program


@pytest.fixture
def run(load, tmp_path):
    def run_load(port, lines, *arguments):
        path = tmp_path / "questions"
        path.write_text("\n".join(lines) + "\n")
        command = [load, "--questions", path, "--port", port, "--window", 16, *arguments]
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)
    return run_load


def good(query):
    reply = dns.message.make_response(query, recursion_available=True)
    reply.flags |= dns.flags.AD
    reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.1"))
    return reply


def with_rcode(query):
    reply = good(query)
    reply.set_rcode(dns.rcode.SERVFAIL)
    return reply


def without_ad(query):
    reply = good(query)
    reply.flags &= ~dns.flags.AD
    return reply


def truncated(query):
    reply = good(query)
    reply.flags |= dns.flags.TC
    return reply


def without_data(query):
    reply = good(query)
    reply.answer.clear()
    return reply


def of_another_name(query):
    reply = good(query)
    octets = bytearray(reply.to_wire())
    octets[13] ^= 0x20                      # the first letter of the question
    return bytes(octets)


def no_reply(query):
    return good(query).to_wire()[:2] + b"\0" * 10


def answers(make, octets):
    reply = make(dns.message.from_wire(octets))
    return reply if isinstance(reply, bytes) else reply.to_wire()


@contextlib.contextmanager
def udp_server(make, drop=lambda number: False, clients=None):
    """clients: a set that their addresses are added to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))

        def serve():
            number = 0
            while True:
                octets, client = server.recvfrom(4096)
                if not octets:
                    return
                number += 1
                if clients is not None:
                    clients.add(client)
                if not drop(number):
                    server.sendto(answers(make, octets), client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", server.getsockname())
            thread.join()


def read_exactly(connection, octets):
    got = b""
    while len(got) < octets:
        part = connection.recv(octets - len(got))
        if not part:
            return None
        got += part
    return got


@contextlib.contextmanager
def tcp_server(make):
    """Serves one connection."""
    with socket.create_server((HOST, 0)) as server:
        def serve():
            connection, _ = server.accept()
            with connection:
                while length := read_exactly(connection, 2):
                    reply = answers(make, read_exactly(connection, *struct.unpack("!H", length)))
                    connection.sendall(struct.pack("!H", len(reply)) + reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("make, fault", [
    (good, "right"), (with_rcode, "rcode"), (without_ad, "ad"), (truncated, "truncated"), (without_data, "records"),
    (of_another_name, "question"), (no_reply, "malformed")])
def test_fault_is_seen(run, make, fault):
    with udp_server(make) as port:
        report = run(port, [QUESTION] * COUNT, "--mode", "once")
    assert {name: report[name] for name in FAULTS if report[name]} == {fault: COUNT}
    assert report["lost"] == report["strays"] == 0


@pytest.mark.parametrize("manner, rightly", [("ea", True), ("ed", True), ("e", False), ("-", False)])
def test_ad_is_wanted_only_if_asked_for(run, manner, rightly):
    """RFC 6840 section 5.8."""
    with udp_server(good) as port:
        report = run(port, [f"www.example. 1 {manner} 0 1"] * COUNT, "--mode", "once")
    assert report["right" if rightly else "ad"] == COUNT


def test_ad_is_not_judged_with_cd(run):
    for make in (good, without_ad):
        with udp_server(make) as port:
            assert run(port, ["www.example. 1 edc 0 1"] * COUNT, "--mode", "once")["right"] == COUNT


def test_letter_case_is_mixed_and_must_come_back(run):
    seen = set()

    def keep(query):
        seen.add(query.question[0].name.to_text())
        return good(query)

    with udp_server(keep) as port:
        assert run(port, ["www.example. 1 eam 0 1"] * COUNT, "--mode", "once")["right"] == COUNT
    assert len(seen) > COUNT / 4


def test_lost_replies_are_counted(run):
    with udp_server(good, drop=lambda number: number % 10 == 0) as port:
        report = run(port, [QUESTION] * COUNT, "--mode", "once", "--timeout", 0.2)
    assert (report["sent"], report["right"], report["lost"]) == (COUNT, COUNT * 9 // 10, COUNT // 10)


def test_rate_is_kept(run):
    with udp_server(good) as port:
        report = run(port, [QUESTION], "--mode", "rate", "--rate", 100, "--seconds", 1)
    assert report["sent"] == report["right"] == 100


def test_sockets_ask_in_turn(run):
    clients = set()
    with udp_server(good, clients=clients) as port:
        report = run(port, [QUESTION], "--mode", "rate", "--rate", 100, "--seconds", 1, "--connections", 4)
    assert report["sent"] == report["right"] == 100
    assert len(clients) == 4


def test_first_right_answer_ends_it(run):
    with udp_server(good, drop=lambda number: number < 5) as port:
        report = run(port, [QUESTION], "--mode", "first", "--rate", 100, "--seconds", 20)
    assert report["right"] == 1 and report["sent"] >= 5 and report["seconds"] < 20


def test_pipelined_tcp(run):
    with tcp_server(good) as port:
        report = run(port, [QUESTION] * COUNT, "--mode", "once", "--tcp", "--connections", 1)
    assert report["right"] == report["sent"] == COUNT
