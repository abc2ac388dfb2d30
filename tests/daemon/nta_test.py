"""Negative trust anchors at run time, as an operator has them (D6-init, D6-demand, D6-only, D6-run; RFC 7646)."""

import dataclasses
import datetime
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import client
import dns.name
import dns.rcode
import pytest
import yaml
from client import ede_codes, is_authentic
from control import objects, vouchctl
from vouchd import POLL_S, READY_TIMEOUT_S, SANITIZED, faketime, program, run_vouchd, vouchd_in_lab

from lab import description as descriptions
from lab import instance, network
from lab.hierarchy import Hierarchy

HOST = "127.0.0.1"
EDE_CACHED_ERROR = 13
SECURE = ("NOERROR", True, set())
INSECURE = ("NOERROR", False, set())
BOGUS = ("SERVFAIL", False, {7})
COVERED = ("NOERROR", False, {33})
DAY_S = 86400


class Resolver:
    def __init__(self, lab, vouchd):
        self._lab, self.vouchd = lab, vouchd

    def told(self, qname, qtype="A", **options):
        """rcode, AD, EDE."""
        with network.inside(self._lab.netns):
            reply = client.ask(HOST, qname, qtype, **options)
        return dns.rcode.to_text(reply.rcode()), is_authentic(reply), ede_codes(reply) - {EDE_CACHED_ERROR}

    def order(self, *words):
        return objects(self.vouchd.socket, "nta", *words)[0]

    def refused(self, *words):
        code, output, complaints = vouchctl(self.vouchd.socket, "nta", *words)
        assert code == 1 and output == "", complaints
        return complaints

    def zones(self):
        return [nta["zone"] for nta in self.order("list")["ntas"]]

    def history(self):
        """The oldest first."""
        return [(row["zone"], row["what"], row["why"], row["who"]) for row in self.order("history")["history"]][::-1]

    def metric(self, name):
        return objects(self.vouchd.socket, "stats")[0][name]

    def dump(self, zone):
        return {(row["kind"], row["name"], row["type"]): row["security"]
                for row in objects(self.vouchd.socket, "dump-cache") if row["name"].endswith(zone)}

    def configure(self, negative):
        settings = yaml.safe_load(self.vouchd.config_path.read_text())
        settings["trust"]["negative"] = negative
        self.vouchd.config_path.write_text(yaml.safe_dump(settings, sort_keys=False))

    def restart(self, number=signal.SIGTERM):
        code = self.vouchd.stop(number)
        assert code == (0 if number == signal.SIGTERM else -number)
        self.vouchd.log_path.unlink()
        self.vouchd.start()

    def await_end(self, zone):
        deadline = time.monotonic() + READY_TIMEOUT_S
        while zone in self.zones():
            assert time.monotonic() < deadline, self.vouchd.log()
            time.sleep(POLL_S)


def running_in(lab, directory, settings=None, **options):
    return vouchd_in_lab(lab, directory, {"workers": 2} | (settings or {}), **options)


