"""vouchctl with a cache worth looking at: what is in it, and what each flush takes away (D7-flush, R4.5-a)."""

import re

import client
import dns.rcode
import pytest
from client import is_authentic
from control import objects, vouchctl
from vouchd import vouchd_in_lab

from lab import network

HOST = "127.0.0.1"
FIELDS = {"version", "kind", "name", "type", "security", "ede", "ttl_s", "lineage"}
METRIC = re.compile(r'vouch_[a-z0-9_]+({[a-z]+="[A-Za-z0-9_-]+"(,[a-z]+="[A-Za-z0-9_-]+")*})?')

# What each shows: its security, and whether it hangs below a key of signed.nsec.denial., nsec.denial., denial.
NAMES = {
    "www.signed.nsec.denial.": ("secure", {"signed.nsec.denial.", "nsec.denial.", "denial.", "."}),
    "www.nsec.denial.": ("secure", {"nsec.denial.", "denial.", "."}),
    "nothing.nsec.denial.": ("secure", {"nsec.denial.", "denial.", "."}),
    "www.plain.nsec.denial.": ("insecure", {"nsec.denial.", "denial.", "."}),
    "www.nsec3.denial.": ("secure", {"nsec3.denial.", "denial.", "."}),
    "www.denial.": ("secure", {"denial.", "."}),
    "www.secure.demo.": ("secure", {"secure.demo.", "demo.", "."}),
    "www.flipped.broken.": ("bogus", {"flipped.broken.", "broken.", "."}),
}


@pytest.fixture(scope="module")
def running(lab, tmp_path_factory):
    with vouchd_in_lab(lab, tmp_path_factory.mktemp("flush"), {"workers": 1}) as vouchd:
        yield vouchd


def ask(lab, qname, qtype="A"):
    with network.inside(lab.netns):
        return client.ask(HOST, qname, qtype)


def keys_of(row):
    """{("example.", 12345), …}"""
    return {(zone, int(tag)) for zone, tag in (key.split() for key in (row["lineage"] or "").split(", ") if key)}


class Dump:
    def __init__(self, running):
        self.rows = {(row["kind"], row["name"], row["type"]): row for row in objects(running.socket, "dump-cache")}

    def answer(self, name, qtype="A"):
        return self.rows.get(("answer", name, qtype))

    def below(self, key):
        return {which for which, row in self.rows.items() if key in keys_of(row)}


@pytest.fixture
def before(lab, running):
    """A cache that holds NAMES."""
    objects(running.socket, "flush", "all")
    for name in NAMES:
        ask(lab, name)
    return Dump(running)


# ---- what is shown

def test_every_entry_with_its_verdict_and_its_lineage(before):
    """R4.5-a: one entry for an answer, whatever its status; and for each what its verdict rests on."""
    for name, (security, zones) in NAMES.items():
        row = before.answer(name)
        assert set(row) == FIELDS and row["security"] == security and 0 < row["ttl_s"] <= 3600
        assert row["ede"] == (6 if security == "bogus" else None)
        assert security == "bogus" or {zone for zone, _ in keys_of(row)} == zones, row
    delegation = before.rows["delegation", "denial.", "NS"]
    assert delegation["security"] is None and delegation["lineage"] is None


def test_signatures_are_never_an_answer_of_their_own(lab, running):
    """R4.5-b: whoever asks for RRSIG or ANY first changes nothing for those who ask for the data."""
    objects(running.socket, "flush", "all")
    for qtype in ("RRSIG", "ANY"):
        assert ask(lab, "www.secure.demo.", qtype).rcode() == dns.rcode.NOERROR
        assert not is_authentic(ask(lab, "www.secure.demo.", "RRSIG"))
    assert not [which for which in Dump(running).rows if which[2] == "RRSIG"]
    reply = ask(lab, "www.secure.demo.")
    assert is_authentic(reply) and [len(rrset) for rrset in reply.answer] == [1, 1]
    assert Dump(running).answer("www.secure.demo.")["ttl_s"] > 300        # not the TTL of the RRSIG answer


def test_the_dump_for_people(running, before):
    code, output, complaints = vouchctl(running.socket, "dump-cache")
    assert (code, complaints) == (0, "")
    lines = [line.split("\t") for line in output.splitlines()]
    assert {(kind, name, qtype) for name, qtype, kind, *_ in lines} == set(before.rows)
    assert all(len(line) == 7 for line in lines)
    bogus, = [line for line in lines if line[0] == "www.flipped.broken." and line[1] == "A"]
    assert bogus[2:5] == ["answer", "bogus", "6"]


