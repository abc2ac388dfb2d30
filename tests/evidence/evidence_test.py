"""Rows D6-run and D6-confirm: which keys fail, and what a human sees before a negative trust anchor."""

import os
import re
import time

import client
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import pytest
from control import objects, vouchctl
from vouchd import POLL_S, ROOT, vouchd_in_lab
from signed_world import HOUR_S, Key, World

from lab import network

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a network namespace")

HOST = "127.0.0.1"
FIRST, SECOND, THIRD = "45.83.1.2", "45.83.1.3", "45.83.1.4"
EXPIRED, VALID = (-2 * HOUR_S, -HOUR_S), (-HOUR_S, HOUR_S)
PATIENCE_S = 30
ROUNDS_MAX = 20         # of many questions; what one says of another is found out in a second or two
ALGORITHM = "ECDSAP256SHA256"


@pytest.fixture
def world():
    with World({"z.": [FIRST, SECOND]}) as running:
        yield running


def ask(world, qname="www.z.", qtype="A"):
    with network.inside(world.netns):
        return dns.rcode.to_text(client.ask(HOST, qname, qtype).rcode())


def flush(vouchd):
    assert vouchctl(vouchd.socket, "flush", "all")[0] == 0


def explain(vouchd, zone="z."):
    return objects(vouchd.socket, "nta", "explain", zone)[0]


def failures(vouchd, *arguments):
    return objects(vouchd.socket, "failures", *arguments)[0]


def metrics(vouchd):
    return {name: value for name, value in objects(vouchd.socket, "stats")[0].items()}


def events(vouchd, kind):
    return [line for line in vouchd.log().splitlines() if f"event=zone-{kind} zone=" in line]


def bad_servers(explained):
    return {server["server"] for server in explained["servers"] if server["bad"] > 0}


# ---- evidence (D6-confirm)

def test_one_server_has_expired_signatures(world, tmp_path):
    """Clients see nothing of it; the evidence names the server: the one that is asked first, whichever it is."""
    expired = []

    def lifetime_at(address):
        def lifetime(rrset):
            if rrset.rdtype == dns.rdatatype.A and not expired:
                expired.append(address)
            return EXPIRED if rrset.rdtype == dns.rdatatype.A and expired == [address] else VALID
        return lifetime

    for address in (FIRST, SECOND):
        world.at("z.", address).lifetime = lifetime_at(address)
    with vouchd_in_lab(world, tmp_path) as vouchd:
        assert ask(world) == "NOERROR"
        explained = explain(vouchd)
        assert explained["zone"] == "z." and explained["failing"] and explained["failures"] == 0
        assert explained["rescued"] == 1 and explained["causes"] == {"expired": 1}
        assert bad_servers(explained) == {f"{expired[0]}@53"} and not explained["all_servers_fail"]
        assert explained["suggestion"]["looks"] == "operator-error-like"
        record = explained["records"][0]
        assert record["outcome"] == "secure" and record["check"] == "rrsig-expired" and record["ede"] == 7
        assert [answer["security"] for answer in record["answers"]] == ["bogus", "secure"]
        (key,) = failures(vouchd)["keys"]
        assert key["zone"] == "z." and key["key_tag"] == world.at("z.", FIRST).key.tag and key["failed"] > 0
        assert key["last_cause"] == "expired" and key["mnemonic"] == ALGORITHM and key["good"] > 0


def test_a_roll_that_went_wrong(world, tmp_path):
    """The parent names a key that the zone has no more."""
    old = world.at("z.", FIRST).key.tag
    new = Key()
    for zone in world.everywhere("z."):
        zone.key, zone.published = new, [new.dnskey]
    with vouchd_in_lab(world, tmp_path) as vouchd:
        assert ask(world) == "SERVFAIL"
        explained = explain(vouchd)
        assert explained["failing"] and explained["failures"] == 1 and explained["all_servers_fail"]
        assert bad_servers(explained) == {f"{FIRST}@53", f"{SECOND}@53"}
        assert [(ds["key_tag"], ds["matched"]) for ds in explained["ds"]] == [(old, False)]
        assert [(key["key_tag"], key["in_ds"]) for key in explained["dnskeys"]] == [(new.tag, False)]
        assert explained["suggestion"]["looks"] == "operator-error-like"
        assert explained["causes"] == {"dnskey_missing": 1}
        (event,) = events(vouchd, "fails")
        assert "zone=z. cause=dnskey_missing check=dnskey-no-match name=z. type=DNSKEY" in event
        assert explain(vouchd, "a.www.z.")["zone"] == "z."       # the next one above of which something is known
        assert not explain(vouchd, "other.")["known"]


