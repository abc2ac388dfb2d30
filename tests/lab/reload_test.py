"""New settings for a running vouchd, under AddressSanitizer: what was changed counts at once, for what is in the cache
and for what is just being looked up, and no question is lost (D6-init, D8-init, D8-run-c)."""

import concurrent.futures
import signal
import socket
import time

import client
import dns.query
import dns.rcode
import pytest
import yaml
from client import REPLY_TIMEOUT_S, ede_codes, is_authentic, make_question
from control import objects, vouchctl
from vouchd import POLL_S, READY_TIMEOUT_S, SANITIZED, vouchd_in_lab

from lab import network

HOST = "127.0.0.1"
EDE_CACHED_ERROR = 13
SECURE = ("NOERROR", True, set())
INSECURE = ("NOERROR", False, set())
BOGUS = ("SERVFAIL", False, {7})
UNSUPPORTED = ("NOERROR", False, {1})

SLOW = [                    # servers that never answer, or nothing to reach: some of these take seconds
    "www.mute.reach.", "www.mute-and-good.reach.", "www.closed.reach.", "www.closed-and-good.reach.", "www.lame.reach.",
    "www.glueless2.reach.", "www.cycle1.reach.", "to-unreachable.secure.chain.", "www.half-expired.reach.",
    "www.keytrap.broken.", "www.expired.broken.", "c1.secure.chain.",
]


class Reloaded:
    """A vouchd whose settings change."""

    def __init__(self, lab, vouchd):
        self._lab, self.vouchd = lab, vouchd
        self._first = yaml.safe_load(vouchd.config_path.read_text())

    def use(self, **settings):
        """What it started with, changed by these.  Done when this returns."""
        merged = dict(self._first)
        for key, value in settings.items():
            merged[key] = merged.get(key, {}) | value if isinstance(value, dict) else value
        self.vouchd.config_path.write_text(yaml.safe_dump(merged, sort_keys=False))
        objects(self.vouchd.socket, "reload")

    def told(self, qname, qtype="A"):
        """rcode, AD, EDE."""
        with network.inside(self._lab.netns):
            reply = client.ask(HOST, qname, qtype)
        return dns.rcode.to_text(reply.rcode()), is_authentic(reply), ede_codes(reply) - {EDE_CACHED_ERROR}


@pytest.fixture
def running(lab, tmp_path):
    with vouchd_in_lab(lab, tmp_path, build=SANITIZED) as vouchd:
        yield Reloaded(lab, vouchd)


# ---- what is in the cache is judged by the new settings

def test_trust_anchor_removed_and_given_back(lab, running):
    """No anchor above, no AD; with it, no entry of the time between says Insecure."""
    elsewhere = {"model": "configured", "anchor-files": [str(lab.anchor_of("signed.island."))]}
    for _ in range(2):
        assert running.told("www.secure.demo.") == SECURE and running.told("www.signed.island.") == INSECURE
        assert running.told("www.bogus.demo.") == BOGUS
        running.use(trust=elsewhere)
        assert running.told("www.secure.demo.") == INSECURE and running.told("www.signed.island.") == SECURE
        assert running.told("www.bogus.demo.") == INSECURE
        running.use()


def test_algorithm_denied_and_allowed(running):
    """D8-init: as unsupported, and back."""
    assert running.told("www.secure.demo.") == SECURE and running.told("www.rsasha1.alg.") == UNSUPPORTED
    running.use(validation={"algorithms": {"deny": ["ECDSAP256SHA256"], "allow": [5]}})
    assert running.told("www.secure.demo.") == running.told("www.bogus.demo.") == UNSUPPORTED
    assert running.told("www.rsasha1.alg.") == UNSUPPORTED          # alg. itself is signed with the denied one
    running.use(validation={"algorithms": {"allow": [5]}})
    assert running.told("www.secure.demo.") == SECURE and running.told("www.rsasha1.alg.") == SECURE
    running.use()
    assert running.told("www.bogus.demo.") == BOGUS and running.told("www.rsasha1.alg.") == UNSUPPORTED


def test_digest_denied(running):
    assert running.told("www.sha384.digest.") == SECURE
    running.use(validation={"digests": {"deny": ["SHA-384"]}})
    assert running.told("www.sha384.digest.") == ("NOERROR", False, {2})
    assert running.told("www.secure.demo.") == SECURE


