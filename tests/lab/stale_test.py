"""Expired answers while servers are silent or gone (RFC 8767), and fresh ones before the old expire (X-stale,
X-prefetch).  The wall clock stands where the test wants it; servers of a lab of its own are stopped and ended."""

import os
import signal
import time

import client
import dns.rcode
import pytest
from client import ede_codes, is_authentic
from control import objects
from vouchd import Clock, faketime, vouchd_in_lab, write_config

from lab import Lab, network, processes

HOST = "127.0.0.1"
EDE_STALE, EDE_STALE_NXDOMAIN = 3, 19
STALE_TTL_S, RECHECK_S, TTL_S = 30, 30, 3600
WAIT_S = 60             # for what must happen; far longer than it takes
EXPIRED_S = 2 * TTL_S

SECURE = ("NOERROR", True, set())
STALE = ("NOERROR", False, {EDE_STALE})
NAMES = {
    "www.secure.demo.": (SECURE, STALE),
    "www.insecure.demo.": (("NOERROR", False, set()), STALE),
    "nothing.demo.": (("NXDOMAIN", True, set()), ("NXDOMAIN", False, {EDE_STALE_NXDOMAIN})),
}


@pytest.fixture
def own_lab():
    with Lab(only=["demo."]) as lab:
        yield lab


@pytest.fixture
def clock(own_lab, tmp_path):
    return Clock(own_lab, tmp_path / "clock")


def start(lab, clock, directory, resolver=None):
    settings = {"time": {"floor": "none"}, "workers": 1, "resolver": resolver or {}}
    return vouchd_in_lab(lab, directory, settings, environment=faketime(file=clock.path))


def ask(lab, qname, qtype="A"):
    with network.inside(lab.netns):
        return client.ask(HOST, qname, qtype)


def told(reply):
    """rcode, AD, EDE."""
    return dns.rcode.to_text(reply.rcode()), is_authentic(reply), ede_codes(reply)


def ttls(reply):
    return {rrset.ttl for section in (reply.answer, reply.authority) for rrset in section}


def counters(vouchd):
    stats, = objects(vouchd.socket, "stats")
    return stats


def await_reply(lab, qname, is_awaited):
    deadline = time.monotonic() + WAIT_S
    while not is_awaited(reply := ask(lab, qname)):
        assert time.monotonic() < deadline, reply
        time.sleep(0.05)
    return reply


def pid_files(lab):
    return sorted((lab.directory / "servers").glob("*/pid"))


def signal_servers(lab, number):
    for file in pid_files(lab):
        os.killpg(int(file.read_text().split()[0]), number)


@pytest.fixture
def silent(own_lab):
    """Stops the servers: their ports stay open."""
    yield lambda: signal_servers(own_lab, signal.SIGSTOP)
    signal_servers(own_lab, signal.SIGCONT)


def end_servers(lab):
    for file in pid_files(lab):
        processes.end(file)


def warm(lab):
    for name, (fresh, _) in NAMES.items():
        assert told(ask(lab, name)) == fresh


def test_all_servers_are_gone(own_lab, clock, tmp_path):
    """Data, no data and name errors, secure and insecure, with a short TTL and never AD; until they are flushed, too
    old or not wanted any more."""
    with start(own_lab, clock, tmp_path) as vouchd:
        warm(own_lab)
        end_servers(own_lab)
        clock.set(EXPIRED_S)
        for name, (_, stale) in NAMES.items():
            reply = ask(own_lab, name)
            assert told(reply) == stale and ttls(reply) == {STALE_TTL_S}, reply
        stats = counters(vouchd)
        assert stats["vouch_stale_answers_total"] == len(NAMES)

        objects(vouchd.socket, "flush", "name", "www.secure.demo.")
        assert ask(own_lab, "www.secure.demo.").rcode() == dns.rcode.SERVFAIL
        assert told(ask(own_lab, "www.insecure.demo.")) == STALE

        resolver = {"root-hints": str(own_lab.hints), "serve-stale": {"enabled": False}}
        write_config(tmp_path, {"listen": ["127.0.0.1@53"], "time": {"floor": "none"}, "workers": 1,
                                "trust": {"anchors": [], "anchor-files": [str(own_lab.anchor)]}, "resolver": resolver})
        objects(vouchd.socket, "reload")
        assert ask(own_lab, "www.insecure.demo.").rcode() == dns.rcode.SERVFAIL


def test_stale_data_gets_too_old(own_lab, clock, tmp_path):
    with start(own_lab, clock, tmp_path, {"serve-stale": {"max-age": "1h"}}):
        warm(own_lab)
        end_servers(own_lab)
        clock.set(2 * TTL_S)
        assert told(ask(own_lab, "www.secure.demo.")) == STALE
        clock.set(2 * TTL_S + RECHECK_S + 1)
        assert ask(own_lab, "www.secure.demo.").rcode() == dns.rcode.SERVFAIL


def test_servers_are_silent_for_a_while(own_lab, clock, silent, tmp_path):
    """The client gets the stale answer when its time is over, while the question goes on; then the fresh one."""
    with start(own_lab, clock, tmp_path, {"serve-stale": {"client-timeout": "300ms"}}):
        warm(own_lab)
        silent()
        clock.set(EXPIRED_S)
        began = time.monotonic()
        assert told(ask(own_lab, "www.secure.demo.")) == STALE
        assert time.monotonic() - began >= 0.3
        signal_servers(own_lab, signal.SIGCONT)
        clock.set(EXPIRED_S + RECHECK_S + 1)        # should it have failed in the meantime
        fresh = await_reply(own_lab, "www.secure.demo.", lambda reply: told(reply) == SECURE)
        assert ttls(fresh) <= {TTL_S, TTL_S - RECHECK_S - 1}    # it may have come before the clock was set


def test_what_is_in_use_does_not_expire(own_lab, clock, tmp_path):
    """The hit that starts the refresh comes out of a ready-made answer."""
    with start(own_lab, clock, tmp_path) as vouchd:
        for _ in range(3):                          # resolved; out of the cache; ready-made
            assert told(ask(own_lab, "www.secure.demo.")) == SECURE
        before = counters(vouchd)
        assert before["vouch_answers_ready_total"] > 0 and before["vouch_prefetches_total"] == 0
        clock.set(TTL_S * 8 // 10)
        assert ttls(ask(own_lab, "www.secure.demo.")) == {TTL_S * 2 // 10}
        assert counters(vouchd)["vouch_prefetches_total"] == 0
        clock.set(TTL_S * 95 // 100)
        assert ttls(ask(own_lab, "www.secure.demo.")) == {TTL_S * 5 // 100}
        await_reply(own_lab, "www.secure.demo.", lambda reply: ttls(reply) == {TTL_S})
        after = counters(vouchd)
        assert after["vouch_prefetches_total"] > 0
        assert after["vouch_answers_ready_total"] >= before["vouch_answers_ready_total"] + 2