def test_stripped_signatures(world, tmp_path):
    """As somebody on the way would do it: keys and TCP are good.  Row D9-strip."""
    for zone in world.everywhere("z."):
        zone.unsigned = lambda rrset, transport: transport == "udp" and rrset.rdtype == dns.rdatatype.A
    with vouchd_in_lab(world, tmp_path) as vouchd:
        assert ask(world) == "NOERROR"
        explained = explain(vouchd)
        assert explained["rescued"] == 1 and explained["tcp"] == "differs"
        assert explained["suggestion"]["looks"] == "attack-like"
        assert metrics(vouchd)['vouch_stripped_total{field="rrsig",transport="udp"}'] >= 2
        assert metrics(vouchd)['vouch_stripped_total{field="rrsig",transport="tcp"}'] == 0
        assert metrics(vouchd)['vouch_stripped_total{field="edns",transport="udp"}'] == 0
        assert explained["records"][0]["answers"][0]["check"] == "rrsig-missing"


def test_stripped_edns(world, tmp_path):
    """A box on the way that takes the OPT record out, and the signatures that were not asked for then."""
    for zone in world.everywhere("z."):
        zone.unsigned = lambda rrset, transport: transport == "udp" and rrset.rdtype == dns.rdatatype.A
        zone.without_edns = lambda transport: transport == "udp"
    with vouchd_in_lab(world, tmp_path) as vouchd:
        assert ask(world) == "NOERROR"
        assert metrics(vouchd)['vouch_stripped_total{field="edns",transport="udp"}'] >= 2
        assert metrics(vouchd)['vouch_stripped_total{field="edns",transport="tcp"}'] == 0
        assert explain(vouchd)["records"][0]["answers"][0]["check"] == "rrsig-missing/no-edns"


def test_keys_that_nobody_gives(world, tmp_path):
    """Indeterminate is no verdict about data; for clients it is a failure all the same, and no server is blamed."""
    for address in (FIRST, SECOND):
        world.at("z.", address).refused = lambda qtype: qtype == dns.rdatatype.DNSKEY
    with vouchd_in_lab(world, tmp_path) as vouchd:
        assert ask(world) == "SERVFAIL"
        explained = explain(vouchd)
        assert (explained["failing"], explained["failures"], explained["causes"]) == (True, 1, {"unreachable": 1})
        assert explained["servers"] == [] and explained["suggestion"]["looks"] == "unclear"
        assert "could not be had" in explained["suggestion"]["reasons"][0]["text"]
        assert explained["records"][0]["outcome"] == "indeterminate"
        assert metrics(vouchd)['vouch_validation_failures_total{reason="unreachable"}'] == 1
        for address in (FIRST, SECOND):
            world.at("z.", address).refused = lambda qtype: False
        flush(vouchd)
        assert ask(world) == "NOERROR" and not explain(vouchd)["failing"]


def test_nothing_from_anybody(world, tmp_path):
    """D-monitor: it has a cause of its own, and the log is no longer than it has to be, but says so."""
    for address in (FIRST, SECOND):
        world.at("z.", address).refused = lambda qtype: True
    with vouchd_in_lab(world, tmp_path, {"workers": 1}) as vouchd:
        for number in range(ROUNDS_MAX):
            with network.inside(world.netns):
                names = [f"n{number}-{one}.z." for one in range(client.AT_ONCE)]
                replies = client.ask_all(HOST, [client.make_question(name, "A") for name in names])
            assert {reply.rcode() for reply in replies} == {dns.rcode.SERVFAIL}
            if "others either, which were not logged" in vouchd.log():
                break
        assert "others either, which were not logged" in vouchd.log()
        assert "No Reachable Authority: servers of z.: 0 questions without reply, " in vouchd.log()
        assert metrics(vouchd)['vouch_validation_failures_total{reason="unreachable"}'] > 0
        assert metrics(vouchd)['vouch_validation_failures_total{reason="other"}'] == 0


def test_an_alias_whose_target_is_bad(world, tmp_path):
    """The alias is good at both servers, which makes nobody's word about its target good."""
    def lifetime(rrset):
        return EXPIRED if rrset.rdtype == dns.rdatatype.A else VALID

    for zone in world.everywhere("z."):
        zone.data[dns.name.from_text("alias.z.")] = [dns.rdata.from_text("IN", "CNAME", "www.z.")]
        zone.lifetime = lifetime
    with vouchd_in_lab(world, tmp_path) as vouchd:
        assert ask(world, "alias.z.") == "SERVFAIL"
        explained = explain(vouchd)
        assert explained["all_servers_fail"] and explained["failures"] == 1
        (record,) = explained["records"]
        assert record["name"] == "alias.z." and record["failed_name"] == "www.z."
        assert {answer["security"] for answer in record["answers"]} == {"bogus"} and len(record["answers"]) > 1


