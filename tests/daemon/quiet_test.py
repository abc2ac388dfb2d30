"""What vouchd asks servers by itself, and that the contract's keys leave nothing of it: a replay, a laboratory or a
private network sees the questions that the client's answer needs and no others."""

import os
import re
import time

import pytest
from client import ask, is_authentic
from vouchd import vouchd_in_lab
from wire import Wire

from lab import network

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a network namespace")

HOST = "127.0.0.1"
IDLE_S = 3          # longer than the first tick of every chore

QUIET = {
    "resolver": {"prime-root": False, "prefetch": False, "qname-minimisation": "off", "query-case": "preserve",
                 "edns-size": 4096, "cookies": False, "aggressive-nsec": {"enabled": False},
                 "serve-stale": {"enabled": False}},
    "validation": {"report-errors": False, "signal-algorithms": False},
    "trust": {"automatic-update": False, "signal-anchors": False},
    "time": {"servers": [], "floor": "none"},
    "self-test": {"interval": "never"},
}

# For the address of www.secure.demo.
NEEDED = {("www.secure.demo.", "A"), (".", "DNSKEY"), ("demo.", "DNSKEY"), ("secure.demo.", "DNSKEY")}


def resolve(lab, name):
    with network.inside(lab.netns):
        return ask(HOST, name, "A")


def test_asks_nothing_that_the_answer_does_not_need(lab, tmp_path):
    """Each zone is asked the client's question and for its keys; each DS comes with the referral."""
    with Wire(lab.netns, but=[HOST]) as wire, vouchd_in_lab(lab, tmp_path, QUIET):
        time.sleep(IDLE_S)
        assert wire.asked() == set()
        assert is_authentic(resolve(lab, "www.secure.demo."))
        assert wire.asked() == NEEDED
        assert is_authentic(resolve(lab, "www.secure.demo."))
        assert is_authentic(resolve(lab, "other.secure.demo."))
        assert wire.asked() == {("other.secure.demo.", "A")}
        assert resolve(lab, "www.insecure.demo.").answer
        assert wire.asked() == {("www.insecure.demo.", "A")}
        time.sleep(IDLE_S)
        assert wire.asked() == set()


@pytest.mark.parametrize("changed, before, more", [
    ({"resolver": {"prime-root": True}}, set(), {(".", "NS")}),                                         # RFC 9609
    ({"resolver": {"qname-minimisation": "relaxed"}}, set(), {("demo.", "A"), ("secure.demo.", "A")}),  # RFC 9156
    ({"trust": {"automatic-update": True}}, {(".", "DNSKEY")}, set()),                                  # RFC 5011
    ({"trust": {"automatic-update": True, "signal-anchors": True}},                                     # RFC 8145
     {(".", "DNSKEY"), ("_ta-TAG.", "NULL")}, set()),
], ids=["priming", "minimisation", "update", "signal"])
def test_each_key_is_for_its_questions_alone(lab, tmp_path, changed, before, more):
    """before: what is asked before any client asks.  more: what is added to a client's question."""
    settings = QUIET | {section: QUIET[section] | keys for section, keys in changed.items()}
    with Wire(lab.netns, but=[HOST]) as wire, vouchd_in_lab(lab, tmp_path, settings):
        time.sleep(IDLE_S)
        early = {(re.sub(r"^_ta-[0-9a-f]{4}\.$", "_ta-TAG.", name), rrtype) for name, rrtype in wire.asked()}
        assert early == before
        assert is_authentic(resolve(lab, "www.secure.demo."))
        assert early | wire.asked() == NEEDED | before | more