def test_counters(lab, running):
    """Of one outcome: every status and the cache's share in it."""
    objects(running.socket, "flush", "all")
    before, = objects(running.socket, "stats")
    assert all(METRIC.fullmatch(name) and type(value) is int for name, value in before.items() if name != "version")
    for name in ("www.secure.demo.", "www.secure.demo.", "www.insecure.demo.", "www.bogus.demo.", "nothing.demo."):
        ask(lab, name)
    after, = objects(running.socket, "stats")
    grown = {name: after[name] - before[name] for name in before}
    assert {name: value for name, value in grown.items() if name.startswith("vouch_answers_total") and value} == {
        'vouch_answers_total{rcode="NOERROR"}': 3, 'vouch_answers_total{rcode="SERVFAIL"}': 1,
        'vouch_answers_total{rcode="NXDOMAIN"}': 1}
    assert grown['vouch_questions_total{transport="udp"}'] == 5
    assert grown["vouch_answers_cached_total"] == 1
    assert grown['vouch_outcomes_total{security="bogus"}'] == grown["vouch_outcomes_servfail_total"] == 1
    assert grown['vouch_upstream_questions_total{transport="udp"}'] > 5 and grown["vouch_signature_checks_total"] > 5


# ---- what is taken away

def test_flush_key_takes_what_hangs_below_it(lab, running, before):
    """D7-flush: exactly that, wherever it is; siblings, parents and delegations stay.  Then all is found again."""
    for zone in ("signed.nsec.denial.", "nsec.denial."):
        for key in sorted(key for key in keys_of(before.answer(f"www.{zone}")) if key[0] == zone):
            doomed = before.below(key)
            assert ("answer", f"www.{zone}", "A") in doomed and ("answer", "www.nsec3.denial.", "A") not in doomed
            flushed, = objects(running.socket, "flush", "key", zone, str(key[1]))
            assert (flushed["keys"], flushed["entries"]) == (1, len(doomed))
            assert set(before.rows) - set(Dump(running).rows) == doomed
            for name, (security, _) in NAMES.items():
                reply = ask(lab, name)
                assert (reply.rcode() == dns.rcode.SERVFAIL) == (security == "bogus")
                assert is_authentic(reply) == (security == "secure")
            assert set(Dump(running).rows) == set(before.rows)


def test_flush_key_of_the_root(running, before):
    """All that was validated is gone; what rests on no key stays."""
    key, = keys_of(before.answer(".", "DNSKEY"))
    objects(running.socket, "flush", "key", ".", str(key[1]))
    after = Dump(running)
    assert after.rows and set(before.rows) - set(after.rows) == before.below(key)
    assert not [row for row in after.rows.values() if row["security"] == "secure"]


def test_flush_key_that_nobody_has(running, before):
    zone, tag = next(key for key in keys_of(before.answer("www.secure.demo.")) if key[0] == "secure.demo.")
    for elsewhere, number in ((zone, tag ^ 1), ("demo.", tag)):
        flushed, = objects(running.socket, "flush", "key", elsewhere, str(number))
        assert (flushed["keys"], flushed["entries"]) == (0, 0)
    assert set(Dump(running).rows) == set(before.rows)


def test_flush_name_takes_its_types_alone(lab, running, before):
    ask(lab, "www.nsec.denial.", "AAAA")
    gone = set(Dump(running).rows) - {("answer", "www.nsec.denial.", "A"), ("answer", "www.nsec.denial.", "AAAA")}
    assert objects(running.socket, "flush", "name", "WWW.nsec.denial")[0]["entries"] >= 2
    assert set(Dump(running).rows) == gone
    assert is_authentic(ask(lab, "www.nsec.denial."))


def test_flush_zone_takes_all_below_it(lab, running, before):
    """And what was validated through its keys; the zone beside and the one above stay."""
    objects(running.socket, "flush", "zone", "nsec.denial")
    after = Dump(running)
    assert not [which for which in after.rows if which[1].endswith(".nsec.denial.") or which[1] == "nsec.denial."]
    assert not [row for row in after.rows.values() if any(zone.endswith("nsec.denial.") for zone, _ in keys_of(row))]
    kept = {which for which in before.rows if not which[1].endswith("nsec.denial.")}
    assert set(after.rows) == kept and after.answer("www.denial.") and after.answer("www.nsec3.denial.")
    assert is_authentic(ask(lab, "www.signed.nsec.denial."))


def test_flush_all(lab, running, before):
    assert objects(running.socket, "flush", "all")[0]["entries"] == len(before.rows)
    assert Dump(running).rows == {}
    assert is_authentic(ask(lab, "www.secure.demo."))