def test_a_clock_that_is_wrong_points_at_us(tmp_path):
    """Many unrelated zones fail the same way: the suggestion is about our clock, not about them."""
    names = [f"z{i}." for i in range(9)]
    with World({name: [f"45.83.2.{i + 1}"] for i, name in enumerate(names)}) as world:
        for name in names:
            world.everywhere(name)[0].lifetime = lambda rrset: EXPIRED
        with vouchd_in_lab(world, tmp_path) as vouchd:
            for name in names:
                assert ask(world, f"www.{name}") == "SERVFAIL"
            deadline = time.monotonic() + PATIENCE_S
            while (explained := explain(vouchd, names[0]))["suggestion"]["looks"] != "our-own-clock":
                assert time.monotonic() < deadline, explained
                time.sleep(POLL_S)
            assert len(failures(vouchd)["zones"]) == len(names)
            assert metrics(vouchd)["vouch_zones_failing"] == len(names)


# ---- spells

def test_healing(world, tmp_path):
    """Begins once, ends when the same question is good again; both are events."""
    for zone in world.everywhere("z."):
        zone.lifetime = lambda rrset: EXPIRED
    with vouchd_in_lab(world, tmp_path) as vouchd:
        for _ in range(3):
            assert ask(world) == "SERVFAIL"
            flush(vouchd)
        assert explain(vouchd)["failures"] == 3 and len(events(vouchd, "fails")) == 1
        for zone in world.everywhere("z."):
            zone.lifetime = lambda rrset: VALID
        assert ask(world) == "NOERROR"
        explained = explain(vouchd)
        assert not explained["failing"] and explained["ended"] and explained["records"][0]["healed"]
        (event,) = events(vouchd, "heals")
        assert " zone=z. " in event and event.endswith("failures=3 rescued=0")
        assert metrics(vouchd)["vouch_zones_failing"] == 0
        assert metrics(vouchd)['vouch_zone_events_total{event="heals"}'] == 1


def test_evidence_outlives_the_process(world, tmp_path):
    for zone in world.everywhere("z."):
        zone.lifetime = lambda rrset: EXPIRED
    vouchd = vouchd_in_lab(world, tmp_path)
    with vouchd:
        assert ask(world) == "SERVFAIL"
        before = explain(vouchd)
        assert "\n    in 1d: 1 (expired 1); in all 1 failed" in vouchctl(vouchd.socket, "failures")[1]
    vouchd.start(awaited=None)
    vouchd.await_log("ready", count=2)
    after = explain(vouchd)
    assert metrics(vouchd)["vouch_zones_failing"] == 1
    assert "\n    in all 1 failed" in vouchctl(vouchd.socket, "failures")[1]
    assert vouchd.stop() == 0
    del before["keys"], after["keys"]               # counts of a process
    for explained in (before, after):
        explained["servers"].sort(key=lambda server: server["server"])
    assert after["failing"] and after == before


# ---- the .de outage of 5 May 2026

def test_one_key_tag_and_three_private_keys(tmp_path):
    """A zone signs with three keys that share a tag, and publishes one of them: two of three signatures are bad.  One
    server still has the data of the day before.  What doc/evidence.md quotes."""
    with World({"de.": [FIRST, SECOND, THIRD]}) as world:
        others = [Key(), Key()]
        chosen = {"a": 0, "b": 1, "c": 2}
        for zone in world.everywhere("de."):
            zone.data = {dns.name.from_text(label, zone.name): zone.data[dns.name.from_text("www", zone.name)]
                         for label in chosen}

        def made_with(rrset):
            at = chosen.get(rrset.name.labels[0].decode().lower(), 0)     # random case
            return None if at == 0 else others[at - 1]

        for address in (FIRST, SECOND, THIRD):
            world.at("de.", address).made_with = made_with
        with vouchd_in_lab(world, tmp_path) as vouchd:
            assert [ask(world, f"{label}.de.") for label in chosen] == ["NOERROR", "SERVFAIL", "SERVFAIL"]
            explained = explain(vouchd, "de.")
            assert explained["all_servers_fail"] and explained["failures"] == 2
            assert explained["causes"] == {"bad_signature": 2}
            assert explained["suggestion"]["looks"] == "operator-error-like"
            assert any("key tag" in reason["text"] for reason in explained["suggestion"]["reasons"])
            (ds,), (dnskey,) = explained["ds"], explained["dnskeys"]
            assert ds["matched"] and dnskey["signed_set"]
            (key,) = explained["keys"]
            assert key["key_tag"] == dnskey["key_tag"] == explained["records"][0]["key_tag"]
            assert key["good"] > 0 and key["failed"] > 0
            world.at("de.", THIRD).made_with = lambda rrset: None   # one server is put right
            flush(vouchd)
            assert ask(world, "b.de.") == "NOERROR"
            explained = explain(vouchd, "de.")
            assert bad_servers(explained) >= {f"{FIRST}@53"} and explained["failing"]
            (tmp_path / "explained").write_text(vouchctl(vouchd.socket, "nta", "explain", "de.")[1])
            (tmp_path / "failures").write_text(vouchctl(vouchd.socket, "failures")[1])