@pytest.fixture
def resolver(lab, tmp_path):
    with running_in(lab, tmp_path, build=SANITIZED) as vouchd:
        yield Resolver(lab, vouchd)


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def in_future(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


# ---- given and taken

def test_given_and_taken(lab, resolver):
    """D6-demand: counts at once at every worker, for the zone and all below it, nothing beside or above it; so does its
    end.  D6-only: CD shows the data all the time."""
    assert vouchctl(resolver.vouchd.socket, "nta", "history")[1] == "there has been no negative trust anchor\n"
    assert resolver.told("www.secure.demo.") == SECURE and resolver.told("insecure.demo.", "SOA") == INSECURE
    for _ in range(8):          # both workers, and ready-made answers
        assert resolver.told("www.bogus.demo.") == BOGUS
    assert resolver.dump("bogus.demo.")["answer", "www.bogus.demo.", "A"] == "bogus"
    before = time.time()
    added = resolver.order("add", "Bogus.demo", "--reason", "keys lost; ticket 7")
    assert (added["zone"], added["zone_cut"], added["warnings"]) == ("Bogus.demo.", True, [])
    assert added["entries"] > 0 and before + DAY_S - 1 <= seconds_of(added["until"]) <= time.time() + DAY_S
    assert ("answer", "www.bogus.demo.", "A") not in resolver.dump("bogus.demo.")
    for _ in range(8):
        assert resolver.told("www.bogus.demo.") == COVERED
        assert resolver.told("www.bogus.demo.", "AAAA") == COVERED
    assert resolver.told("nothing.bogus.demo.") == ("NXDOMAIN", False, {33})
    assert resolver.told("bogus.demo.", "DS") == SECURE         # the parent's word
    assert resolver.told("www.secure.demo.") == SECURE and resolver.told("demo.", "SOA") == SECURE
    row, = resolver.order("list")["ntas"]
    assert {key: row[key] for key in ("reason", "who", "source")} == {
        "reason": "keys lost; ticket 7", "who": "uid 0 (root)", "source": "ordered"}
    assert resolver.metric('vouch_nta_active{source="ordered"}') == 1
    assert objects(resolver.vouchd.socket, "status")[0]["trust"]["negative_anchors"] == 1
    assert resolver.order("remove", "bogus.demo.")["entries"] > 0
    assert "insecure" not in resolver.dump("bogus.demo.").values()
    for _ in range(8):
        assert resolver.told("www.bogus.demo.") == BOGUS
    assert resolver.metric('vouch_nta_active{source="ordered"}') == 0
    assert resolver.metric('vouch_nta_ends_total{reason="removed"}') == 1
    assert resolver.history() == [("bogus.demo.", "begun", "keys lost; ticket 7", "uid 0 (root)"),
                                  ("bogus.demo.", "removed", "ordered", "uid 0 (root)")]


def test_what_was_secure_below_it_is_judged_anew(resolver):
    """Without asking again; and what the resolver knows of the zone's servers stays."""
    for _ in range(3):
        assert resolver.told("www.secure.demo.") == SECURE
    upstream = resolver.metric('vouch_upstream_questions_total{transport="udp"}')
    resolver.order("add", "secure.demo.", "--for", "1h", "--reason", "rehearsal")
    asked = resolver.metric('vouch_upstream_questions_total{transport="udp"}')
    assert resolver.told("www.secure.demo.") == COVERED
    assert resolver.metric('vouch_upstream_questions_total{transport="udp"}') == asked == upstream
    assert resolver.told("www.bogus.demo.") == BOGUS
    resolver.order("remove", "secure.demo.")
    assert resolver.told("www.secure.demo.") == SECURE


def test_refusals(resolver):
    """Row 62 of the recommendations: nothing that nobody can have meant."""
    assert "the root gets no negative trust anchor" in resolver.refused("add", ".", "--yes-this-is-a-tld")
    complaint = resolver.refused("add", "demo.")
    assert "demo. is a top-level domain" in complaint and "--yes-this-is-a-tld" in complaint
    for duration in ("8d", "0s", "169h"):
        assert "from 1s to 7d" in resolver.refused("add", "bogus.demo.", "--for", duration)
    assert "such as 30m, 3h or 1d" in resolver.refused("add", "bogus.demo.", "--for", "a while")
    assert "at most 255" in resolver.refused("add", "bogus.demo.", "--reason", 256 * "x")
    assert "domain name" in resolver.refused("add", "a..b")
    assert "no negative trust anchor bogus.demo." in resolver.refused("remove", "bogus.demo.")
    assert vouchctl(resolver.vouchd.socket, "nta", "add")[0] == 64
    assert vouchctl(resolver.vouchd.socket, "nta", "list", "--for", "1d")[0] == 64
    assert resolver.zones() == [] and resolver.told("www.bogus.demo.") == BOGUS


def test_a_top_level_domain_and_what_is_no_zone_cut(resolver):
    added = resolver.order("add", "demo.", "--for", "7d", "--reason", "r", "--yes-this-is-a-tld")
    assert added["zone_cut"] and added["warnings"] == []
    assert resolver.told("www.bogus.demo.") == resolver.told("www.secure.demo.") == COVERED
    assert resolver.told("demo.", "DS") == SECURE
    resolver.order("remove", "demo.")
    assert resolver.told("www.bogus.demo.") == BOGUS and resolver.told("www.secure.demo.") == SECURE
    added = resolver.order("add", "www.bogus.demo.")
    assert added["zone_cut"] is False and ["no zone cut" in text for text in added["warnings"]] == [True, False]
    assert "no reason was given" in added["warnings"][1]
    assert ": no reason given (uid 0 (root))\n" in resolver.vouchd.log()
    code, output, _ = vouchctl(resolver.vouchd.socket, "nta", "list")
    assert code == 0 and output.startswith("www.bogus.demo.  until ") and output.endswith("; no zone cut\n")
    code, output, _ = vouchctl(resolver.vouchd.socket, "nta", "add", "nothing.demo.", "--reason", "r")
    assert code == 0 and "is not validated until" in output and "warning: this is no zone cut" in output


def test_an_anchor_below_it_wins(lab, tmp_path):
    """RFC 7646 section 2: the closest one speaks."""
    anchors = [line.replace("\t", " ") for line in trust_anchor_of(lab, "secure.demo.")]
    with running_in(lab, tmp_path, {"trust": {"anchors": anchors, "anchor-files": [str(lab.anchor)]}}) as vouchd:
        resolver = Resolver(lab, vouchd)
        added = resolver.order("add", "demo.", "--yes-this-is-a-tld", "--reason", "r")
        assert added["warnings"] == ["a trust anchor below it stays in force for its own subtree"]
        assert resolver.told("www.secure.demo.") == SECURE
        assert resolver.told("www.bogus.demo.") == resolver.told("demo.", "SOA") == COVERED


def trust_anchor_of(lab, zone):
    with network.inside(lab.netns):
        reply = client.ask(lab.description.servers["root-nsd"].addresses[0], "demo.", "NS")
        servers = [rdata.address for rrset in reply.additional for rdata in rrset if rrset.rdtype in (1, 28)]
        reply = client.ask(servers[0], zone, "DS")
    return [f"{zone} DS {rdata}" for rrset in reply.answer if rrset.rdtype == 43 for rdata in rrset]


# ---- over restarts

def test_it_outlives_the_process_until_its_end(lab, tmp_path):
    clock = tmp_path / "clock"
    set_clock(clock, lab.now)
    with running_in(lab, tmp_path, environment=faketime(file=clock)) as vouchd:
        resolver = Resolver(lab, vouchd)
        added = resolver.order("add", "bogus.demo.", "--for", "2h", "--reason", "r")
        resolver.restart()
        row, = resolver.order("list")["ntas"]
        assert (row["until"], row["since"], row["reason"]) == (added["until"], added["since"], "r")
        assert resolver.told("www.bogus.demo.") == COVERED
        resolver.restart(signal.SIGKILL)
        assert resolver.told("www.bogus.demo.") == COVERED
        set_clock(clock, lab.now + 7199)
        assert resolver.zones() == ["bogus.demo."]
        set_clock(clock, lab.now + 7201)
        resolver.await_end("bogus.demo.")
        assert resolver.told("www.bogus.demo.") == BOGUS
        assert resolver.history()[-1] == ("bogus.demo.", "expired", "its time is over", "clock")
        resolver.order("add", "bogus.demo.", "--for", "1h", "--reason", "r")
        vouchd.stop()
        set_clock(clock, lab.now + 3 * 7200)
        vouchd.log_path.unlink()
        vouchd.start()
        resolver.await_end("bogus.demo.")
        assert resolver.told("www.bogus.demo.") == BOGUS
        assert resolver.history()[-1] == ("bogus.demo.", "expired", "its time is over", "clock")


def set_clock(file, unix_s):
    file.with_suffix(".new").write_text(time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(unix_s)))
    file.with_suffix(".new").rename(file)