def test_nsec3_limit_raised(running):
    """RFC 9276 section 3.2."""
    too_many = ("NXDOMAIN", False, {27})
    assert running.told("nothing.iterations-150.denial.") == too_many
    running.use(validation={"nsec3-iterations": 150})
    assert running.told("nothing.iterations-150.denial.") == ("NXDOMAIN", True, set())
    running.use()
    assert running.told("nothing.iterations-150.denial.") == too_many


def test_negative_trust_anchor_given_and_taken(running):
    """D6-init, RFC 7646: nothing above it, nothing beside it; gone with it."""
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    assert running.told("www.bogus.demo.") == BOGUS
    running.use(trust={"negative": [{"zone": "bogus.demo.", "until": until, "reason": "signatures expired"}]})
    assert running.told("www.bogus.demo.") == ("NOERROR", False, {33})
    assert running.told("www.secure.demo.") == SECURE and running.told("bogus.demo.", "DS") == SECURE
    running.use()
    assert running.told("www.bogus.demo.") == BOGUS


def test_settings_that_are_not_good_change_nothing(running):
    good = running.vouchd.config_path.read_text()
    assert running.told("www.secure.demo.") == SECURE
    for wrong in (good + "frobnicate: 7\n", "trust: {anchors: []}\n", "listen: [192.0.2.1@53]\n", "\0"):
        running.vouchd.config_path.write_text(wrong)
        code, output, complaints = vouchctl(running.vouchd.socket, "reload")
        assert (code, output) == (1, "") and complaints
        assert running.told("www.secure.demo.") == SECURE


# ---- what is being looked up

def ask_one(netns, qname):
    network.enter(netns)
    return dns.query.udp_with_fallback(make_question(qname, "A"), HOST, REPLY_TIMEOUT_S)[0]


def in_flight(vouchd):
    return objects(vouchd.socket, "stats")[0]["vouch_resolutions_in_flight"]


def await_in_flight(vouchd, wanted):
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not wanted(in_flight(vouchd)):
        assert time.monotonic() < deadline
        time.sleep(POLL_S)


def test_lookups_outlive_reloads_and_flushes(lab, running):
    """Policy, trust and routes change while servers keep silent.  All is answered, the last settings count."""
    vouchd = running.vouchd
    changes = [
        {"validation": {"algorithms": {"deny": [13]}}},
        {"trust": {"model": "configured", "anchor-files": [str(lab.anchor_of("signed.island."))]}},
        {"resolver": {"qname-minimisation": "off", "query-case": "preserve"}},
        {"resolver": {"forward": [{"zone": "example.", "to": ["127.0.0.9"]}]}},
        {"answers": {"minimal": False, "edns-size": 1400}},
        {},
    ]
    anchor, = objects(vouchd.socket, "status")[0]["trust"]["anchors"]
    orders = [["flush", "all"], ["flush", "zone", "reach."], ["flush", "name", "www.mute.reach."], ["dump-cache"],
              ["flush", "key", ".", str(anchor["key_tag"])]]
    with concurrent.futures.ThreadPoolExecutor(len(SLOW)) as pool:
        asked = [pool.submit(ask_one, lab.netns, name) for name in SLOW]
        await_in_flight(vouchd, lambda count: count > 0)
        for change in changes:
            running.use(**change)
        for order in orders:
            objects(vouchd.socket, *order)
        vouchd.send_signal(signal.SIGHUP)
        vouchd.await_log("reloaded", len(changes) + 1)
        assert in_flight(vouchd) > 0            # all that was in the middle
        replies = {name: job.result() for name, job in zip(SLOW, asked)}
    await_in_flight(vouchd, lambda count: count == 0)
    assert {name for name, reply in replies.items() if reply.rcode() == dns.rcode.NOERROR} >= {
        "www.mute-and-good.reach.", "www.closed-and-good.reach.", "www.half-expired.reach.", "c1.secure.chain."}
    assert running.told("www.expired.broken.") == BOGUS
    assert running.told("www.mute-and-good.reach.") == SECURE


def test_stops_with_questions_open(lab, running):
    with network.inside(lab.netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.sendto(make_question("www.mute.reach.", "A").to_wire(), (HOST, 53))
        await_in_flight(running.vouchd, lambda count: count > 0)
        assert vouchctl(running.vouchd.socket, "stop")[0] == 0
        assert running.vouchd.stop() == 0