# ---- what is printed

def test_lists_and_windows(world, tmp_path):
    for zone in world.everywhere("z."):
        zone.lifetime = lambda rrset: EXPIRED
    with vouchd_in_lab(world, tmp_path) as vouchd:
        assert vouchctl(vouchd.socket, "failures")[1] == "no zone is known to fail\n"
        assert ask(world) == "SERVFAIL"
        for window in ("1h", "1d"):
            found = failures(vouchd, "--window", window)
            assert found["window"] == window and found["zones"][0]["causes_in_window"] == {"expired": 1}
        assert {key["zone"] for key in failures(vouchd, "--zone", ".")["keys"]} == {"."}    # those that never failed too
        assert failures(vouchd, "--zone", ".")["zones"] == []
        code, _, complaint = vouchctl(vouchd.socket, "failures", "--window", "2d")
        assert code == 1 and "expected 1h or 1d" in complaint
        text = vouchctl(vouchd.socket, "failures")[1]
        assert re.search(r"^z\. +fails since \S+Z, last \S+Z$", text, re.MULTILINE), text
        text = vouchctl(vouchd.socket, "nta", "explain", "z.")[1]
        assert re.search(r"^looks +operator-error-like$", text, re.MULTILINE), text
        assert f"{FIRST}@53 udp: " in text and "names a key of the zone" in text


def documented():
    return set(re.findall(r"^\| `(vouch_\w+)` \|", (ROOT / "doc/metrics.md").read_text(), re.MULTILINE))


def test_metrics_are_documented(world, tmp_path):
    """What is printed has its HELP, and both are in doc/metrics.md."""
    with vouchd_in_lab(world, tmp_path) as vouchd:
        assert ask(world) == "NOERROR"
        code, text, _ = vouchctl(vouchd.socket, "metrics")
        assert code == 0
        families = set(re.findall(r"^(vouch_\w+)", text, re.MULTILINE))
        helps = dict(re.findall(r"^# HELP (\w+) (.+)$", text, re.MULTILINE))
        types = dict(re.findall(r"^# TYPE (\w+) (counter|gauge)$", text, re.MULTILINE))
        assert families == set(helps) == set(types), "a row for each family in src/monitor/metrics.c"
        assert families <= documented(), "a row for each family in doc/metrics.md"
        assert all((kind == "counter") == name.endswith("_total") for name, kind in types.items())
        assert f'vouch_answers_signed_total{{algorithm="{ALGORITHM}"}} 1' in text.splitlines()     # row D8-run-a
        assert f'vouch_zones_signed{{algorithm="{ALGORITHM}"}} 2' in text.splitlines()


# ---- negative trust anchors (D6-demand, D6-run)

def test_one_bad_server_keeps_a_negative_trust_anchor(world, tmp_path):
    """Clients would mostly be well without it, since the other server is asked too: rounds ask each by itself."""
    for address in (FIRST, SECOND):
        zone = world.at("z.", address)
        zone.data[dns.name.from_text("ns.z.")] = [dns.rdata.from_text("IN", "A", text) for text in (FIRST, SECOND)]
    bad = world.at("z.", SECOND)
    bad.lifetime = lambda rrset: EXPIRED if rrset.rdtype == dns.rdatatype.SOA else VALID
    trust = {"anchors": [], "anchor-files": [str(world.anchor)], "negative-recheck": "1s"}
    with vouchd_in_lab(world, tmp_path, {"trust": trust}) as vouchd:
        def rows():
            return {nta["zone"]: nta for nta in objects(vouchd.socket, "nta", "list")[0]["ntas"]}

        def wait_for(condition):
            deadline = time.monotonic() + PATIENCE_S
            while not condition():
                assert time.monotonic() < deadline, (rows(), vouchd.log())
                time.sleep(POLL_S)

        objects(vouchd.socket, "nta", "add", "z.", "--yes-this-is-a-tld")
        wait_for(lambda: metrics(vouchd)['vouch_nta_rechecks_total{result="failing"}'] >= 2)
        row = rows()["z."]
        assert (row["good_rounds"], row["finding"]) == (0, f"rrsig-expired at {SECOND}@53")
        assert metrics(vouchd)['vouch_nta_rechecks_total{result="well"}'] == 0
        bad.lifetime = lambda rrset: VALID
        wait_for(lambda: not rows())
        assert "(2 of 2 servers answered by themselves)" in vouchd.log()