def test_kills_while_they_come_and_go(lab, tmp_path):
    """kill -9 at any moment: the set is the one before a change or after it, and its history says so."""
    chance = random.Random(7646)
    with running_in(lab, tmp_path) as vouchd:
        resolver = Resolver(lab, vouchd)
        resolver.order("add", "insecure.demo.", "--for", "1h", "--reason", "stays")
        for round_ in range(20):
            order = ["add", "bogus.demo.", "--reason", str(round_)] if round_ % 2 == 0 else ["remove", "bogus.demo."]
            started = time.monotonic()
            if chance.random() < 0.5:
                vouchctl(vouchd.socket, "nta", *order)
            else:
                vouchctl_and_forget(vouchd.socket, order)
                time.sleep(chance.uniform(0.0, 0.05))       # how far it comes is what is tested
            assert time.monotonic() - started < READY_TIMEOUT_S
            resolver.restart(signal.SIGKILL)
            assert_whole(tmp_path, resolver.zones())
        assert resolver.metric("vouch_store_set_aside_total") == 0


def vouchctl_and_forget(socket, order):
    subprocess.Popen([program("vouchctl"), "-s", str(socket), "nta", *order], stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def assert_whole(directory, zones):
    with sqlite3.connect(directory / "state/state.db") as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        last = store.execute("SELECT what FROM nta_history WHERE zone = 'bogus.demo.' ORDER BY id DESC").fetchone()
    assert zones == (["insecure.demo.", "bogus.demo."] if last and last[0] in ("begun", "changed")
                     else ["insecure.demo."])


def test_without_a_place_to_write(lab, tmp_path):
    """It works all the same, and says loudly that it will be forgotten."""
    state = tmp_path / "state"
    with running_in(lab, tmp_path, {"state-directory": "/proc/vouch"}) as vouchd:
        resolver = Resolver(lab, vouchd)
        added = resolver.order("add", "bogus.demo.", "--reason", "r")
        assert added["warnings"] == ["it cannot be written to the state directory: a restart forgets it"]
        assert resolver.told("www.bogus.demo.") == COVERED
        assert resolver.order("list")["store"] == "none" and not state.exists()
        assert "not kept over a restart" in vouchctl(vouchd.socket, "nta", "list")[1]
        resolver.order("remove", "bogus.demo.")
        assert resolver.told("www.bogus.demo.") == BOGUS


def test_while_the_clock_is_not_believed(lab, tmp_path):
    """Nobody can say when it would end; and nothing is validated that it could switch off."""
    with running_in(lab, tmp_path, {"time": {"floor": "2100-01-01T00:00:00Z"}}) as vouchd:
        assert "the clock is not believed" in Resolver(lab, vouchd).refused("add", "bogus.demo.")


# ---- configured ones

def test_configured_ones_count_from_the_first_sight(lab, tmp_path):
    """D6-init: a week is a week, however often the configuration is read; then it is over."""
    clock = tmp_path / "clock"
    set_clock(clock, lab.now)
    with running_in(lab, tmp_path, environment=faketime(file=clock)) as vouchd:
        resolver = Resolver(lab, vouchd)
        resolver.configure([{"zone": "bogus.demo.", "until": in_future(60 * DAY_S), "reason": "written"}])
        objects(vouchd.socket, "reload")
        row = settled_row(resolver)
        assert (row["source"], row["who"], row["reason"]) == ("configured", "configuration", "written")
        assert seconds_of(row["until"]) == seconds_of(row["since"]) + 7 * DAY_S
        assert resolver.told("www.bogus.demo.") == COVERED
        complaint = resolver.refused("remove", "bogus.demo.")
        assert "the configuration's" in complaint and "trust.negative" in complaint and "reload" in complaint
        set_clock(clock, lab.now + 3 * DAY_S)
        objects(vouchd.socket, "reload")
        resolver.restart()
        assert resolver.order("list")["ntas"][0]["until"] == row["until"]
        assert resolver.told("www.bogus.demo.") == COVERED
        set_clock(clock, lab.now + 7 * DAY_S + 60)
        resolver.await_end("bogus.demo.")
        vouchd.send_signal(signal.SIGHUP)
        vouchd.await_log("reloaded")
        assert resolver.zones() == [] and resolver.order("list")["ended"][0]["zone"] == "bogus.demo."
        assert resolver.told("www.bogus.demo.") == BOGUS
        resolver.configure([])
        objects(vouchd.socket, "reload")
        assert resolver.order("list")["ended"] == []


def settled_row(resolver):
    """Once a believed clock has seen it."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        row, = resolver.order("list")["ntas"]
        if row["since"] is not None:
            return row
        assert time.monotonic() < deadline
        time.sleep(POLL_S)


def test_an_order_beside_a_configured_one(resolver):
    resolver.configure([{"zone": "bogus.demo.", "until": in_future(600), "reason": "written"}])
    objects(resolver.vouchd.socket, "reload")
    resolver.order("add", "bogus.demo.", "--reason", "ordered, too")
    assert sorted(nta["source"] for nta in resolver.order("list")["ntas"]) == ["configured", "ordered"]
    resolver.order("remove", "bogus.demo.")
    assert resolver.told("www.bogus.demo.") == COVERED
    resolver.configure([])
    objects(resolver.vouchd.socket, "reload")
    assert resolver.zones() == [] and resolver.told("www.bogus.demo.") == BOGUS
    assert [row[1] for row in resolver.history()] == ["begun", "begun", "removed", "unconfigured"]


def test_the_root_cannot_be_configured(lab, tmp_path):
    path = tmp_path / "vouch.yaml"
    path.write_text('trust: { negative: [{ zone: ., until: "2036-12-01T00:00:00Z" }] }\n')
    code, output = run_vouchd(["--check", "-c", path])
    assert code == 78 and "expected a zone below the root" in output


# ---- looked at again and again

@pytest.fixture
def healing(lab, tmp_path):
    """Makes bogus.demo. well when called; it is broken again afterwards."""
    ill = {path: path.read_bytes() for path in (lab.directory / "zones").glob("bogus.demo.*")}
    assert ill
    described = descriptions.load(instance.DESCRIPTION).only(["demo."])
    name = dns.name.from_text("bogus.demo.")
    described.zones[name] = dataclasses.replace(described.zones[name], tamper=())
    Hierarchy(described, lab.now, instance.SEED).write(tmp_path / "well")

    def heal():
        for path in ill:
            shutil.copy(tmp_path / "well" / path.name, path)
        serve_anew(lab)

    yield heal
    for path, text in ill.items():
        path.write_bytes(text)
    serve_anew(lab)


def serve_anew(lab):
    for child in lab._children.values():
        child.send_signal(signal.SIGHUP)


def test_ends_when_the_zone_is_well(lab, tmp_path, healing):
    """D6-demand, D6-run: three good rounds of real validation, and not one before; whoever wanted it."""
    trust = {"anchors": [], "anchor-files": [str(lab.anchor)], "negative-recheck": "1s",
             "negative": [{"zone": "bogus.demo.", "until": in_future(DAY_S), "reason": "written"}]}
    with running_in(lab, tmp_path, {"trust": trust}) as vouchd:
        resolver = Resolver(lab, vouchd)
        resolver.order("add", "bogus.demo.", "--reason", "r")
        await_metric(resolver, 'vouch_nta_rechecks_total{result="failing"}', 2)
        for row in resolver.order("list")["ntas"]:
            assert (row["good_rounds"], row["finding"]) == (0, "rrsig-expired") and row["last_check"]
        assert resolver.told("www.bogus.demo.") == COVERED
        healing()
        resolver.await_end("bogus.demo.")
        assert resolver.metric('vouch_nta_rechecks_total{result="well"}') >= 6
        assert resolver.metric('vouch_nta_ends_total{reason="well"}') == 2
        assert resolver.told("www.bogus.demo.") == SECURE
        assert resolver.history()[-2:] == 2 * [("bogus.demo.", "well", "the zone validates again", "recheck")]
        objects(vouchd.socket, "reload")
        resolver.restart()
        assert resolver.zones() == []        # the configured one does not come back by itself
        assert resolver.told("www.bogus.demo.") == SECURE


def await_metric(resolver, name, least):
    deadline = time.monotonic() + READY_TIMEOUT_S
    while resolver.metric(name) < least:
        assert time.monotonic() < deadline
        time.sleep(POLL_S)
