"""Floods of questions that nobody answers (X-floods): places are few, and others get theirs all the same."""

import socket
import time

import dns.message
import dns.rcode
import pytest
from control import objects
from loopback import HOST, PATIENCE_S, ask_for_localhost, free_port
from vouchd import Vouchd

PLACES = 4
GIVE_WAY_S = 0.2
POLL_S = 0.02


class Client:
    """Of an address of its own: one client has not all places."""

    def __init__(self, number, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((f"127.0.1.{number}", 0))
        self.socket.connect((HOST, port))
        self.socket.settimeout(PATIENCE_S)

    def ask(self, name):
        self.socket.send(dns.message.make_query(name, "A").to_wire())

    def reply(self):
        return dns.message.from_wire(self.socket.recv(65535))

    def has_none(self):
        self.socket.setblocking(False)
        try:
            self.socket.recv(65535)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(PATIENCE_S)
        return False


@pytest.fixture
def silent():
    """The port of a server that hears everything and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening, socket.socket() as stream:
        listening.bind((HOST, 0))
        port = listening.getsockname()[1]
        stream.bind((HOST, port))
        stream.listen()
        yield port


def stats(vouchd):
    return objects(vouchd.socket, "stats")[0]


def await_waiting(vouchd, count):
    deadline = time.monotonic() + PATIENCE_S
    while stats(vouchd)["vouch_questions_waiting"] != count:
        assert time.monotonic() < deadline
        time.sleep(POLL_S)


def test_the_oldest_gives_way(silent, tmp_path):
    port = free_port()
    settings = {"listen": [f"{HOST}@{port}"], "workers": 1, "answers": {"waiting-max": PLACES},
                "resolver": {"forward": [{"zone": ".", "to": [f"{HOST}@{silent}"]}]}}
    clients = [Client(number, port) for number in range(1, PLACES + 2)]
    with Vouchd(tmp_path, settings) as vouchd:
        for number, client in enumerate(clients[:PLACES]):
            client.ask(f"n{number}.example.")
            await_waiting(vouchd, number + 1)
        assert ask_for_localhost(port).answer           # nothing has to be waited for
        time.sleep(2 * GIVE_WAY_S)
        clients[PLACES].ask("last.example.")
        reply = clients[0].reply()
        assert reply.rcode() == dns.rcode.SERVFAIL
        assert reply.question[0].name.to_text() == "n0.example."
        assert stats(vouchd)["vouch_questions_waiting"] == PLACES
        assert stats(vouchd)["vouch_questions_overload_total"] == 1
        assert all(client.has_none() for client in clients[1:])
        clients[PLACES].ask("one-more.example.")        # one client has no more than its share, whoever is in the way
        assert clients[PLACES].reply().question[0].name.to_text() == "one-more.example."
        assert stats(vouchd)["vouch_questions_overload_total"] == 2
