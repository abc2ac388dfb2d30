"""What the clock does to answers: under libfaketime, which stops it where the test wants it (D7-ttl, RFC 4035 sections
5.3.1 and 5.3.3).  The lab's signatures are made for the lab's own time."""

import client
import dns.rcode
import pytest
from client import ede_codes, is_authentic
from control import objects
from vouchd import Clock, faketime, vouchd_in_lab

from lab import network

HOST = "127.0.0.1"
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
EDE_SIGNATURE_EXPIRED, EDE_SIGNATURE_NOT_YET_VALID, EDE_CACHED_ERROR = 7, 8, 13
FAILURE_TTL_S_MAX = 300         # RFC 9520 section 3.2: no Bogus verdict is kept for longer


@pytest.fixture
def clock(lab, tmp_path):
    return Clock(lab, tmp_path / "clock")


@pytest.fixture
def running(lab, clock, tmp_path):
    with vouchd_in_lab(lab, tmp_path, {"time": {"floor": "none"}}, environment=faketime(file=clock.path)) as vouchd:
        yield vouchd


def ask(lab, qname, qtype="A"):
    with network.inside(lab.netns):
        return client.ask(HOST, qname, qtype)


def told(reply):
    """rcode, AD, EDE."""
    return dns.rcode.to_text(reply.rcode()), is_authentic(reply), ede_codes(reply) - {EDE_CACHED_ERROR}


SECURE = ("NOERROR", True, set())
EXPIRED = ("SERVFAIL", False, {EDE_SIGNATURE_EXPIRED})
NOT_YET_VALID = ("SERVFAIL", False, {EDE_SIGNATURE_NOT_YET_VALID})


def test_a_cached_answer_ends_with_its_signature(lab, clock, running):
    """The TTL is a day, the signature's life twelve hours.  After its last second the name is asked again."""
    clock.set(0)
    first = ask(lab, "soon.ttl.odd.", "TXT")
    assert told(first) == SECURE and first.answer[0].ttl == 12 * HOUR_S
    clock.set(11 * HOUR_S)
    later = ask(lab, "soon.ttl.odd.", "TXT")
    assert told(later) == SECURE and later.answer[0].ttl == HOUR_S
    row, = [row for row in objects(running.socket, "dump-cache") if row["name"] == "soon.ttl.odd."]
    assert row["ttl_s"] == HOUR_S and row["security"] == "secure"
    clock.set(12 * HOUR_S)
    assert told(ask(lab, "soon.ttl.odd.", "TXT")) == SECURE
    clock.set(12 * HOUR_S + 1)
    assert told(ask(lab, "soon.ttl.odd.", "TXT")) == EXPIRED


def test_the_last_second_of_a_signature(lab, clock, running):
    """Without a cached answer: valid up to and with the time of expiration."""
    clock.set(-MINUTE_S)
    last = ask(lab, "www.just-expired.broken.")
    assert told(last) == SECURE and last.answer[0].ttl == 0
    clock.set(-MINUTE_S + 1)
    assert told(ask(lab, "www.just-expired.broken.")) == EXPIRED


def test_the_first_second_of_a_signature(lab, clock, running):
    """A verdict that time makes better is not kept for long."""
    clock.set(HOUR_S - 1)
    assert told(ask(lab, "www.just-expired.broken.", "AAAA")) == NOT_YET_VALID
    clock.set(HOUR_S + FAILURE_TTL_S_MAX)
    assert told(ask(lab, "www.just-expired.broken.", "AAAA")) == SECURE


def test_inception_is_part_of_the_validity(lab, clock, running):
    clock.set(HOUR_S)
    assert told(ask(lab, "www.just-expired.broken.", "AAAA")) == SECURE


@pytest.mark.parametrize("offset_s, expected", [
    (-DAY_S - 1, NOT_YET_VALID), (-DAY_S, SECURE), (30 * DAY_S, SECURE), (30 * DAY_S + 1, EXPIRED)])
def test_the_chain_ends_with_its_signatures(lab, clock, running, offset_s, expected):
    clock.set(offset_s)
    assert told(ask(lab, "www.secure.demo.")) == expected


def test_a_cached_chain_ends_with_its_signatures(lab, clock, running):
    """All that was Secure, keys and denials included, is judged anew; what never was, stays Insecure no more."""
    names = ["www.secure.demo.", "nothing.demo.", "www.insecure.demo."]
    clock.set(30 * DAY_S)
    assert [told(ask(lab, name))[:2] for name in names] == [("NOERROR", True), ("NXDOMAIN", True), ("NOERROR", False)]
    clock.set(30 * DAY_S + 1)
    assert [told(ask(lab, name)) for name in names] == [EXPIRED] * 3


def test_a_clock_that_is_set_back(lab, clock, running):
    """What a later time made Bogus is judged by the earlier one again, and what was Secure then is not Secure now."""
    clock.set(13 * HOUR_S)
    assert told(ask(lab, "soon.ttl.odd.", "TXT")) == EXPIRED
    assert told(ask(lab, "www.just-expired.broken.", "AAAA")) == SECURE
    clock.set(0)
    assert told(ask(lab, "soon.ttl.odd.", "TXT")) == SECURE
    assert told(ask(lab, "www.just-expired.broken.", "AAAA")) == NOT_YET_VALID
