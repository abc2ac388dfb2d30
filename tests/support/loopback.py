"""A vouchd on loopback that nobody else knows: its port, and whether it answers by itself."""

import contextlib
import random
import socket

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

HOST = "127.0.0.1"
PATIENCE_S = 20
TRIES = 5


def free_port():
    """Below the range that connections and upstream questions take theirs from: it stays free until vouchd has it."""
    for port in random.SystemRandom().sample(range(20000, 32000), 100):
        with contextlib.suppress(OSError):
            for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((HOST, port))
            return port
    pytest.fail("no free port")


def ask_for_localhost(port, way=dns.query.udp):
    """As a client does: what the kernel had no room for is asked again."""
    for left in reversed(range(TRIES)):
        try:
            return way(dns.message.make_query("localhost.", "A"), HOST, port=port, timeout=PATIENCE_S / TRIES)
        except dns.exception.Timeout:
            if left == 0:
                raise


def assert_answers(port):
    for way in dns.query.udp, dns.query.tcp:
        reply = ask_for_localhost(port, way=way)
        assert reply.rcode() == dns.rcode.NOERROR and reply.answer
